"""The six operations of section 4.1, and the slices of the input that are summed to a and b.

Axes: O operations, I inputs, N items.
"""

import jax
import jax.numpy as jnp

OPERATIONS = {
    "a+b": lambda a, b: a + b,
    "a-b": lambda a, b: a - b,
    "a*b": lambda a, b: a * b,
    "a/b": lambda a, b: a / b,
    "a^2": lambda a, b: a**2,
    "sqrt(a)": lambda a, b: jnp.sqrt(a),
}


def draw_slices(key: jax.Array, inputs: int, a_lengths: tuple[int, int], b_lengths: tuple[int, int]) -> jax.Array:
    """Returns `[2, I]` zeros and ones: two contiguous slices of the inputs, which may overlap.

    They are never identical: the second moves by one place where it would be, for then a - b would be nothing to
    learn. Lengths are drawn from `(shortest, longest)`, both below `inputs`.
    """
    key_length, key_start = jax.random.split(key)
    shortest_2, longest_2 = jnp.array([a_lengths, b_lengths]).T
    length_2 = jax.random.randint(key_length, (2,), shortest_2, longest_2 + 1)
    start_2 = jnp.floor(jax.random.uniform(key_start, (2,)) * (inputs - length_2 + 1)).astype(jnp.int32)
    identical = (length_2[0] == length_2[1]) & (start_2[0] == start_2[1])
    moved = (start_2[1] + 1) % (inputs - length_2[1] + 1)
    start_2 = start_2.at[1].set(jnp.where(identical, moved, start_2[1]))
    place_I = jnp.arange(inputs)
    return jnp.float32((place_I[None] >= start_2[:, None]) & (place_I[None] < (start_2 + length_2)[:, None]))


def targets(sums_2N: jax.Array) -> jax.Array:
    """Returns `[O, N]`: every operation of a and b, the two rows of `sums_2N`."""
    a_N, b_N = sums_2N
    return jnp.stack([operation(a_N, b_N) for operation in OPERATIONS.values()])
