"""Can one layer learn a + b, a - b, a * b or a / b from two numbers, well enough to extrapolate? (the arena)

The single module arithmetic task of Mistry et al.: nine ranges of training and test, one layer, 50,000 steps. Every
cell is trained as its publication says, and once more with the settings that suit it best of a few that all cells were
given (`arena_search`).

    python -m experiments run arena_single_module --profile full

Axes: S seeds, L ranges.
"""

import dataclasses
from typing import Annotated, Any

from ..lib.config import DISTINCT, Count, Root, Size, check, selects
from ..lib.report.artefacts import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import columns, entrants, single_module, training
from .entrants import ENTRANTS

VERSION = 1
PLACE = (5, 1)  # after the paper's sections
NAME = "arena_single_module"
ARTEFACTS = ("arena", NAME)

PROTOCOLS = {"published": "single module, as published", "tuned": "single module, tuned"}
NOTES = {
    "published": "As published: the optimiser, learning rate, start, regulariser and schedule of the cell's "
    "publication or, where it has none for this task, of Mistry et al.; iNALU without its restarts.",
    "tuned": columns.NOTE,
}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the single module arithmetic task."""

    seeds: Count = 100  # ours; Mistry et al. have 25
    root: Root = 5101  # ours: the root of the reported keys; the search has others
    cells: Annotated[tuple[str, ...], DISTINCT] = selects(tuple(ENTRANTS))  # or module:Class, a cell of your own
    operations: tuple[str, ...] = selects(entrants.ALL, among=entrants.ALL)
    settings: tuple[str, ...] = selects(tuple(PROTOCOLS), among=tuple(PROTOCOLS))
    steps: Count = 50_000  # Mistry et al., as the next two
    log_every: Count = 1000
    batch: Size = 128
    items: Size = 10_000  # Mistry et al.: of validation and test each
    legs: Size = 10  # ours: between which a run can be stopped

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells)
        columns.check_settings(self.cells, self.settings)
        training.check_length(self)


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each cell, operation that it is asked for, and settings; ranges are the lanes of a run."""
    known = [name for name in cfg.cells if name in ENTRANTS or ":" in name]
    asked = [(name, o) for name in known for o in entrants.entrant(name).operations if o in cfg.operations]
    # Here the addresses of the published column name it.
    its = [({"cell": name, "operation": o, "settings": "published"}, (name, o)) for name, o in asked]
    return columns.runs(its, cfg.settings)


def make_train(
    cfg: Config, *, cell: str, operation: str, settings: str, learning_rate: float | None = None, start: float = 1.0
) -> Train:
    """Returns the training of one seed in all ranges.

    Args:
      settings: the column; the other two say how it is trained.
    """
    entrants.try_out(cell)
    entrant = entrants.entrant(cell)
    recipe = entrant.recipe_of(operation).over(cfg.steps)
    return single_module.make_train(cfg, entrant, operation, recipe, learning_rate=learning_rate, start=start)


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the board, our rates beside the published ones, and every range."""
    made = []
    for settings, protocol, its in columns.split(NAME, results, PROTOCOLS, single_module.results_of):
        beside = "single module" if settings == "published" else None
        its_own = {"beside": beside, "short": "of 2", "front": True, "settings": settings}
        made += single_module.tables(NAME, protocol, its, NOTES[settings], **its_own)
    return made


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns success over the tolerance and how far the solved networks hold, a column a figure."""
    its = columns.split(NAME, results, PROTOCOLS, single_module.results_of)
    return columns.figures(NAME, its, entrants.ALL)
