"""The project's own engine on this `work`: nothing here is made for the benchmark.

The six operations are lanes of one seed; on a CPU core the seeds follow one another.
"""

import optax

from ...arithmetic import training
from ...arithmetic.networks import NaluStart, Network, of_started_nalu
from ...arithmetic.tasks import Reading
from ...lib.engine import machine
from ...lib.training.train import Train
from .. import engine, timing
from . import work

STEPS = 4000  # between two evaluations
SEEDS = 4
READING = Reading(
    work.LOW,
    work.HIGH,
    (work.SHORTEST, work.LONGEST),
    (work.SHORTEST, work.LONGEST),
    work.HIGH,
    2 * work.HIGH,
)


def network() -> Network:
    """Returns the paper's NALU in two layers."""
    return of_started_nalu(
        NaluStart(work.START_SPREAD, work.START_OUTPUT, work.START_OUTPUT_GATE),
        work.INPUTS,
    )


def make_train(
    transform: optax.GradientTransformation = training.ADAM,
    learning_rate: float = work.LEARNING_RATE,
    steps: int = STEPS,
) -> Train:
    """Returns the training of one seed, as an experiment would."""
    recipe = training.Recipe((network(),), transform, learning_rate, steps, cosine=False)
    return training.make_train(
        recipe,
        READING,
        inputs=work.INPUTS,
        batch=work.BATCH,
        items=100,
        outside_items=400,
        evaluations=1,
    )


if __name__ == "__main__":
    machine.prepare(cores=1)
    timing.print_rate(engine.first_leg(make_train(), SEEDS))
