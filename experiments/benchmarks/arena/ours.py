"""The arena's own training on this `work`: nothing here is made for the benchmark."""

import numpy as np

from ...arena import entrants, networks, tasks, training
from ...lib.engine import machine
from ...lib.training.train import Train
from .. import engine, timing
from . import work

SEEDS, STEPS = 50, 1000
OPERATIONS = {"nau": "a + b", "nmu": "a * b", "nalu": "a * b"}


def make_train(cell: str) -> Train:
    """Returns the training of one seed, as the experiment would."""
    entrant = entrants.entrant(cell)
    return training.make_train(
        networks.network(entrant.module(1, 2), 2),
        tasks.single_module(OPERATIONS[cell]),
        entrant.recipe_of(OPERATIONS[cell]),
        training.Length(STEPS, 1000, 1, work.BATCH, 10_000),
        learning_rate_L=np.full(work.RANGES, work.LEARNING_RATE),
        start_L=np.ones(work.RANGES),
        keep=False,
        wide=True,
    )


if __name__ == "__main__":
    machine.prepare(cores=1)
    runs = [engine.first_leg(make_train(cell), SEEDS) for cell in work.CELLS]
    timing.print_rate(lambda: sum(run() for run in runs))
