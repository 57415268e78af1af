"""Trains an agent of section 4.5 by synchronous advantage actor-critic, and watches what it has learnt.

What A3C does with threads that run after one another, this does with episodes side by side in one program.

Axes: S seeds, E evaluations, G starts, T steps, B episodes side by side, P = 625 pictures, I instructions, A actions.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ..lib.training import loop, optimisers
from ..lib.training.train import Train
from . import actor_critic
from .agent import build, cell_of, starts_of
from .episodes import Rollout, pack, roll_out, watch
from .world import Params, of_training, pictures

if TYPE_CHECKING:
    from .tracking_time import Config


INSTRUCTIONS = tuple(range(8, 27))  # T of the tests
WATCHED = 13  # T of the episode that the paper shows


def milder(world: Params, lenience: tuple[float, float], *, step: jax.Array, updates: int) -> Params:
    """Returns the world of an update: the fall-off of the reward grows to its own over the first updates.

    Stepping on the target by chance is nearly always too early. Where that costs the whole reward and more, an agent
    can learn to keep away from the target before it has learnt when to go there, and then it never does.

    Args:
      lenience: the share of the fall-off that is forgiven at first, and the share of all updates until none is.
    """
    forgiven, share = lenience
    left = jnp.maximum(0, 1 - step / max(share * updates, 1))
    return world._replace(fall_off=world.fall_off * (1 - forgiven * left))


class Contest(NamedTuple):
    """The starts of a seed that compete."""

    params_G: Any
    begun: jax.Array  # how many have learnt so far
    reward: jax.Array  # in training, of the best of them


def make_train(cfg: "Config", model: str, *, instructions: tuple[int, ...] = INSTRUCTIONS) -> Train:
    """Returns the training of one seed.

    Of several starts (`starts_of`), each learns for the first `1 / cfg.evaluations` of the updates, a leg of its own;
    the one with the highest `training_reward` then goes on. So E = `cfg.evaluations` + G - 1, the starts first; all
    else that is measured by then is of the best of them so far.

    Metrics: `training_reward` `[S, E]`, the mean of as many new episodes as an update has, after the last update and
    with the whole fall-off; of the greedy policy on new episodes, for each instruction I, the mean `reward`
    `[S, E, I]`, the share that `arrived`, the mean `time` of arrival (or when time is out), and the share that arrived
    `exactly` in time; `nonfinite_steps`. Of the last evaluation alone: `weights` `[S, 1, W]` (`episodes.pack`), and
    `watched` `[S, 1, T + 1]`, an episode when told `WATCHED`.
    """
    agent, world, starts = build(cfg, model), of_training(cfg), starts_of(model)
    per_leg = cfg.updates // cfg.evaluations
    scale = optax.chain(optimisers.clip_by_lane_norm(cfg.clip), optax.scale_by_adam())
    told_I = jnp.array(instructions)

    def fallen(pair: tuple[float, float], step: jax.Array) -> jax.Array:
        return pair[0] + (pair[1] - pair[0]) * step / cfg.updates

    def init(key: jax.Array, pixels_P: jax.Array) -> tuple[loop.TrainState, jax.Array, Contest | None]:
        key_init, key_data, key_tests = jax.random.split(key, 3)
        state = loop.start(loop.as_lane(agent.init(key_init, pixels_P)), scale, key_data)
        if starts == 1:
            return state, key_tests, None
        keys_G = jnp.stack([key_init, *(jax.random.fold_in(key_init, start) for start in range(1, starts))])
        params_G = loop.init_lanes(lambda key: agent.init(key, pixels_P), keys_G)
        return state, key_tests, Contest(params_G, jnp.int32(0), jnp.float32(-jnp.inf))

    def next_start(best: loop.TrainState, contest: Contest) -> loop.TrainState:
        params = jax.tree.map(lambda leaf: leaf[jnp.minimum(contest.begun, starts - 1)], contest.params_G)
        fresh = loop.start(loop.as_lane(params), scale, best.key)
        return jax.tree.map(lambda new, old: jnp.where(contest.begun < starts, new, old), fresh, best)

    def judged(
        best: loop.TrainState, contest: Contest, state: loop.TrainState, reward: jax.Array
    ) -> tuple[loop.TrainState, Contest]:
        wins = (contest.begun >= starts) | (reward > contest.reward)
        best = jax.tree.map(lambda new, old: jnp.where(wins, new, old), state, best)
        return best, Contest(contest.params_G, contest.begun + 1, jnp.where(wins, reward, contest.reward))

    def leg(carry: Any, pixels_P: jax.Array) -> tuple[Any, dict[str, jax.Array]]:
        best, key_tests, contest = carry
        state = best if contest is None else next_start(best, contest)

        def play(params: Any, key: jax.Array, step: jax.Array) -> Rollout:
            now = milder(world, cfg.lenience, step=step, updates=cfg.updates)
            return roll_out(agent, params, key, pixels_P, now, episodes=cfg.episodes, steps=int(world.limit))

        def update(state: loop.TrainState, _: None) -> tuple[loop.TrainState, None]:
            weights = actor_critic.Weights(cfg.value, fallen(cfg.entropy, state.step))

            def loss(params: Any, key: jax.Array) -> jax.Array:
                seen = play(params, key, state.step)
                return actor_critic.loss(seen.logits, seen.actions, seen.values, seen.rewards, seen.running, weights)

            state = loop.take_steps(
                state,
                steps=1,
                sample=lambda key: key,
                losses=loop.of_one(loss),
                transform=scale,
                learning_rate=lambda step: fallen(cfg.learning_rate, step),
                regulariser=loop.regulariser(cell_of(model), cfg.updates),
            )
            return state, None

        state, _ = jax.lax.scan(update, state, length=per_leg)
        last_key = jax.random.fold_in(state.key, state.step)
        last = play(loop.alone(state.params), last_key, jnp.int32(cfg.updates))
        reward = last.rewards.sum(axis=0).mean()
        best, contest = (state, None) if contest is None else judged(best, contest, state, reward)
        params = loop.alone(best.params)

        def tested(told: jax.Array, key: jax.Array) -> dict[str, jax.Array]:
            seen = roll_out(
                agent, params, key, pixels_P, asked(told), episodes=cfg.test_episodes, steps=cfg.test_limit, greedy=True
            )
            ended_B = seen.running.sum(axis=0)
            return {
                "reward": seen.rewards.sum(axis=0).mean(),
                "arrived": seen.arrived.sum(axis=0).mean(),
                "time": ended_B.mean(),
                "exactly": (seen.arrived.any(axis=0) & (ended_B == told)).mean(),
            }

        def asked(told: jax.Array | int) -> Params:
            return world._replace(lowest=told, highest=told, limit=cfg.test_limit)

        measured = jax.lax.map(lambda pair: tested(*pair), (told_I, jax.random.split(key_tests, len(instructions))))
        return (best, key_tests, contest), {
            **measured,
            "training_reward": reward,
            "nonfinite_steps": best.nonfinite_L[0],
            "weights": pack(params),
            "watched": watch(agent, params, key_tests, pixels_P, asked(WATCHED), steps=cfg.test_limit),
        }

    return Train(
        init=init,
        leg=leg,
        legs=cfg.evaluations + starts - 1,
        network_steps=per_leg,
        last=("weights", "watched"),
        data=(jnp.asarray(pictures()),),
    )
