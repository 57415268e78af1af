"""The training loop that every experiment shares: many small networks (lanes) of one seed, trained side by side.

The lanes of a seed differ only in data (an operation, a start, a learning rate), so they are one program over
parameters with a leading lane axis. A lane whose gradient is not finite skips that update and is counted; it never
touches its neighbours.

Axes: L lanes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

import nalu

from .random_words import drawn_fast

NOISE = 0x2015E  # what the keys of a batch's noise are folded with


class TrainState(NamedTuple):
    """The state of one seed; every leaf of `params` leads with L."""

    params: Any
    optimiser: optax.OptState
    key: jax.Array  # of the data stream; step t draws from fold_in(key, t)
    step: jax.Array
    nonfinite_L: jax.Array  # updates skipped


def init_lanes(init: Callable[[jax.Array], Any], keys_L: jax.Array) -> Any:
    """Returns the parameters of lanes, `init(key)` one after the other, every leaf led by L.

    Never under a vmap: the orthogonal matrices with which recurrent cells start come from LAPACK, and jaxlib 0.10
    spreads a batch of them over threads that then wait for each other, at times for ever.
    """
    return jax.lax.map(init, keys_L)


def start(params: Any, transform: optax.GradientTransformation, key: jax.Array) -> TrainState:
    """Returns the state before the first step; `key` is consumed."""
    (lanes,) = {leaf.shape[0] for leaf in jax.tree.leaves(params)}
    return TrainState(params, transform.init(params), key, jnp.int32(0), jnp.zeros(lanes, jnp.int32))


def as_lane(tree: Any) -> Any:
    """Returns a network's parameters as those of one lane, every leaf led by L = 1."""
    return jax.tree.map(lambda leaf: leaf[None], tree)


def alone(tree_L: Any) -> Any:
    """Returns the parameters of the network of one lane; of the first where there are more."""
    return jax.tree.map(lambda leaf: leaf[0], tree_L)


def of_one(loss: Callable[[Any, Any], jax.Array]) -> Callable[[Any, Any], jax.Array]:
    """Returns losses of one lane, (params_L, batch) -> `[1]`, from that of its network, (params, batch) -> a number."""
    return lambda params_L, batch: loss(alone(params_L), batch)[None]


def lanes_over(values_L: jax.Array, leaf: jax.Array) -> jax.Array:
    """Returns values of lanes in a shape that broadcasts over a leaf led by L."""
    return jnp.reshape(values_L, (-1,) + (1,) * (leaf.ndim - 1))


def noise(key: jax.Array) -> dict[str, jax.Array]:
    """Returns what says to the cells of a network that this is training, `apply(..., rngs=...)`, from a batch's key."""
    return {"noise": jax.random.fold_in(key, NOISE)}


def regulariser(model: str, steps: int) -> Callable[[Any, jax.Array, jax.Array], jax.Array] | None:
    """Returns what a cell of `nalu.CELLS` adds to the loss in a training of so many steps, as published.

    None for a cell without any, and for what is no cell.
    """
    recipe = nalu.CELLS[model].published if model in nalu.CELLS else None
    return recipe.over(steps).regulariser if recipe and recipe.regularised else None


def take_steps(
    state: TrainState,
    *,
    steps: int,
    sample: Callable[[jax.Array], Any],
    losses: Callable[[Any, Any], jax.Array],
    transform: optax.GradientTransformation,
    learning_rate: Callable[[jax.Array], jax.Array | float],
    regulariser: Callable[[Any, jax.Array, jax.Array], jax.Array] | None = None,
) -> TrainState:
    """Takes optimiser steps, each on a fresh batch. Weights of cells that have bounds are projected onto them.

    Args:
      sample: key -> batch.
      losses: (params, batch) -> `[L]`, lane l's loss depending on lane l's parameters alone.
      transform: scales gradients (for instance `optax.scale_by_adam()`), without the learning rate.
      learning_rate: step -> factor.
      regulariser: (parameters of one lane, step, its loss) -> what is added to its loss.
    """

    def total(params: Any, batch: Any, step: jax.Array) -> jax.Array:
        losses_L = losses(params, batch)
        if regulariser is not None:
            losses_L += jax.vmap(regulariser, in_axes=(0, None, 0))(params, step, losses_L)
        return losses_L.sum()

    def step(state: TrainState, _: None) -> tuple[TrainState, None]:
        batch = sample(jax.random.fold_in(drawn_fast(state.key), state.step))
        gradients = jax.grad(total)(state.params, batch, state.step)
        finite_L = _all_finite(gradients)
        gradients = jax.tree.map(lambda leaf: jnp.where(lanes_over(finite_L, leaf), leaf, 0), gradients)
        updates, optimiser = transform.update(gradients, state.optimiser, state.params)
        rate = learning_rate(state.step)
        params = jax.tree.map(
            lambda leaf, update: leaf - jnp.where(lanes_over(finite_L, leaf), rate * update, 0), state.params, updates
        )
        params = nalu.project(params)
        return TrainState(params, optimiser, state.key, state.step + 1, state.nonfinite_L + ~finite_L), None

    state, _ = jax.lax.scan(step, state, length=steps)
    return state


def lane_by_lane(loss: Callable[[Any, Any], jax.Array]) -> Callable[[Any, Any], jax.Array]:
    """Returns losses of lanes, (params_L, batch) -> `[L]`, from that of one, (params, batch) -> a number.

    On a CPU the lanes follow one another, their gradients included: a vmap, even over a single lane, makes batched
    products out of plain ones, which can be slower there. Elsewhere it is a vmap.
    """
    if jax.default_backend() != "cpu":
        return jax.vmap(loss, in_axes=(0, None))

    def losses(params_L: Any, batch: Any) -> jax.Array:
        def of_one(params: Any) -> jax.Array:
            return loss(params, batch)

        @jax.custom_vjp
        def of_lanes(params_L: Any) -> jax.Array:
            return jax.lax.map(of_one, params_L)

        def forward(params_L: Any) -> tuple[jax.Array, Any]:
            return jax.lax.map(jax.value_and_grad(of_one), params_L)

        def backward(gradients_L: Any, factors_L: jax.Array) -> tuple[Any]:
            return (jax.tree.map(lambda leaf: lanes_over(factors_L, leaf) * leaf, gradients_L),)

        of_lanes.defvjp(forward, backward)
        return of_lanes(params_L)

    return losses


def _all_finite(gradients: Any) -> jax.Array:
    """Says per lane whether every entry of every leaf is finite, and its square, which Adam would keep for ever.

    One sum a leaf, since inf and NaN survive 0 * x.
    """
    sums = [(0 * jnp.square(leaf)).reshape(leaf.shape[0], -1).sum(1) for leaf in jax.tree.leaves(gradients)]
    return jnp.isfinite(sum(sums))
