"""Which learning rate and which scale of the start suit each cell? (the arena's second column)

A board of cells as published ranks settings as much as cells. So every cell and operation is given the same few
settings, its published training in all else, and they are compared by the error inside the training range, on seeds
that nothing else sees; and so is every network of the simple product and of the power unit's simple task. What is best
is in `tuned`.

    python -m experiments run arena_search --profile full

Axes: S seeds, R ranges, K settings, L = K * R lanes.
"""

import dataclasses
import itertools
from typing import Annotated, Any

import numpy as np

from ..lib.config import DISTINCT, Count, Positive, Root, Size, check, selects
from ..lib.report.artefacts import Quantity, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import entrants, networks, npu_simple, report, tasks, training
from .entrants import ENTRANTS, PAIRS
from .npu_simple import NETWORKS

VERSION = 1
PLACE = (5, 9)  # after the paper's sections
ARTEFACTS = ("arena_search",)

TWO_LAYERS = {tasks.SIMPLE_PRODUCT: PAIRS, tasks.FOUR_AT_ONCE: NETWORKS}
NAMES, OPERATIONS = tuple({**ENTRANTS, **PAIRS, **NETWORKS}), (*entrants.ALL, *TWO_LAYERS)
TIMES = {  # as many steps as of the single module, in which an operation of one range is searched
    tasks.SIMPLE_PRODUCT: 4,  # a fifth of its 200,000, as of the single module's 50,000
    tasks.FOUR_AT_ONCE: 1,  # half of its 20,000
}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the search."""

    seeds: Count = 5  # ours, as all that is not the single module's
    root: Root = 5190  # ours: other keys than those that are reported
    cells: tuple[str, ...] = selects(NAMES, among=NAMES)
    operations: tuple[str, ...] = selects(OPERATIONS, among=OPERATIONS)
    learning_rates: Annotated[tuple[Positive, ...], DISTINCT] = (1e-3, 1e-2, 1e-1)
    starts: Annotated[tuple[Positive, ...], DISTINCT] = (0.05, 0.3, 1.0)  # what the published start is multiplied by
    steps: Count = 10_000  # a fifth of the single module's
    log_every: Count = 1000
    batch: Size = 128
    items: Size = 1000
    legs: Size = 2

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells, *NETWORKS)
        training.check_length(self)

    @property
    def settings(self) -> list[tuple[float, float]]:
        """All pairs of a learning rate and a start, in the order of the lanes."""
        return list(itertools.product(self.learning_rates, self.starts))


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each cell and operation, then for each network of two layers; settings and ranges are lanes."""
    alone = [(name, o) for name in cfg.cells if name in ENTRANTS for o in entrants.entrant(name).operations]
    two_layers = [(name, o) for o, names in TWO_LAYERS.items() for name in cfg.cells if name in names]
    return [{"cell": name, "operation": o} for name, o in (*alone, *two_layers) if o in cfg.operations]


def make_train(cfg: Config, *, cell: str, operation: str) -> Train:
    """Returns the training of one seed with all settings in all ranges."""
    settings = np.array(cfg.settings)
    if operation in TIMES:
        return _of_one_range(cfg, cell, operation, settings)
    entrant, ranges = entrants.entrant(cell), tasks.RANGES
    return training.make_train(
        networks.network(entrant.module(1, 2), 2),
        tasks.single_module(operation, ranges * len(settings)),
        entrant.recipe_of(operation).over(cfg.steps),
        training.length(cfg),
        learning_rate_L=np.repeat(settings[:, 0], len(ranges)),
        start_L=np.repeat(settings[:, 1], len(ranges)),
        range_L=np.tile(np.arange(len(ranges)), len(settings)),
        keep=False,
    )


def _of_one_range(cfg: Config, name: str, operation: str, settings: np.ndarray) -> Train:
    """Returns the training of one seed of a network of two layers with all settings."""
    times, length = TIMES[operation], training.length(cfg)
    length = length._replace(steps=times * length.steps, log_every=times * length.log_every)
    if operation == tasks.SIMPLE_PRODUCT:
        network, task = networks.network(entrants.pair(name), 4), tasks.simple_product(lanes=len(settings))
        recipe = entrants.recipe_of_pair(name, length.steps)
    else:
        _, layers, recipe = npu_simple.network_of(name)
        network, task = networks.network(networks.Stack(layers), 2), tasks.four_at_once(lanes=len(settings))
    return training.make_train(
        network,
        task,
        recipe,
        length,
        learning_rate_L=settings[:, 0],
        start_L=settings[:, 1],
        range_L=np.zeros(len(settings), int),
        keep=False,
    )


def scores(run: Finished) -> np.ndarray:
    """Returns how well each setting does in each seed, `[S, K]`: the mean over ranges of log10 of the error inside.

    What two layers are asked for has one range.

    An error counts as 1e-8 at least and as 10 at most, one that is not finite as 10.
    """
    validation_SL = np.nan_to_num(np.asarray(run.arrays["validation"][:, -1], np.float64), nan=np.inf)
    logs_SL = np.log10(np.clip(validation_SL, 1e-8, 10.0))
    ranges = 1 if run.variant["operation"] in TIMES else len(tasks.RANGES)
    return logs_SL.reshape(len(logs_SL), -1, ranges).mean(axis=2)


def best(cfg: Config, run: Finished) -> tuple[float, float]:
    """Returns the learning rate and the start that do best on average over seeds and ranges."""
    return cfg.settings[int(scores(run).mean(axis=0).argmin())]


def _title(name: str, operation: str) -> str:
    if operation == tasks.SIMPLE_PRODUCT:
        return entrants.pair_names(name)[0]
    return npu_simple.network_of(name)[0] if operation == tasks.FOUR_AT_ONCE else entrants.entrant(name).title


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns how well every setting does for every cell and operation."""
    names = [f"rate {rate:g}, start x {start:g}" for rate, start in cfg.settings]
    quantities: list[Quantity] = []
    for run in results:
        cell, operation = run.variant["cell"], run.variant["operation"]
        title = _title(cell, operation)
        for name, values_S in zip(names, scores(run).T, strict=True):
            place = ("arena_search", operation, name, title)
            quantities.append(report.told(run, place, "log10 of the error inside", values_S))
    if not quantities:
        return []
    longer = TIMES[tasks.SIMPLE_PRODUCT] * cfg.steps
    notes = (
        f"{cfg.seeds} seeds, {cfg.steps:,} steps, mean over the nine ranges; the same settings for every cell, its "
        "published training in all else. The tuned columns take those that are best on average over the seeds. "
        f"Networks of two layers have one range, and those of the simple product {longer:,} steps.",
    )
    blocks = tuple(dict.fromkeys(q.block for q in quantities))
    columns = tuple(dict.fromkeys(q.column for q in quantities))
    title = "The search for the arena's settings"
    return [Table("arena_search", title, blocks, tuple(names), columns, tuple(quantities), notes, 2, headline="median")]
