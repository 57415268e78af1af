"""Can one layer learn +, -, * or / from 64,000 fixed rows, of numbers of either sign and near 0? (the arena)

The minimal arithmetic task of Schlör et al.: seven ways in which two numbers are spread, 100 epochs of the same 64,000
rows. NALU and both iNALUs are trained as its authors do: weights and gates in turn, a penalty, starts anew where the
loss stalls (`in_turns`). All other cells are trained as their own publications do, on the same rows; and every cell
once more with the settings that suit it best of a few that all were given (`arena_search`).

    python -m experiments run arena_minimal_arithmetic --profile full

Axes: S seeds, L sets.
"""

import dataclasses
from typing import Annotated, Any

import numpy as np

from ..lib.config import DISTINCT, Count, Root, Size, check, require, require_divides, selects
from ..lib.report.artefacts import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import entrants, in_turns, minimal_arithmetic, published, report, tasks, training, tuned
from .minimal_arithmetic import CELLS, entrant
from .report import Result

VERSION = 1
PLACE = (5, 4)  # after the paper's sections
ARTEFACTS = ("arena", "arena_minimal_arithmetic")

PROTOCOL = "minimal arithmetic"
PROTOCOLS = {"published": PROTOCOL, "tuned": f"{PROTOCOL}, tuned"}
SHORT = {"published": "minimal", "tuned": "minimal, tuned"}
FAR_SAYS = (
    "The test ranges of this protocol lie elsewhere than the training ranges times a number: a NALU that is right on "
    "the one, where all numbers have one sign, can be wrong on the other, where they have both."
)
NOTE = (
    "NALU and both iNALUs as Schlör et al. train them: RMSProp with 1e-2 on gradients clipped to 0.1, of ten batches "
    "eight for the weights and two for the gates, a penalty towards saturation in steps of its own, and a new start in "
    "every tenth epoch where the loss stalls. Their code looks at the loss after every step, this one after every "
    "fiftieth. The penalty begins after eleven epochs, the early one, which is ours, after 400 steps. The other cells "
    "as in the single module, their schedules scaled to the length. Sets are spread as N(low, high), U(low, high) and "
    "E(mean); the tests are N(8, 10), U(-10, -5) and E(0.5)."
)
NOTES = {"published": NOTE, "tuned": f"{tuned.NOTE} Starts anew are as published."}


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
    batch: Size = 64
    log_every: Count = 2000  # ours
    items: Size = 10_000  # ours: of validation and test each; the last error is of `rows` items, as theirs
    legs: Size = 10  # ours: between which a run can be stopped

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells, *CELLS)
        tuned.check_settings(self.cells, self.settings)
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
    return [{**run, "operation": o} for name, o in asked for run in tuned.runs([name], tasks.minimal(o), cfg.settings)]


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
    rate_L, start_L = None if learning_rate is None else np.full(lanes, learning_rate), np.full(lanes, start)
    network, recipe, steps = minimal_arithmetic.training_of(
        cell,
        operation,
        task,
        cfg.batch,
        epoch=cfg.rows // cfg.batch,
        steps=cfg.steps,
        learning_rate_L=rate_L,
        start_L=start_L,
    )
    return training.make_train(
        network,
        task,
        recipe,
        training.length(cfg),
        learning_rate_L=np.full(lanes, recipe.learning_rate) if rate_L is None else rate_L,
        start_L=start_L,
        steps=steps,
        squared=lambda state: state.trained.params,
        squared_items=cfg.rows,
    )


def results_of(results: list[Finished]) -> list[Result]:
    """Returns what the records say, as the board shows it."""
    sets = tuple(tasks.SPREADS)
    return [report.result(run, entrant(run.variant["cell"]).title, run.variant["operation"], sets) for run in results]


def _columns(results: list[Finished]) -> list[tuple[str, str, list[Result]]]:
    """Returns (settings, protocol, what the records say) of each column."""
    results = published.with_published("arena_minimal_arithmetic", results)
    chosen = {key: [run for run in results if tuned.settings_of(run) == key] for key in PROTOCOLS}
    return [(key, PROTOCOLS[key], results_of(its)) for key, its in chosen.items()]


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the board, our rates beside the published ones, every set, and success over the tolerance."""
    made = []
    for settings, protocol, its in _columns(results):
        rule = report.SQUARED
        glance = ("one layer", SHORT[settings])
        made += report.board(protocol, its, entrants.ALL, NOTES[settings], rule=rule, glance=glance)
        made += published.beside(protocol, its) if settings == "published" else []
        title = f"{protocol}, set by set"
        made += report.by_range("arena_minimal_arithmetic", title, its, rule=rule, settings=settings)
        made += report.over_tolerance("arena", protocol, its)
    return made


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns success over the tolerance and how far the solved networks hold, a column a figure."""
    made = []
    for settings, protocol, its in _columns(results):
        name = tuned.named("arena_minimal_arithmetic", settings)
        made += report.figures("arena_minimal_arithmetic", protocol, its, entrants.ALL, FAR_SAYS, name=name)
    return made
