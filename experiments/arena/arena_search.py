"""Which learning rate and which scale of the start suit each cell? (the arena's tuned columns)

A board of cells as published ranks settings as much as cells. So every cell and operation is given the same few
settings, its published training in all else, and they are compared by the error inside the training range, on seeds
that nothing else sees. Networks of the simple product and of the power unit's simple task are given them, too. What is
best is in `tuned`.

    python -m experiments run arena_search --profile full

Axes: S seeds, R ranges (one of networks of several layers), K settings, L = K * R lanes.
"""

import dataclasses
import itertools
from typing import Annotated, Any

import jax
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

# What networks of several layers are asked for.
NETWORKS_OF = {tasks.SIMPLE_PRODUCT: PAIRS, tasks.FOUR_AT_ONCE: NETWORKS}
NAMES, OPERATIONS = tuple({**ENTRANTS, **PAIRS, **NETWORKS}), (*entrants.ALL, *NETWORKS_OF)
TIMES = 4  # so many times the steps in which the single module is searched are a fifth of the simple product's, too
BATCH_OF_FOUR = 100  # Heim et al.


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
        training.check_length(self)

    @property
    def settings(self) -> list[tuple[float, float]]:
        """All pairs of a learning rate and a start, in the order of the lanes."""
        return list(itertools.product(self.learning_rates, self.starts))


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each cell and operation, then for each network of several layers; settings are its lanes."""
    alone = [(name, o) for name in cfg.cells if name in ENTRANTS for o in entrants.entrant(name).operations]
    further = [(name, o) for o, names in NETWORKS_OF.items() for name in cfg.cells if name in names]
    return [{"cell": name, "operation": o} for name, o in (*alone, *further) if o in cfg.operations]


def make_train(cfg: Config, *, cell: str, operation: str) -> Train:
    """Returns the training of one seed with all settings in all ranges."""
    make = {tasks.SIMPLE_PRODUCT: _of_product, tasks.FOUR_AT_ONCE: _of_four}.get(operation)
    if make is not None:
        return make(cfg, cell)
    entrant, ranges, settings = entrants.entrant(cell), tasks.RANGES, np.array(cfg.settings)
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


def _lanes(cfg: Config) -> dict[str, np.ndarray]:
    """Returns the settings as lanes that start from the same numbers."""
    settings = np.array(cfg.settings)
    return {
        "learning_rate_L": settings[:, 0],
        "start_L": settings[:, 1],
        "range_L": np.zeros(len(settings), int),
    }


def _of_product(cfg: Config, name: str) -> Train:
    """Returns the training of one seed of a pair of layers on the simple product."""
    length = training.length(cfg)
    length = length._replace(steps=TIMES * length.steps, log_every=TIMES * length.log_every)
    return training.make_train(
        networks.network(entrants.pair(name), 4),
        tasks.simple_product(lanes=len(cfg.settings)),
        entrants.recipe_of_pair(name, length.steps),
        length,
        **_lanes(cfg),
        keep=False,
    )


def _of_four(cfg: Config, name: str) -> Train:
    """Returns the training of one seed of a network on the power unit's simple task, whose last error counts."""
    _, layers, recipe = npu_simple.network_of(name)
    network, task = networks.network(networks.Stack(layers), 2), tasks.four_at_once(lanes=len(cfg.settings))
    init, take_step = training.steps_of(network, task, recipe, BATCH_OF_FOUR, **_lanes(cfg))

    def leg(trained: training.Trained) -> tuple[training.Trained, dict[str, jax.Array]]:
        trained, _ = jax.lax.scan(take_step, trained, length=cfg.steps // cfg.legs)
        errors_L = jax.vmap(lambda params: npu_simple.errors(network, task, params))(trained.params)
        return trained, {"validation": errors_L["inside_O"]}

    steps = len(cfg.settings) * cfg.steps // cfg.legs
    return Train(init=init, leg=leg, legs=cfg.legs, network_steps=steps, last=("validation",), group=training.GROUP)


def scores(run: Finished) -> np.ndarray:
    """Returns how well each setting does in each seed, `[S, K]`: the mean over ranges of log10 of the error inside.

    The simple product has one range. Of the power unit's simple task it is the mean over the four outputs, whose errors
    are mean absolute ones. An error counts as 1e-8 at least and as 10 at most, one that is not finite as 10.
    """
    validation_SL = np.nan_to_num(np.asarray(run.arrays["validation"][:, -1], np.float64), nan=np.inf)
    logs_SL = np.log10(np.clip(validation_SL, 1e-8, 10.0))
    ranges = {tasks.SIMPLE_PRODUCT: 1, tasks.FOUR_AT_ONCE: len(npu_simple.OUTPUTS)}
    return logs_SL.reshape(len(logs_SL), -1, ranges.get(run.variant["operation"], len(tasks.RANGES))).mean(axis=2)


def best(cfg: Config, run: Finished) -> tuple[float, float]:
    """Returns the learning rate and the start that do best on average over seeds and ranges."""
    return cfg.settings[int(scores(run).mean(axis=0).argmin())]


def _title(run: Finished) -> str:
    name, operation = run.variant["cell"], run.variant["operation"]
    if operation == tasks.SIMPLE_PRODUCT:
        return entrants.pair_names(name)[0]
    return npu_simple.network_of(name)[0] if operation == tasks.FOUR_AT_ONCE else entrants.entrant(name).title


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns how well every setting does for every cell and operation: single layers, then networks of several."""
    alone, several = (
        [run for run in results if (run.variant["operation"] in NETWORKS_OF) == its] for its in (False, True)
    )
    of_alone = f"{cfg.steps:,} steps, mean over the nine ranges."
    of_several = (
        f"The simple product: {TIMES * cfg.steps:,} steps, its one range. The power unit's simple task: {cfg.steps:,} "
        "steps, after the last of them, mean over the four outputs of log10 of the mean absolute error."
    )
    return [
        *_table(cfg, "The search for the arena's settings", alone, of_alone),
        *_table(cfg, "The same for networks of several layers", several, of_several),
    ]


def _table(cfg: Config, title: str, results: list[Finished], note: str) -> list[Table]:
    names = [f"rate {rate:g}, start x {start:g}" for rate, start in cfg.settings]
    quantities: list[Quantity] = []
    for run in results:
        for name, values_S in zip(names, scores(run).T, strict=True):
            place = ("arena_search", run.variant["operation"], name, _title(run))
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
