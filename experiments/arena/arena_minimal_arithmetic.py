"""Can one layer learn +, -, * or / from 64,000 fixed rows, of numbers of either sign and near 0? (the arena)

The minimal arithmetic task of Schlör et al.: seven ways in which two numbers are spread, 100 epochs of the same 64,000
rows. NALU and both iNALUs are trained as its authors do: weights and gates in turn, a penalty, starts anew where the
loss stalls (`in_turns`). All other cells are trained as their own publications do, on the same rows; and every cell
once more with the settings that suit it best of a few that all were given (`arena_search`).

    python -m experiments run arena_minimal_arithmetic --profile full     # 161 CPU-min

Axes: S seeds, L sets.
"""

import dataclasses
from typing import Annotated, Any

import numpy as np

from ..lib.config import DISTINCT, Count, Root, Size, check, require, require_divides, selects
from ..lib.report.artefacts import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import columns, entrants, in_turns, minimal_arithmetic, published, report, tasks, training, tuned
from .minimal_arithmetic import CELLS, entrant
from .report import Result

VERSION = 1
PLACE = (5, 4)  # after the paper's sections
NAME = "arena_minimal_arithmetic"
ARTEFACTS = ("arena", NAME)

PROTOCOL = "minimal arithmetic"
PROTOCOLS = {"published": PROTOCOL, "tuned": f"{PROTOCOL}, tuned"}
FAR_SAYS = (
    "The test ranges of this protocol lie elsewhere than the training ranges times a number: a NALU that is right on "
    "the one, where all numbers have one sign, can be wrong on the other, where they have both."
)
NOTE = (
    "NALU and both iNALUs as Schlör et al. train them: RMSProp with 1e-2 on gradients clipped to 0.1, of ten batches "
    "eight for the weights and two for the gates, a penalty towards saturation in steps of its own, and a new start in "
    "every tenth epoch where the loss stalls. Their code looks at the loss after every step, this one after every "
    "fiftieth. The penalty begins after eleven epochs, the early one, which is ours, after 400 steps. The other cells "
    "as in the single module, their schedules scaled to the length."
)
SETS = "Sets are spread as N(low, high), U(low, high) and E(mean); the tests are N(8, 10), U(-10, -5) and E(0.5)."
NOTES = {
    "published": f"{NOTE} {SETS}",
    "tuned": f"{columns.NOTE} A NALU or iNALU that stalls starts anew from U[-2, 2], as published; the tuned scale is "
    f"of the first start alone. {SETS}",
}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of minimal arithmetic."""

    seeds: Count = 100  # ours; Schlör et al. have 10
    root: Root = 5104  # ours: the root of the reported keys
    cells: Annotated[tuple[str, ...], DISTINCT] = selects(CELLS)  # or module:Class, a cell of your own
    operations: tuple[str, ...] = selects(entrants.ALL, among=entrants.ALL)
    settings: tuple[str, ...] = selects(tuple(PROTOCOLS), among=tuple(PROTOCOLS))
    steps: Count = 100_000  # Schlör et al., as the next two: 100 epochs
    rows: Size = 64_000
    batch: Size = minimal_arithmetic.BATCH
    log_every: Count = 2000  # ours
    items: Size = 10_000  # ours: of validation and test each; the last error is of `rows` items, as theirs
    legs: Size = 10  # ours: between which a run can be stopped

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells, *CELLS)
        columns.check_settings(self.cells, self.settings)
        training.check_length(self)
        require_divides(self, "batch", "rows")
        block = in_turns.BLOCK
        require(self.log_every % block == 0, f"log_every is {self.log_every}, but must be a multiple of {block}.")
        epoch = self.rows // self.batch
        require(epoch % block == 0, f"rows is {self.rows}, but must be a multiple of {block} batches of {self.batch}.")
        limit = training.CHUNK
        require(self.rows < limit or self.rows % limit == 0, f"rows is {self.rows}, but must be in thousands.")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each cell, operation that it is asked for, and settings; the sets are the lanes of a run."""
    known = [name for name in cfg.cells if name in CELLS or ":" in name]
    asked = [(name, o) for name in known for o in entrant(name).operations if o in cfg.operations]
    its = [({"cell": name, "operation": o}, (name, tuned.key_of_minimal(o))) for name, o in asked]
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
    """Returns the training of one seed on all sets.

    Args:
      settings: the column; the other two say how it is trained.
    """
    entrants.try_out(cell)
    task, lanes = tasks.minimal_arithmetic(operation), len(tasks.SPREADS)
    recipe = minimal_arithmetic.recipe_of(cell, operation, cfg.steps)
    rate = recipe.learning_rate if learning_rate is None else learning_rate
    its_settings = {"learning_rate_L": np.full(lanes, rate), "start_L": np.full(lanes, start)}
    length = {"epoch": cfg.rows // cfg.batch, "steps": cfg.steps}
    network, steps = minimal_arithmetic.training_of(cell, task, recipe, cfg.batch, **length, **its_settings)
    return training.make_train(
        network,
        task,
        recipe,
        training.length(cfg),
        **its_settings,
        steps=steps,
        squared=lambda state: state.trained.params,
        squared_items=cfg.rows,
    )


def results_of(results: list[Finished]) -> list[Result]:
    """Returns what the records say, as the board shows it."""
    sets = tuple(tasks.SPREADS)
    return [report.result(run, entrant(run.variant["cell"]).title, run.variant["operation"], sets) for run in results]


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the board, our rates beside the published ones, every set, and success over the tolerance."""
    made = []
    for settings, protocol, its in columns.split(NAME, results, PROTOCOLS, results_of):
        rule = report.SQUARED
        glance = (columns.grid("one layer", settings), "minimal")
        made += report.board(protocol, its, entrants.ALL, NOTES[settings], rule=rule, glance=glance)
        made += published.beside(protocol, its)
        title = f"{protocol}, set by set"
        made += report.by_range(NAME, title, its, rule=rule, settings=settings)
        made += report.over_tolerance("arena", protocol, its)
    return made


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns success over the tolerance and how far the solved networks hold, a column a figure."""
    return columns.figures(NAME, columns.split(NAME, results, PROTOCOLS, results_of), entrants.ALL, FAR_SAYS)
