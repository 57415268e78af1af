"""The Differentiable Neural Computer (Graves et al. 2016, Nature 538): an LSTM that writes to and reads from a memory.

Axes: H hidden units, and those of `dnc_memory`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from . import dnc_memory
from .dnc_memory import Memory


class DncState(NamedTuple):
    """What a `Dnc` carries; every leaf leads with the batch axes, if any."""

    controller: tuple[jax.Array, jax.Array]  # the LSTM's (c, h), each [..., H]
    memory: Memory
    words: jax.Array  # [..., R, W], read at the last step


class Dnc(nn.RNNCellBase):
    """An LSTM on the input and the words just read; its output steers the memory.

        h' = LSTM(h, [x, r]),   M', r' = memory(M, W_xi h'),   y = W_y h' + W_r r'

    The two matrices of y are one here, on [h', r']; they and W_xi have no bias, as in the paper.

    Attributes:
      features: numbers in y.
      hidden: H, of the controller, which has one layer.
      slots, width, reads: N, W and R.
    """

    features: int
    hidden: int
    slots: int
    width: int
    reads: int = 1

    @nn.compact
    def __call__(self, state: DncState, x: jax.Array) -> tuple[DncState, jax.Array]:
        """Returns the next state and y `[..., features]`, from x `[..., I]`."""
        batch = x.shape[:-1]
        seen = jnp.concatenate([x, state.words.reshape(*batch, -1)], axis=-1)
        controller, h = nn.OptimizedLSTMCell(self.hidden, name="controller")(state.controller, seen)
        size = dnc_memory.interface_size(self.width, self.reads)
        xi = nn.Dense(size, use_bias=False, name="interface")(h)

        def use(memory: Memory, xi_X: jax.Array) -> tuple[Memory, jax.Array]:
            return dnc_memory.step(memory, dnc_memory.parse_interface(xi_X, self.width, self.reads))

        for _ in batch:
            use = jax.vmap(use)
        memory, words = use(state.memory, xi)
        found = jnp.concatenate([h, words.reshape(*batch, -1)], axis=-1)
        y = nn.Dense(self.features, use_bias=False, name="output")(found)
        return DncState(controller, memory, words), y

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> DncState:
        """Returns the state zero; `rng` is not used."""
        h, words = jnp.zeros(self.hidden), jnp.zeros((self.reads, self.width))
        state = DncState((h, h), dnc_memory.empty(self.slots, self.width, self.reads), words)
        return jax.tree.map(lambda leaf: jnp.zeros(input_shape[:-1] + leaf.shape), state)

    @property
    def num_feature_axes(self) -> int:
        return 1
