"""Can one layer learn a + b, a - b, a * b or a / b from two numbers, well enough to extrapolate? (the arena)

The single module arithmetic task of Mistry et al.: nine ranges of training and test, one layer, 50,000 steps. Every
cell is trained as its publication says, and once more with the settings that suit it best of a few that all cells were
given (`arena_search`).

    python -m experiments run arena_single_module --profile full

Axes: S seeds, L ranges.
"""

import dataclasses
from typing import Any

import numpy as np

from ..lib.config import Count, Root, Size, check, selects
from ..lib.training.train import Train
from . import entrants, networks, tasks, training
from .entrants import ENTRANTS

VERSION = 1
PLACE = (5, 1)  # after the paper's sections
ARTEFACTS = ("arena", "arena_single_module")

SETTINGS = ("published",)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the single module arithmetic task."""

    seeds: Count = 100  # ours; Mistry et al. have 25
    root: Root = 5101  # ours: the root of the reported keys; the search has others
    cells: tuple[str, ...] = selects(tuple(ENTRANTS))
    settings: tuple[str, ...] = selects(SETTINGS, among=SETTINGS)
    steps: Count = 50_000  # Mistry et al., as the next two
    log_every: Count = 1000
    batch: Size = 128
    items: Size = 10_000  # Mistry et al.: of validation and test each
    legs: Size = 10  # ours: between which a run can be stopped

    def __post_init__(self) -> None:
        check(self)
        training.check_length(self)


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each cell, operation that it is asked for, and settings; ranges are the lanes of a run."""
    return [
        {"cell": name, "operation": operation, "settings": settings}
        for name in cfg.cells
        for operation in entrants.entrant(name).operations
        for settings in cfg.settings
    ]


def make_train(cfg: Config, *, cell: str, operation: str, settings: str) -> Train:
    """Returns the training of one seed in all ranges."""
    entrant = entrants.entrant(cell)
    recipe = entrant.recipe_of(operation).over(cfg.steps)
    lanes = len(tasks.RANGES)
    return training.make_train(
        networks.network(entrant.module(1, 2), 2),
        tasks.single_module(operation),
        recipe,
        training.length(cfg),
        learning_rate_L=np.full(lanes, recipe.learning_rate),
        start_L=np.ones(lanes),
    )
