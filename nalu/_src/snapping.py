"""Weights that mean something, what each is nearest to, and parameters that give that exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float

OPEN, SHUT = 40.0, -1000.0  # sigmoid(40) is 1 and sigmoid(-1000) is 0, in float32 and float64; tanh(40) is 1, too


class Snapped(NamedTuple):
    """A cell at exact weights.

    Attributes:
      params: parameters that give them.
      weights: what the learnt parameters mean, by name; that which does not matter is at its nearest already.
      nearest: the same at exact weights.
    """

    params: dict[str, Array]
    weights: dict[str, Array]
    nearest: dict[str, Array]


def whole(w: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns the nearest of -1, 0 and 1."""
    return jnp.clip(jnp.round(w), -1, 1)


def half(w: Float[Array, "*shape"], most: float = 1.0) -> Float[Array, "*shape"]:
    """Returns the nearest multiple of 1/2 between -most and most."""
    return jnp.clip(jnp.round(2 * w) / 2, -most, most)


def switch(w: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns the nearer of 0 and 1."""
    return jnp.where(w > 0.5, 1.0, 0.0).astype(w.dtype)


def hats(w: Float[Array, "*shape"]) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Returns w_hat and m_hat for which tanh(w_hat) sigmoid(m_hat) is exactly w, one of -1, -1/2, 0, 1/2 and 1."""
    m_hat = jnp.where(w == 0, SHUT, jnp.where(jnp.abs(w) == 0.5, 0.0, OPEN))
    return jnp.where(w < 0, -OPEN, OPEN).astype(w.dtype), m_hat.astype(w.dtype)


def logit(gate: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns the number whose sigmoid is exactly the gate, one of 0, 1/2 and 1."""
    return jnp.where(gate == 0.5, 0.0, jnp.where(gate > 0.5, OPEN, SHUT)).astype(gate.dtype)
