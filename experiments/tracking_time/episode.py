"""One episode of an agent of section 4.5, to be looked at: what it saw, told from stored numbers or played again.

Axes: T steps, P = 625 pictures, W weights.
"""

from typing import Any, NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from . import world as grid_world
from .agent import Agent
from .rollout import roll_out
from .world import SIDE, Params

OVER = -1  # what is seen after the end of an episode


class Episode(NamedTuple):
    """What the agent saw at t = 0, 1, ..., as places in `grid_world.pictures`; of an arrival, the target at last."""

    told: int
    places: tuple[int, ...]

    @property
    def time(self) -> int:
        """The step at which it ended."""
        return len(self.places) - 1

    @property
    def arrived(self) -> bool:
        return self.places[-1] // SIDE**2 == self.places[-1] % SIDE**2

    def reward(self, world: Params) -> float:
        """What it got in a world with these rewards."""
        off = abs(self.told - self.time)
        return (
            float(world.reward * (off == 0 if world.exact_only else 1 - world.fall_off * off)) if self.arrived else 0.0
        )


def pack(params: Any) -> jax.Array:
    """Returns an agent's parameters as one vector `[W]` of 16 bits: small enough to be kept with the results."""
    return jax.flatten_util.ravel_pytree(params)[0].astype(jnp.float16)


def unpack(agent: Agent, weights_W: np.ndarray) -> Any:
    """Returns the parameters that were packed."""
    like = agent.init(jax.random.key(0), jnp.asarray(grid_world.pictures()[:1]))
    return jax.flatten_util.ravel_pytree(like)[1](jnp.asarray(weights_W, jnp.float32))


def watch(agent: Agent, params: Any, key: jax.Array, pixels_P: jax.Array, world: Params, *, steps: int) -> jax.Array:
    """Returns what the agent sees `[T + 1]` int16 in an episode of its greedy policy, and `OVER` after its end."""
    seen = roll_out(agent, params, key, pixels_P, world, episodes=1, steps=steps, greedy=True)
    places_T = jnp.where(seen.running[:, 0] > 0, seen.places[:, 0], OVER)
    target = places_T[0] % SIDE**2
    arrived_T = seen.arrived[:, 0]
    after_T = jnp.concatenate([places_T[1:], jnp.array([OVER])])
    after_T = jnp.where(arrived_T, target * (SIDE**2 + 1), after_T)  # the agent stands on the target
    return jnp.concatenate([places_T[:1], after_T]).astype(jnp.int16)


def episode(told: int, watched: np.ndarray) -> Episode:
    """Returns the episode of what `watch` returned."""
    return Episode(told, tuple(int(place) for place in watched if place != OVER))
