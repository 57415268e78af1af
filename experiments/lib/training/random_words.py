"""The random numbers of JAX at half of what they cost on a CPU: Threefry with its rounds written out.

On a CPU JAX runs the 20 rounds of Threefry-2x32 as a loop of five times four, which compiles quickly. Training draws a
little at every step, and there the loop is what costs: a dozen small operations each time round. Here the rounds are
written out. They are the words of `jax.random`, bit for bit, so that this is a matter of speed alone.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", and JAX for which word comes when.

Axes: C counters.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import random as extended

THREEFRY = "threefry2x32"
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # of four rounds each, in turns
PARITY = np.uint32(0x1BD11BDA)
MANY = 1000  # counters from which on it pays to compute both words of one at once


def drawn_fast(key: jax.Array) -> jax.Array:
    """Returns a key from which `jax.random` draws the same numbers, faster on a CPU; elsewhere the key itself."""
    if jax.default_backend() != "cpu" or jax.config.jax_threefry_partitionable:
        return key
    if not jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key) or str(jax.random.key_impl(key)) != THREEFRY:
        return key
    return jax.random.wrap_key_data(jax.random.key_data(key), impl=WRITTEN_OUT)


def _rounds(key_2: jax.Array, first_C: jax.Array, second_C: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns the two words of every counter, which has two halves."""
    keys = key_2[0], key_2[1], key_2[0] ^ key_2[1] ^ PARITY
    a, b = first_C + keys[0], second_C + keys[1]
    for i in range(5):
        for rotation in ROTATIONS[i % 2]:
            a = a + b
            b = (b << np.uint32(rotation) | b >> np.uint32(32 - rotation)) ^ a
        a, b = a + keys[(i + 1) % 3], b + keys[(i + 2) % 3] + np.uint32(i + 1)
    return a, b


def _words(key_2: jax.Array, number: int) -> jax.Array:
    """Returns so many words: the first ones of all counters, then the second ones."""
    counters = (number + 1) // 2
    first_C = np.arange(counters, dtype=np.uint32)
    second_C = np.where(first_C + counters < number, first_C + np.uint32(counters), np.uint32(0))
    if counters < MANY:
        return jnp.concatenate(_rounds(key_2, jnp.asarray(first_C), jnp.asarray(second_C)))[:number]
    return _both_at_once(key_2, first_C, second_C)[:number]


def _both_at_once(key_2: jax.Array, first_C: np.ndarray, second_C: np.ndarray) -> jax.Array:
    """Returns the same, every counter's rounds computed once.

    XLA computes two arrays by two loops, each with all that it needs. So both words of a counter are stored as one
    complex number, which nothing computes with, and are taken apart afterwards. It would join the two again, but never
    across a loop: hence one over two halves of the counters, and one over the two words.
    """
    odd = len(first_C) % 2
    halves = [jnp.asarray(np.pad(counters, (0, odd)).reshape(2, -1)) for counters in (first_C, second_C)]

    def half(_: None, counters: tuple[jax.Array, jax.Array]) -> tuple[None, jax.Array]:
        a, b = (jax.lax.bitcast_convert_type(word, jnp.float32) for word in _rounds(key_2, *counters))
        return None, jax.lax.complex(a, b)

    both = jax.lax.scan(half, None, tuple(halves))[1].reshape(-1)[: len(first_C)]

    def part(_: None, first: jax.Array) -> tuple[None, jax.Array]:
        return None, jax.lax.bitcast_convert_type(jnp.where(first, both.real, both.imag), jnp.uint32)

    return jax.lax.scan(part, None, jnp.array([True, False]))[1].reshape(-1)


def _split(key_2: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return _words(key_2, 2 * int(np.prod(shape))).reshape(*shape, 2)


def _fold_in(key_2: jax.Array, data: Any) -> jax.Array:
    return jnp.stack(_rounds(key_2, jnp.uint32(0), jnp.asarray(data).astype(jnp.uint32)))


def _bits(key_2: jax.Array, width: int, shape: tuple[int, ...]) -> jax.Array:
    if width == 32:
        return _words(key_2, int(np.prod(shape))).reshape(shape)
    words = {8: jnp.uint8, 16: jnp.uint16, 64: jnp.uint64}[width]
    return jax.random.bits(jax.random.wrap_key_data(key_2, impl=THREEFRY), shape, words)


def _seed(seed: jax.Array) -> jax.Array:
    return jax.random.key_data(jax.random.key(seed, impl=THREEFRY))


WRITTEN_OUT = extended.define_prng_impl(
    key_shape=(2,), seed=_seed, split=_split, random_bits=_bits, fold_in=_fold_in, name="threefry2x32_written_out"
)
