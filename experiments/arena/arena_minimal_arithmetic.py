"""Can one layer learn +, -, * or / from 64,000 fixed rows, of numbers of either sign and near 0? (the arena)

The minimal arithmetic task of Schlör et al.: seven ways in which two numbers are spread, 100 epochs of the same 64,000
rows. NALU and both iNALUs are trained as its authors do: weights and gates in turn, a penalty, starts anew where the
loss stalls (`in_turns`). All other cells are trained as their own publications do, on the same rows.

    python -m experiments run arena_minimal_arithmetic --profile full

Axes: S seeds, L sets.
"""

import dataclasses
from typing import Annotated, Any

import numpy as np

import nalu

from ..lib.config import DISTINCT, Count, Root, Size, check, require, require_divides, selects
from ..lib.report.artefacts import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import entrants, in_turns, networks, published, report, tasks, training
from .entrants import ENTRANTS
from .report import Result

VERSION = 1
PLACE = (5, 4)  # after the paper's sections
ARTEFACTS = ("arena", "arena_minimal_arithmetic")

PROTOCOL = "minimal arithmetic"
# Cells that are trained in turns: (title, cell, epochs without the penalty). The last is ours: the published results
# look as if the penalty had begun earlier than the published code says.
IN_TURNS = {
    "nalu": ("NALU", "nalu", in_turns.QUIET),
    "inalu": ("iNALU", "inalu", in_turns.QUIET),
    "inalu_shared": ("iNALU, shared", "inalu_shared", in_turns.QUIET),
    "inalu_early": ("iNALU, early penalty", "inalu", 0.4),
}
CELLS = tuple(dict.fromkeys((*ENTRANTS, *IN_TURNS)))
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


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of minimal arithmetic."""

    seeds: Count = 100  # ours; Schlör et al. have 10
    root: Root = 5104  # ours: the root of the reported keys
    cells: Annotated[tuple[str, ...], DISTINCT] = selects(CELLS)  # or module:Class, a cell of your own
    operations: tuple[str, ...] = selects(entrants.ALL, among=entrants.ALL)
    steps: Count = 100_000  # Schlör et al., as the next two: 100 epochs
    rows: Size = 64_000
    batch: Size = 64
    log_every: Count = 2000  # ours
    items: Size = 10_000  # ours: of validation and test each; the last error is of `rows` items, as theirs
    legs: Size = 10  # ours: between which a run can be stopped

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells, *CELLS)
        training.check_length(self)
        require_divides(self, "batch", "rows")
        block = in_turns.BLOCK
        require(self.log_every % block == 0, f"log_every is {self.log_every}, but must be a multiple of {block}.")
        epoch = self.rows // self.batch
        require(epoch % block == 0, f"rows is {self.rows}, but must be a multiple of {block} batches of {self.batch}.")
        limit = training.CHUNK
        require(self.rows < limit or self.rows % limit == 0, f"rows is {self.rows}, but must be in thousands.")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each cell and operation that it is asked for; the sets are the lanes of a run."""
    known = [name for name in cfg.cells if name in CELLS or ":" in name]
    return [{"cell": name, "operation": o} for name in known for o in entrant(name).operations if o in cfg.operations]


def entrant(name: str) -> entrants.Entrant:
    """Returns who takes part under a name."""
    if name not in IN_TURNS:
        return entrants.entrant(name)
    title, cell, _ = IN_TURNS[name]
    return dataclasses.replace(entrants.entrant(cell), title=title)


def make_train(cfg: Config, *, cell: str, operation: str) -> Train:
    """Returns the training of one seed on all sets."""
    entrants.try_out(cell)
    task, epoch, lanes = tasks.minimal_arithmetic(operation), cfg.rows // cfg.batch, len(tasks.SPREADS)
    if cell in IN_TURNS:
        _, kind, quiet = IN_TURNS[cell]
        network, recipe = networks.network(started(kind), 2), nalu.CELLS["inalu"].published
        length = {"epoch": epoch, "steps": cfg.steps, "lanes": lanes, "quiet": quiet}
        steps = in_turns.steps_of(network, task, recipe, cfg.batch, **length)
    else:
        its = entrant(cell)
        network, recipe = networks.network(its.module(1, 2), 2), its.recipe_of(operation).over(cfg.steps)
        settings = {"learning_rate_L": np.full(lanes, recipe.learning_rate), "start_L": np.ones(lanes)}
        start, take_step = training.steps_of(network, task, recipe, cfg.batch, **settings, epoch=epoch)
        steps = start, training.in_scan(take_step)
    return training.make_train(
        network,
        task,
        recipe,
        training.length(cfg),
        learning_rate_L=np.full(lanes, recipe.learning_rate),
        start_L=np.ones(lanes),
        steps=steps,
        squared=lambda state: state.trained.params,
        squared_items=cfg.rows,
    )


def started(cell: str) -> Any:
    """Returns the layer of an iNALU, or of a NALU that starts as one."""
    if cell != "nalu":
        return nalu.CELLS[cell](1)
    normal = entrants.normal
    return nalu.CELLS["nalu"](1, w_hat_init=normal(1.0, 0.1), m_hat_init=normal(-1.0, 0.1), g_init=normal(0.0, 0.1))


def results_of(results: list[Finished]) -> list[Result]:
    """Returns what the records say, as the board shows it."""
    sets = tuple(tasks.SPREADS)
    return [report.result(run, entrant(run.variant["cell"]).title, run.variant["operation"], sets) for run in results]


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the board, our rates beside the published ones, every set, and success over the tolerance."""
    its = results_of(published.with_published("arena_minimal_arithmetic", results))
    return [
        *report.board(PROTOCOL, its, entrants.ALL, NOTE, rule=report.SQUARED, glance=("one layer", "minimal")),
        *published.beside(PROTOCOL, its),
        *report.by_range("arena_minimal_arithmetic", f"{PROTOCOL}, set by set", its, rule=report.SQUARED),
        *report.over_tolerance("arena", PROTOCOL, its),
    ]


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns success over the tolerance and how far the solved networks hold."""
    its = published.with_published("arena_minimal_arithmetic", results)
    return report.figures("arena_minimal_arithmetic", PROTOCOL, results_of(its), entrants.ALL, FAR_SAYS)
