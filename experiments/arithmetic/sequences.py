"""The recurrent task of section 4.1: a and b sum slices of the inputs over all time steps.

Networks that only add over time see an item as its sum over time, which is all they can see of it; the others see the
whole sequence.

Axes: T time steps, I inputs, N items, O operations.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from . import operations
from .reading import Items


class Sequences(NamedTuple):
    """Items are T steps of I inputs from U[0, high]; `summed`: given as sums over time.

    With `shortest` below T, training items have U{shortest..T} steps, padded with zeros.
    """

    inputs: int
    high: float
    lengths: tuple[int, int]  # of the slices
    steps: int  # T in training
    outside_steps: int  # T beyond
    summed: bool
    shortest: int


class Task(NamedTuple):
    """A seed's own slices."""

    masks_2I: jax.Array


def draw_task(key: jax.Array, sequences: Sequences) -> Task:
    """Returns a task with slices of its own."""
    return Task(operations.draw_slices(key, sequences.inputs, sequences.lengths, sequences.lengths))


def training_items(key: jax.Array, task: Task, items: int, sequences: Sequences) -> Items:
    """Returns items to train on; of varying length where `shortest` says so."""
    return _draw(key, task, items, sequences, sequences.steps, sequences.shortest)


def inside(key: jax.Array, task: Task, items: int, sequences: Sequences) -> Items:
    """Returns items of the training length."""
    return _draw(key, task, items, sequences, sequences.steps, sequences.steps)


def outside(key: jax.Array, task: Task, items: int, sequences: Sequences) -> Items:
    """Returns items of the long length."""
    return _draw(key, task, items, sequences, sequences.outside_steps, sequences.outside_steps)


def _draw(key: jax.Array, task: Task, items: int, sequences: Sequences, steps: int, shortest: int) -> Items:
    key_values, key_length = jax.random.split(key)
    values_TIN = jax.random.uniform(key_values, (steps, sequences.inputs, items), maxval=sequences.high)
    if shortest < steps:
        length_N = jax.random.randint(key_length, (items,), shortest, steps + 1)
        values_TIN = jnp.where(jnp.arange(steps)[:, None, None] < length_N[None, None], values_TIN, 0)
    sums_IN = values_TIN.sum(axis=0)
    y_ON = operations.targets(task.masks_2I @ sums_IN)
    return Items(sums_IN if sequences.summed else values_TIN, y_ON, jnp.ones(y_ON.shape, bool))
