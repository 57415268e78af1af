"""The NALU that an LSTM configures (section 4.4): registers pass through a NALU whose weights change at every step.

    h' = LSTM(h, [symbol, compare(s)]),   W_hat, M_hat, g_hat = C h' + b,   s' = NALU([s, value])

The paper has W_hat, M_hat and G as learned functions of the LSTM's output. The registers, and what goes back, are ours:
the LSTM never sees an integer, and of the registers hardly more than the signs, so that it can branch on which of two
integers is larger and not on how large they are. The gate g = sigmoid(g_hat) is emitted as well: with G on the data, as
in a NALU alone, it would depend on how large they are.

Axes: R registers, I = R + 1 inputs of the NALU (the registers, then the value), X numbers that the LSTM emits.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu


class Controls(NamedTuple):
    """What configures the NALU at one step; every leaf leads with the batch axes, if any."""

    w_hat_IR: jax.Array
    m_hat_IR: jax.Array
    g_hat_R: jax.Array  # of no size where there is only a NAC


class State(NamedTuple):
    """What a `ConfiguredNalu` carries; every leaf leads with the batch axes, if any."""

    controller: tuple[jax.Array, jax.Array]  # the LSTM's (c, h)
    registers_R: jax.Array  # in units of `ConfiguredNalu.unit`


def parse_controls(emitted_X: jax.Array, registers: int) -> Controls:
    """Cuts what the LSTM emits, `[..., X]`, into parts: X is 2 I R for a NAC and 2 I R + R for a NALU."""
    shape, size = (registers + 1, registers), (registers + 1) * registers
    w_hat, m_hat, g_hat = jnp.split(emitted_X, [size, 2 * size], axis=-1)
    batch = emitted_X.shape[:-1]
    return Controls(w_hat.reshape(*batch, *shape), m_hat.reshape(*batch, *shape), g_hat)


def configured_nac(controls: Controls, x_I: jax.Array) -> jax.Array:
    """Returns `[..., R]`: a = x W, each item by its own W = tanh(W_hat) * sigmoid(M_hat).

    `nalu.nac` item by item, and in `configured_nalu` `nalu.log_nac`, written as sums because XLA's CPU backend is slow
    at products of many small matrices.
    """
    return _product(x_I, nalu.nac_weights(controls.w_hat_IR, controls.m_hat_IR))


def configured_nalu(controls: Controls, x_I: jax.Array, *, eps: float, clip: float) -> jax.Array:
    """Returns `[..., R]`: g a + (1 - g) m with m = exp(min(log(|x| + eps) W, clip)) and g = sigmoid(g_hat)."""
    w_IR = nalu.nac_weights(controls.w_hat_IR, controls.m_hat_IR)
    gate_R = jax.nn.sigmoid(controls.g_hat_R)
    m_R = jnp.exp(jnp.minimum(_product(jnp.log(jnp.abs(x_I) + eps), w_IR), clip))
    return gate_R * _product(x_I, w_IR) + (1 - gate_R) * m_R


def _product(x_I: jax.Array, w_IR: jax.Array) -> jax.Array:
    return (x_I[..., None] * w_IR).sum(axis=-2)


def compare(registers_R: jax.Array) -> jax.Array:
    """Returns tanh(s): for integers 0, or nearly the sign."""
    return jnp.tanh(registers_R)


class ConfiguredNalu(nn.RNNCellBase):
    """Registers, a NALU and the LSTM that configures it; put out is the first register.

    At the start every register is held, nothing is added to it, and the gate is open to the additive path.

    Attributes:
      registers: R.
      hidden: units of the LSTM.
      multiplies: False leaves out the multiplicative path and its gate, and has a NAC configured.
      unit: the integer that a register calls 1; a power of two, so that no digit is lost.
      eps, clip: see `nalu.log_nac`; the log of the training integers, in units, should not be steep.
      hold, gate: where W_hat and M_hat of a register for itself start, and g_hat.
    """

    registers: int
    hidden: int
    multiplies: bool = True
    unit: float = 128.0
    eps: float = 0.01
    clip: float = 20.0
    hold: float = 2.0
    gate: float = 3.0

    @nn.compact
    def __call__(self, state: State, x: jax.Array) -> tuple[State, jax.Array]:
        """Returns the next state and the first register, `[...]`, from x `[..., V + 1]`: V symbols, then the value."""
        symbol, value = x[..., :-1], x[..., -1:] / self.unit
        seen = jnp.concatenate([symbol, compare(state.registers_R * self.unit)], axis=-1)
        controller, h = nn.OptimizedLSTMCell(self.hidden, name="controller")(state.controller, seen)
        start = self._start()
        emitted_X = nn.Dense(start.size, bias_init=lambda key, shape, dtype: start.astype(dtype), name="controls")(h)
        controls = parse_controls(emitted_X, self.registers)
        x_I = jnp.concatenate([state.registers_R, value], axis=-1)
        if self.multiplies:
            registers_R = configured_nalu(controls, x_I, eps=self.eps, clip=self.clip)
        else:
            registers_R = configured_nac(controls, x_I)
        return State(controller, registers_R), registers_R[..., 0] * self.unit

    @nn.nowrap
    def _start(self) -> jax.Array:
        held = self.hold * jnp.eye(self.registers + 1, self.registers).ravel()
        gates = jnp.full(self.registers if self.multiplies else 0, self.gate)
        return jnp.concatenate([held, held, gates])

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> State:
        """Returns the state zero; `rng` is not used."""
        batch = input_shape[:-1]
        h = jnp.zeros((*batch, self.hidden))
        return State((h, h), jnp.zeros((*batch, self.registers)))

    @property
    def num_feature_axes(self) -> int:
        return 1


def sharpened(params: dict[str, Any], factor: jax.Array | float) -> dict[str, Any]:
    """Returns the parameters of a `ConfiguredNalu` that emits everything times a factor.

    Annealed from 1 to 20 in training, it takes W and g to -1, 0 and 1, to the last bit of float32: a weight of 0.9999
    is right for two digits, and off by one at four.
    """
    return {**params, "controls": jax.tree.map(lambda leaf: factor * leaf, params["controls"])}
