"""Gradient transformations whose settings differ from lane to lane, so that a search over settings compiles once.

Axes: L lanes.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax


def scaled(factors_L: jax.Array) -> optax.GradientTransformation:
    """Returns the transformation that multiplies each lane's updates by a factor."""
    return optax.stateless(lambda updates, _: jax.tree.map(lambda leaf: _like(factors_L, leaf) * leaf, updates))


def decayed(
    rates: Callable[[tuple[str, ...]], jax.Array | None], share: Callable[[jax.Array], jax.Array]
) -> optax.GradientTransformation:
    """Returns the transformation that adds to each update its parameter times a rate (decoupled weight decay).

    Args:
      rates: the path of a leaf, as names -> its rates `[L]`, or None for a leaf that does not decay.
      share: step -> the share of all rates at that step.
    """

    def init(_: Any) -> optax.ScaleByScheduleState:
        return optax.ScaleByScheduleState(jnp.int32(0))

    def update(updates: Any, state: optax.ScaleByScheduleState, params: Any = None) -> tuple[Any, Any]:
        now = share(state.count)

        def with_decay(path: Any, leaf: jax.Array, parameter: jax.Array) -> jax.Array:
            rates_L = rates(tuple(entry.key for entry in path))
            return leaf if rates_L is None else leaf + now * _like(rates_L, leaf) * parameter

        return jax.tree_util.tree_map_with_path(with_decay, updates, params), state._replace(count=state.count + 1)

    return optax.GradientTransformation(init, update)


def _like(values_L: jax.Array, leaf: jax.Array) -> jax.Array:
    return jnp.reshape(values_L, (-1,) + (1,) * (leaf.ndim - 1))
