"""The update-gate recurrent network computes the equations of Collins et al. 2016, and learns.

Axes: B batch, T time, I inputs, H hidden units.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from experiments.program_evaluation.ugrnn import UGRNNCell

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

INPUTS, HIDDEN = 3, 5


def draw(seed, *shape, scale=1.0):
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(np.float32)


def started(cell, inputs=INPUTS):
    return jax.device_get(jax.jit(cell.init)(jax.random.key(0), jnp.zeros(cell.features), jnp.zeros(inputs)))["params"]


def given(params, name, input_kernel, state_kernel, bias):
    """Returns the parameters with one layer's numbers, of a cell with one input and one unit."""
    parts = {f"i{name}": {"kernel": input_kernel}, f"h{name}": {"kernel": state_kernel, "bias": bias}}
    given = jax.tree.map(lambda number, leaf: np.full_like(leaf, number), parts, {k: params[k] for k in parts})
    return params | given


# The equations once more, in float64 and without JAX.


def expected_step(params, h, x):
    def layer(name):
        return h @ params[f"h{name}"]["kernel"] + x @ params[f"i{name}"]["kernel"] + params[f"h{name}"]["bias"]

    g = 1 / (1 + np.exp(-layer("g")))
    return g * h + (1 - g) * np.tanh(layer("c"))


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_steps_equal_the_equations(scale):
    cell = UGRNNCell(HIDDEN)
    params = jax.tree.map(lambda leaf: leaf + draw(1, *leaf.shape, scale=scale), started(cell))
    x_TBI = draw(2, 7, 4, INPUTS)
    last_BH, h_TBH = jax.jit(nn.RNN(cell, time_major=True, return_carry=True).apply)(
        {"params": {"cell": params}}, x_TBI
    )

    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    expected_BH = np.zeros((4, HIDDEN))
    for x_BI, h_BH in zip(x_TBI.astype(np.float64), h_TBH, strict=True):
        expected_BH = expected_step(params, expected_BH, x_BI)
        np.testing.assert_allclose(h_BH, expected_BH, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(last_BH, h_TBH[-1])


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (100.0, 0.75),  # open: the state stays
        (-100.0, 0.6),  # closed: tanh(ln 2) = (4 - 1) / (4 + 1)
        (0.0, 0.675),  # halfway
    ],
)
def test_by_hand(gate, expected):
    """With h = 0.75 and x = 2, c = tanh(4 h + x - 5 + ln 2) = tanh(ln 2)."""
    cell = UGRNNCell(1)
    params = given(started(cell, inputs=1), "c", 1.0, 4.0, -5 + np.log(2))
    params = given(params, "g", 0.0, 0.0, gate)
    h, y = cell.apply({"params": params}, jnp.array([0.75]), jnp.array([2.0]))
    np.testing.assert_allclose([h, y], expected, rtol=1e-5)


@pytest.mark.parametrize("bias", [1.0, -2.0])
def test_the_gate_starts_where_it_is_told(bias):
    """From a state of zeros and for an input of zeros only the biases count; c is 0 and the state stays zero."""
    cell = UGRNNCell(HIDDEN, gate_bias=bias)
    params = started(cell)
    np.testing.assert_array_equal(params["hg"]["bias"], bias)
    np.testing.assert_array_equal(params["hc"]["bias"], 0)
    assert "bias" not in params["ig"] and "bias" not in params["ic"]
    np.testing.assert_array_equal(cell.apply({"params": params}, jnp.zeros(HIDDEN), jnp.zeros(INPUTS))[0], 0)


def test_the_default_gate_is_tensorflows():
    np.testing.assert_array_equal(started(UGRNNCell(HIDDEN))["hg"]["bias"], 1)


def test_recurrent_kernels_start_orthogonal():
    params = started(UGRNNCell(HIDDEN))
    for name in ("hc", "hg"):
        kernel = params[name]["kernel"]
        np.testing.assert_allclose(kernel.T @ kernel, np.eye(HIDDEN), atol=1e-5)


def test_a_state_stays_between_the_old_one_and_one():
    """Every new number lies between the old one and a tanh, so a state that starts in [-1, 1] never leaves."""
    cell = UGRNNCell(HIDDEN)
    params = jax.tree.map(lambda leaf: leaf + draw(3, *leaf.shape, scale=30.0), started(cell))
    h_TBH = jax.jit(nn.RNN(cell, time_major=True).apply)(
        {"params": {"cell": params}}, draw(4, 100, 8, INPUTS, scale=100.0)
    )
    assert np.isfinite(h_TBH).all() and (jnp.abs(h_TBH) <= 1 + 1e-6).all()


def test_it_learns_to_remember():
    """The answer is the sign of the first of eight numbers."""
    network, read_out = nn.RNN(UGRNNCell(16), time_major=True), nn.Dense(1)
    key_network, key_read_out, key_data = jax.random.split(jax.random.key(0), 3)
    optimiser = optax.adam(1e-2)

    def wrong(params, x_TB1):
        y_B = read_out.apply(params[1], network.apply(params[0], x_TB1)[-1])[:, 0]
        return jnp.square(y_B - jnp.sign(x_TB1[0, :, 0])).mean()

    def step(carry, key):
        params, state = carry
        gradients = jax.grad(wrong)(params, jax.random.normal(key, (8, 64, 1)))
        updates, state = optimiser.update(gradients, state)
        return (optax.apply_updates(params, updates), state), None

    @jax.jit
    def wrong_after_training():
        params = network.init(key_network, jnp.zeros((1, 1, 1))), read_out.init(key_read_out, jnp.zeros((1, 16)))
        (params, _), _ = jax.lax.scan(step, (params, optimiser.init(params)), jax.random.split(key_data, 400))
        return wrong(params, jax.random.normal(jax.random.key(1), (8, 1000, 1)))

    assert wrong_after_training() < 0.2
