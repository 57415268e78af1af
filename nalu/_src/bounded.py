"""Powers, products and clipped weights whose values and gradients stay finite, and are exact where they would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@jax.custom_jvp
def bounded_exp(e: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """`exp(e)` wherever that is finite, and the largest float beyond.

    In y = g a + (1 - g) m an infinite m under a closed gate would be 0 * inf. The derivative is `exp(e)` too but
    stops growing at `max**0.75` (3e28 in float32), which leaves room for what the chain rule multiplies it with.
    """
    return jnp.minimum(jnp.exp(e), jnp.finfo(e.dtype).max)


@bounded_exp.defjvp
def _bounded_exp_jvp(primals, tangents):
    m = bounded_exp(*primals)
    return m, jnp.minimum(m, float(jnp.finfo(m.dtype).max) ** 0.75) * tangents[0]


@jax.custom_jvp
def bounded_exp_cos(e: Float[Array, "*shape"], angle: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """`exp(e) cos(angle)`, the real part of exp(e + i angle), with `bounded_exp` for exp in value and derivative."""
    return bounded_exp(e) * jnp.cos(angle)


@bounded_exp_cos.defjvp
def _bounded_exp_cos_jvp(primals, tangents):
    (e, angle), (e_dot, angle_dot) = primals, tangents
    m = bounded_exp(e)
    slope = jnp.minimum(m, float(jnp.finfo(m.dtype).max) ** 0.75)
    return m * jnp.cos(angle), slope * (jnp.cos(angle) * e_dot - jnp.sin(angle) * angle_dot)


@jax.custom_jvp
def bounded_product(factors: Float[Array, "I O"]) -> Float[Array, " O"]:
    """The product over I wherever that is finite, and the largest float with its sign beyond.

    The derivative by a factor is the product of the others, up to `max**0.45` (2e17 in float32), which leaves room for
    what the chain rule multiplies it with.
    """
    largest = jnp.finfo(factors.dtype).max
    product = jnp.clip(jnp.prod(factors, axis=0), -largest, largest)
    return jnp.where((factors == 0).any(axis=0), 0, product)  # not the NaN of inf * 0


@bounded_product.defjvp
def _bounded_product_jvp(primals, tangents):
    (factors,), (slopes,) = primals, tangents
    most = float(jnp.finfo(factors.dtype).max) ** 0.45

    def times(a: Array, b: Array) -> Array:
        return jnp.clip(a * b, -most, most)

    within, one = jnp.clip(factors, -most, most), jnp.ones_like(factors[:1])
    before = jnp.concatenate([one, jax.lax.associative_scan(times, within)[:-1]])
    after = jnp.concatenate([jax.lax.associative_scan(times, within, reverse=True)[1:], one])
    return bounded_product(factors), (times(before, after) * slopes).sum(axis=0)


def magnitude(x: Float[Array, "*shape"], eps: float) -> Float[Array, "*shape"]:
    """`|x| + eps`, whose log is finite at x = 0; with eps = 0 it is |x|, and the least normal float there."""
    return jnp.abs(x) + eps if eps > 0 else at_least(x, eps)


def at_least(x: Float[Array, "*shape"], eps: float) -> Float[Array, "*shape"]:
    """`max(|x|, eps)`, and with eps = 0 the least normal float in its place.

    Raises:
      ValueError: eps is negative.
    """
    if eps < 0:
        raise ValueError(f"eps is {eps}, but the log of a magnitude needs one that is not negative.")
    return jnp.maximum(jnp.abs(x), eps or jnp.finfo(x.dtype).tiny)


def clipped(w: Float[Array, "*shape"], low: float, high: float) -> Float[Array, "*shape"]:
    """`min(max(w, low), high)` with slope 1 on both bounds, so that a weight on its bound can come back from it."""
    return jnp.where((w < low) | (w > high), jnp.clip(w, low, high), w)
