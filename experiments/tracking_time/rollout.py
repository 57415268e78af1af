"""Lets an agent of section 4.5 play episodes side by side, from start to end.

Axes: T steps, B episodes side by side, P = 625 pictures, A actions.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from . import world as grid_world
from .agent import Agent
from .world import GridWorld, Params

WORLD = GridWorld()


class Rollout(NamedTuple):
    """Episodes side by side, all leaves led by T and B.

    `places` are those of what is seen, in `grid_world.pictures`; `running` is 1 up to the step that ends an episode.
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
    _, state_B = jax.vmap(lambda key: _reset(key, world))(jax.random.split(key_start, episodes))

    def step(carry: Any, key: jax.Array) -> tuple[Any, Rollout]:
        state_B, memory, running_B = carry
        told_B = jnp.where(state_B.time == 0, state_B.instruction, 0).astype(jnp.float32)
        place_B = grid_world.place(state_B)
        seen_BF = features_PF[place_B]
        memory, (logits_BA, value_B) = agent.core.apply({"params": params["core"]}, memory, seen_BF, told_B)
        drawn_B = jnp.argmax(logits_BA, axis=1) if greedy else jax.random.categorical(key, logits_BA)
        action_B = jax.lax.stop_gradient(drawn_B)
        after_B = jax.vmap(grid_world.move)(state_B, action_B)
        arrived_B = (after_B.agent == after_B.target) & (running_B > 0)
        reward_B = jnp.where(arrived_B, jax.vmap(grid_world.worth, in_axes=(0, None))(after_B, world), 0.0)
        now = Rollout(logits_BA, value_B, place_B, action_B, reward_B, running_B, arrived_B)
        ended_B = arrived_B | (after_B.time >= world.limit)
        return (after_B, memory, jnp.where(ended_B, 0.0, running_B)), now

    start = (state_B, agent.core.start(episodes), jnp.ones(episodes))
    return jax.lax.scan(step, start, jax.random.split(key_steps, steps))[1]


def _reset(key: jax.Array, world: Params) -> tuple[Any, grid_world.State]:
    return WORLD.reset(key, world)
