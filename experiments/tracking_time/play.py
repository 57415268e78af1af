"""Shows an agent of Figure 5 at work in the terminal, from the weights in its stored record."""

from typing import TYPE_CHECKING

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
from .episodes import Episode
from .world import SIDE, Params, of_training, pictures

if TYPE_CHECKING:
    from .tracking_time import Config

_FLOOR, _AGENT, _TARGET = (".", "dim"), ("A", "bold"), ("X", "bold red")  # what is printed, and how
_WIDE, _APART = 2 * SIDE - 1, 4  # columns of a picture, and between pictures


def play(
    cfg: "Config",
    results: list[Finished],
    *,
    instruction: int,
    model: str,
    episode: int,
    console: Console,
) -> None:
    """Prints one episode of the agent that the figure shows, picture by picture.

    Args:
      instruction: T, that it is told.
      model: the cell of the agent, or "a3c" for the usual one.
      episode: which of all starts; any number.

    Raises:
      UserError: there is no such agent in the store, or `instruction` or `episode` cannot be.
    """
    if not 0 < instruction < 1000:
        raise usage_error(f"--T is {instruction}, but must be a number of steps from 1 to 999.")
    if not 0 <= episode < 2**31:
        raise usage_error(f"--episode is {episode}, but must be a number from 0 to {2**31 - 1}.")
    run = find(results, model=model)
    if run is None:
        known = ", ".join(result.variant["model"] for result in results) or "none yet"
        raise UserError(f"No trained agent {model} is here (there is {known}): train it with `{making('figure5')}`.")
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


def _play(agent: Agent, world: Params, weights_W: np.ndarray, instruction: int, episode: int) -> Episode:
    steps = max(int(world.limit), 2 * instruction)
    world = world._replace(lowest=instruction, highest=instruction, limit=steps)
    watched = episodes.watch(
        agent,
        episodes.unpack(agent, weights_W),
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
