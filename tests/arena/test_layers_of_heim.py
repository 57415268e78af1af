"""The layers of the power unit's simple task that only its authors' code has, against NumPy in 64 bits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.arena import layers_of_heim, networks, npu_simple

X_NI = np.array([[0.5, 2.0], [-1.5, 0.3], [-0.7, -2.5]])


def drawn(layer, seed=0):
    """Parameters away from their start, so that gates are open and shut, and weights beyond their bounds."""
    params = layer.init(jax.random.key(seed), jnp.ones((1, 2)))["params"]
    keys = iter(jax.random.split(jax.random.key(seed + 1), len(params)))
    return {name: 1.5 * jax.random.normal(next(keys), leaf.shape) for name, leaf in params.items()}


def in_64_bits(params):
    return {name: np.asarray(leaf, np.float64) for name, leaf in params.items()}


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def test_the_clipped_nmu_holds_weights_beyond_their_bounds_where_they_are():
    layer = layers_of_heim.ClippedNMU(3)
    w_IO = jnp.array([[1.3, 0.4, -0.2], [1.1, 1.0, 0.6]])
    clipped_IO = np.clip(np.asarray(w_IO, np.float64), 0, 1)
    wanted_NO = np.stack([np.prod(x_I[:, None] * clipped_IO + 1 - clipped_IO, axis=0) for x_I in X_NI])
    apply = lambda w_IO: layer.apply({"params": {"w": w_IO}}, jnp.asarray(X_NI, jnp.float32))  # noqa: E731
    np.testing.assert_allclose(apply(w_IO), wanted_NO, rtol=1e-5, atol=1e-6)
    slope_IO = jax.grad(lambda w_IO: (apply(w_IO) ** 2).sum())(w_IO)
    beyond_IO = (np.asarray(w_IO) > 1) | (np.asarray(w_IO) < 0)
    assert (np.asarray(slope_IO)[beyond_IO] == 0).all()
    assert (np.asarray(slope_IO)[~beyond_IO] != 0).all()


def test_the_biased_nalu_is_a_nalu_whose_gates_have_a_bias():
    params = drawn(layer := layers_of_heim.BiasedNALU(3))
    p = in_64_bits(params)
    w_IO = np.tanh(p["w"]) * sigmoid(p["m"])
    gate_NO = sigmoid(X_NI @ p["g"] + p["bias"])
    wanted_NO = gate_NO * (X_NI @ w_IO) + (1 - gate_NO) * np.exp(np.log(np.abs(X_NI) + 1e-8) @ w_IO)
    np.testing.assert_allclose(layer.apply({"params": params}, jnp.asarray(X_NI, jnp.float32)), wanted_NO, rtol=1e-4)


def test_the_gated_inalu_is_an_inalu_whose_gates_see_the_input():
    params = drawn(layer := layers_of_heim.GatedINALU(3))
    p = in_64_bits(params)
    add_IO, mul_IO = np.tanh(p["w_a"]) * sigmoid(p["m_a"]), np.tanh(p["w_m"]) * sigmoid(p["m_m"])
    gate_NO = sigmoid(X_NI @ p["g_m"])
    sign_NO = np.prod(np.sign(X_NI)[:, :, None] * np.abs(mul_IO) + 1 - np.abs(mul_IO), axis=1)
    product_NO = np.exp(np.log(np.abs(X_NI)) @ mul_IO)
    wanted_NO = gate_NO * (X_NI @ add_IO) + (1 - gate_NO) * sign_NO * product_NO
    np.testing.assert_allclose(layer.apply({"params": params}, jnp.asarray(X_NI, jnp.float32)), wanted_NO, rtol=1e-4)


@pytest.mark.parametrize("name", [name for name in npu_simple.NETWORKS if name != "dense"])
def test_every_network_of_the_simple_task_has_six_hidden_and_four_outputs(name):
    _, layers, _ = npu_simple.network_of(name)
    x, shapes = jnp.ones((1, 2)), []
    for layer in layers:
        x, _ = layer.init_with_output(jax.random.key(0), x)
        shapes.append(x.shape)
    assert shapes == [(1, 6), (1, 4)]


def test_the_sigmoid_network_has_ten_units_a_layer():
    params = layers_of_heim.Dense(4).init(jax.random.key(0), jnp.ones((1, 2)))["params"]
    assert [params[f"Dense_{i}"]["kernel"].shape for i in range(3)] == [(2, 10), (10, 10), (10, 4)]


def test_the_clipped_nmu_starts_anywhere_within_its_bounds_and_training_leaves_it_beyond_them():
    params = layers_of_heim.ClippedNMU(500).init(jax.random.key(0), jnp.ones((1, 2)))
    w_IO = params["params"]["w"]
    assert 0 <= w_IO.min() < 0.01 and 0.99 < w_IO.max() <= 1
    beyond = {"params": {"w": 3 * w_IO - 1}}
    network = networks.network(networks.Stack((layers_of_heim.ClippedNMU(500),)), 2)
    assert jax.tree.all(jax.tree.map(lambda new, old: (new == old).all(), network.project(beyond), beyond))
