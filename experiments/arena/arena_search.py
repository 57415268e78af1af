"""Which learning rate and which scale of the start suit each cell? (the arena's tuned columns)

A board of cells as published ranks settings as much as cells. So every cell and operation is given the same few
settings, its published training in all else, and they are compared by the error inside the training range, on seeds
that nothing else sees: one layer of two inputs, of ten and in minimal arithmetic, and networks of several layers of the
simple product and of the power unit's simple task. What is best is in `tuned`.

    python -m experiments run arena_search --profile full

Axes: S seeds, R ranges or sets (one of networks of several layers), K settings, L = K * R lanes.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import jax
import numpy as np

import nalu

from ..lib.config import DISTINCT, Count, Positive, Root, Size, check, selects
from ..lib.report.artefacts import Quantity, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import entrants, minimal_arithmetic, networks, npu_simple, report, single_module, tasks, training
from .entrants import ALL, ENTRANTS, PAIRS
from .npu_simple import NETWORKS
from .single_module import TEN

VERSION = 1
PLACE = (5, 9)  # after the paper's sections
ARTEFACTS = ("arena_search",)
METRIC = "log10 of the error inside"

TIMES = 4  # so many times the steps in which the single module is searched are a fifth of the simple product's, too
TIMES_OF_MINIMAL = 2  # so many are a fifth of minimal arithmetic's; with ten inputs a tenth has to do, for its cost
NAMES = tuple({**ENTRANTS, **dict.fromkeys(minimal_arithmetic.CELLS), **PAIRS, **NETWORKS})
BATCH_OF_FOUR = 100  # Heim et al.
ROWS_OF_MINIMAL, BATCH_OF_MINIMAL = 64_000, 64  # Schlör et al.
OPERATIONS = (
    *ALL,
    tasks.SIMPLE_PRODUCT,
    tasks.FOUR_AT_ONCE,
    *(tasks.of_ten(operation) for operation in ALL),
    *(tasks.minimal(operation) for operation in ALL),
)


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


class Searched(NamedTuple):
    """Tasks of one kind whose settings are searched for.

    Attributes:
      operations: of each that takes part by its name: what it is asked for, as the single module calls it or in full.
      task: what the single module calls an operation -> what this search does.
      train: (settings of the search, name, operation) -> the training of one seed with all settings.
      title: name -> its title in tables.
      errors: how many there are of one setting: its ranges, sets or outputs.
      heading, note: of their table; those of one heading share one.
    """

    operations: dict[str, tuple[str, ...]]
    task: Callable[[str], str]
    train: Callable[[Config, str, str], Train]
    title: Callable[[str], str]
    errors: int
    heading: str
    note: str


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each cell and operation, kind by kind; settings are its lanes."""
    asked = [(name, its.task(o)) for its in SEARCHED for name in cfg.cells for o in its.operations.get(name, ())]
    return [{"cell": name, "operation": o} for name, o in asked if o in cfg.operations]


def kind_of(operation: str) -> tuple[Searched, str]:
    """Returns of what kind a task of the search is, and what the single module calls its operation."""
    return next(
        (its, o) for its in SEARCHED for asked in its.operations.values() for o in asked if its.task(o) == operation
    )


def make_train(cfg: Config, *, cell: str, operation: str) -> Train:
    """Returns the training of one seed with all settings in all ranges."""
    its, its_operation = kind_of(operation)
    return its.train(cfg, cell, its_operation)


def _lanes(cfg: Config, ranges: int = 1) -> dict[str, np.ndarray]:
    """Returns the settings as lanes, each in all ranges, that start from the same numbers in one range."""
    settings = np.array(cfg.settings)
    return {
        "learning_rate_L": np.repeat(settings[:, 0], ranges),
        "start_L": np.repeat(settings[:, 1], ranges),
        "range_L": np.tile(np.arange(ranges), len(settings)),
    }


def _of_one(cfg: Config, name: str, operation: str) -> Train:
    """Returns the training of one seed of a layer of two inputs."""
    recipe = entrants.entrant(name).recipe_of(operation).over(cfg.steps)
    return _of_layer(cfg, name, operation, recipe, 2)


def _of_ten(cfg: Config, name: str, operation: str) -> Train:
    """Returns the training of one seed of a layer of ten inputs."""
    return _of_layer(cfg, name, operation, single_module.recipe_of_ten(name, operation).over(cfg.steps), TEN)


def _of_layer(cfg: Config, name: str, operation: str, recipe: nalu.Recipe, inputs: int) -> Train:
    ranges = tasks.RANGES
    return training.make_train(
        networks.network(entrants.entrant(name).module(1, inputs), inputs, pads=inputs > 2),
        tasks.single_module(operation, ranges * len(cfg.settings), inputs=inputs),
        recipe,
        training.length(cfg),
        **_lanes(cfg, len(ranges)),
        keep=False,
    )


def _of_minimal(cfg: Config, name: str, operation: str) -> Train:
    """Returns the training of one seed of a layer in minimal arithmetic, whose last error counts."""
    sets, lanes = tuple(tasks.SPREADS.values()), _lanes(cfg, len(tasks.SPREADS))
    task, steps = tasks.minimal_arithmetic(operation, sets * len(cfg.settings)), TIMES_OF_MINIMAL * cfg.steps
    epoch, length = ROWS_OF_MINIMAL // BATCH_OF_MINIMAL, steps // cfg.legs
    network, _, (init, advance) = minimal_arithmetic.training_of(
        name, operation, task, BATCH_OF_MINIMAL, epoch=epoch, steps=steps, **lanes
    )

    def leg(trained: training.Trained) -> tuple[training.Trained, dict[str, jax.Array]]:
        trained = advance(trained, length)
        u_IN = training.uniform(training.VALIDATION, task, cfg.items)
        return trained, {"validation": training.relative_error(network, task, trained.params, u_IN, task.inside)}

    return _of_last_error(cfg, init, leg, len(lanes["start_L"]) * length)


def _of_product(cfg: Config, name: str, operation: str) -> Train:
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


def _of_four(cfg: Config, name: str, operation: str) -> Train:
    """Returns the training of one seed of a network on the power unit's simple task, whose last error counts."""
    _, layers, recipe = npu_simple.network_of(name)
    network, task = networks.network(networks.Stack(layers), 2), tasks.four_at_once(lanes=len(cfg.settings))
    init, take_step = training.steps_of(network, task, recipe, BATCH_OF_FOUR, **_lanes(cfg))

    def leg(trained: training.Trained) -> tuple[training.Trained, dict[str, jax.Array]]:
        trained, _ = jax.lax.scan(take_step, trained, length=cfg.steps // cfg.legs)
        errors_L = jax.vmap(lambda params: npu_simple.errors(network, task, params))(trained.params)
        return trained, {"validation": errors_L["inside_O"]}

    return _of_last_error(cfg, init, leg, len(cfg.settings) * cfg.steps // cfg.legs)


def _of_last_error(cfg: Config, init: Any, leg: Any, network_steps: int) -> Train:
    """Returns a training that tells the error after each leg, of which the last counts."""
    return Train(
        init=init, leg=leg, legs=cfg.legs, network_steps=network_steps, last=("validation",), group=training.GROUP
    )


def _in_full(operation: str) -> str:
    return operation


_OF_ENTRANTS = {name: its.operations for name, its in ENTRANTS.items()}
_SEVERAL = "The same for networks of several layers"
SEARCHED = (
    Searched(
        _OF_ENTRANTS,
        _in_full,
        _of_one,
        lambda name: entrants.entrant(name).title,
        len(tasks.RANGES),
        "The search for the arena's settings",
        "{steps:,} steps, mean over the nine ranges.",
    ),
    Searched(
        dict.fromkeys(PAIRS, (tasks.SIMPLE_PRODUCT,)),
        _in_full,
        _of_product,
        lambda name: entrants.pair_names(name)[0],
        1,
        _SEVERAL,
        f"The simple product: {TIMES} times {{steps:,}} steps, its one range.",
    ),
    Searched(
        dict.fromkeys(NETWORKS, (tasks.FOUR_AT_ONCE,)),
        _in_full,
        _of_four,
        lambda name: npu_simple.network_of(name)[0],
        len(npu_simple.OUTPUTS),
        _SEVERAL,
        "The power unit's simple task: {steps:,} steps, after the last of them, mean over the four outputs of log10 of "
        "the mean absolute error.",
    ),
    Searched(
        _OF_ENTRANTS,
        tasks.of_ten,
        _of_ten,
        lambda name: entrants.entrant(name).title,
        len(tasks.RANGES),
        "The same for one layer of ten inputs",
        "{steps:,} steps, a tenth of those that are reported, mean over the nine ranges.",
    ),
    Searched(
        {name: minimal_arithmetic.entrant(name).operations for name in minimal_arithmetic.CELLS},
        tasks.minimal,
        _of_minimal,
        lambda name: minimal_arithmetic.entrant(name).title,
        len(tasks.SPREADS),
        "The same for minimal arithmetic",
        f"{TIMES_OF_MINIMAL} times {{steps:,}} steps, after the last of them, mean over the seven sets.",
    ),
)


def scores(run: Finished) -> np.ndarray:
    """Returns how well each setting does in each seed, `[S, K]`: the mean over ranges of log10 of the error inside.

    The simple product has one range. Of the power unit's simple task it is the mean over the four outputs, whose errors
    are mean absolute ones. An error counts as 1e-8 at least and as 10 at most, one that is not finite as 10.
    """
    validation_SL = np.nan_to_num(np.asarray(run.arrays["validation"][:, -1], np.float64), nan=np.inf)
    logs_SL = np.log10(np.clip(validation_SL, 1e-8, 10.0))
    its, _ = kind_of(run.variant["operation"])
    return logs_SL.reshape(len(logs_SL), -1, its.errors).mean(axis=2)


def best(cfg: Config, run: Finished) -> tuple[float, float]:
    """Returns the learning rate and the start that do best on average over seeds and ranges."""
    return cfg.settings[int(scores(run).mean(axis=0).argmin())]


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns how well every setting does for every cell and operation, a table a heading."""
    made = []
    for heading in dict.fromkeys(its.heading for its in SEARCHED):
        kinds = [its for its in SEARCHED if its.heading == heading]
        chosen = [run for run in results if kind_of(run.variant["operation"])[0] in kinds]
        made += _table(cfg, heading, chosen, " ".join(its.note.format(steps=cfg.steps) for its in kinds))
    return made


def _table(cfg: Config, title: str, results: list[Finished], note: str) -> list[Table]:
    names = [f"rate {rate:g}, start x {start:g}" for rate, start in cfg.settings]
    quantities: list[Quantity] = []
    for run in results:
        operation, cell = run.variant["operation"], kind_of(run.variant["operation"])[0].title(run.variant["cell"])
        for name, values_S in zip(names, scores(run).T, strict=True):
            quantities.append(report.told(run, ("arena_search", operation, name, cell), METRIC, values_S))
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
