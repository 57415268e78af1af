"""The tasks of section 4.1: a and b sum slices of the inputs, and y is one of six operations of the two.

`Reading` is the static task, `Sequences` the recurrent one, in which the slices are summed over all time steps, too.
Each draws a task, which is a seed's own, and items of it: to train on, to validate and interpolate on (inside), and
beyond that (outside).

The paper gives none of the numbers. What it says, by those who have read its appendix, is that an item extrapolates
if at least one of a, b and y exceeds its maximum in training.

Axes: O operations, I inputs, N items, T time steps.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ..lib.report.how_far import FAR

OPERATIONS = {
    "a+b": lambda a, b: a + b,
    "a-b": lambda a, b: a - b,
    "a*b": lambda a, b: a * b,
    "a/b": lambda a, b: a / b,
    "a^2": lambda a, b: a**2,
    "sqrt(a)": lambda a, b: jnp.sqrt(a),
}
MAXIMA_ITEMS = 20_000  # training items from which the largest a, b and y are taken
DISTANCES = {f"times {times:g}": times for times in FAR}  # the training range's inputs


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


class Items(NamedTuple):
    """Inputs (any array that ends with N), targets `[O, N]`, and which of them count, `[O, N]`."""

    inputs: jax.Array
    y_ON: jax.Array
    counts_ON: jax.Array


def relative_error(predicted_ON: jax.Array, items: Items) -> tuple[jax.Array, jax.Array]:
    """Returns mean (f - y)^2 / mean y^2 and mean y^2, both `[O]`, over the items that count."""
    counts_O = items.counts_ON.sum(axis=1)
    scale_O = jnp.where(items.counts_ON, items.y_ON**2, 0).sum(axis=1) / counts_O
    squares_ON = jnp.where(items.counts_ON, (predicted_ON - items.y_ON) ** 2, 0)
    return squares_ON.sum(axis=-1) / counts_O / scale_O, scale_O


class Task(NamedTuple):
    """A seed's own static task; arrays, its reading among them: one compiled program trains tasks of all readings."""

    inside_2: jax.Array  # the range of the inputs
    outside_2: jax.Array
    rule: jax.Array
    masks_2I: jax.Array  # which inputs a and b sum


class Reading(NamedTuple):
    """A reading of the paper's text: what the inputs are, what a and b sum, and what counts as extrapolation.

    Inputs are drawn from U[low, high]; a and b sum slices whose lengths are drawn from their ranges. Extrapolation
    draws from U[outside_low, outside_high]; with `rule`, only those items count of which a, b or y exceeds its largest
    value among training items.
    """

    low: float
    high: float
    a_lengths: tuple[int, int]
    b_lengths: tuple[int, int]
    outside_low: float
    outside_high: float
    rule: bool = True

    def draw(self, key: jax.Array, inputs: int) -> Task:
        """Returns a task with slices of its own."""
        return Task(
            inside_2=jnp.array([self.low, self.high], jnp.float32),
            outside_2=jnp.array([self.outside_low, self.outside_high], jnp.float32),
            rule=jnp.array(self.rule),
            masks_2I=draw_slices(key, inputs, self.a_lengths, self.b_lengths),
        )

    def training_items(self, key: jax.Array, task: Task, items: int) -> Items:
        """Returns items to train on."""
        return self.inside(key, task, items)

    def inside(self, key: jax.Array, task: Task, items: int) -> Items:
        """Returns items from the training distribution, with inputs `[I, N]`."""
        return self.far(key, task, items, 1.0)

    def outside(self, key: jax.Array, task: Task, items: int) -> Items:
        """Returns items from beyond the training distribution, and which of them count."""
        key_maxima, key_items = jax.random.split(key)
        seen_2N = task.masks_2I @ draw_inputs(key_maxima, task, task.inside_2, MAXIMA_ITEMS)
        largest_2 = seen_2N.max(axis=1)
        largest_O = targets(seen_2N).max(axis=1)
        x_IN = draw_inputs(key_items, task, task.outside_2, items)
        sums_2N = task.masks_2I @ x_IN
        y_ON = targets(sums_2N)
        beyond_N = jnp.any(sums_2N > largest_2[:, None], axis=0)
        return Items(x_IN, y_ON, beyond_N[None] | (y_ON > largest_O[:, None]) | ~task.rule)

    def far(self, key: jax.Array, task: Task, items: int, times: float) -> Items:
        """Returns items whose inputs are so many times those of training."""
        x_IN = times * draw_inputs(key, task, task.inside_2, items)
        y_ON = targets(task.masks_2I @ x_IN)
        return Items(x_IN, y_ON, jnp.ones(y_ON.shape, bool))


def draw_inputs(key: jax.Array, task: Task, range_2: jax.Array, items: int) -> jax.Array:
    """Returns inputs `[I, N]` of the static task."""
    low, high = range_2
    return low + (high - low) * jax.random.uniform(key, (task.masks_2I.shape[1], items))


class Sequences(NamedTuple):
    """The recurrent task: items are T steps of inputs from U[0, high]; the task of a seed is its slices, `[2, I]`.

    Attributes:
      lengths: range of the slices' lengths.
      steps, outside_steps: T in training, and beyond.
      summed: items are given as sums over time `[I, N]`, which is all that a network can see of them that only adds
        over time; else as whole sequences `[T, I, N]`.
      shortest: below `steps`, training items have U{shortest..steps} steps, padded with zeros.
    """

    high: float
    lengths: tuple[int, int]
    steps: int
    outside_steps: int
    summed: bool
    shortest: int

    def draw(self, key: jax.Array, inputs: int) -> jax.Array:
        """Returns a task with slices of its own."""
        return draw_slices(key, inputs, self.lengths, self.lengths)

    def training_items(self, key: jax.Array, masks_2I: jax.Array, items: int) -> Items:
        """Returns items to train on; of varying length where `shortest` says so."""
        return self._items(key, masks_2I, items, self.steps, self.shortest)

    def inside(self, key: jax.Array, masks_2I: jax.Array, items: int) -> Items:
        """Returns items of the training length."""
        return self._items(key, masks_2I, items, self.steps, self.steps)

    def outside(self, key: jax.Array, masks_2I: jax.Array, items: int) -> Items:
        """Returns items of the long length."""
        return self._items(key, masks_2I, items, self.outside_steps, self.outside_steps)

    def _items(self, key: jax.Array, masks_2I: jax.Array, items: int, steps: int, shortest: int) -> Items:
        key_values, key_length = jax.random.split(key)
        values_TIN = jax.random.uniform(key_values, (steps, masks_2I.shape[1], items), maxval=self.high)
        if shortest < steps:
            length_N = jax.random.randint(key_length, (items,), shortest, steps + 1)
            values_TIN = jnp.where(jnp.arange(steps)[:, None, None] < length_N[None, None], values_TIN, 0)
        sums_IN = values_TIN.sum(axis=0)
        y_ON = targets(masks_2I @ sums_IN)
        return Items(sums_IN if self.summed else values_TIN, y_ON, jnp.ones(y_ON.shape, bool))
