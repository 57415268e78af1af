"""The score of section 4.4: the percentage of digits that agree, as in Zaremba and Sutskever (2014).

They score a network that writes its answer digit by digit. The paper's networks give a whole integer, so here both
integers are written in decimal, one under the other with the units aligned. How digits are then counted is ours.

Axes: P places of a digit.
"""

import jax
import jax.numpy as jnp

PLACES = 9  # digits of an int32 that may be any


def digit_match(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    """Returns the percentage of the places at which prediction and target have the same digit, float32 `[...]`.

    The places are those of the longer of the two; a digit with nothing above or below it does not match. If either is
    negative, the sign is one more place, which matches if both are. -12 for -345 has 1 of 4; 7 for -7 has 1 of 2.

    Args:
      predictions: `[...]` floats, rounded to the nearest integer, halves to the even one (as Python rounds). One that
        is not finite, or has more than nine digits, matches nothing.
      targets: `[...]` integers of any dtype, of nine digits at most.
    """
    rounded = jnp.rint(predictions)
    readable = jnp.abs(rounded) < 10**PLACES  # false for NaN
    predictions = jnp.where(readable, rounded, 0).astype(jnp.int32)
    targets = targets.astype(jnp.int32)
    predicted_P, target_P = _digits(predictions), _digits(targets)
    either_negative = (predictions < 0) | (targets < 0)
    places = ((predicted_P >= 0) | (target_P >= 0)).sum(axis=0) + either_negative
    matching = ((predicted_P == target_P) & (target_P >= 0)).sum(axis=0) + ((predictions < 0) & (targets < 0))
    return jnp.where(readable, 100 * matching / places, 0)


def _digits(integers: jax.Array) -> jax.Array:
    """Returns the digits `[P, ...]` without the sign, units first, and -1 where none is written; 0 is written "0"."""
    magnitude = jnp.abs(integers)
    lowest = [0, *(10**place for place in range(1, PLACES))]  # that has a digit at the place
    return jnp.stack([jnp.where(magnitude >= low, magnitude // 10**p % 10, -1) for p, low in enumerate(lowest)])
