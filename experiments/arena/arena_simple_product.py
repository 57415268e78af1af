"""Can two layers learn (x1 + x2 + x3 + x4) (x1 + x2), well enough to extrapolate? (the arena)

The "simple" form of the arithmetic function task of Madsen and Johansen: a layer that adds and one that multiplies,
4-2-1, 200,000 steps. Every pair is trained as published, and once more with the settings that suit it best of a few
that all pairs were given (`arena_search`).

    python -m experiments run arena_simple_product --profile full     # 70 CPU-min

Axes: S seeds, L = 1 range.
"""

import dataclasses
from typing import Annotated, Any

import numpy as np

from ..lib.config import DISTINCT, Count, Root, Size, check, selects
from ..lib.report.artefacts import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import columns, entrants, networks, published, report, tasks, training
from .entrants import PAIRS
from .report import Result
from .tasks import SIMPLE_PRODUCT

VERSION = 1
PLACE = (5, 3)  # after the paper's sections
NAME = "arena_simple_product"
ARTEFACTS = ("arena", NAME)

PROTOCOLS = {"published": "simple product", "tuned": "simple product, tuned"}
NOTES = {
    "published": "NALU's and NAC's pairs and NAU with NMU are as Madsen and Johansen train them, whose penalty begins "
    "after a million steps; the others as their second layer is in the single module, its schedule scaled to the "
    "length.",
    "tuned": columns.NOTE,
}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the simple product."""

    seeds: Count = 100  # Madsen and Johansen
    root: Root = 5103  # ours: the root of the reported keys
    cells: Annotated[tuple[str, ...], DISTINCT] = selects(tuple(PAIRS))  # or module:Class, a cell of your own
    settings: tuple[str, ...] = selects(tuple(PROTOCOLS), among=tuple(PROTOCOLS))
    steps: Count = 200_000  # Madsen and Johansen, as the next two
    log_every: Count = 1000
    batch: Size = 128
    items: Size = 10_000  # Madsen and Johansen: of validation and test each
    legs: Size = 10  # ours: between which a run can be stopped

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells)
        columns.check_settings(self.cells, self.settings)
        training.check_length(self)


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each pair of layers and settings."""
    known = [name for name in cfg.cells if name in PAIRS or ":" in name]
    return columns.runs([({"cell": name}, (name, SIMPLE_PRODUCT)) for name in known], cfg.settings)


def make_train(
    cfg: Config, *, cell: str, settings: str = "published", learning_rate: float | None = None, start: float = 1.0
) -> Train:
    """Returns the training of one seed.

    Args:
      settings: the column; the other two say how it is trained.
    """
    entrants.try_out(cell)
    recipe = entrants.recipe_of_pair(cell, cfg.steps)
    return training.make_train(
        networks.network(entrants.pair(cell), 4),
        tasks.simple_product(),
        recipe,
        training.length(cfg),
        learning_rate_L=np.array([recipe.learning_rate if learning_rate is None else learning_rate]),
        start_L=np.array([start]),
    )


def results_of(results: list[Finished]) -> list[Result]:
    """Returns what the records say, as the board shows it."""
    return [
        report.result(run, entrants.pair_names(run.variant["cell"])[0], SIMPLE_PRODUCT, ("U[1, 2]",)) for run in results
    ]


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the board, our rates beside the published ones, and success over the tolerance."""
    made = []
    for settings, protocol, its in columns.split(NAME, results, PROTOCOLS, results_of):
        glance = (columns.grid("two layers", settings), "simple product")
        made += report.board(protocol, its, (SIMPLE_PRODUCT,), NOTES[settings], glance=glance, front=True)
        made += published.beside(protocol, its)
        made += report.by_range(NAME, protocol, its, settings=settings)
        made += report.over_tolerance("arena", protocol, its)
    return made


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns success over the tolerance and how far the solved networks hold, a column a figure."""
    return columns.figures(NAME, columns.split(NAME, results, PROTOCOLS, results_of), (SIMPLE_PRODUCT,))
