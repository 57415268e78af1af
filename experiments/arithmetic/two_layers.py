"""The networks of section 4.1: two layers of the same cell, and the perceptrons beside them.

Axes: L networks side by side, N items, I inputs.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu

from ..lib.networks import mlp
from . import features_first

EXPONENT = 40.0  # largest exponent of a multiplicative path in training, so that no square overflows float32


class Network(NamedTuple):
    """`init`: key -> params of one network; `apply`: (params of L networks, `[I, N]`) -> `[L, N]`."""

    init: Callable[[jax.Array], Any]
    apply: Callable[[Any, jax.Array], jax.Array]


def stack(first: nn.Module, second: nn.Module, inputs: int) -> Network:
    """Returns the network of two layers; the second has one output."""

    def init(key: jax.Array) -> Any:
        key_first, key_second = jax.random.split(key)
        hidden_1H, variables = first.init_with_output(key_first, jnp.ones((1, inputs)))
        return variables, second.init(key_second, hidden_1H)

    def apply_one(params: Any, x_IN: jax.Array) -> jax.Array:
        return second.apply(params[1], first.apply(params[0], x_IN.T))[:, 0]

    return Network(init, jax.vmap(apply_one, in_axes=(0, None)))


def of_cell(name: str, inputs: int, hidden: int) -> Network:
    """Returns two layers of a cell of `nalu.CELLS`, started as the cell itself would."""
    cell = nalu.CELLS[name]
    return stack(cell(hidden), cell(1), inputs)


class NaluStart(NamedTuple):
    """Where a NALU network starts: W_hat of layer 1 ~ U(0, spread), W_hat of layer 2 and its gate as given, M_hat = 0.

    The gate weights of layer 1 start at 4: with positive inputs g = sigmoid(x G) is 1 to the last bit of float32, and
    layer 1 begins, and stays, a NAC. Positive weights keep the hidden sums away from 0, where the log is steep.
    """

    spread: float
    output: tuple[float, ...]
    gate: float


def of_started_nalu(start: NaluStart, inputs: int) -> Network:
    """Returns two layers of the paper's NALU, one hidden unit for each output weight, started as said."""
    constant, zeros = nn.initializers.constant, nn.initializers.zeros
    first = nalu.NALU(
        len(start.output), clip=EXPONENT, m_hat_init=zeros, g_init=constant(4.0),
        w_hat_init=nn.initializers.uniform(start.spread),
    )  # fmt: skip
    second = nalu.NALU(
        1, clip=EXPONENT, m_hat_init=zeros, g_init=constant(start.gate),
        w_hat_init=lambda key, shape: jnp.array(start.output, jnp.float32)[:, None],
    )  # fmt: skip
    layer = functools.partial(features_first.nalu_layer, clip=EXPONENT)

    def apply(params: Any, x_IN: jax.Array) -> jax.Array:
        hidden_LHN = features_first.shared_input(layer, params[0], x_IN)
        return jax.vmap(layer)(params[1], hidden_LHN)[:, 0]

    return Network(stack(first, second, inputs).init, apply)


def of_perceptron(activation: str, inputs: int, hidden: int) -> Network:
    """Returns a perceptron of one hidden layer; without a nonlinearity it has no bias either."""
    activate = mlp.nonlinearity(activation)

    def apply_one(layers: Any, x_IN: jax.Array) -> jax.Array:
        if activation == "None":
            layers = [{**layer, "b": jnp.zeros_like(layer["b"])} for layer in layers]
        return mlp.mlp(layers, x_IN.T, activate)[:, 0]

    return Network(lambda key: mlp.mlp_init(key, (inputs, hidden, 1)), jax.vmap(apply_one, in_axes=(0, None)))
