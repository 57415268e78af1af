"""Can one layer find the two of ten numbers that it is asked for, and combine them exactly? (the arena)

The single module arithmetic task of Mistry et al. with redundancy: ten inputs of which two count, nine ranges of
training and test, one layer, 100,000 steps, every cell trained as its publication says.

    python -m experiments run arena_single_module_10 --profile full     # 98 CPU-min

Axes: S seeds, L ranges.
"""

import dataclasses
from typing import Annotated, Any

import nalu

from ..lib.config import DISTINCT, Count, Root, Size, check, selects
from ..lib.report.artefacts import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import entrants, published, report, single_module, training
from .entrants import ENTRANTS

VERSION = 2
PLACE = (5, 2)  # after the paper's sections
ARTEFACTS = ("arena", "arena_single_module_10")

INPUTS, PROTOCOL = 10, "single module of 10"
NOTE = (
    "Ten inputs, of which the first two count; which two makes no difference to a cell. As published: penalties begin "
    "after 50,000 steps and are whole after 75,000, NRU has a learning rate of 1e-3; all else is as with two inputs. "
    "What others published of it goes by a mean squared error below 1e-5 in every range, which for numbers around 0.1 "
    "is a far larger tolerance than the 1e-5 of this board: the comparison is by theirs."
)
PUBLISHED_STEPS, PENALTY_FROM, PENALTY_TO = 100_000, 50_000, 75_000
LEARNING_RATES = {"nru": 1e-3}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the single module with redundancy."""

    seeds: Count = 25  # Mistry et al.
    root: Root = 5102  # ours: the root of the reported keys
    cells: Annotated[tuple[str, ...], DISTINCT] = selects(tuple(ENTRANTS))  # or module:Class, a cell of your own
    operations: tuple[str, ...] = selects(entrants.ALL, among=entrants.ALL)
    steps: Count = PUBLISHED_STEPS  # Mistry et al., as the next two
    log_every: Count = 1000
    batch: Size = 128
    items: Size = 10_000  # Mistry et al.: of validation and test each
    legs: Size = 20  # ours: between which a run can be stopped

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells)
        training.check_length(self)


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each cell and operation that it is asked for; ranges are the lanes of a run."""
    known = [name for name in cfg.cells if name in ENTRANTS or ":" in name]
    asked = {name: entrants.entrant(name).operations for name in known}
    return [{"cell": name, "operation": o} for name in known for o in cfg.operations if o in asked[name]]


def recipe_of(cell: str, operation: str) -> nalu.Recipe:
    """Returns how a cell is trained with ten inputs.

    Source: the code of Mistry, Farrahi and Hare 2021, arXiv 2110.05177, and of their benchmark, arXiv 2101.09530.
    """
    recipe = entrants.entrant(cell).recipe_of(operation)
    if ":" in cell:  # the user's own says for how many steps it is
        return recipe
    recipe = recipe._replace(steps=PUBLISHED_STEPS)
    recipe = recipe._replace(learning_rate=LEARNING_RATES.get(cell, recipe.learning_rate))
    if recipe.penalty and recipe.penalty_below == float("inf"):  # iNALU's begins with its loss
        recipe = recipe._replace(penalty_from=PENALTY_FROM, penalty_to=PENALTY_TO)
    return recipe


def make_train(cfg: Config, *, cell: str, operation: str) -> Train:
    """Returns the training of one seed in all ranges."""
    entrants.try_out(cell)
    recipe = recipe_of(cell, operation).over(cfg.steps)
    squared = {"squared": lambda state: state.best}
    return single_module.make_train(cfg, entrants.entrant(cell), operation, recipe, inputs=INPUTS, **squared)


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the board, our rates beside the published ones, and every range."""
    its = single_module.results_of(published.with_published("arena_single_module_10", results))
    return single_module.tables("arena_single_module_10", PROTOCOL, its, NOTE, beside=PROTOCOL, short="of 10")


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns success over the tolerance and how far the solved networks hold."""
    its = single_module.results_of(published.with_published("arena_single_module_10", results))
    return report.figures("arena_single_module_10", PROTOCOL, its, entrants.ALL)
