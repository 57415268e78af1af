"""Networks written out in scalars are the networks; cos, sin and powers are what NumPy says in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import nalu
from experiments.arena import elementary, scalars
from tests.drawn import draw_parameters

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.mark.parametrize("name", ["nalu", "npu", "nru", "nmru", "inalu"])
def test_a_cell_written_out_has_the_same_values_and_gradients(name):
    cell = nalu.CELLS[name](2)
    x = jnp.array([[1.5, -2.5, 0.3]])
    params = draw_parameters(cell, x)

    def total(params, apply):
        return (apply(params, x) ** 2).sum()

    written = scalars.written_out(cell.apply)
    for mine, its in zip(
        *(
            jax.tree.leaves(jax.jit(jax.value_and_grad(total), static_argnums=1)(params, f))
            for f in (written, cell.apply)
        ),
        strict=True,
    ):
        np.testing.assert_allclose(mine, its, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("pads", [False, True])
@pytest.mark.parametrize("factors", [2, 3, 4, 10, 21])
def test_the_slopes_of_a_product_are_the_products_of_the_others(factors, pads):
    """Of two, the padding within the slope is written out; of more it is left to XLA, unless it is asked for."""
    x = np.resize([2.0, -3.0, 0.5, 0.7, -0.4], factors).astype(np.float32)
    x[1] = 0  # all slopes but its own are 0
    slope = jax.grad(scalars.written_out(lambda x: nalu.nmu(x, jnp.ones((factors, 1)))[0], pads=pads))
    others = [np.prod(np.delete(x.astype(np.float64), i)) for i in range(factors)]
    np.testing.assert_allclose(jax.jit(slope)(x), others, rtol=3e-6)
    another = jnp.array(x).at[1].set(-3)
    np.testing.assert_allclose(jax.jit(slope)(another), np.prod(np.float64(another)) / np.float64(another), rtol=3e-6)


def test_the_least_of_a_number_and_infinity_is_the_number_with_its_slope():
    written = scalars.written_out(lambda x: jnp.minimum(jnp.inf, jnp.minimum(3 * x, jnp.inf)).sum())
    value, slope = jax.jit(jax.value_and_grad(written))(jnp.array([1.0, -2.0]))
    assert value == -3
    np.testing.assert_array_equal(slope, [3, 3])


def test_what_cannot_be_written_out_is_left_as_it_is():
    class Mixed(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.relu(nn.Dense(70)(x))  # too large to be written out, with a derivative of its own
            return jnp.sort(nn.softmax(nn.Dense(3)(x)))

    x = jnp.array([[0.3, -0.7]])
    params = draw_parameters(Mixed(), x)
    mine, its = jax.jit(lambda *each: (scalars.written_out(Mixed().apply)(*each), Mixed().apply(*each)))(params, x)
    np.testing.assert_allclose(mine, its, rtol=1e-5)


@pytest.mark.parametrize("name", ["cos", "sin"])
def test_angles(name):
    x = np.concatenate([np.linspace(-30, 30, 20_001), np.linspace(-8000, 8000, 20_001)]).astype(np.float32)
    function = getattr(elementary, name)
    value, slope = jax.jit(lambda x: (function(x), jax.vmap(jax.grad(function))(x[:100])))(x)
    np.testing.assert_allclose(value, getattr(np, name)(x.astype(np.float64)), atol=2e-7)
    np.testing.assert_allclose(slope, {"cos": -np.sin(x), "sin": np.cos(x)}[name][:100], atol=1e-6)


def test_powers():
    generator = np.random.default_rng(0)
    x = generator.uniform(-5, 5, 5000).astype(np.float32)
    y = generator.choice([-2, -1, 0, 1, 2, 3, 0.5, -0.7], 5000).astype(np.float32)
    with np.errstate(invalid="ignore"):
        true = np.power(x.astype(np.float64), y.astype(np.float64))
    power = jax.jit(elementary.power)
    found = np.asarray(power(x, y))
    np.testing.assert_allclose(found, true, rtol=3e-6)
    exact = (y == 1) | (y == 0)
    np.testing.assert_array_equal(found[exact], true[exact].astype(np.float32))
    zero = power(np.zeros(5000, np.float32), np.resize(np.float32([0.0, 0.5, 1.0, -1.0]), 5000))
    np.testing.assert_array_equal(zero, np.resize([1, 0, 0, np.inf], 5000))
    by_x, by_y = jax.jit(jax.grad(elementary.power, argnums=(0, 1)))(3.0, 0.5)
    assert by_x == pytest.approx(0.5 * 3**-0.5, rel=1e-5)
    assert by_y == pytest.approx(3**0.5 * np.log(3), rel=1e-5)
