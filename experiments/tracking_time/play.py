"""Shows an agent of Figure 5 at work in the terminal, from the weights in its stored record."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console, Group
from rich.text import Text

from ..lib.errors import UserError, usage_error
from ..lib.places import making
from ..lib.store.records import Finished, find
from . import episodes, report
from .agent import Agent, build
from .episodes import Episode, roll_out, unpack
from .world import SIDE, Params, of_training, pictures

if TYPE_CHECKING:
    from .tracking_time import Config

_FLOOR, _AGENT, _TARGET = (".", "dim"), ("A", "bold"), ("X", "bold red")  # what is printed, and how
MOST_EPISODES = 10_000
_WIDE, _APART = 2 * SIDE - 1, 4  # columns of a picture, and between pictures


def play(
    cfg: "Config",
    results: list[Finished],
    *,
    instruction: int,
    model: str,
    episode: int,
    episodes: int,
    console: Console,
) -> None:
    """Prints one episode of the agent that the figure shows, picture by picture, or what all agents get in many.

    Args:
      instruction: T, that it is told.
      model: the name of the agent, for instance "a3c" for the usual one.
      episode: which of all starts; any number.
      episodes: more than one are not shown: the agent of every seed plays so many, and what they get is told.

    Raises:
      UserError: there is no such agent in the store, or `instruction`, `episode` or `episodes` cannot be.
    """
    if not 0 < instruction < 1000:
        raise usage_error(f"--T is {instruction}, but must be a number of steps from 1 to 999.")
    if not 0 <= episode < 2**31:
        raise usage_error(f"--episode is {episode}, but must be a number from 0 to {2**31 - 1}.")
    if not 0 < episodes <= MOST_EPISODES:
        raise usage_error(f"--episodes is {episodes}, but must be a number from 1 to {MOST_EPISODES}.")
    run = find(results, model=model)
    if run is None:
        known = ", ".join(result.variant["model"] for result in results) or "none yet"
        raise UserError(f"No trained agent {model} is here (there is {known}): train it with `{making('figure5')}`.")
    if episodes > 1:
        console.print(_measured(cfg, run, instruction, episode, episodes), highlight=False)
        return
    seed = report.selected(run)
    agent, world = build(cfg, model), of_training(cfg)
    played = _play(agent, world, run.arrays["weights"][seed, -1], instruction, episode)
    moves = [Group(*_picture(t, place)) for t, place in enumerate(played.places)]
    in_a_row = max(1, (min(console.width, 100) + _APART) // (_WIDE + _APART))
    for start in range(0, len(moves), in_a_row):
        rows = zip(*(group.renderables for group in moves[start : start + in_a_row]), strict=True)
        for row in rows:
            console.print(Text(" " * _APART).join(row), highlight=False)
        console.print()
    name = f"{report.row_of(model)}, seed {seed}, the one with the highest {report.SELECTED_BY}"
    console.print(f"{_ending(played, world)} ({name}; A: agent, X: target)", highlight=False)


def measure(cfg: "Config", run: Finished, instruction: int, episode: int, episodes: int) -> dict[str, np.ndarray]:
    """Returns what the agent of every seed gets when told so: `reward`, `arrived` and `time`, each `[S]`.

    Means over new episodes of the greedy policy, which end after twice the time; `time` is that of all, as in Figure 5.
    """
    agent = build(cfg, run.variant["model"])
    steps = max(cfg.limit, 2 * instruction)
    world = of_training(cfg)._replace(lowest=instruction, highest=instruction, limit=steps)

    @jax.jit
    def of_seed(params: Any, pixels_P: jax.Array) -> dict[str, jax.Array]:
        key = jax.random.key(episode)
        seen = roll_out(agent, params, key, pixels_P, world, episodes=episodes, steps=steps, greedy=True)
        return {
            "reward": seen.rewards.sum(axis=0).mean(),
            "arrived": seen.arrived.sum(axis=0).mean(),
            "time": seen.running.sum(axis=0).mean(),
        }

    pixels_P = jnp.asarray(pictures())
    found = [of_seed(unpack(agent, weights_W), pixels_P) for weights_W in run.arrays["weights"][:, -1]]
    return {name: np.array([float(each[name]) for each in found]) for name in found[0]}


def _measured(cfg: "Config", run: Finished, instruction: int, episode: int, episodes: int) -> str:
    its = measure(cfg, run, instruction, episode, episodes)
    reward_S, name = its["reward"], report.row_of(run.variant["model"])
    return (
        f"Told {instruction}, the agents of {len(reward_S)} seeds ({name}) get {np.median(reward_S):.2f} in the median "
        f"(from {reward_S.min():.2f} to {reward_S.max():.2f}) and are there at t = {np.median(its['time']):.1f}; "
        f"{np.median(its['arrived']):.0%} arrive. Means over {episodes} episodes each."
    )


def _play(agent: Agent, world: Params, weights_W: np.ndarray, instruction: int, episode: int) -> Episode:
    steps = max(int(world.limit), 2 * instruction)
    world = world._replace(lowest=instruction, highest=instruction, limit=steps)
    watched = episodes.watch(
        agent,
        unpack(agent, weights_W),
        jax.random.key(episode),
        jnp.asarray(pictures()),
        world,
        steps=steps,
    )
    return episodes.episode(instruction, np.asarray(watched))


def _picture(t: int, place: int) -> list[Text]:
    """Returns the lines of one picture, a heading first, all of one width."""
    agent, target = divmod(place, SIDE**2)
    lines = [Text(f"t = {t}".ljust(_WIDE))]
    for row in range(SIDE):
        cells = [
            _AGENT if c == agent else _TARGET if c == target else _FLOOR for c in range(row * SIDE, (row + 1) * SIDE)
        ]
        lines.append(Text(" ").join(Text(*cell) for cell in cells))
    return lines


def _ending(played: Episode, world: Params) -> str:
    if not played.arrived:
        return f"Told {played.instruction}, it has not arrived within {len(played.places)} steps: reward 0."
    off = played.time - played.instruction
    when = (
        "exactly in time" if off == 0 else f"{abs(off)} step{'s' * (abs(off) > 1)} too {'late' if off > 0 else 'early'}"
    )
    return f"Told {played.instruction}, it arrived at t = {played.time}, {when}: reward {played.reward(world):.2f}."
