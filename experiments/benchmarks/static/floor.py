"""What the unavoidable parts of six seed-steps on one shared batch cost on this core, each by the fastest way we know.

The parts are the matrix products, one logarithm of every input, and the random inputs; everything else (second layers,
losses, Adam, the loop) counts as nothing. A practical floor, not a physical one: a faster library would lower it.
"""

import json
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ...lib.engine import machine
from ...lib.training.random_words import drawn_fast
from . import work

LANES, INPUTS, BATCH = (
    work.OPERATIONS * work.HIDDEN,
    work.INPUTS,
    work.BATCH,
)
# Forward [W | G] x and W log(x), backward as much again, and the sums a and b.
MULTIPLICATIONS = 2 * (2 * LANES + LANES) * INPUTS * BATCH + 2 * INPUTS * BATCH
LOOPS = 2000


def fastest(call: Callable[[], object], repeats: int = 9) -> float:
    """Returns the CPU-seconds of the fastest call."""
    call()
    times = []
    for _ in range(repeats):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return min(times)


def in_xla(body: Callable[[jax.Array], jax.Array]) -> float:
    """Returns the CPU-seconds of `body`: step -> array, within one compiled loop."""
    shape = jax.eval_shape(body, jnp.int32(0))
    loop = jax.jit(lambda: jax.lax.fori_loop(0, LOOPS, lambda step, _: body(step), jnp.zeros(shape.shape, shape.dtype)))
    return fastest(lambda: jax.block_until_ready(loop())) / LOOPS


def in_numpy(call: Callable[[], object]) -> float:
    """Returns the CPU-seconds of `call`."""
    return fastest(lambda: [call() for _ in range(LOOPS)]) / LOOPS


def products() -> float:
    generator = np.random.default_rng(0)
    weights, x = generator.random((8, 2 * LANES, INPUTS), np.float32), generator.random((INPUTS, BATCH), np.float32)
    out = np.empty((2 * LANES, BATCH), np.float32)
    ours, theirs = jnp.asarray(weights), jnp.asarray(x)
    seconds = min(in_xla(lambda step: ours[step % 8] @ theirs), in_numpy(lambda: np.matmul(weights[0], x, out=out)))
    return seconds * MULTIPLICATIONS / (2 * LANES * INPUTS * BATCH)


def logarithms() -> float:
    x = np.random.default_rng(0).random((INPUTS, BATCH), np.float32) + np.float32(1e-7)
    out = np.empty_like(x)
    ours = jnp.asarray(x)
    return min(in_xla(lambda step: jnp.log(ours + step)), in_numpy(lambda: np.log(x, out=out)))


def random_inputs() -> float:
    """At the full resolution of ours."""
    generator = np.random.Generator(np.random.SFC64(0))
    out = np.empty((INPUTS, BATCH), np.float32)
    key = drawn_fast(jax.random.key(0))
    return min(
        in_xla(lambda step: jax.random.uniform(jax.random.fold_in(key, step), (INPUTS, BATCH))),
        in_numpy(lambda: generator.random(dtype=np.float32, out=out)),
    )


if __name__ == "__main__":
    machine.prepare(cores=1)
    parts = {"products": products(), "logarithms": logarithms(), "random inputs": random_inputs()}
    print(json.dumps({"rate": work.OPERATIONS / sum(parts.values()), "parts": parts}))
