"""Transformations of gradients and learning rates, for many networks (lanes) side by side.

Muon (Jordan et al. 2024) is for weight matrices, Adam with Nesterov's momentum (Dozat 2016) for everything else.

Axes: L lanes; K, C, I and O as in `convolution` and `convnet`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from optax.contrib import MuonDimensionNumbers

from .loop import lanes_over

RMS = 0.2  # of a matrix's update, the size of Adam's in practice (Liu et al. 2025)


def scaled(factors_L: jax.Array) -> optax.GradientTransformation:
    """Returns the transformation that multiplies each lane's updates by a factor."""
    return optax.stateless(lambda updates, _: jax.tree.map(lambda leaf: lanes_over(factors_L, leaf) * leaf, updates))


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
            return leaf if rates_L is None else leaf + now * lanes_over(rates_L, leaf) * parameter

        return jax.tree_util.tree_map_with_path(with_decay, updates, params), state._replace(count=state.count + 1)

    return optax.GradientTransformation(init, update)


def muon_and_adam(
    *, beta: float, adam_b2: float, weight_decay: float = 0.0, adam_rate: float = 1.0, adam_layers: tuple[str, ...] = ()
) -> optax.GradientTransformation:
    """Returns the transformation of gradients, without the learning rate; weights decay where Muon works.

    Muon takes what is called "kernel", `[L, ..., I, O]`, as Flax does for its dense, convolutional and recurrent
    layers: each lane's is a matrix with one column an output. The weights of NAC and NALU have other names.

    Args:
      adam_rate: Adam's learning rate, times Muon's.
      adam_layers: names of layers whose kernels are Adam's all the same.
    """

    def dimensions(params: Any) -> Any:
        def of_leaf(path: Any, leaf: jax.Array) -> MuonDimensionNumbers | None:
            names = [getattr(entry, "key", None) for entry in path]
            if names[-1:] != ["kernel"] or set(names) & set(adam_layers):
                return None
            return MuonDimensionNumbers(tuple(range(1, leaf.ndim - 1)), leaf.ndim - 1)

        return jax.tree_util.tree_map_with_path(of_leaf, params)

    chosen = optax.contrib.muon(
        learning_rate=1.0,
        adam_learning_rate=adam_rate,
        beta=beta,
        adam_b2=adam_b2,
        weight_decay=weight_decay,
        muon_weight_dimension_numbers=dimensions,
        consistent_rms=RMS,
    )
    return optax.chain(chosen, optax.scale(-1.0))  # the training loop subtracts


def at_own_rate(part: str | int, factor: float) -> optax.GradientTransformation:
    """Returns the transformation that multiplies the updates of `params[part]` by a factor: its own learning rate."""

    def mask(params: Any) -> Any:
        key = (jax.tree_util.DictKey if isinstance(params, dict) else jax.tree_util.SequenceKey)(part)
        return jax.tree_util.tree_map_with_path(lambda path, _: path[0] == key, params)

    return optax.masked(optax.scale(factor), mask)


def clip_by_lane_norm(largest: float) -> optax.GradientTransformation:
    """Returns the transformation that shortens each lane's gradient to a norm of at most `largest`."""

    def update(gradients: Any, state: optax.OptState, params: Any = None) -> tuple[Any, optax.OptState]:
        squares_L = sum((leaf**2).reshape(leaf.shape[0], -1).sum(1) for leaf in jax.tree.leaves(gradients))
        shrink_L = jnp.minimum(1, largest / jnp.sqrt(jnp.maximum(squares_L, jnp.finfo(jnp.float32).tiny)))
        return jax.tree.map(lambda leaf: leaf * lanes_over(shrink_L, leaf), gradients), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def cosine(rate: float, total_steps: int) -> Callable[[jax.Array], jax.Array]:
    """Returns the learning rate that falls from `rate` to 0 along half a cosine over `total_steps`."""
    return lambda step: rate * 0.5 * (1 + jnp.cos(jnp.pi * jnp.minimum(step / total_steps, 1)))


def warmed(schedule: Callable[[jax.Array], jax.Array], steps: int) -> Callable[[jax.Array], jax.Array]:
    """Returns a schedule that over its first steps rises to another one in proportion."""
    return lambda step: schedule(step) * jnp.minimum(1, (step + 1) / max(steps, 1))


def constant(rate: float) -> Callable[[jax.Array], jax.Array]:
    """Returns the learning rate that does not change."""
    return lambda step: jnp.float32(rate)
