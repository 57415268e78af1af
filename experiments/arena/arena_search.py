"""Which learning rate and which scale of the start suit each cell? (the arena's tuned columns)

A board of cells as published ranks settings as much as cells. So every cell and operation is given the same few
settings, its published training in all else, and they are compared by the error inside the training range, on seeds
that nothing else sees. That is done for one layer of two inputs, of ten and in minimal arithmetic, and for networks of
several layers of the simple product and of the power unit's simple task (`searched`). What is best is in `tuned`.

    python -m experiments run arena_search --profile full     # 29 CPU-min

Axes: S seeds, K settings, E errors of a setting (of its ranges, sets or outputs).
"""

import dataclasses
import itertools
from typing import Annotated, Any

import numpy as np

from ..lib.config import DISTINCT, Count, Positive, Root, Size, check, require, selects
from ..lib.report.artefacts import Quantity, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import entrants, in_turns, minimal_arithmetic, report, searched, training, tuned

VERSION = 1
PLACE = (5, 9)  # after the paper's sections
ARTEFACTS = ("arena_search",)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the search."""

    seeds: Count = 5  # ours, as all that is not the single module's
    root: Root = 5190  # ours: other keys than those that are reported
    cells: tuple[str, ...] = selects(searched.NAMES, among=searched.NAMES)
    operations: tuple[str, ...] = selects(tuple(searched.KIND_OF), among=tuple(searched.KIND_OF))
    learning_rates: Annotated[tuple[Positive, ...], DISTINCT] = (1e-3, 1e-2, 1e-1)
    starts: Annotated[tuple[Positive, ...], DISTINCT] = (0.05, 0.3, 1.0)  # what the published start is multiplied by
    steps: Count = 10_000  # of the simple product four times, of minimal arithmetic twice as many (`searched`)
    log_every: Count = 1000  # of the simple product four times as many; of no use where the last error counts
    batch: Size = 128  # minimal arithmetic and the power unit's simple task have their own
    items: Size = 1000
    legs: Size = 2

    def __post_init__(self) -> None:
        check(self)
        training.check_length(self)
        turns = [name for name in self.cells if name in minimal_arithmetic.IN_TURNS]
        minimal = {tuned.key_of_minimal(operation) for operation in entrants.ALL} & set(self.operations)
        multiple = in_turns.BLOCK * self.legs // searched.TIMES_OF_MINIMAL
        sentence = f"steps is {self.steps}, but must be a multiple of {multiple} where minimal arithmetic is asked for "
        sentence += f"with what it trains in turns ({', '.join(turns)})."
        require(not (turns and minimal) or self.steps % multiple == 0, sentence)

    @property
    def settings(self) -> list[tuple[float, float]]:
        """All pairs of a learning rate and a start, in the order of the lanes."""
        return list(itertools.product(self.learning_rates, self.starts))


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each cell and operation, kind by kind; settings are its lanes."""
    asked = [
        (name, kind.called(o)) for kind in searched.KINDS for name in cfg.cells for o in kind.operations.get(name, ())
    ]
    return [{"cell": name, "operation": o} for name, o in asked if o in cfg.operations]


def make_train(cfg: Config, *, cell: str, operation: str) -> Train:
    """Returns the training of one seed with all settings in all ranges."""
    kind, its_operation = searched.KIND_OF[operation]
    return kind.train(cfg, cell, its_operation)


def scores(run: Finished) -> np.ndarray:
    """Returns how well each setting does in each seed, `[S, K]`: the mean over its errors of their log10.

    These are the errors inside the training range, one for each range or set; of the power unit's simple task they are
    mean absolute ones, one for each output. One counts as 1e-8 at least and as 10 at most, if not finite as 10.
    """
    validation_SE = np.nan_to_num(np.asarray(run.arrays["validation"][:, -1], np.float64), nan=np.inf)
    logs_SE = np.log10(np.clip(validation_SE, 1e-8, searched.WORST))
    kind, _ = searched.KIND_OF[run.variant["operation"]]
    return logs_SE.reshape(len(logs_SE), -1, kind.errors).mean(axis=2)


def best(cfg: Config, run: Finished) -> tuple[float, float]:
    """Returns the learning rate and the start that do best on average over seeds and errors."""
    return cfg.settings[int(scores(run).mean(axis=0).argmin())]


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns how well every setting does for every cell and operation, a table for each heading of `searched`."""
    made = []
    for heading in dict.fromkeys(kind.heading for kind in searched.KINDS):
        kinds = [kind for kind in searched.KINDS if kind.heading == heading]
        chosen = [run for run in results if searched.KIND_OF[run.variant["operation"]][0] in kinds]
        made += _table(cfg, heading, chosen, " ".join(kind.note(cfg.steps) for kind in kinds))
    return made


def _table(cfg: Config, title: str, results: list[Finished], note: str) -> list[Table]:
    names = [f"rate {rate:g}, start x {start:g}" for rate, start in cfg.settings]
    quantities: list[Quantity] = []
    for run in results:
        kind, _ = searched.KIND_OF[run.variant["operation"]]
        for name, values_S in zip(names, scores(run).T, strict=True):
            place = ("arena_search", run.variant["operation"], name, kind.title(run.variant["cell"]))
            quantities.append(report.told(run, place, "log10 of the error inside", values_S))
    if not quantities:
        return []
    notes = (
        f"{cfg.seeds} seeds; the same settings for every cell, all else as published. The tuned columns take those "
        "that are best on average over the seeds.",
        note,
    )
    blocks = tuple(dict.fromkeys(q.block for q in quantities))
    columns = tuple(dict.fromkeys(q.column for q in quantities))
    return [Table("arena_search", title, blocks, tuple(names), columns, tuple(quantities), notes, 2, headline="median")]
