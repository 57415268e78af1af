"""Trains an agent of section 4.5 by synchronous advantage actor-critic, and watches what it has learnt.

What A3C does with threads that run after one another, this does with episodes side by side in one program.

Axes: S seeds, E evaluations, T steps, B episodes side by side, P = 625 pictures, I instructions, A actions.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from experiments.lib import actor_critic, grid_world, training
from experiments.lib.grid_agent import Agent
from experiments.lib.grid_world import GridWorld, Params
from experiments.lib.program import Train

WORLD = GridWorld()


class Recipe(NamedTuple):
    """How an agent is trained; rates fall in a line from the first to the last number over all updates."""

    updates: int
    episodes: int  # of an update, each whole
    learning_rate: tuple[float, float]
    entropy: tuple[float, float]
    value: float
    clip: float


class Rollout(NamedTuple):
    """Episodes side by side, all leaves led by T and B; `running` is 1 up to the step that ends an episode."""

    logits: jax.Array
    values: jax.Array
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
    """  # fmt: skip
    features_PF = agent.vision.apply({"params": params["vision"]}, pixels_P)
    key_start, key_steps = jax.random.split(key)
    _, state_B = jax.vmap(lambda key: _reset(key, world))(jax.random.split(key_start, episodes))

    def step(carry: Any, key: jax.Array) -> tuple[Any, Rollout]:
        state_B, memory, running_B = carry
        told_B = jnp.where(state_B.time == 0, state_B.instruction, 0).astype(jnp.float32)
        seen_BF = features_PF[grid_world.place(state_B)]
        memory, (logits_BA, value_B) = agent.core.apply({"params": params["core"]}, memory, seen_BF, told_B)
        drawn_B = jnp.argmax(logits_BA, axis=1) if greedy else jax.random.categorical(key, logits_BA)
        action_B = jax.lax.stop_gradient(drawn_B)
        after_B = jax.vmap(grid_world.move)(state_B, action_B)
        arrived_B = (after_B.agent == after_B.target) & (running_B > 0)
        reward_B = jnp.where(arrived_B, jax.vmap(grid_world.worth, in_axes=(0, None))(after_B, world), 0.0)
        now = Rollout(logits_BA, value_B, action_B, reward_B, running_B, arrived_B)
        ended_B = arrived_B | (after_B.time >= world.limit)
        return (after_B, memory, jnp.where(ended_B, 0.0, running_B)), now

    start = (state_B, agent.core.start(episodes), jnp.ones(episodes))
    return jax.lax.scan(step, start, jax.random.split(key_steps, steps))[1]


def _reset(key: jax.Array, world: Params) -> tuple[Any, grid_world.State]:
    return WORLD.reset(key, world)


def make_train(
    agent: Agent,
    recipe: Recipe,
    world: Params,
    *,
    instructions: tuple[int, ...],
    test_episodes: int,
    test_limit: int,
    evaluations: int,
) -> Train:
    """Returns the training of one seed.

    Metrics: `training_reward` `[S, E]`, the mean of the last update's episodes; of the greedy policy on new episodes,
    for each instruction I, the mean `reward` `[S, E, I]`, the share that `arrived`, the mean `time` of arrival, and
    the share that arrived `exactly` in time; `random_reward`, of a policy that moves at random; `nonfinite_steps`.
    """  # fmt: skip
    per_leg = recipe.updates // evaluations
    scale = optax.chain(training.clip_by_lane_norm(recipe.clip), optax.scale_by_adam())
    told_I = jnp.array(instructions)

    def fallen(pair: tuple[float, float], step: jax.Array) -> jax.Array:
        return pair[0] + (pair[1] - pair[0]) * step / recipe.updates

    def init(key: jax.Array, pixels_P: jax.Array) -> tuple[training.TrainState, jax.Array]:
        key_init, key_data, key_tests = jax.random.split(key, 3)
        params = jax.tree.map(lambda leaf: leaf[None], agent.init(key_init, pixels_P))
        return training.start(params, scale, key_data), key_tests

    def leg(carry: Any, pixels_P: jax.Array) -> tuple[Any, dict[str, jax.Array]]:
        state, key_tests = carry

        def rollout(params: Any, key: jax.Array) -> Rollout:
            return roll_out(agent, params, key, pixels_P, world, episodes=recipe.episodes, steps=int(world.limit))

        def losses(params_L: Any, batch: tuple[jax.Array, jax.Array]) -> jax.Array:
            key, entropy = batch
            seen = rollout(jax.tree.map(lambda leaf: leaf[0], params_L), key)
            weights = actor_critic.Weights(recipe.value, entropy)
            return actor_critic.loss(
                seen.logits, seen.actions, seen.values, seen.rewards, seen.running, weights
            )[None]  # fmt: skip

        entropy = fallen(recipe.entropy, state.step + per_leg / 2)  # constant within a leg
        state = training.take_steps(
            state, steps=per_leg, sample=lambda key: (key, entropy), losses=losses, transform=scale,
            learning_rate=lambda step: fallen(recipe.learning_rate, step),
        )  # fmt: skip
        params = jax.tree.map(lambda leaf: leaf[0], state.params)

        def tested(told: jax.Array, key: jax.Array) -> dict[str, jax.Array]:
            asked = world._replace(lowest=told, highest=told, limit=test_limit)
            seen = roll_out(
                agent, params, key, pixels_P, asked, episodes=test_episodes, steps=test_limit, greedy=True
            )  # fmt: skip
            times_T1 = jnp.arange(1, test_limit + 1)[:, None]
            arrivals_B = (times_T1 * seen.arrived).sum(axis=0)
            return {
                "reward": seen.rewards.sum(axis=0).mean(),
                "arrived": seen.arrived.sum(axis=0).mean(),
                "time": arrivals_B.sum() / jnp.maximum(seen.arrived.sum(), 1),
                "exactly": (arrivals_B == told).mean(),
            }

        measured = jax.lax.map(lambda pair: tested(*pair), (told_I, jax.random.split(key_tests, len(instructions))))
        last = rollout(params, jax.random.fold_in(state.key, state.step))
        return (state, key_tests), {
            **measured,
            "training_reward": last.rewards.sum(axis=0).mean(),
            "nonfinite_steps": state.nonfinite_L[0],
        }

    return Train(
        init=init, leg=leg, legs=evaluations, network_steps=per_leg, data=(jnp.asarray(grid_world.pictures()),)
    )
