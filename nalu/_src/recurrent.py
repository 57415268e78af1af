"""Any cell over time: with its state among its inputs, or adding to its state.

Both take every module of one argument with a `features` field, are scanned by `nn.RNN`, and keep their parameters
under `cell`. The state has the `dtype` of the cell, its `param_dtype` where that is None, throughout the sequence. For
noise in training say so to the scan: `nn.RNN(..., split_rngs={"params": False, "noise": True})`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp
from flax import linen as nn

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


class Recurrent(nn.RNNCellBase):
    """The cell on input and state, as the usual RNN cells are built.

        h' = cell([x, h])

    The state passes through learned weights at every step; they must equal 1 to a part in T to carry a sum over T.

    Attributes:
      cell: a module with `features` outputs, e.g. `NALU(2)`.
    """

    cell: nn.Module

    def __call__(
        self, h: Float[Array, "*batch H"], x: Float[Array, "*batch I"]
    ) -> tuple[Float[Array, "*batch H"], Float[Array, "*batch H"]]:
        h = self.cell(jnp.concatenate([x, h], axis=-1)).astype(h.dtype)
        return h, h

    @nn.nowrap
    def initialize_carry(self, rng: Array, input_shape: tuple[int, ...]) -> Float[Array, "*batch H"]:
        """Returns the state zero; `rng` is not used."""
        return _zeros(input_shape, self.cell)

    @property
    def num_feature_axes(self) -> int:
        return 1


class Accumulator(nn.RNNCellBase):
    """The cell as an increment: the state is carried exactly, however long the sequence.

        h' = h + cell(x)

    Attributes:
      cell: a module with `features` outputs, e.g. `NAC(2)`.
    """

    cell: nn.Module

    def __call__(
        self, h: Float[Array, "*batch H"], x: Float[Array, "*batch I"]
    ) -> tuple[Float[Array, "*batch H"], Float[Array, "*batch H"]]:
        h = (h + self.cell(x)).astype(h.dtype)
        return h, h

    @nn.nowrap
    def initialize_carry(self, rng: Array, input_shape: tuple[int, ...]) -> Float[Array, "*batch H"]:
        """Returns the state zero; `rng` is not used."""
        return _zeros(input_shape, self.cell)

    @property
    def num_feature_axes(self) -> int:
        return 1


def _zeros(input_shape: tuple[int, ...], cell: nn.Module) -> Float[Array, "*batch H"]:
    dtype = getattr(cell, "dtype", None) or getattr(cell, "param_dtype", jnp.float32)
    return jnp.zeros((*input_shape[:-1], cell.features), dtype)
