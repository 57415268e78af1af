"""Lets an agent of section 4.5 play: many episodes side by side to learn from, or one to be looked at.

One that was looked at is kept as numbers, and told from them or played again.

Axes: T steps, B episodes side by side, P = 625 pictures, A actions, W weights.
"""

from typing import Any, NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from ..lib.training import loop
from .agent import Agent
from .world import SIDE, Params, pictures, place, reset, step

OVER = -1  # what is seen after the end of an episode


class Rollout(NamedTuple):
    """Episodes side by side, all leaves led by T and B.

    `places` are those of what is seen, in `world.pictures`; `running` is 1 up to the step that ends an episode.
    """

    logits: jax.Array
    values: jax.Array
    places: jax.Array
    actions: jax.Array
    rewards: jax.Array
    running: jax.Array
    arrived: jax.Array


def roll_out(
    agent: Agent,
    params: Any,
    key: jax.Array,
    pixels_P: jax.Array,
    world: Params,
    *,
    episodes: int,
    steps: int,
    greedy: bool = False,
) -> Rollout:
    """Returns episodes from start to end; `steps` must be `world.limit` or more.

    There are 625 pictures, so vision runs once on each, and every step looks its features up: the same numbers and
    gradients as if it ran on the picture of every step.
    """
    features_PF = agent.vision.apply({"params": params["vision"]}, pixels_P)
    key_start, key_steps = jax.random.split(key)
    state_B = jax.vmap(reset, in_axes=(0, None))(jax.random.split(key_start, episodes), world)

    def act(carry: Any, key: jax.Array) -> tuple[Any, Rollout]:
        state_B, memory, running_B = carry
        told_B = jnp.where(state_B.time == 0, state_B.instruction, 0).astype(jnp.float32)
        place_B = place(state_B)
        seen_BF = features_PF[place_B]
        rngs = None if greedy else loop.noise(key)
        memory, (logits_BA, value_B) = agent.core.apply({"params": params["core"]}, memory, seen_BF, told_B, rngs=rngs)
        drawn_B = jnp.argmax(logits_BA, axis=1) if greedy else jax.random.categorical(key, logits_BA)
        action_B = jax.lax.stop_gradient(drawn_B)
        after_B, brought_B = jax.vmap(step, in_axes=(0, 0, None))(state_B, action_B, world)
        reward_B = jnp.where(running_B > 0, brought_B.reward, 0.0)
        arrived_B = brought_B.arrived & (running_B > 0)
        now = Rollout(logits_BA, value_B, place_B, action_B, reward_B, running_B, arrived_B)
        return (after_B, memory, jnp.where(brought_B.ended, 0.0, running_B)), now

    start = (state_B, agent.core.start(episodes), jnp.ones(episodes))
    return jax.lax.scan(act, start, jax.random.split(key_steps, steps))[1]


class Episode(NamedTuple):
    """What the agent saw at t = 0, 1, ..., as places in `world.pictures`; of an arrival, the target at last."""

    instruction: int
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
        off = abs(self.instruction - self.time)
        return (
            float(world.reward * (off == 0 if world.exact_only else 1 - world.fall_off * off)) if self.arrived else 0.0
        )


def pack(params: Any) -> jax.Array:
    """Returns an agent's parameters as one vector `[W]` of 16 bits: small enough to be kept with the results."""
    return jax.flatten_util.ravel_pytree(params)[0].astype(jnp.float16)


def unpack(agent: Agent, weights_W: np.ndarray) -> Any:
    """Returns the parameters that were packed."""
    drawn = jax.eval_shape(agent.init, jax.random.key(0), pictures()[:1])
    like = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), drawn)
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


def episode(instruction: int, watched: np.ndarray) -> Episode:
    """Returns the episode of what `watch` returned."""
    return Episode(instruction, tuple(int(seen) for seen in watched if seen != OVER))
