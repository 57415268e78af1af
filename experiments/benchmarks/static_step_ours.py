"""The project's own engine on the work of `static_step_work`: nothing here is made for the benchmark.

The six operations are lanes of one seed; on a CPU core the seeds follow one another.
"""

import optax

from experiments.arithmetic import training as arithmetic_training
from experiments.arithmetic.reading import Reading
from experiments.arithmetic.two_layers import NaluStart, Network, of_started_nalu
from experiments.benchmarks import engine, timing
from experiments.benchmarks import static_step_work as work
from experiments.lib.engine import numerics
from experiments.lib.training.program import Train

STEPS = 4000  # between two evaluations
SEEDS = 4
READING = Reading(
    work.LOW, work.HIGH, (work.SHORTEST, work.LONGEST), (work.SHORTEST, work.LONGEST), work.HIGH, 2 * work.HIGH
)


def network() -> Network:
    """Returns the paper's NALU in two layers."""
    return of_started_nalu(NaluStart(work.START_SPREAD, work.START_OUTPUT, work.START_OUTPUT_GATE), work.INPUTS)


def make_train(
    transform: optax.GradientTransformation = arithmetic_training.ADAM,
    learning_rate: float = work.LEARNING_RATE,
    steps: int = STEPS,
) -> Train:
    """Returns the training of one seed, as an experiment would."""
    recipe = arithmetic_training.Recipe((network(),), transform, learning_rate, steps, cosine=False)
    return arithmetic_training.make_train(
        recipe, READING, inputs=work.INPUTS, batch=work.BATCH, items=100, evaluations=1
    )  # fmt: skip


if __name__ == "__main__":
    numerics.prepare(cores=1)
    timing.tell_rate(engine.first_leg(make_train(), SEEDS))
