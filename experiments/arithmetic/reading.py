"""Readings of section 4.1's text: what the inputs are, what a and b sum, and what counts as extrapolation.

The paper gives none of the numbers. What it says, by those who have read its appendix, is that an item extrapolates
if at least one of a, b and y exceeds its maximum in training.

Axes: I inputs, N items, O operations.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from . import operations

MAXIMA_ITEMS = 20_000  # training items from which the largest a, b and y are taken


class Reading(NamedTuple):
    """Inputs are drawn from U[low, high]; a and b sum slices whose lengths are drawn from their ranges.

    Extrapolation draws from U[outside_low, outside_high]; with `rule`, only those items count of which a, b or y
    exceeds its largest value among training items.
    """

    low: float
    high: float
    a_lengths: tuple[int, int]
    b_lengths: tuple[int, int]
    outside_low: float
    outside_high: float
    rule: bool = True


class Task(NamedTuple):
    """A seed's own task; arrays, so that tasks of all readings run through one compiled program."""

    inside_2: jax.Array  # the range of the inputs
    outside_2: jax.Array
    rule: jax.Array
    masks_2I: jax.Array  # which inputs a and b sum


class Items(NamedTuple):
    """Inputs (any array that ends with N), targets `[O, N]`, and which of them count, `[O, N]`."""

    inputs: jax.Array
    y_ON: jax.Array
    counts_ON: jax.Array


def draw_task(key: jax.Array, reading: Reading, inputs: int) -> Task:
    """Returns a task with slices of its own."""
    return Task(
        inside_2=jnp.array([reading.low, reading.high], jnp.float32),
        outside_2=jnp.array([reading.outside_low, reading.outside_high], jnp.float32),
        rule=jnp.array(reading.rule),
        masks_2I=operations.draw_slices(key, inputs, reading.a_lengths, reading.b_lengths),
    )


def draw_inputs(key: jax.Array, task: Task, range_2: jax.Array, items: int) -> jax.Array:
    """Returns inputs `[I, N]`."""
    low, high = range_2
    return low + (high - low) * jax.random.uniform(key, (task.masks_2I.shape[1], items))


def sums(task: Task, x_IN: jax.Array) -> jax.Array:
    """Returns a and b `[2, N]`."""
    return task.masks_2I @ x_IN


def inside(key: jax.Array, task: Task, items: int) -> Items:
    """Returns items from the training distribution."""
    x_IN = draw_inputs(key, task, task.inside_2, items)
    y_ON = operations.targets(sums(task, x_IN))
    return Items(x_IN, y_ON, jnp.ones(y_ON.shape, bool))


def outside(key: jax.Array, task: Task, items: int) -> Items:
    """Returns items from beyond the training distribution, and which of them count."""
    key_maxima, key_items = jax.random.split(key)
    seen_2N = sums(task, draw_inputs(key_maxima, task, task.inside_2, MAXIMA_ITEMS))
    largest_2 = seen_2N.max(axis=1)
    largest_O = operations.targets(seen_2N).max(axis=1)
    x_IN = draw_inputs(key_items, task, task.outside_2, items)
    sums_2N = sums(task, x_IN)
    y_ON = operations.targets(sums_2N)
    beyond_N = jnp.any(sums_2N > largest_2[:, None], axis=0)
    return Items(x_IN, y_ON, beyond_N[None] | (y_ON > largest_O[:, None]) | ~task.rule)


def relative_error(predicted_ON: jax.Array, items: Items) -> tuple[jax.Array, jax.Array]:
    """Returns mean (f - y)^2 / mean y^2 and mean y^2, both `[O]`, over the items that count."""
    counts_O = items.counts_ON.sum(axis=1)
    scale_O = jnp.where(items.counts_ON, items.y_ON**2, 0).sum(axis=1) / counts_O
    squares_ON = jnp.where(items.counts_ON, (predicted_ON - items.y_ON) ** 2, 0)
    return squares_ON.sum(axis=-1) / counts_O / scale_O, scale_O
