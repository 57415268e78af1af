"""The project's own engine on the work of `static_step_work`: nothing here is made for the benchmark.

The six operations are lanes of one seed; on a CPU core the seeds follow one another.
"""

import optax

from ..arithmetic import training
from ..arithmetic.networks import NaluStart, Network, of_started_nalu
from ..arithmetic.tasks import Reading
from ..lib.engine import machine
from ..lib.training.train import Train
from . import engine, static_step_work, timing

STEPS = 4000  # between two evaluations
SEEDS = 4
READING = Reading(
    static_step_work.LOW,
    static_step_work.HIGH,
    (static_step_work.SHORTEST, static_step_work.LONGEST),
    (static_step_work.SHORTEST, static_step_work.LONGEST),
    static_step_work.HIGH,
    2 * static_step_work.HIGH,
)


def network() -> Network:
    """Returns the paper's NALU in two layers."""
    return of_started_nalu(
        NaluStart(static_step_work.START_SPREAD, static_step_work.START_OUTPUT, static_step_work.START_OUTPUT_GATE),
        static_step_work.INPUTS,
    )


def make_train(
    transform: optax.GradientTransformation = training.ADAM,
    learning_rate: float = static_step_work.LEARNING_RATE,
    steps: int = STEPS,
) -> Train:
    """Returns the training of one seed, as an experiment would."""
    recipe = training.Recipe((network(),), transform, learning_rate, steps, cosine=False)
    return training.make_train(
        recipe,
        READING,
        inputs=static_step_work.INPUTS,
        batch=static_step_work.BATCH,
        items=100,
        outside_items=400,
        evaluations=1,
    )


if __name__ == "__main__":
    machine.prepare(cores=1)
    timing.tell_rate(engine.first_leg(make_train(), SEEDS))
