"""The grid world of section 4.5: step on the red square for the first time exactly when you were told to.

`reset` and `step` are pure functions with keys, states and parameters as data, to be vmapped and scanned at will.

    t = 0: the agent is told T, sees the world, and moves at every step: up, down, left, right, or not at all.
    The episode ends on the target, or at t = L without a reward. On the target the reward is

        m (1 - |T - t| / 7),

    what the curves of Figure 5 imply; or, with `exact_only`, m at t = T and else 0.
"""

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from .tracking_time import Config

SIDE, CELL = 5, 8  # cells of the world across, and pixels of a cell
PIXELS = (SIDE + 2) * CELL  # 56, as in the paper: a border of one cell makes it come out
MOVES = ("up", "down", "left", "right", "pass")
STEPS = np.array([(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)], np.int32)  # rows and columns
FLOOR, BORDER, AGENT, TARGET = (0, 0, 0), (70, 70, 90), (150, 150, 150), (230, 30, 30)  # red, green, blue


class Params(NamedTuple):
    """What an episode is like; data, so that one program serves all."""

    lowest: jax.Array | int = 8  # T is uniform from here; paper 4.5, likely: 8 is the farthest that a target can be
    highest: jax.Array | int = 12  # to here
    limit: jax.Array | int = 20  # L; unstated; ours
    reward: jax.Array | float = 1.0  # m; unstated; Figure 5 is drawn to 1
    fall_off: jax.Array | float = 1 / 7  # of the reward, for each step too early or too late; read off Figure 5
    exact_only: jax.Array | bool = False


class State(NamedTuple):
    """An episode under way."""

    agent: jax.Array  # cell, row * SIDE + column
    target: jax.Array
    time: jax.Array
    instruction: jax.Array  # T


class Outcome(NamedTuple):
    """What a step brought."""

    reward: jax.Array
    arrived: jax.Array  # on the target
    ended: jax.Array  # on the target, or because time is out


def of_training(cfg: "Config") -> Params:
    """Returns the world in which the agents are trained."""
    low, high = cfg.instructed
    return Params(lowest=low, highest=high, limit=cfg.limit, fall_off=cfg.fall_off, exact_only=cfg.exact_only)


def reset(key: jax.Array, params: Params) -> State:
    """Returns a new episode: agent and target in two cells, all pairs equally likely, and T."""
    key_agent, key_target, key_instruction = jax.random.split(key, 3)
    agent = jax.random.randint(key_agent, (), 0, SIDE**2)
    target = (agent + jax.random.randint(key_target, (), 1, SIDE**2)) % SIDE**2
    instruction = jax.random.randint(key_instruction, (), params.lowest, jnp.asarray(params.highest) + 1)
    return State(agent, target, jnp.int32(0), instruction)


def step(state: State, action: jax.Array, params: Params) -> tuple[State, Outcome]:
    """Returns the state after a move (a place in `MOVES`; the border holds the agent), and what it brought."""
    place_2 = jnp.stack([state.agent // SIDE, state.agent % SIDE])
    row, column = jnp.clip(place_2 + jnp.asarray(STEPS)[action], 0, SIDE - 1)
    after = state._replace(agent=row * SIDE + column, time=state.time + 1)
    arrived = after.agent == after.target
    reward = jnp.where(arrived, worth(after, params), 0.0)
    return after, Outcome(reward, arrived, arrived | (after.time >= params.limit))


def worth(state: State, params: Params) -> jax.Array:
    """Returns the reward for stepping on the target now."""
    off = jnp.abs(state.instruction - state.time)
    return params.reward * jnp.where(params.exact_only, (off == 0).astype(jnp.float32), 1 - params.fall_off * off)


def place(state: State) -> jax.Array:
    """Returns the place in `pictures` of what is seen."""
    return state.agent * SIDE**2 + state.target


def pictures() -> np.ndarray:
    """Returns all pictures that there are, `[625, 56, 56, 3]` uint8, by the agent's cell and the target's."""
    cells = np.full((SIDE**2, SIDE**2, SIDE + 2, SIDE + 2, 3), BORDER, np.uint8)
    cells[:, :, 1:-1, 1:-1] = FLOOR
    for cell in range(SIDE**2):
        row, column = 1 + cell // SIDE, 1 + cell % SIDE
        cells[:, cell, row, column] = TARGET
    for cell in range(SIDE**2):
        row, column = 1 + cell // SIDE, 1 + cell % SIDE
        cells[cell, :, row, column] = AGENT  # over the target, on which it steps at the end
    return cells.repeat(CELL, axis=2).repeat(CELL, axis=3).reshape(-1, PIXELS, PIXELS, 3)
