"""The agents of section 4.5: vision, an LSTM, a policy and a value; with or without a NAC that keeps a count.

Any other cell of `nalu.CELLS` can stand in for the NAC. `a3c-restarts` and `nac-restarts` are the same agents, but of
several starts of a seed the best goes on; so it is with `nac-clock`, in which the NAC only keeps the time.

Axes: B episodes side by side, P = 625 pictures, F features of a picture, H hidden units, N outputs of the cell.
"""

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu

from .world import CELL, MOVES

if TYPE_CHECKING:
    from .tracking_time import Config

USUAL = "a3c"  # the agent without a cell
WIRINGS = {  # {}: the cell
    "accumulating": "n = n + {}([T, h])",
    "recurrent": "n = {}([T, h, n])",
    "direct": "n = {}([T, h])",
    "clock": "n = n + {}([T, 1])",
}
CLOCK = "nac-clock"  # the agent with a NAC of the wiring "clock"
RESTARTS = "-restarts"  # behind the name of an agent of several starts
STARTS = 3  # of a seed, for these and for the clock


def cell_of(model: str) -> str:
    """Returns the cell of an agent, a name of `nalu.CELLS`, or `USUAL` for none."""
    return "nac" if model == CLOCK else model.removesuffix(RESTARTS)


def starts_of(model: str) -> int:
    """Returns how many starts of a seed compete for an agent."""
    return STARTS if model.endswith(RESTARTS) or model == CLOCK else 1


class Vision(nn.Module):
    """A convolution of one cell (8 x 8, stride 8), ReLU, and a dense layer, ReLU.

    A convolution whose stride is its width is a dense layer on patches, and much faster as one on a CPU.
    """

    channels: int
    features: int

    @nn.compact
    def __call__(self, pixels_P: jax.Array) -> jax.Array:
        """Returns features `[P, F]` of pictures `[P, 56, 56, 3]`."""
        number, side = pixels_P.shape[0], pixels_P.shape[1] // CELL
        patches = pixels_P.astype(jnp.float32).reshape(number, side, CELL, side, CELL, 3) / 255
        patches = patches.transpose(0, 1, 3, 2, 4, 5).reshape(number, side * side, -1)
        seen = nn.relu(nn.Dense(self.channels, name="convolution")(patches))
        return nn.relu(nn.Dense(self.features, name="dense")(seen.reshape(number, -1)))


class Memory(NamedTuple):
    """What an agent carries from step to step."""

    lstm: tuple[jax.Array, jax.Array]  # (c, h), each [B, H]
    count_BN: jax.Array


class Core(nn.Module):
    """What decides: an LSTM on the features, the instruction, and what a NAC makes of instruction and state.

        n' = n + NAC([T, h])      accumulating: the count is carried exactly
        n' = NAC([T, h, n])       recurrent
        n' = NAC([T, h])          direct
        n' = n + NAC([T, 1])      clock: what is left of T can be known exactly, whatever the state is
        h' = LSTM(h, [features, T, n']),   policy and value = linear in h'

    With the clock the LSTM does not see T itself, LSTM(h, [features, n']): what it could learn of it would not hold
    outside of the training range.

    T is the instruction at t = 0 and 0 afterwards. `model` is a name of `nalu.CELLS`, or `USUAL` for no cell.
    """

    hidden: int
    counts: int
    model: str
    wiring: str

    @nn.compact
    def __call__(
        self, memory: Memory, features_BF: jax.Array, instruction_B: jax.Array
    ) -> tuple[Memory, tuple[jax.Array, jax.Array]]:
        """Returns the next memory, and the logits of the moves `[B, A]` with the value `[B]`."""
        told_B1, h_BH, count_BN = instruction_B[:, None], memory.lstm[1], memory.count_BN
        if self.model != USUAL:
            beside = {"recurrent": [h_BH, count_BN], "clock": [jnp.ones_like(told_B1)]}
            known = [told_B1, *beside.get(self.wiring, [h_BH])]
            made_BN = nalu.CELLS[self.model](self.counts, name=self.model)(jnp.concatenate(known, axis=1))
            count_BN = count_BN + made_BN if self.wiring in ("accumulating", "clock") else made_BN
        told = [] if self.model != USUAL and self.wiring == "clock" else [told_B1]
        seen_BI = jnp.concatenate([features_BF, *told, count_BN], axis=1)
        lstm, h_BH = nn.OptimizedLSTMCell(self.hidden, name="lstm")(memory.lstm, seen_BI)
        logits_BA = nn.Dense(len(MOVES), name="policy")(h_BH)
        value_B = nn.Dense(1, name="value")(h_BH)[:, 0]
        return Memory(lstm, count_BN), (logits_BA, value_B)

    @nn.nowrap
    def start(self, episodes: int) -> Memory:
        """Returns the memory before the first step."""
        h_BH = jnp.zeros((episodes, self.hidden))
        return Memory((h_BH, h_BH), jnp.zeros((episodes, 0 if self.model == USUAL else self.counts)))


class Agent(NamedTuple):
    """The two parts of an agent; their parameters are `{"vision": ..., "core": ...}`."""

    vision: Vision
    core: Core

    def init(self, key: jax.Array, pixels_P: jax.Array) -> dict[str, dict]:
        """Returns parameters; `key` is consumed."""
        key_vision, key_core = jax.random.split(key)
        vision = self.vision.init(key_vision, pixels_P[:1])["params"]
        features_BF = jnp.zeros((1, self.vision.features))
        core = self.core.init(key_core, self.core.start(1), features_BF, jnp.zeros(1))["params"]
        return {"vision": vision, "core": core}


def build(cfg: "Config", model: str) -> Agent:
    """Returns the agent of this name."""
    wiring = "clock" if model == CLOCK else cfg.wiring
    return Agent(Vision(cfg.channels, cfg.features), Core(cfg.hidden, cfg.counts, cell_of(model), wiring))
