"""The networks of section 4.1: two layers of the same cell, sums of a NAC over time under a NAC or a NALU, and others.

Layers of NAC and NALU are computed here on arrays whose features come first, for many networks that share their input:
the same functions as `nalu.nac` and `nalu.nalu` (a test holds them together), laid out for speed. With the items along
the last axis XLA's CPU backend trains the NALU on batches of 128 1.4 times as fast, and the first layers of all
networks are one product.

Axes: L networks side by side, T time steps, I inputs, H hidden units or outputs, N items.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu

from ..lib import cells
from ..lib.networks import mlp

EXPONENT = 40.0  # largest exponent of a multiplicative path in training, so that no square overflows float32
CELLS = {
    "lstm": nn.OptimizedLSTMCell,
    "gru": nn.GRUCell,
    "relu-rnn": lambda hidden: nn.SimpleCell(hidden, activation_fn=nn.relu),
    "tanh-rnn": nn.SimpleCell,
}


class Network(NamedTuple):
    """Pure functions.

    Attributes:
      init: key -> params of one network.
      apply: (params of L networks, `[I, N]`) -> `[L, N]`; in training with `loop.noise` as a third argument.
    """

    init: Callable[[jax.Array], Any]
    apply: Callable[..., jax.Array]


def stack(first: nn.Module, second: nn.Module, inputs: int) -> Network:
    """Returns the network of two layers; the second has one output."""

    def init(key: jax.Array) -> Any:
        key_first, key_second = jax.random.split(key)
        hidden_1H, variables = first.init_with_output(key_first, jnp.ones((1, inputs)))
        return variables, second.init(key_second, hidden_1H)

    def apply_one(params: Any, x_IN: jax.Array, rngs: Any) -> jax.Array:
        return second.apply(params[1], first.apply(params[0], x_IN.T, rngs=rngs), rngs=rngs)[:, 0]

    return _of_lanes(init, apply_one)


def _of_lanes(init: Callable[[jax.Array], Any], apply_one: Callable[..., jax.Array]) -> Network:
    """Returns the network of what one computes, (params, inputs, rngs) -> `[N]`."""

    def apply(params_L: Any, x: jax.Array, rngs: Any = None) -> jax.Array:
        return jax.vmap(apply_one, in_axes=(0, None, None))(params_L, x, rngs)

    return Network(init, apply)


def of_cell(name: str, inputs: int, hidden: int) -> Network:
    """Returns two layers of a cell of `nalu.CELLS`, started as the cell itself would; see `adds`."""
    cell = nalu.CELLS[name]
    return stack((cell if adds(name) else nalu.NAU)(hidden), cell(1), inputs)


def title_of(name: str) -> str:
    """Returns what tables call the two layers of a cell."""
    return ", ".join(cells.title_of(each) for each in (name if adds(name) else "nau", name))


def adds(name: str) -> bool:
    """Says whether a cell of `nalu.CELLS` can add; one that only multiplies stands behind a NAU, which adds for it."""
    return "a + b" in nalu.CELLS[name].facts.exact


class NaluStart(NamedTuple):
    """Where a NALU network starts: W_hat of layer 1 ~ U(0, spread), W_hat of layer 2 and its gate as given, M_hat = 0.

    The gate weights of layer 1 start at 4: with positive inputs g = sigmoid(x G) is 1 to the last bit of float32, and
    layer 1 begins, and stays, a NAC. Positive weights keep the hidden sums away from 0, where the log is steep.
    """

    spread: float
    output: tuple[float, ...]
    gate: float


def loosened(params: Any, gate: float, limits: tuple[float, float]) -> Any:
    """Returns parameters of two layers, the second a NALU, whose weights can move again: |W| bounded, M_hat = 3.

    W = tanh(W_hat) sigmoid(M_hat) hardly changes with its parameters where it is near -1 or 1, or M_hat far below 0,
    and a polish that begins there ends there.

    Args:
      gate: the gate weights of layer 2: at 50 the gate is open to the last bit for sums above 0, at -50 shut.
      limits: the largest |W| of either layer, below sigmoid(3) = 0.95.
    """

    def layer(variables: dict, limit: float) -> dict:
        its = variables["params"]
        w = jnp.clip(nalu.nac_weights(its["w_hat"], its["m_hat"]), -limit, limit)
        return {**its, "w_hat": jnp.arctanh(w / jax.nn.sigmoid(3.0)), "m_hat": jnp.full_like(its["m_hat"], 3.0)}

    first, second = (layer(variables, limit) for variables, limit in zip(params, limits, strict=True))
    return {"params": first}, {"params": {**second, "g": jnp.full_like(second["g"], gate)}}


def of_started_nalu(start: NaluStart, inputs: int) -> Network:
    """Returns two layers of the paper's NALU, one hidden unit for each output weight, started as said."""
    constant, zeros = nn.initializers.constant, nn.initializers.zeros
    first = nalu.NALU(
        len(start.output),
        clip=EXPONENT,
        m_hat_init=zeros,
        g_init=constant(4.0),
        w_hat_init=nn.initializers.uniform(start.spread),
    )
    second = nalu.NALU(
        1,
        clip=EXPONENT,
        m_hat_init=zeros,
        g_init=constant(start.gate),
        w_hat_init=lambda key, shape, dtype: jnp.array(start.output, dtype)[:, None],
    )
    layer = functools.partial(nalu_layer, clip=EXPONENT)

    def apply(params: Any, x_IN: jax.Array, rngs: Any = None) -> jax.Array:
        hidden_LHN = shared_input(layer, params[0], x_IN)
        return jax.vmap(layer)(params[1], hidden_LHN)[:, 0]

    return Network(stack(first, second, inputs).init, apply)


def of_perceptron(activation: str, inputs: int, hidden: int) -> Network:
    """Returns a perceptron of one hidden layer; without a nonlinearity it has no bias either."""
    activate = mlp.nonlinearity(activation)

    def apply_one(layers: Any, x_IN: jax.Array, rngs: Any) -> jax.Array:
        if activation == "None":
            layers = [{**layer, "b": jnp.zeros_like(layer["b"])} for layer in layers]
        return mlp.mlp(layers, x_IN.T, activate)[:, 0]

    return _of_lanes(lambda key: mlp.mlp_init(key, (inputs, hidden, 1)), apply_one)


def accumulator(read_out: str, inputs: int, hidden: int, start: NaluStart | None = None) -> Network:
    """Returns h_T = sum over t of NAC(x_t), y = NAC(h_T) or NALU(h_T), on inputs summed over time, `[I, N]`.

    This is `nalu.Accumulator(nalu.NAC(hidden))` under `nn.RNN`, exactly: the NAC is linear, so the sum of its outputs
    is its output for the sum.
    """
    zeros, constant = nn.initializers.zeros, nn.initializers.constant
    if start is None:
        return _two_layers(nalu.NAC(hidden), nalu.CELLS[read_out](1), read_out, inputs)
    w_hat = {"w_hat_init": lambda key, shape, dtype: jnp.array(start.output, dtype)[:, None], "m_hat_init": zeros}
    first = nalu.NAC(len(start.output), w_hat_init=nn.initializers.uniform(start.spread), m_hat_init=zeros)
    second = nalu.NALU(1, g_init=constant(start.gate), **w_hat) if read_out == "nalu" else nalu.NAC(1, **w_hat)
    return _two_layers(first, second, read_out, inputs)


def _two_layers(first: nn.Module, second: nn.Module, read_out: str, inputs: int) -> Network:
    def apply(params: Any, x_IN: jax.Array, rngs: Any = None) -> jax.Array:
        hidden_LHN = shared_input(nac_layer, params[0], x_IN)
        if read_out == "nac":
            return jax.vmap(nac_layer)(params[1], hidden_LHN)[:, 0]
        return jax.vmap(lambda layer, h: nalu_layer(layer, h, clip=EXPONENT))(params[1], hidden_LHN)[:, 0]

    return Network(stack(first, second, inputs).init, apply)


def of_cell_over_time(cell: str, inputs: int, hidden: int) -> Network:
    """Returns a recurrent cell with a linear read-out of its last state, on sequences `[T, I, N]`."""
    return _over_time(CELLS[cell](hidden), nn.Dense(1), inputs, hidden)


def of_accumulated_cell(name: str, inputs: int, hidden: int) -> Network:
    """Returns the sum over time of any cell of `nalu.CELLS`, read out by another, on sequences `[T, I, N]`.

    Where the first layer is linear, it takes inputs summed over time, `[I, N]`, as `accumulator` does.
    """
    if sees_sums(name):
        return of_cell(name, inputs, hidden)
    cell = nalu.CELLS[name]
    return _over_time(nalu.Accumulator(cell(hidden)), cell(1), inputs, hidden)


def _over_time(cell: nn.RNNCellBase, read_out: nn.Module, inputs: int, hidden: int) -> Network:
    network = nn.RNN(cell, time_major=True, return_carry=True, split_rngs={"params": False, "noise": True})

    def init(key: jax.Array) -> Any:
        key_cell, key_read_out = jax.random.split(key)
        return network.init(key_cell, jnp.zeros((1, 1, inputs))), read_out.init(key_read_out, jnp.zeros((1, hidden)))

    def apply_one(params: Any, x_TIN: jax.Array, rngs: Any) -> jax.Array:
        carry, _ = network.apply(params[0], x_TIN.transpose(0, 2, 1), rngs=rngs)
        last_NH = jax.tree.leaves(carry)[-1]  # the LSTM carries (c, h), the others h
        return read_out.apply(params[1], last_NH, rngs=rngs)[:, 0]

    return _of_lanes(init, apply_one)


def sees_sums(name: str) -> bool:
    """Says whether the first layer of a cell's network, `of_accumulated_cell`, is linear: a NAU, of its own or not."""
    return name == "nau" or not adds(name)


def nac_layer(variables: dict, x_IN: jax.Array) -> jax.Array:
    """Returns `[H, N]`, the NAC of a layer's `w_hat` and `m_hat` `[I, H]`."""
    params = variables["params"]
    return nalu.nac_weights(params["w_hat"], params["m_hat"]).T @ x_IN


def nalu_layer(variables: dict, x_IN: jax.Array, *, clip: float, eps: float = 1e-7) -> jax.Array:
    """Returns `[H, N]`, the NALU of a layer's `w_hat`, `m_hat` and `g` `[I, H]`."""
    params = variables["params"]
    w_HI = nalu.nac_weights(params["w_hat"], params["m_hat"]).T
    gate_HN = jax.nn.sigmoid(params["g"].T @ x_IN)
    m_HN = jnp.exp(jnp.minimum(w_HI @ jnp.log(jnp.abs(x_IN) + eps), clip))
    return gate_HN * (w_HI @ x_IN) + (1 - gate_HN) * m_HN


def shared_input(layer, variables_L: dict, x_IN: jax.Array) -> jax.Array:
    """Returns `[L, H, N]`: one layer of L networks on the same input, as one layer of L * H outputs."""
    networks, inputs, hidden = variables_L["params"]["w_hat"].shape
    folded = jax.tree.map(lambda leaf: leaf.transpose(1, 0, 2).reshape(inputs, networks * hidden), variables_L)
    return layer(folded, x_IN).reshape(networks, hidden, -1)
