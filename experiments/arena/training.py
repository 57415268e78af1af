"""Trains one network on a task, in all of its ranges side by side, as the protocols of the field do.

Every step draws fresh items. At every log the mean squared error inside and beyond the training range is taken on fixed
items; the log with the least error inside chooses the parameters whose error beyond is reported.

Axes: S seeds, E legs, L lanes (ranges), I inputs, O outputs, N items, T tolerances, F distances.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import nalu

from ..lib.config import require, require_divides
from ..lib.report.how_far import FAR
from ..lib.training.random_words import drawn_fast
from ..lib.training.train import Train
from .networks import Network
from .tasks import Task

Steps = tuple[Callable[[jax.Array], "Trained"], Callable[["Trained", int], "Trained"]]  # see `steps_of`

TOLERANCES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # whose first log is kept
VALIDATION, TEST, DISTANT = 43953907, 8689336, 1905  # keys of the fixed items
GROUP = 50  # seeds that advance together, which are what fills the loops
CHUNK = 1000  # items evaluated at a time


class Length(NamedTuple):
    """How long a network is trained: `steps` on batches of `batch`, logged every `log_every`, in `legs`."""

    steps: int
    log_every: int
    legs: int
    batch: int
    items: int  # of validation and test each


class Trained(NamedTuple):
    """The networks of one seed; every leaf of the first two leads with L."""

    params: Any
    optimiser: Any
    key: jax.Array
    step: jax.Array


class State(NamedTuple):
    """One seed; every leaf but the key and the step leads with L. `best` are the parameters of the chosen log."""

    trained: Trained
    best: Any
    validation: jax.Array
    test: jax.Array
    solved_at: jax.Array  # [L, T]


def make_train(
    network: Network,
    task: Task,
    recipe: nalu.Recipe,
    length: Length,
    *,
    learning_rate_L: np.ndarray,
    start_L: np.ndarray,
    range_L: np.ndarray | None = None,
    keep: bool = True,
    steps: "Steps | None" = None,
    squared: Callable[["State"], Any] | None = None,
    squared_items: int | None = None,
    wide: bool = False,
) -> Train:
    """Returns the training of one seed in all lanes.

    Args:
      recipe: how it is trained; its learning rate is not looked at.
      learning_rate_L, start_L: learning rate, and what the parameters are multiplied by before the first step.
      range_L: which range a lane's start is of; lanes of one range start from the same numbers.
      keep: measure the chosen parameters far away at the end, and keep them.
      steps: another training than that by `steps_of`: (key -> networks, (networks, number of steps) -> networks).
      squared: state -> parameters whose mean squared error on the test range is kept, too, where the protocol goes by
        that; `squared_items`: on so many items.
      wide: see `Train`.
    """
    lanes = len(learning_rate_L)
    logs = length.steps // length.log_every // length.legs
    if steps is None:
        start, take_step = steps_of(
            network, task, recipe, length.batch, learning_rate_L=learning_rate_L, start_L=start_L, range_L=range_L
        )
        steps = start, in_scan(take_step)
    start, advance = steps

    def init(key: jax.Array) -> State:
        trained, worst_L = start(key), jnp.full(lanes, jnp.inf)
        return State(
            trained=trained,
            best=trained.params,
            validation=worst_L,
            test=worst_L,
            solved_at=jnp.zeros((lanes, len(TOLERANCES)), jnp.int32),
        )

    def log(state: State, _: None) -> tuple[State, None]:
        trained = advance(state.trained, length.log_every)
        inside_L = relative_error(network, task, trained.params, uniform(VALIDATION, task, length.items), task.inside)
        beyond_L = relative_error(network, task, trained.params, uniform(TEST, task, length.items), task.beyond)
        better_L = inside_L < state.validation
        reached_LT = (beyond_L[:, None] < jnp.array(TOLERANCES)) & (state.solved_at == 0)
        return (
            State(
                trained=trained,
                best=jax.tree.map(lambda new, old: _where(better_L, new, old), trained.params, state.best),
                validation=jnp.where(better_L, inside_L, state.validation),
                test=jnp.where(better_L, beyond_L, state.test),
                solved_at=jnp.where(reached_LT, trained.step, state.solved_at),
            ),
            None,
        )

    def leg(state: State) -> tuple[State, dict[str, jax.Array]]:
        state, _ = jax.lax.scan(log, state, length=logs)
        return state, {
            "validation": state.validation,
            "test": state.test,
            "solved_at": state.solved_at,
            "diverged": ~finite(state.trained.params),
        }

    def finish(state: State) -> tuple[State, dict[str, jax.Array]]:
        """Measures the chosen parameters far away, and keeps them."""
        u_IN = uniform(DISTANT, task, length.items)
        far_FL = [
            relative_error(network, task, state.best, u_IN, lambda u_IN, lane, f=f: f * task.inside(u_IN, lane))
            for f in FAR
        ]
        found = {"far": jnp.stack(far_FL, axis=-1), **named(state.best)}
        if network.snap is not None:
            few_IN = uniform(DISTANT, task, min(length.items, 100))
            exact = jax.vmap(lambda params, lane: network.snap(params, task.inside(few_IN, lane)))
            snapped, test_IN = exact(state.best, task.lanes), uniform(TEST, task, min(length.items, CHUNK))
            found["snapped"] = relative_error(network, task, snapped, test_IN, task.beyond)
        if squared is not None:
            test_IN = uniform(TEST, task, squared_items or length.items)
            found["squared"] = squared_error(network, task, squared(state), test_IN, task.beyond)
        return state, found

    return Train(
        init=init,
        leg=leg,
        legs=length.legs,
        network_steps=lanes * length.steps // length.legs,
        last=("validation", "test", "solved_at", "diverged"),
        group=GROUP,
        wide=wide,
        finish=finish if keep else None,
    )


def steps_of(
    network: Network,
    task: Task,
    recipe: nalu.Recipe,
    batch: int,
    *,
    learning_rate_L: np.ndarray,
    start_L: np.ndarray,
    range_L: np.ndarray | None = None,
    epoch: int | None = None,
) -> tuple[Callable[[jax.Array], Trained], Callable[[Trained, None], tuple[Trained, None]]]:
    """Returns (key -> networks before training, one step of training for `lax.scan`); see `make_train`.

    Args:
      epoch: so many batches are drawn once, and come again in the same order; None draws fresh ones for ever.
    """
    transform = optimiser(recipe)
    rates_L = jnp.asarray(learning_rate_L, jnp.float32)

    def start(key: jax.Array) -> Trained:
        key_data, key_start = jax.random.split(key)
        params_L = started(network, key_start, start_L, range_L)
        return Trained(params_L, jax.vmap(transform.init)(params_L), key_data, jnp.int32(0))

    def of_lane(
        params: Any, memory: Any, rate: jax.Array, lane: Any, u_IN: jax.Array, key: jax.Array, step: jax.Array
    ) -> tuple[Any, Any]:
        x_IN = task.inside(u_IN, lane)
        y_ON = task.target(x_IN)

        def loss(params: Any) -> jax.Array:
            error = jnp.mean((network.apply(params, x_IN, key) - y_ON) ** 2)
            added = recipe.regulariser(params, step, jax.lax.stop_gradient(error))
            return error + added + network.penalty(params)

        updates, memory = transform.update(jax.grad(loss)(params), memory, params)
        params = jax.tree.map(lambda leaf, update: leaf - rate * update, params, updates)
        return network.project(params), memory

    def take_step(trained: Trained, _: None) -> tuple[Trained, None]:
        key = drawn_fast(trained.key)
        key_items, key_noise = jax.random.split(jax.random.fold_in(key, trained.step))
        if epoch is None:
            u_IN = coarse_uniform(key_items, task.inputs, batch)
        else:
            u_IN = fine_uniform(jax.random.fold_in(key, trained.step % epoch), task.inputs, batch)
        params, memory = jax.vmap(of_lane, in_axes=(0, 0, 0, 0, None, None, None))(
            trained.params,
            trained.optimiser,
            rates_L,
            task.lanes,
            u_IN,
            key_noise,
            trained.step,
        )
        return Trained(params, memory, trained.key, trained.step + 1), None

    return start, take_step


def started(network: Network, key: jax.Array, start_L: np.ndarray, range_L: np.ndarray | None = None) -> Any:
    """Returns the parameters of every lane before training, multiplied by `start_L`.

    Args:
      range_L: see `make_train`; None: each lane from a draw of its own.
    """
    numbers_L = np.arange(len(start_L)) if range_L is None else range_L

    def of_lane(lane: tuple[jax.Array, jax.Array]) -> Any:
        number, scale = lane
        return jax.tree.map(lambda leaf: scale * leaf, network.init(jax.random.fold_in(key, number)))

    return jax.lax.map(of_lane, (jnp.asarray(numbers_L), jnp.asarray(start_L, jnp.float32)))


def in_scan(
    take_step: Callable[[Trained, None], tuple[Trained, None]],
) -> Callable[[Trained, int], Trained]:
    """Returns (networks, number of steps) -> networks after so many steps."""

    def advance(trained: Trained, number: int) -> Trained:
        trained, _ = jax.lax.scan(take_step, trained, length=number)
        return trained

    return advance


def named(params: Any) -> dict[str, jax.Array]:
    """Returns parameters by their path, for a record: `params/w_hat`."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {"/".join(str(entry.key) for entry in path): leaf for path, leaf in leaves}


def optimiser(recipe: nalu.Recipe) -> optax.GradientTransformation:
    """Returns the transformation of gradients that a recipe names, without the learning rate."""
    first = []
    if recipe.clip_value is not None:
        first.append(optax.clip(recipe.clip_value))
    if recipe.clip_norm is not None:
        first.append(optax.clip_by_global_norm(recipe.clip_norm))
    # RMSProp as TensorFlow's first version has it, with which it was used: its memory begins at 1.
    rms = optax.scale_by_rms(decay=0.9, eps=1e-10, initial_scale=1.0)
    return optax.chain(*first, {"adam": optax.scale_by_adam(), "rmsprop": rms}[recipe.optimiser])


def relative_error(network: Network, task: Task, params_L: Any, u_IN: jax.Array, items: Any) -> jax.Array:
    """Returns the relative error `[L]` of every lane's network on items made of uniform numbers; inf, not NaN."""
    error_L, slope_L = _mean_squares(network, task, params_L, u_IN, items)
    error_L = jnp.sqrt(error_L / slope_L)
    return jnp.where(jnp.isfinite(error_L), error_L, jnp.inf)


def squared_error(network: Network, task: Task, params_L: Any, u_IN: jax.Array, items: Any) -> jax.Array:
    """Returns the mean squared error `[L]` of every lane's network on items made of uniform numbers; inf, not NaN."""
    error_L, _ = _mean_squares(network, task, params_L, u_IN, items)
    return jnp.where(jnp.isfinite(error_L), error_L, jnp.inf)


def _mean_squares(
    network: Network, task: Task, params_L: Any, u_IN: jax.Array, items: Any
) -> tuple[jax.Array, jax.Array]:
    chunks_CIN = jnp.moveaxis(u_IN.reshape(u_IN.shape[0], -1, min(CHUNK, u_IN.shape[1])), 1, 0)

    def squares(params: Any, lane: Any, u_IN: jax.Array) -> tuple[jax.Array, jax.Array]:
        x_IN = items(u_IN, lane)
        return (
            jnp.mean((network.apply(params, x_IN, None) - task.target(x_IN)) ** 2),
            jnp.mean(task.slope(x_IN) ** 2),
        )

    over_lanes = jax.vmap(squares, in_axes=(0, 0, None))

    # The loop hands each chunk on: cut out where it is used, its place is looked up for every item, one by one.
    def of_chunk(u_IN: jax.Array, next_IN: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        return next_IN, over_lanes(params_L, task.lanes, u_IN)

    _, (errors_CL, slopes_CL) = jax.lax.scan(of_chunk, chunks_CIN[0], jnp.roll(chunks_CIN, -1, axis=0))
    return errors_CL.mean(axis=0), slopes_CL.mean(axis=0)


def uniform(number: int, task: Task, items: int) -> jax.Array:
    """Returns the numbers `[I, N]` that fixed items are made of: the same for all seeds, cells and ranges."""
    return jax.random.uniform(jax.random.key(number), (task.inputs, items))


def coarse_uniform(key: jax.Array, inputs: int, items: int) -> jax.Array:
    """Returns uniform numbers `[I, N]` of 16 bits each, two from every random word, which are what training costs."""
    words = jax.random.bits(key, (inputs, (items + 1) // 2))
    halves = jnp.concatenate([words >> 16, words & 0xFFFF], axis=1)[:, :items]
    return (halves.astype(jnp.int32).astype(jnp.float32) + 0.5) / 65536


def fine_uniform(key: jax.Array, inputs: int, items: int) -> jax.Array:
    """Returns uniform numbers `[I, N]` of 23 bits each, never 0, 1/2 or 1: some divide, and of some there is a log."""
    bits = jax.random.bits(key, (inputs, items)) >> 9
    return (bits.astype(jnp.int32).astype(jnp.float32) + 0.5) / 2**23


def _where(flags_L: jax.Array, new: jax.Array, old: jax.Array) -> jax.Array:
    return jnp.where(flags_L.reshape(flags_L.shape + (1,) * (new.ndim - 1)), new, old)


def finite(params_L: Any) -> jax.Array:
    """Says of every lane whether all of its parameters are finite."""
    leaves = [jnp.isfinite(leaf).reshape(leaf.shape[0], -1).all(axis=1) for leaf in jax.tree.leaves(params_L)]
    return jnp.stack(leaves).all(axis=0)


def length(cfg: Any) -> Length:
    """Returns how long an experiment trains."""
    return Length(cfg.steps, cfg.log_every, cfg.legs, cfg.batch, cfg.items)


def check_length(cfg: Any) -> None:
    """Raises a usage error unless an experiment's steps, logs, legs and items divide one another."""
    require_divides(cfg, "log_every", "steps")
    logs = cfg.steps // cfg.log_every
    require(logs % cfg.legs == 0, f"legs is {cfg.legs}, which does not divide the {logs} logs.")
    require(
        cfg.items < CHUNK or cfg.items % CHUNK == 0,
        f"items is {cfg.items}, but must be below {CHUNK} or a multiple of it.",
    )
