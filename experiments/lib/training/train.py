"""What an experiment's `make_train` returns: pure functions over one seed, and how much work they hold."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

Leg = Callable[..., tuple[Any, dict[str, jax.Array]]]


class Train(NamedTuple):
    """What `make_train` returns: pure functions over one seed, and how much work they hold.

    Attributes:
      init: (key, *data) -> state, any pytree of arrays.
      leg: (state, *data) -> (state, {metric: scalar or array}); the driver stacks metrics to [S, E, ...].
      legs: how often leg is called.
      network_steps: optimiser steps of one leg, counted over all networks that one seed trains side by side.
      last: names of metrics of which only the last leg's value is kept, as [S, 1, ...].
      group: seeds that advance together on one CPU core (a vmap inside a loop over seeds); accelerators take all at
        once. Measured, not a matter of taste: small groups stay in the cache of the core.
      finish: one more leg at the end, of another kind.
      data: arrays that all seeds read, for instance a data set: each device holds them once.
      wide: whether the widest vectors of a CPU suit it, as they do long loops over single numbers. No number may change
        with it, which holds where products and sums are left to XLA's libraries, and is to be tried.
    """

    init: Callable[..., Any]
    leg: Leg
    legs: int
    network_steps: int
    last: tuple[str, ...] = ()
    group: int = 1
    finish: Leg | None = None
    data: tuple[Any, ...] = ()
    wide: bool = False


class Measured(NamedTuple):
    """What `make_train` returns where a run is no training of ours in JAX: plain Python, one seed after the other.

    Attributes:
      measure: (seed number, 0 and up) -> {metric: array}; the driver stacks them to [S, 1, ...].
      network_steps, legs: as of `Train`, for the time that it should take; one step.
    """

    measure: Callable[[int], dict[str, Any]]
    network_steps: int = 1
    legs: int = 1
