"""The project's own engine on this `work`: nothing here is made for the benchmark.

The recipe is that of Figure 4, evaluations included. `eight` trains eight seeds, which follow one another on a CPU core
(groups of 2 and 4 are no faster, and 8 at once half as fast); `networks` trains eight networks of one seed, side by
side on the same batches, as Figure 4 has six.
"""

import sys
from typing import Any

import jax

from ...lib.engine import machine
from ...lib.training.train import Train
from ...program_evaluation import recipes, training
from .. import engine
from ..timing import print_rate
from . import work

EVALUATIONS, TEST_PROGRAMS, DIGITS = 10, 1000, (2, 3, 4, 5, 6)  # as in Figure 4


def make_train(networks: int = 1, evaluations: int = EVALUATIONS, **changes: Any) -> Train:
    """Returns the training of one seed, as the experiment does; `changes` are made in its recipe."""
    recipe = recipes.recipe("nalu", "program", networks=networks, length=1.0, evaluations=evaluations)
    return training.make_train(
        recipe._replace(**changes),
        "program",
        digits=DIGITS,
        programs=TEST_PROGRAMS,
        evaluations=evaluations,
        key_tests=jax.random.key(7000),
    )


if __name__ == "__main__":
    machine.prepare(cores=1)
    seeds, networks = (work.SEEDS if word in sys.argv else 1 for word in ("eight", "networks"))
    print_rate(engine.first_leg(make_train(networks), seeds))
