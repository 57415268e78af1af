"""The grid world of section 4.5: step on the red square for the first time exactly when you were told to.

The interface is the one that JAX libraries of reinforcement learning share (gymnax's): pure `reset` and `step` with
keys, states and parameters as data, to be vmapped and scanned at will, and `step` begins a new episode where one ends.

    t = 0: the agent is told T, sees the world, and moves at every step: up, down, left, right, or not at all.
    The episode ends on the target, or at t = L without a reward. On the target the reward is

        m (1 - |T - t| / 7),

    what the curves of Figure 5 imply; or, with `exact_only`, m at t = T and else 0.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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


class Observation(NamedTuple):
    """What the agent gets: pixels `[56, 56, 3]` uint8, and T at t = 0, else 0."""

    pixels: jax.Array
    instruction: jax.Array


class Discrete(NamedTuple):
    """The numbers from 0 to n - 1."""

    n: int


class Box(NamedTuple):
    """Arrays of one shape and type with entries from low to high."""

    low: float
    high: float
    shape: tuple[int, ...]
    dtype: Any


@dataclasses.dataclass(frozen=True)
class GridWorld:
    """The environment; it has no state of its own."""

    @property
    def default_params(self) -> Params:
        return Params()

    def action_space(self, params: Params) -> Discrete:
        """Returns the moves, by their places in `MOVES`."""
        return Discrete(len(MOVES))

    def observation_space(self, params: Params) -> Observation:
        """Returns the spaces of pixels and instruction."""
        return Observation(Box(0, 255, (PIXELS, PIXELS, 3), jnp.uint8), Box(0, params.highest, (), jnp.float32))

    def reset(self, key: jax.Array, params: Params) -> tuple[Observation, State]:
        """Returns a new episode: agent and target in two cells, all pairs equally likely, and T."""
        key_agent, key_target, key_instruction = jax.random.split(key, 3)
        agent = jax.random.randint(key_agent, (), 0, SIDE**2)
        target = (agent + jax.random.randint(key_target, (), 1, SIDE**2)) % SIDE**2
        instruction = jax.random.randint(key_instruction, (), params.lowest, jnp.asarray(params.highest) + 1)
        state = State(agent, target, jnp.int32(0), instruction)
        return observe(state), state

    def step(
        self, key: jax.Array, state: State, action: jax.Array, params: Params
    ) -> tuple[Observation, State, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Returns observation, state, reward, whether the episode ended, and `step_env`'s remarks.

        Where the episode ended, observation and state are those of a new one.
        """
        observation, after, reward, done, info = self.step_env(state, action, params)
        fresh_observation, fresh = self.reset(key, params)
        observation, state = jax.tree.map(
            lambda new, old: jnp.where(done, new, old), (fresh_observation, fresh), (observation, after)
        )
        return observation, state, reward, done, info

    def step_env(
        self, state: State, action: jax.Array, params: Params
    ) -> tuple[Observation, State, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Returns what `step` returns, but stays in the episode that ended; `info["arrived"]` says on the target."""
        after = move(state, action)
        arrived = after.agent == after.target
        reward = jnp.where(arrived, worth(after, params), 0.0)
        return observe(after), after, reward, arrived | (after.time >= params.limit), {"arrived": arrived}


def move(state: State, action: jax.Array) -> State:
    """Returns the state a step later; the border holds the agent."""
    place_2 = jnp.stack([state.agent // SIDE, state.agent % SIDE])
    row, column = jnp.clip(place_2 + jnp.asarray(STEPS)[action], 0, SIDE - 1)
    return state._replace(agent=row * SIDE + column, time=state.time + 1)


def worth(state: State, params: Params) -> jax.Array:
    """Returns the reward for stepping on the target now."""
    off = jnp.abs(state.instruction - state.time)
    return params.reward * jnp.where(params.exact_only, (off == 0).astype(jnp.float32), 1 - params.fall_off * off)


def observe(state: State) -> Observation:
    """Returns what the agent gets."""
    told = jnp.where(state.time == 0, state.instruction, 0).astype(jnp.float32)
    return Observation(jnp.asarray(pictures())[place(state)], told)


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
