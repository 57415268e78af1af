"""The networks of the recurrent task: sums of a NAC over time under a NAC or a NALU, and the usual cells.

Axes: L networks side by side, T time steps, I inputs, H hidden units, N items.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu

from . import features_first
from .two_layers import EXPONENT, NaluStart, Network, stack

CELLS = {
    "lstm": nn.OptimizedLSTMCell,
    "gru": nn.GRUCell,
    "relu-rnn": lambda hidden: nn.SimpleCell(hidden, activation_fn=nn.relu),
    "tanh-rnn": nn.SimpleCell,
}


def accumulator(read_out: str, inputs: int, hidden: int, start: NaluStart | None = None) -> Network:
    """Returns h_T = sum over t of NAC(x_t), y = NAC(h_T) or NALU(h_T), on inputs summed over time, `[I, N]`.

    This is `nalu.Accumulator(nalu.NAC(hidden))` under `nn.RNN`, exactly: the NAC is linear, so the sum of its outputs
    is its output for the sum.
    """
    zeros, constant = nn.initializers.zeros, nn.initializers.constant
    if start is None:
        return _two_layers(nalu.NAC(hidden), nalu.CELLS[read_out](1), read_out, inputs)
    w_hat = {"w_hat_init": lambda key, shape: jnp.array(start.output, jnp.float32)[:, None], "m_hat_init": zeros}
    first = nalu.NAC(len(start.output), w_hat_init=nn.initializers.uniform(start.spread), m_hat_init=zeros)
    second = nalu.NALU(1, g_init=constant(start.gate), **w_hat) if read_out == "nalu" else nalu.NAC(1, **w_hat)
    return _two_layers(first, second, read_out, inputs)


def _two_layers(first: nn.Module, second: nn.Module, read_out: str, inputs: int) -> Network:
    def apply(params: Any, x_IN: jax.Array) -> jax.Array:
        hidden_LHN = features_first.shared_input(features_first.nac_layer, params[0], x_IN)
        if read_out == "nac":
            return jax.vmap(features_first.nac_layer)(params[1], hidden_LHN)[:, 0]
        return jax.vmap(lambda layer, h: features_first.nalu_layer(layer, h, clip=EXPONENT))(params[1], hidden_LHN)[
            :, 0
        ]

    return Network(stack(first, second, inputs).init, apply)


def of_cell_over_time(cell: str, inputs: int, hidden: int) -> Network:
    """Returns a recurrent cell with a linear read-out of its last state, on sequences `[T, I, N]`."""
    return _over_time(CELLS[cell](hidden), nn.Dense(1), inputs, hidden)


def of_accumulated_cell(name: str, inputs: int, hidden: int) -> Network:
    """Returns the sum over time of any cell of `nalu.CELLS`, read out by another, on sequences `[T, I, N]`."""
    cell = nalu.CELLS[name]
    return _over_time(nalu.Accumulator(cell(hidden)), cell(1), inputs, hidden)


def _over_time(cell: nn.RNNCellBase, read_out: nn.Module, inputs: int, hidden: int) -> Network:
    network = nn.RNN(cell, time_major=True, return_carry=True)

    def init(key: jax.Array) -> Any:
        key_cell, key_read_out = jax.random.split(key)
        return network.init(key_cell, jnp.zeros((1, 1, inputs))), read_out.init(key_read_out, jnp.zeros((1, hidden)))

    def apply_one(params: Any, x_TIN: jax.Array) -> jax.Array:
        carry, _ = network.apply(params[0], x_TIN.transpose(0, 2, 1))
        last_NH = jax.tree.leaves(carry)[-1]  # the LSTM carries (c, h), the others h
        return read_out.apply(params[1], last_NH)[:, 0]

    return Network(init, jax.vmap(apply_one, in_axes=(0, None)))
