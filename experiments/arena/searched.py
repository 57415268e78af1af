"""The tasks for which settings are searched, and the training of one seed with all settings side by side.

The steps are a fifth of those that are reported, of ten inputs a tenth, of the power unit's simple task half. Schedules
are shortened alike, but for the 10,000 losses that a new start waits for, so that the search sees one at most.

Axes: K settings, R ranges or sets, L = K * R lanes, O outputs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import nalu

from ..lib.training.train import Train
from . import entrants, minimal_arithmetic, networks, npu_simple, single_module, tasks, ten_inputs, training, tuned
from .entrants import ENTRANTS, PAIRS
from .npu_simple import NETWORKS
from .training import Trained

TIMES_OF_PRODUCT, TIMES_OF_MINIMAL = 4, 2  # times the steps of the search, which are a fifth of the reported, too
BATCH_OF_FOUR = 100  # Heim et al.
WORST = 10.0  # the largest error that counts


def _lanes(cfg: Any, ranges: int = 1) -> dict[str, np.ndarray]:
    """Returns the settings as lanes, each in all ranges, that start from the same numbers in one range."""
    settings = np.array(cfg.settings)
    return {
        "learning_rate_L": np.repeat(settings[:, 0], ranges),
        "start_L": np.repeat(settings[:, 1], ranges),
        "range_L": np.tile(np.arange(ranges), len(settings)),
    }


def _of_two(cfg: Any, name: str, operation: str) -> Train:
    """Returns the training of one seed of a layer of two inputs."""
    return _of_layer(cfg, name, operation, entrants.entrant(name).recipe_of(operation), 2)


def _of_ten(cfg: Any, name: str, operation: str) -> Train:
    """Returns the training of one seed of a layer of ten inputs."""
    return _of_layer(cfg, name, operation, ten_inputs.recipe_of(name, operation), ten_inputs.INPUTS)


def _of_layer(cfg: Any, name: str, operation: str, recipe: nalu.Recipe, inputs: int) -> Train:
    ranges = tasks.RANGES
    return training.make_train(
        single_module.network_of(entrants.entrant(name), inputs),
        tasks.single_module(operation, ranges * len(cfg.settings), inputs=inputs),
        recipe.over(cfg.steps),
        training.length(cfg),
        **_lanes(cfg, len(ranges)),
        keep=False,
    )


def _of_minimal(cfg: Any, name: str, operation: str) -> Train:
    """Returns the training of one seed of a layer in minimal arithmetic: as many epochs as there, of fewer rows."""
    sets, steps = tuple(tasks.SPREADS.values()), TIMES_OF_MINIMAL * cfg.steps
    task = tasks.minimal_arithmetic(operation, sets * len(cfg.settings))
    recipe, lanes = minimal_arithmetic.recipe_of(name, operation, steps), _lanes(cfg, len(sets))
    length = {"epoch": max(1, steps // minimal_arithmetic.EPOCHS), "steps": steps}
    network, (init, advance) = minimal_arithmetic.training_of(
        name, task, recipe, minimal_arithmetic.BATCH, **length, **lanes
    )

    def errors(params_L: Any) -> jax.Array:
        u_IN = training.uniform(training.VALIDATION, task, cfg.items)
        # What is not finite would make a record unsound; what is larger counts as this.
        return jnp.minimum(training.relative_error(network, task, params_L, u_IN, task.inside), WORST)

    return _by_last_error(cfg, init, advance, errors, steps=steps, lanes=len(lanes["start_L"]))


def _of_product(cfg: Any, name: str, operation: str) -> Train:
    """Returns the training of one seed of a pair of layers on the simple product, the one operation that it has."""
    length = training.length(cfg)
    length = length._replace(steps=TIMES_OF_PRODUCT * length.steps, log_every=TIMES_OF_PRODUCT * length.log_every)
    return training.make_train(
        networks.network(entrants.pair(name), 4),
        tasks.simple_product(lanes=len(cfg.settings)),
        entrants.recipe_of_pair(name, length.steps),
        length,
        **_lanes(cfg),
        keep=False,
    )


def _of_four(cfg: Any, name: str, operation: str) -> Train:
    """Returns the training of one seed of a network on the power unit's simple task, the one that it has."""
    _, layers, recipe = npu_simple.network_of(name)
    network, task = networks.network(networks.Stack(layers), 2), tasks.four_at_once(lanes=len(cfg.settings))
    init, take_step = training.steps_of(network, task, recipe, BATCH_OF_FOUR, **_lanes(cfg))

    def errors(params_L: Any) -> jax.Array:
        return jax.vmap(lambda params: npu_simple.errors(network, task, params))(params_L)["inside_O"]

    return _by_last_error(cfg, init, training.in_scan(take_step), errors, steps=cfg.steps, lanes=len(cfg.settings))


def _by_last_error(
    cfg: Any,
    init: Callable[[jax.Array], Trained],
    advance: Callable[[Trained, int], Trained],
    errors: Callable[[Any], jax.Array],
    *,
    steps: int,
    lanes: int,
) -> Train:
    """Returns a training in which the errors after the last step count, as they do where it is reported."""
    of_leg = steps // cfg.legs

    def leg(trained: Trained) -> tuple[Trained, dict[str, jax.Array]]:
        trained = advance(trained, of_leg)
        return trained, {"validation": errors(trained.params)}

    return Train(
        init=init,
        leg=leg,
        legs=cfg.legs,
        network_steps=lanes * of_leg,
        last=("validation",),
        group=training.GROUP,
    )


class Kind(NamedTuple):
    """Tasks of one kind.

    Attributes:
      operations: name of a cell or network -> the operations that it is asked for.
      called: operation -> what the search calls it.
      train: (settings of the search, name, operation) -> the training of one seed with all settings.
      title: name -> its title in tables.
      errors: how many there are of one setting: of its ranges, sets or outputs.
      heading: of their table; kinds of one heading share one.
      note: steps of the search -> what is said below the table.
    """

    operations: dict[str, tuple[str, ...]]
    called: Callable[[str], str]
    train: Callable[[Any, str, str], Train]
    title: Callable[[str], str]
    errors: int
    heading: str
    note: Callable[[int], str]


def _unchanged(operation: str) -> str:
    return operation


def _title(name: str) -> str:
    return entrants.entrant(name).title


def _of_nine_ranges(steps: int) -> str:
    return f"{steps:,} steps, mean over the nine ranges."


_OF_ENTRANTS = {name: its.operations for name, its in ENTRANTS.items()}
_OF_MINIMAL = {
    name: minimal_arithmetic.entrant(name).operations
    for name in minimal_arithmetic.CELLS
    if name not in minimal_arithmetic.READINGS
}
_SEVERAL = "The same for networks of several layers"
KINDS = (
    Kind(
        operations=_OF_ENTRANTS,
        called=_unchanged,
        train=_of_two,
        title=_title,
        errors=len(tasks.RANGES),
        heading="The search for the arena's settings",
        note=_of_nine_ranges,
    ),
    Kind(
        operations=dict.fromkeys(PAIRS, (tasks.SIMPLE_PRODUCT,)),
        called=_unchanged,
        train=_of_product,
        title=lambda name: entrants.pair_names(name)[0],
        errors=1,
        heading=_SEVERAL,
        note=lambda steps: f"The simple product: {TIMES_OF_PRODUCT * steps:,} steps, its one range.",
    ),
    Kind(
        operations=dict.fromkeys(NETWORKS, (tasks.FOUR_AT_ONCE,)),
        called=_unchanged,
        train=_of_four,
        title=lambda name: npu_simple.network_of(name)[0],
        errors=len(npu_simple.OUTPUTS),
        heading=_SEVERAL,
        note=lambda steps: (
            f"The power unit's simple task: {steps:,} steps, after the last of them, mean over the four outputs of "
            "log10 of the mean absolute error."
        ),
    ),
    Kind(
        operations=_OF_ENTRANTS,
        called=tuned.key_of_ten,
        train=_of_ten,
        title=_title,
        errors=len(tasks.RANGES),
        heading="The same for one layer of ten inputs",
        note=_of_nine_ranges,
    ),
    Kind(
        operations=_OF_MINIMAL,
        called=tuned.key_of_minimal,
        train=_of_minimal,
        title=lambda name: minimal_arithmetic.entrant(name).title,
        errors=len(tasks.SPREADS),
        heading="The same for minimal arithmetic",
        note=lambda steps: (
            f"{TIMES_OF_MINIMAL * steps:,} steps, {minimal_arithmetic.EPOCHS} epochs of as many rows as that takes; "
            "the error after the last step counts, mean over the seven sets. A network that is trained in turns starts "
            "anew once at most."
        ),
    ),
)
NAMES = tuple(dict.fromkeys(name for kind in KINDS for name in kind.operations))
KIND_OF = {  # what the search calls an operation -> its kind, and the operation
    kind.called(operation): (kind, operation)
    for kind in KINDS
    for operations in kind.operations.values()
    for operation in operations
}
