"""The networks of section 4.4: a cell reads a program, one symbol or one whole integer a step, and answers at its end.

Axes: N programs, T steps, V symbols, X numbers that a cell sees at a step.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from .programs import SYMBOLS, Program


class ProgramNetwork(nn.Module):
    """A cell over the steps of a program; the answer is its last output, or a linear layer's on it.

    Attributes:
      value_unit: the integer that the cell sees as 1.
      reads_out: whether a linear layer makes the answer out of the cell's output.
      answer_unit: the answer that an output of 1 is.
    """

    cell: nn.RNNCellBase
    value_unit: float = 1.0
    reads_out: bool = False
    answer_unit: float = 1.0

    @nn.compact
    def __call__(self, programs: Program) -> jax.Array:
        """Returns the answers `[N]` to programs whose leaves lead with N."""
        symbols_TNV = jax.nn.one_hot(programs.symbols_T.T, len(SYMBOLS))
        seen_TNX = jnp.concatenate([symbols_TNV, programs.values_T.T[..., None] / self.value_unit], axis=-1)
        output = nn.RNN(self.cell, time_major=True)(seen_TNX)[-1]
        if self.reads_out:
            output = nn.Dense(1, name="read_out")(output)
        return self.answer_unit * output.reshape(len(programs.answer))
