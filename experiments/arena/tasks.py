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

    @property
    def positive(self) -> bool:
        """Whether all numbers are, in training and in the test."""
        return min(self.low, self.test_low) > 0 and not self.mirrored


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


class Spread(NamedTuple):
    """How numbers are spread: a mixture of what is made of uniform numbers, for training and, after it, for the test.

    x = shift + uniform u + normal z(u) + exponential e(u), where u is U[0, 1), z normal, cut off at three deviations,
    and e exponential with mean 1.
    """

    shift: float
    uniform: float
    normal: float
    exponential: float
    test_shift: float
    test_uniform: float
    test_normal: float
    test_exponential: float


def _uniform(low: float, high: float) -> tuple[float, ...]:
    return low, high - low, 0.0, 0.0


def _normal(low: float, high: float) -> tuple[float, ...]:
    return (low + high) / 2, 0.0, (high - low) / 6, 0.0


def _exponential(mean: float) -> tuple[float, ...]:
    return 0.0, 0.0, 0.0, mean


SPREADS = {  # Schlör et al. 2020, experiment 1: as its published results name them
    "N(-3, 3)": Spread(*_normal(-3, 3), *_normal(8, 10)),
    "N(-2, 4)": Spread(*_normal(-2, 4), *_normal(8, 10)),
    "N(-4, 2)": Spread(*_normal(-4, 2), *_normal(8, 10)),
    "U(-1, 1)": Spread(*_uniform(-1, 1), *_uniform(-10, -5)),
    "U(-5, 5)": Spread(*_uniform(-5, 5), *_uniform(-10, -5)),
    "E(0.2)": Spread(*_exponential(0.2), *_exponential(0.5)),
    "E(0.8)": Spread(*_exponential(0.8), *_exponential(0.5)),
}


def minimal_arithmetic(operation: str, spreads: tuple[Spread, ...] = tuple(SPREADS.values())) -> Task:
    """Returns the minimal arithmetic task: an operation on two numbers, spread in some ways.

    Normal numbers are those of an interval: its middle, a sixth of it as the deviation, cut off at its ends.
    Exponential ones are told by their mean. Weights are off by eps as in the single module.

    Source: Schlör, Ring and Hotho 2020, "iNALU: Improved Neural Arithmetic Logic Unit", arXiv 2003.07629, experiment
    1, and their code.

    Args:
      spreads: the lanes.
    """

    def mixed(u_IN: jax.Array, shift: Any, uniform: Any, normal: Any, exponential: Any) -> jax.Array:
        within_three = jax.scipy.special.erf(3 / np.sqrt(2))
        z_IN = np.sqrt(2) * jax.scipy.special.erfinv(within_three * (2 * u_IN - 1))
        x_IN = shift + uniform * u_IN + normal * z_IN - exponential * jnp.log1p(-u_IN)
        return jnp.where(x_IN == 0, 1e-7, x_IN)  # a divisor

    return single_module(operation)._replace(
        lanes=stacked(spreads),
        inside=lambda u_IN, lane: mixed(u_IN, *lane[:4]),
        beyond=lambda u_IN, lane: mixed(u_IN, *lane[4:]),
    )


SIMPLE_PRODUCT = "(x1 + x2 + x3 + x4) (x1 + x2)"


def simple_product(*, lanes: int = 1) -> Task:
    """Returns the "simple" product of the arithmetic function task: (x1 + x2 + x3 + x4) (x1 + x2) of U[1, 2] numbers.

    All lanes have that range. The weights of the first layer are off by eps, the second is perfect.

    Source: Madsen and Johansen 2020, "Neural Arithmetic Units", arXiv 2001.05016, and their code.
    """

    def slope(x_IN: jax.Array) -> jax.Array:
        a_N, b_N = x_IN.sum(axis=0), x_IN[:2].sum(axis=0)
        return (a_N * (a_N - 3 * b_N))[None]  # of (1 - eps) a ((1 - eps) b + eps (a - b))

    return Task(
        inputs=4,
        lanes=stacked((Range(1, 2, 2, 6),) * lanes),
        inside=within,
        beyond=beyond,
        target=lambda x_IN: (x_IN.sum(axis=0) * x_IN[:2].sum(axis=0))[None],
        slope=slope,
    )


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    **OPERATIONS,
    "a^2": lambda a, b: a * a,
    "sqrt(a)": lambda a, b: a**0.5,
}
# How each changes as a and b change by da and db.
SLOPES: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "a + b": lambda a, b, da, db: da + db,
    "a - b": lambda a, b, da, db: da - db,
    "a * b": lambda a, b, da, db: b * da + a * db,
    "a / b": lambda a, b, da, db: (da - a / b * db) / b,
    "a^2": lambda a, b, da, db: 2 * a * da,
    "sqrt(a)": lambda a, b, da, db: da / (2 * a**0.5),
}
ONE_TO_TWO = Range(1, 2, 2, 6)  # where nothing else is said
FUNCTION_RANGES = (  # Madsen and Johansen 2020, their sweep
    Range(-2, -1, -6, -2),
    Range(-2, 2, 2, 6, mirrored=True),
    Range(0, 1, 1, 5),
    Range(0.1, 0.2, 0.2, 2),
    ONE_TO_TWO,
    Range(1.1, 1.2, 1.2, 6),
    Range(10, 20, 20, 40),
)
PART, OVERLAP = 25, 12  # inputs that a and b each sum, and those that both do


def arithmetic_function(
    operation: str,
    its_range: Range = ONE_TO_TWO,
    *,
    inputs: int = 100,
    part: int = PART,
    overlap: int = OVERLAP,
) -> Task:
    """Returns the arithmetic function task: an operation on two sums over overlapping parts of numbers of a range.

    Weights of the first layer that are off by eps are 1 - eps in the part of a sum and eps elsewhere; the second layer
    is perfect. The published code draws the place of the two parts for each seed; here they are the first, for networks
    start alike in all inputs. All lanes have one range: they are networks that share their data.

    Source: Madsen and Johansen 2020, "Neural Arithmetic Units", arXiv 2001.05016, and their code.
    """
    compute, change = FUNCTIONS[operation], SLOPES[operation]

    def sums(x_IN: jax.Array) -> tuple[jax.Array, jax.Array]:
        return x_IN[:part].sum(axis=0), x_IN[part - overlap : 2 * part - overlap].sum(axis=0)

    def slope(x_IN: jax.Array) -> jax.Array:
        a_N, b_N = sums(x_IN)
        all_N = x_IN.sum(axis=0)
        return change(a_N, b_N, all_N - 2 * a_N, all_N - 2 * b_N)[None]

    return Task(
        inputs=inputs,
        lanes=(),
        inside=lambda u_IN, _: within(u_IN, its_range),
        beyond=lambda u_IN, _: beyond(u_IN, its_range),
        target=lambda x_IN: compute(*sums(x_IN))[None],
        slope=slope,
    )


FOUR_AT_ONCE = "x + y, x y, x / y, root of x"


def four_at_once(*, lanes: int = 1) -> Task:
    """Returns the simple task of the neural power unit: x + y, x y, x / y and the root of x, of U[0.1, 2.1] numbers.

    All lanes have that range.

    Source: Heim, Pevny and Smidl 2020, "Neural Power Units", arXiv 2006.01681, and their code.
    """

    def target(x_IN: jax.Array) -> jax.Array:
        x_N, y_N = x_IN
        return jnp.stack([x_N + y_N, x_N * y_N, x_N / y_N, jnp.sqrt(x_N)])

    one = Range(0.1, 2.1, 0.1, 4.0)
    return Task(inputs=2, lanes=stacked((one,) * lanes), inside=within, beyond=beyond, target=target, slope=target)


def stacked(ranges: tuple[Any, ...]) -> Any:
    """Returns ranges, or spreads, as lanes, arrays `[L]`."""
    return type(ranges[0])(*(np.array(values, np.float32) for values in zip(*ranges, strict=True)))


def within(u_IN: jax.Array, lane: Range) -> jax.Array:
    """Returns items of the training range."""
    return lane.low + u_IN * (lane.high - lane.low)


def beyond(u_IN: jax.Array, lane: Range) -> jax.Array:
    """Returns items of the test range; where that is mirrored, each number is of either sign."""
    plain_IN = lane.test_low + u_IN * (lane.test_high - lane.test_low)
    folded_IN = 2 * u_IN - (u_IN >= 0.5)
    either_IN = jnp.where(u_IN < 0.5, -1, 1) * (lane.test_low + folded_IN * (lane.test_high - lane.test_low))
    return jnp.where(lane.mirrored > 0, either_IN, plain_IN)
