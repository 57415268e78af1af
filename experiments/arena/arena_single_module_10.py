"""Can one layer find the two of ten numbers that it is asked for, and combine them exactly? (the arena)

The single module arithmetic task of Mistry et al. with redundancy: ten inputs of which two count, nine ranges of
training and test, one layer, 100,000 steps, every cell trained as its publication says, and once more with the settings
that suit it best of a few that all cells were given (`arena_search`).

    python -m experiments run arena_single_module_10 --profile full     # 189 CPU-min

Axes: S seeds, L ranges.
"""

import dataclasses
from typing import Annotated, Any

from ..lib.config import DISTINCT, Count, Root, Size, check, selects
from ..lib.report.artefacts import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import columns, entrants, single_module, ten_inputs, training, tuned
from .entrants import ENTRANTS

VERSION = 2
PLACE = (5, 2)  # after the paper's sections
NAME = "arena_single_module_10"
ARTEFACTS = ("arena", NAME)

PROTOCOLS = {"published": "single module of 10", "tuned": "single module of 10, tuned"}
NOTE = (
    "Ten inputs, of which the first two count; which two makes no difference to a cell. As published: penalties begin "
    "after 50,000 steps and are whole after 75,000, NRU has a learning rate of 1e-3; all else is as with two inputs. "
    "What others published of it goes by a mean squared error below 1e-5 in every range, which for numbers around 0.1 "
    "is a far larger tolerance than the 1e-5 of this board: the comparison is by theirs."
)
NOTES = {"published": NOTE, "tuned": columns.NOTE}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the single module with redundancy."""

    seeds: Count = 25  # Mistry et al.
    root: Root = 5102  # ours: the root of the reported keys
    cells: Annotated[tuple[str, ...], DISTINCT] = selects(tuple(ENTRANTS))  # or module:Class, a cell of your own
    operations: tuple[str, ...] = selects(entrants.ALL, among=entrants.ALL)
    settings: tuple[str, ...] = selects(tuple(PROTOCOLS), among=tuple(PROTOCOLS))
    steps: Count = ten_inputs.STEPS  # Mistry et al., as the next two
    log_every: Count = 1000
    batch: Size = 128
    items: Size = 10_000  # Mistry et al.: of validation and test each
    legs: Size = 20  # ours: between which a run can be stopped

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells)
        columns.check_settings(self.cells, self.settings)
        training.check_length(self)


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each cell, operation that it is asked for, and settings; ranges are the lanes of a run."""
    known = [name for name in cfg.cells if name in ENTRANTS or ":" in name]
    asked = [(name, o) for name in known for o in cfg.operations if o in entrants.entrant(name).operations]
    its = [({"cell": name, "operation": o}, (name, tuned.key_of_ten(o))) for name, o in asked]
    return columns.runs(its, cfg.settings)


def make_train(
    cfg: Config,
    *,
    cell: str,
    operation: str,
    settings: str = "published",
    learning_rate: float | None = None,
    start: float = 1.0,
) -> Train:
    """Returns the training of one seed in all ranges.

    Args:
      settings: the column; the other two say how it is trained.
    """
    entrants.try_out(cell)
    recipe = ten_inputs.recipe_of(cell, operation).over(cfg.steps)
    further = {"learning_rate": learning_rate, "start": start, "squared": lambda state: state.best}
    return single_module.make_train(cfg, entrants.entrant(cell), operation, recipe, inputs=ten_inputs.INPUTS, **further)


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the board, our rates beside the published ones, and every range."""
    made = []
    for settings, protocol, its in columns.split(NAME, results, PROTOCOLS, single_module.results_of):
        its_own = {"beside": protocol, "short": "of 10", "settings": settings}
        made += single_module.tables(NAME, protocol, its, NOTES[settings], **its_own)
    return made


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns success over the tolerance and how far the solved networks hold, a column a figure."""
    its = columns.split(NAME, results, PROTOCOLS, single_module.results_of)
    return columns.figures(NAME, its, entrants.ALL)
