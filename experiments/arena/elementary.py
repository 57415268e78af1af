"""cos, sin and powers in arithmetic alone, for XLA calls the C library for each of them on a CPU, one number at a time.

In float32 they are right to two units in the last place; cos and sin for angles up to 8000.

Source: the polynomials of the Cephes library, S. Moshier, "Methods and Programs for Mathematical Functions", 1989.
"""

import jax
import jax.numpy as jnp

_PI_HALVES = (1.5703125, 4.837512969970703e-4, 7.549789948768648e-8)  # pi / 2 in three parts
_SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)


@jax.custom_jvp
def cos(x: jax.Array) -> jax.Array:
    """Returns the cosine of an angle in radians."""
    return _turned(x, 1)


@jax.custom_jvp
def sin(x: jax.Array) -> jax.Array:
    """Returns the sine of an angle in radians."""
    return _turned(x, 0)


@cos.defjvp
def _cos_jvp(primals, tangents):
    return cos(*primals), -sin(*primals) * tangents[0]


@sin.defjvp
def _sin_jvp(primals, tangents):
    return sin(*primals), cos(*primals) * tangents[0]


def _turned(x: jax.Array, quarters: int) -> jax.Array:
    """Returns the sine of x and so many quarter turns."""
    turns = jnp.round(x * (2 / jnp.pi))
    rest = x
    for part in _PI_HALVES:
        rest = rest - turns * part
    square = rest * rest
    of_sine = rest + rest * square * _polynomial(_SIN, square)
    of_cosine = 1 - square / 2 + square * square * _polynomial(_COS, square)
    quarter = turns.astype(jnp.int32) + quarters
    value = jnp.where(quarter % 2 == 0, of_sine, of_cosine)
    return jnp.where(quarter % 4 >= 2, -value, value)


def _polynomial(coefficients: tuple[float, ...], x: jax.Array) -> jax.Array:
    value = jnp.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


@jax.custom_jvp
def power(x: jax.Array, y: jax.Array) -> jax.Array:
    """Returns x to the power of y as `jnp.power` does; exact where y is -1, 0 or 1."""
    whole = jnp.floor(y) == y
    odd = whole & (jnp.floor(y / 2) * 2 != y)
    sign = jnp.where(x < 0, jnp.where(odd, -1.0, jnp.where(whole, 1.0, jnp.nan)), 1.0)
    value = sign * jnp.exp(y * jnp.log(jnp.abs(x)))
    return jnp.where(y == 0, 1.0, jnp.where(y == 1, x, jnp.where(y == -1, 1 / x, value))).astype(x.dtype)


@power.defjvp
def _power_jvp(primals, tangents):
    (x, y), (x_dot, y_dot) = primals, tangents
    value = power(x, y)
    by_x = jnp.where(y == 0, 0.0, y * value / x)
    by_y = jnp.where(x == 0, 0.0, value * jnp.log(jnp.where(x == 0, 1.0, x)))
    return value, by_x * x_dot + by_y * y_dot
