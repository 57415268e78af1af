"""What is to be learnt in the arena: items of some inputs, their targets, and by how much one may be off.

A task is asked for inside of a range, where networks are trained and validated, and beyond it, where they are tested.
The ranges of a task are the lanes of a seed: all are drawn from the same random numbers, so that they, and all cells,
share their data.

An error is told as a relative one: the tolerance eps at which weights that are off by eps in the protocol's own sense
have just this mean squared error. It is linear in eps: the square root of the error over that of `slope`, the change of
the target per eps.

Axes: L lanes, I inputs, O outputs, N items.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

FAR = (1.35, 2.0, 4.0, 10.0, 100.0, 1000.0)  # times the training range


class Task(NamedTuple):
    """A task of `inputs` numbers in every range; all functions are of one lane.

    Attributes:
      lanes: the ranges, a pytree of arrays that lead with L.
      inside, beyond: (uniform numbers `[I, N]` from [0, 1), lane) -> items `[I, N]`.
      target: items `[I, N]` -> `[O, N]`.
      slope: items `[I, N]` -> `[O, N]`, what a relative error of weights of 1 would change, to first order.
    """

    inputs: int
    lanes: Any
    inside: Callable[[jax.Array, Any], jax.Array]
    beyond: Callable[[jax.Array, Any], jax.Array]
    target: Callable[[jax.Array], jax.Array]
    slope: Callable[[jax.Array], jax.Array]


class Range(NamedTuple):
    """U[low, high] in training and U[test_low, test_high] in the test; `mirrored`: there of either sign."""

    low: float
    high: float
    test_low: float
    test_high: float
    mirrored: bool = False

    @property
    def name(self) -> str:
        return f"U[{self.low:g}, {self.high:g}]"


RANGES = (  # Madsen and Johansen 2020; Mistry et al. 2022
    Range(-20, -10, -40, -20),
    Range(-2, -1, -6, -2),
    Range(-1.2, -1.1, -6.1, -1.2),
    Range(-0.2, -0.1, -2, -0.2),
    Range(-2, 2, 2, 6, mirrored=True),
    Range(0.1, 0.2, 0.2, 2),
    Range(1, 2, 2, 6),
    Range(1.1, 1.2, 1.2, 6),
    Range(10, 20, 20, 40),
)

OPERATIONS: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
}


def single_module(operation: str, ranges: tuple[Range, ...] = RANGES, *, inputs: int = 2) -> Task:
    """Returns the single module arithmetic task: an operation on the first two of some inputs, the others redundant.

    Weights that are off by eps are 1 - eps (of a divisor -(1 - eps)) where they should be 1 and eps where they should
    be 0. The published code draws the place of a and b among the inputs for each seed; cells treat all inputs alike.

    Source: Mistry, Farrahi and Hare 2022, "A Primer for Neural Arithmetic Logic Modules", arXiv 2101.09530.
    """
    compute = OPERATIONS[operation]

    def slope(x_IN: jax.Array) -> jax.Array:
        size_IN = jnp.abs(x_IN)
        if operation in ("a + b", "a - b"):
            return size_IN.sum(axis=0)[None]
        return (jnp.abs(compute(x_IN[0], x_IN[1])) * (2 + size_IN[2:].sum(axis=0)))[None]

    return Task(
        inputs=inputs,
        lanes=stacked(ranges),
        inside=within,
        beyond=beyond,
        target=lambda x_IN: compute(x_IN[0], x_IN[1])[None],
        slope=slope,
    )


def simple_product() -> Task:
    """Returns the "simple" product of the arithmetic function task: (x1 + x2 + x3 + x4) (x1 + x2) of U[1, 2] numbers.

    The weights of the first layer are off by eps, the second is perfect.

    Source: Madsen and Johansen 2020, "Neural Arithmetic Units", arXiv 2001.05016, and their code.
    """

    def slope(x_IN: jax.Array) -> jax.Array:
        a_N, b_N = x_IN.sum(axis=0), x_IN[:2].sum(axis=0)
        return (a_N * (a_N - 3 * b_N))[None]  # of (1 - eps) a ((1 - eps) b + eps (a - b))

    return Task(
        inputs=4,
        lanes=stacked((Range(1, 2, 2, 6),)),
        inside=within,
        beyond=beyond,
        target=lambda x_IN: (x_IN.sum(axis=0) * x_IN[:2].sum(axis=0))[None],
        slope=slope,
    )


def four_at_once() -> Task:
    """Returns the simple task of the neural power unit: x + y, x y, x / y and the root of x, of U[0.1, 2.1] numbers.

    Source: Heim, Pevny and Smidl 2020, "Neural Power Units", arXiv 2006.01681, and their code.
    """

    def target(x_IN: jax.Array) -> jax.Array:
        x_N, y_N = x_IN
        return jnp.stack([x_N + y_N, x_N * y_N, x_N / y_N, jnp.sqrt(x_N)])

    one = Range(0.1, 2.1, 0.1, 4.0)
    return Task(inputs=2, lanes=stacked((one,)), inside=within, beyond=beyond, target=target, slope=target)


def stacked(ranges: tuple[Range, ...]) -> Range:
    """Returns ranges as lanes, arrays `[L]`."""
    return Range(*(np.array(values, np.float32) for values in zip(*ranges, strict=True)))


def within(u_IN: jax.Array, lane: Range) -> jax.Array:
    """Returns items of the training range."""
    return lane.low + u_IN * (lane.high - lane.low)


def beyond(u_IN: jax.Array, lane: Range) -> jax.Array:
    """Returns items of the test range; where that is mirrored, each number is of either sign."""
    plain_IN = lane.test_low + u_IN * (lane.test_high - lane.test_low)
    folded_IN = 2 * u_IN - (u_IN >= 0.5)
    either_IN = jnp.where(u_IN < 0.5, -1, 1) * (lane.test_low + folded_IN * (lane.test_high - lane.test_low))
    return jnp.where(lane.mirrored > 0, either_IN, plain_IN)
