"""The cells compute the paper's equations: against float64 NumPy, finite differences and numbers worked by hand.

Axes: B batch, I inputs, O outputs, T time.
"""

import functools

import flax.linen as nn
import hypothesis.extra.numpy as hnp
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads

import nalu

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
SATURATED = 20.0  # tanh and sigmoid of it are 1 in float32


# The equations once more, in float64 and without JAX.


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def expected_nac_weights(w_hat, m_hat):
    return np.tanh(w_hat) * sigmoid(m_hat)


def expected_log_nac(x, w, eps=1e-7):
    return np.exp(np.einsum("...i,io->...o", np.log(np.abs(x) + eps), w))


def expected_nalu(x, w, g, eps=1e-7):
    gate = sigmoid(np.einsum("...i,io->...o", x, g))
    return gate * np.einsum("...i,io->...o", x, w) + (1 - gate) * expected_log_nac(x, w, eps)


def draw(seed, *shapes, scale=1.0):
    rng = np.random.default_rng(seed)
    return [rng.normal(scale=scale, size=shape).astype(np.float32) for shape in shapes]


def as_jax(*arrays):
    return [jnp.asarray(array) for array in arrays]


def as_float64(*arrays):
    return [np.asarray(array, np.float64) for array in arrays]


def compiled(function, *arguments, **fixed):
    """Returns what a function computes as one program, which is sooner compiled than each of its steps."""
    return jax.jit(functools.partial(function, **fixed))(*arguments)


def slopes(function, *arguments):
    """Returns the gradient of a function that sums to a number, by each argument."""
    return compiled(jax.grad(lambda *each: function(*each).sum(), argnums=range(len(arguments))), *arguments)


@pytest.mark.parametrize("batch", [(), (7,), (2, 3)])
@pytest.mark.parametrize("gates", [3, 1], ids=["gate per output", "gate per layer"])
def test_functions_equal_the_equations(batch, gates):
    arrays = draw(0, (*batch, 5), (5, 3), (5, 3), (5, gates))
    x, w_hat, m_hat, g = as_jax(*arrays)
    x64, w_hat64, m_hat64, g64 = as_float64(*arrays)

    def all_four(x, w_hat, m_hat, g):
        w = nalu.nac_weights(w_hat, m_hat)
        return w, nalu.nac(x, w), nalu.log_nac(x, w), nalu.nalu(x, w, g)

    w, added, multiplied, y = compiled(all_four, x, w_hat, m_hat, g)
    w64 = expected_nac_weights(w_hat64, m_hat64)
    np.testing.assert_allclose(w, w64, rtol=1e-6)
    np.testing.assert_allclose(added, x64 @ w64, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(multiplied, expected_log_nac(x64, w64), rtol=1e-5)
    np.testing.assert_allclose(y, expected_nalu(x64, w64, g64), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("eps", [1e-7, 1e-2])
@pytest.mark.parametrize("x", [0.0, -3.0, 1e-8, 1e4, -1e4])
def test_the_equations_hold_at_zero_at_negatives_and_far_out(x, eps):
    x = np.array([x, 2.0], np.float32)
    w, g = np.array([[0.5, -1.0], [1.0, 1.0]], np.float32), np.array([[1e-4, 0.0], [0.1, 0.0]], np.float32)
    actual = compiled(nalu.nalu, x, w, g, eps=eps)
    np.testing.assert_allclose(actual, expected_nalu(*as_float64(x, w, g), eps=eps), rtol=1e-4)


@pytest.mark.parametrize("gate_per", ["output", "layer"])
def test_modules_are_the_functions_of_their_parameters(gate_per):
    x = jnp.asarray(draw(1, (4, 5))[0])
    p = {name: jnp.asarray(value) for name, value in zip(("w_hat", "m_hat"), draw(2, (5, 3), (5, 3)), strict=True)}
    g = jnp.asarray(draw(3, (5, 3 if gate_per == "output" else 1))[0])
    w = nalu.nac_weights(**p)
    np.testing.assert_allclose(nalu.NAC(3).apply({"params": p}, x), nalu.nac(x, w), rtol=1e-6)
    module = nalu.NALU(3, gate_per=gate_per, eps=1e-3, clip=2.0)
    expected = nalu.nalu(x, w, g, eps=1e-3, clip=2.0)
    np.testing.assert_allclose(module.apply({"params": {**p, "g": g}}, x), expected, rtol=1e-6)


def test_each_parameter_has_its_initialiser():
    constant = nn.initializers.constant
    cell = nalu.NALU(3, gate_per="layer", w_hat_init=constant(1.0), m_hat_init=constant(2.0), g_init=constant(3.0))
    params = cell.init(jax.random.key(0), jnp.ones(5))["params"]
    assert {name: (value.shape, float(value.mean())) for name, value in params.items()} == {
        "w_hat": ((5, 3), 1.0),
        "m_hat": ((5, 3), 2.0),
        "g": ((5, 1), 3.0),
    }


def test_an_unknown_gate_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match='"output" or "layer", not \'unit\''):
        nalu.NALU(3, gate_per="unit").init(jax.random.key(0), jnp.ones(5))


def test_second_derivatives_of_the_nalu_equal_finite_differences():
    x, *weights = draw(4, (6, 5), (5, 3), (5, 3), (5, 3), scale=0.7)
    arrays = [x + np.sign(x), *weights]  # not so near to 0 that a step of the difference crosses it

    def y(*arrays):
        x, w_hat, m_hat, g = as_jax(*arrays)
        return nalu.nalu(x, nalu.nac_weights(w_hat, m_hat), g)

    with jax.enable_x64(True):
        check_grads(jax.jit(y), as_float64(*arrays), order=2, modes=["rev"])


# The paper's arithmetic by hand-set weights.


@pytest.mark.parametrize(
    ("x", "w", "gate", "y"),
    [
        ((3, 5), (1, 1), "open", 8),
        ((3, 5), (1, -1), "open", -2),
        ((3, 5), (1, 1), "closed", 15),
        ((3, 5), (1, -1), "closed", 0.6),
        ((3, 5), (0.5, 0), "closed", 3**0.5),
        ((-3, 5), (1, 1), "open", 2),
    ],
    ids=["3+5", "3-5", "3*5", "3/5", "3^(1/2)", "-3+5"],
)
@pytest.mark.parametrize("gates", [1, 2], ids=["gate per layer", "gate per output"])
def test_worked_examples(x, w, gate, y, gates):
    x = jnp.asarray(x, jnp.float32)
    w = jnp.tile(jnp.asarray(w, jnp.float32)[:, None], 2)
    sign = jnp.sign(x)[:, None] * (1.0 if gate == "open" else -1.0)
    actual = nalu.nalu(x, w, jnp.tile(SATURATED * sign, gates))
    np.testing.assert_allclose(actual, [y, y], rtol=1e-6)


# Faults of public implementations.


def test_weights_are_computed_at_every_call():
    """Weights frozen at construction would make the cell linear in w_hat's gradient: it would never learn."""
    cell = nalu.NAC(1)
    x = jnp.array([[2.0]])
    params = {"w_hat": jnp.array([[0.1]]), "m_hat": jnp.array([[0.0]])}
    for step in range(3):
        expected = 2 * np.tanh(0.1 + step) * sigmoid(-step)
        np.testing.assert_allclose(cell.apply({"params": params}, x)[0, 0], expected, rtol=1e-6)
        slope = jax.grad(lambda p: cell.apply({"params": p}, x).sum())(params)
        np.testing.assert_allclose(slope["w_hat"], 2 * (1 - np.tanh(0.1 + step) ** 2) * sigmoid(-step), rtol=1e-5)
        params = {"w_hat": params["w_hat"] + 1, "m_hat": params["m_hat"] - 1}


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 4), (4, 1), (2, 7), (7, 2)])
@pytest.mark.parametrize("batch", [(), (1,), (3,), (3, 2)])
@pytest.mark.parametrize("gate_per", ["output", "layer"])
def test_inputs_and_outputs_may_differ_in_number(inputs, outputs, batch, gate_per):
    cell = nalu.NALU(outputs, gate_per=gate_per)
    y, _ = jax.eval_shape(cell.init_with_output, jax.random.key(0), jnp.ones((*batch, inputs)))
    assert y.shape == (*batch, outputs)


def test_the_multiplicative_path_loses_signs_and_the_additive_one_keeps_them():
    w, closed, open_ = jnp.ones((2, 1)), jnp.zeros((2, 1)), jnp.array([[0.0], [SATURATED]])
    closed = closed.at[1].set(-SATURATED)
    for a in (3.0, -3.0):
        x = jnp.array([a, 5.0])
        np.testing.assert_allclose(nalu.nalu(x, w, closed), [15.0], rtol=1e-6)  # |-3| * 5
        np.testing.assert_allclose(nalu.nalu(x, w, open_), [a + 5.0], rtol=1e-6)


# Numerical safety, and the function unchanged wherever it is finite.


def test_the_log_path_is_exact_up_to_the_largest_float():
    for exponent in (-80.0, -20.0, 0.0, 40.0, 88.0, 88.72):
        x = jnp.exp(jnp.array([exponent / 2, exponent / 2]))
        y = nalu.log_nac(x, jnp.ones((2, 1)), eps=0.0)
        np.testing.assert_allclose(y, np.prod(np.asarray(x, np.float64)), rtol=5e-5)
    beyond = nalu.log_nac(jnp.full(5, 1e30), jnp.ones((5, 1)))
    assert beyond[0] == np.finfo(np.float32).max


def test_clip_bounds_the_exponent_and_nothing_else():
    x, w = jnp.array([[2.0, 3.0], [1e10, 1e10]]), jnp.ones((2, 1))
    np.testing.assert_allclose(nalu.log_nac(x, w, clip=40.0)[:, 0], [6.0, np.exp(40.0)], rtol=1e-5)
    gradient = jax.grad(lambda w: nalu.log_nac(x[1], w, clip=40.0).sum())(w)
    np.testing.assert_array_equal(gradient, 0.0)


@pytest.mark.parametrize("gate", [0.0, 1.0])
def test_an_overflowing_path_does_not_reach_through_a_saturated_gate(gate):
    """An infinite m would give 0 * inf = NaN under a closed gate, and NaN gradients under saturated weights."""
    x, g = np.full(5, 1e30, np.float32), np.full((5, 1), 2 * gate - 1, np.float32)

    def y(w_hat, m_hat, g, x):
        return nalu.nalu(x, nalu.nac_weights(w_hat, m_hat), g).sum()

    saturated = np.full((5, 1), SATURATED, np.float32)
    value, gradients = compiled(jax.value_and_grad(y, argnums=(0, 1, 2, 3)), saturated, saturated, g, x)
    np.testing.assert_allclose(value, 5e30 if gate else np.finfo(np.float32).max, rtol=1e-5)
    for gradient in gradients:
        assert np.isfinite(gradient).all()


nac_weights, log_nac = jax.jit(nalu.nac_weights), jax.jit(nalu.log_nac)
finite = st.floats(-1e6, 1e6, width=32)
value_and_slopes_of_the_nalu = jax.jit(jax.value_and_grad(lambda *a: nalu.nalu(*a).sum(), argnums=(0, 1, 2)))


@given(hnp.arrays(np.float32, (3, 2), elements=finite), hnp.arrays(np.float32, (3, 2), elements=finite))
def test_nac_weights_stay_in_minus_one_to_one(w_hat, m_hat):
    assert (np.abs(nac_weights(w_hat, m_hat)) <= 1).all()


@given(
    hnp.arrays(np.float32, (4, 2), elements=finite),
    hnp.arrays(np.float32, (2, 3), elements=st.floats(-1, 1, width=32)),
    hnp.arrays(np.float32, (2, 3), elements=st.floats(-10, 10, width=32)),
)
def test_values_and_gradients_are_finite_for_all_weights_of_two_inputs(x, w, g):
    y, gradients = value_and_slopes_of_the_nalu(x, w, g)
    assert np.isfinite(y)
    for gradient in gradients:
        assert np.isfinite(gradient).all()


@given(
    st.floats(np.float32(0.01), 100, width=32),
    st.floats(np.float32(0.01), 100, width=32),
    st.sampled_from([(1, 1), (1, -1), (-1, 1), (1, 0), (0, 1), (0, 0)]),
)
def test_saturated_weights_compute_products_and_quotients(a, b, powers):
    w = nac_weights(SATURATED * np.array(powers, np.float32)[:, None], np.full((2, 1), SATURATED, np.float32))
    expected = np.float64(a) ** powers[0] * np.float64(b) ** powers[1]
    np.testing.assert_allclose(log_nac(np.array([a, b], np.float32), w), [expected], rtol=2e-5)


# The recurrent forms.


def test_recurrent_and_accumulator_equal_a_loop():
    x_BTI = jnp.asarray(draw(5, (2, 6, 3))[0])
    for form, step in [
        (nalu.Recurrent, lambda cell, p, h, x: cell.apply(p, jnp.concatenate([x, h], axis=-1))),
        (nalu.Accumulator, lambda cell, p, h, x: h + cell.apply(p, x)),
    ]:
        cell = nalu.NALU(2)
        scan = nn.RNN(form(cell))
        actual, variables = compiled(scan.init_with_output, jax.random.key(0), x_BTI)
        params = {"params": variables["params"]["cell"]["cell"]}
        h, take = jnp.zeros((2, 2)), jax.jit(functools.partial(step, cell))
        for t in range(6):
            h = take(params, h, x_BTI[:, t])
            np.testing.assert_allclose(actual[:, t], h, rtol=1e-5, atol=1e-6)


def test_the_accumulator_sums_a_thousand_steps():
    x_BTI = jnp.asarray(np.random.default_rng(6).integers(0, 10, (2, 1000, 2)), jnp.float32)
    scan = nn.RNN(nalu.Accumulator(nalu.NAC(1)))
    saturated = {"w_hat": SATURATED * jnp.array([[1.0], [-1.0]]), "m_hat": jnp.full((2, 1), SATURATED)}
    h = compiled(scan.apply, {"params": {"cell": {"cell": saturated}}}, x_BTI)
    np.testing.assert_array_equal(h[:, -1, 0], (x_BTI[..., 0] - x_BTI[..., 1]).sum(axis=1))


# The cells that followed: the equations in float64, weights of each item, gradients, and what they fail at.


def clipped(w, low=-1.0):
    return np.clip(w, low, 1)


def expected_nmu(x, w):
    w = clipped(w, 0)
    return np.prod(x[..., None] * w + 1 - w, axis=-2)


def expected_snmu(x, w, noise):
    return expected_nmu(x * noise, w) / expected_nmu(noise, w)


def expected_inalu(x, w_add, w_mul, g):
    share = np.abs(w_mul)
    sign = np.prod(np.sign(x)[..., None] * share + 1 - share, axis=-2)
    m = np.exp(np.minimum(np.log(np.maximum(np.abs(x), 1e-7)) @ w_mul, 20))
    return sigmoid(g) * (x @ w_add) + (1 - sigmoid(g)) * np.clip(sign, -1, 1) * m


def expected_npu(x, w_re, w_im, g):
    g = np.clip(g, 0, 1)
    z = np.log(g * (np.abs(x) + 2.0**-23) + 1 - g) + 1j * np.pi * g * (x < 0)
    return np.exp(z @ (w_re + 1j * w_im)).real


def expected_nru(x, w, q=None):
    w = clipped(w)
    q = np.abs(w) if q is None else q
    return np.prod(np.sign(x)[..., None] * np.abs(x)[..., None] ** w * q + 1 - q, axis=-2)


def expected_nmru(x, w, eps=0.0):
    w, z = clipped(w, 0), np.concatenate([x, 1 / (x + eps)], axis=-1)
    return np.prod(np.abs(z)[..., None] * w + 1 - w, axis=-2) * np.cos(np.pi * (z < 0) @ w)


def expected_mc_fc(x, r, w, b):
    share = np.exp(r) / np.exp(r).sum(axis=1, keepdims=True)
    return sigmoid(w + b) * (x @ share)


EQUATIONS = {  # name: the equation in NumPy, and the shapes of its weights for 5 inputs and 3 outputs
    "nac": (lambda x, w: x @ w, [(5, 3)]),
    "log_nac": (expected_log_nac, [(5, 3)]),
    "nalu": (expected_nalu, [(5, 3), (5, 3)]),
    "nau": (lambda x, w: x @ clipped(w), [(5, 3)]),
    "nmu": (expected_nmu, [(5, 3)]),
    "inalu": (expected_inalu, [(5, 3), (5, 3), (3,)]),
    "npu": (expected_npu, [(5, 3), (5, 3), (5,)]),
    "real_npu": (lambda x, w, g: expected_npu(x, w, np.zeros_like(w), g), [(5, 3), (5,)]),
    "nru": (expected_nru, [(5, 3)]),
    "nru_training": (lambda x, w: expected_nru(x, w, np.tanh(1000 * clipped(w)) ** 2), [(5, 3)]),
    "nmru": (expected_nmru, [(10, 3)]),
    "mc_fc": (expected_mc_fc, [(5, 3), (3,), (3,)]),
    "mul_mc_fc": (
        lambda x, r, w, b, c: np.exp(expected_mc_fc(np.log(np.abs(x) + 1e-7), r, w, b) + c),
        [(5, 3), (3,), (3,), (3,)],
    ),
}


def drawn(name, seed=7, lead=()):
    """Inputs of either sign, away from 0, and weights within and beyond all bounds."""
    x, *weights = draw(seed, (4, 5), *[(*lead, *shape) for shape in EQUATIONS[name][1]], scale=0.7)
    return [x + np.sign(x), *weights]


@pytest.mark.parametrize("name", EQUATIONS)
def test_every_function_equals_its_equation_and_takes_weights_of_each_item(name):
    function, expected = getattr(nalu, name), EQUATIONS[name][0]
    arrays = drawn(name)
    np.testing.assert_allclose(compiled(function, *arrays), expected(*as_float64(*arrays)), rtol=2e-5, atol=2e-6)
    x, *weights = drawn(name, lead=(4,))
    each = [expected(*as_float64(x[n], *(w[n] for w in weights))) for n in range(4)]
    np.testing.assert_allclose(compiled(function, x, *weights), each, rtol=2e-5, atol=2e-6)


def test_the_stochastic_nmu_equals_its_equation():
    x, w, noise = draw(8, (4, 5), (5, 3), (4, 5))
    noise = 1 + 4 * sigmoid(noise)
    actual = compiled(nalu.snmu, x, w, noise)
    np.testing.assert_allclose(actual, expected_snmu(*as_float64(x, w, noise)), rtol=2e-5, atol=2e-6)


def test_the_gradients_of_all_functions_equal_finite_differences():
    arguments = {name: drawn(name) for name in EQUATIONS}

    def y(arguments):
        return {name: getattr(nalu, name)(*each) for name, each in arguments.items()}

    with jax.enable_x64(True):
        check_grads(jax.jit(y), (jax.tree.map(np.float64, arguments),), order=1, modes=["rev"], rtol=1e-4, atol=1e-4)


def test_wrong_shapes_and_types_are_refused_in_a_sentence():
    x, w = jnp.ones((4, 2)), jnp.ones((2, 3))
    for call, sentence in (
        (lambda: nalu.nac(x, w.T), r"w has the shape \(3, 2\) and x \(4, 2\): w must be \[I, O\] with I = 2"),
        (lambda: nalu.nac(x, jnp.ones((5, 2, 3))), "led by the leading axes of x where every item has weights"),
        (lambda: nalu.nalu(x, w, jnp.ones((2, 2))), r"g must be \[I, #O\] with I = 2, O = 3"),
        (lambda: nalu.nmru(x, w), r"w must be \[2I, O\]"),
        (lambda: nalu.snmu(x, w, jnp.ones(2)), "noise has the shape"),
        (lambda: nalu.nac(3.0, w), "x is a single number"),
        (lambda: nalu.log_nac(x, w, eps=-1.0), "eps is -1.0"),
        (lambda: nalu.INALU(1, eps=-1.0).init(jax.random.key(0), x), "eps is -1.0"),
        (lambda: nalu.MulMCFC(1, eps=-1.0).init(jax.random.key(0), x), "eps is -1.0"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()
    with pytest.raises(TypeError, match="real numbers"):
        nalu.nac(x.astype(complex), w)
    with pytest.raises(jaxtyping.TypeCheckError):
        nalu.nac_weights(w, w.T)


def test_lists_integers_and_halves_are_promoted_before_the_logarithm():
    w = jnp.ones((2, 1))
    for x in ([3, 5], [3.0, 5.0], np.array([3, 5], np.int8), jnp.array([3, 5], jnp.bfloat16)):
        np.testing.assert_array_equal(nalu.log_nac(x, w), nalu.log_nac(jnp.array([3.0, 5.0]), w))
    least = nalu.log_nac(jnp.array([-(2**31), 1], jnp.int32), w)
    np.testing.assert_allclose(least, [2.0**31], rtol=1e-5)
    half = nalu.log_nac(jnp.array([3, 5], jnp.bfloat16), w.astype(jnp.bfloat16))
    assert (half.dtype, float(half[0])) == (jnp.bfloat16, 15.0)


@pytest.mark.parametrize("name", ["nac_mul", "nac_mul_sigmoid", "nalu", "inalu", "inalu_shared", "mul_mc_fc"])
def test_without_eps_and_clip_products_are_exact_and_those_with_0_are_finite(name):
    """Snapped near weights of a product of two, as modules: 0 among the factors, and a product beyond exp(20)."""
    cell = nalu.CELLS[name](1, eps=0.0, **({} if name == "mul_mc_fc" else {"clip": None}))
    shapes = {key: shape for key, (_, shape) in cell.starts(2).items()}
    params = {key: jnp.full(shape, -40.0 if key.startswith("g") else 40.0) for key, shape in shapes.items()}
    params |= {key: jnp.zeros_like(value) for key, value in params.items() if key[0] in "rc"}

    def y(params, x):
        return cell.apply({"params": params}, x)[0]

    run = jax.jit(jax.vmap(jax.value_and_grad(y, argnums=(0, 1)), in_axes=(None, 0)))
    values, slopes = run(params, jnp.array([[0.0, 5.0], [3.0, 5.0], [1e6, 1e7]]))
    np.testing.assert_allclose(values, [0.0, 15.0, 1e13], rtol=1e-4, atol=1e-16)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))


def test_the_golden_ratio_only_scales_the_nalu():
    x, w_hat, m_hat, g = as_float64(*draw(9, (6, 4), (4, 2), (4, 2), (4, 2)))
    phi = (1 + 5**0.5) / 2
    w = (phi**w_hat - phi**-w_hat) / (phi**w_hat + phi**-w_hat) / (1 + phi**-m_hat)
    gate = 1 / (1 + phi ** -(x @ g))
    expected = gate * (x @ w) + (1 - gate) * phi ** (np.log(np.abs(x) + 1e-7) / np.log(phi) @ w)
    scaled = [np.float32(np.log(phi) * each) for each in (w_hat, m_hat, g)]
    actual = compiled(lambda w_hat, m_hat, g: nalu.nalu(x, nalu.nac_weights(w_hat, m_hat), g), *scaled)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_products_are_right_with_zeros_among_their_factors_and_so_are_their_slopes():
    x, w = jnp.array([0.0, 3.0, 5.0]), jnp.ones((3, 1))
    np.testing.assert_array_equal(compiled(nalu.nmu, x, w), [0.0])
    np.testing.assert_allclose(slopes(nalu.nmu, x, w)[0], [15.0, 0.0, 0.0])
    for last, y in ((0.0, 0.0), (-1.0, np.finfo(np.float32).min)):
        np.testing.assert_array_equal(compiled(nalu.nmu, np.float32([1e30, 1e30, last]), w), [y])


def test_a_weight_on_its_bound_can_come_back_and_one_beyond_has_no_slope():
    for function in (nalu.nau, nalu.nmu, nalu.nru):
        _, slope = slopes(function, np.float32([2.0, 3.0]), np.float32([[1.0], [1.5]]))
        assert slope[0, 0] != 0
        assert slope[1, 0] == 0


@pytest.mark.parametrize("name", ["log_nac", "mul_mc_fc"])
def test_products_in_log_space_lose_signs(name):
    weights = {"log_nac": [jnp.ones((2, 1))], "mul_mc_fc": [jnp.zeros((2, 1)), *jnp.array([[40.0], [0.0], [0.0]])]}[
        name
    ]
    for x in ([3.0, 5.0], [-3.0, 5.0], [-3.0, -5.0]):
        np.testing.assert_allclose(compiled(getattr(nalu, name), np.float32(x), *weights), [15.0], rtol=1e-5)


def test_what_each_cell_makes_of_one_over_zero():
    zero, one, minus = np.zeros(1, np.float32), np.ones((1, 1), np.float32), -np.ones((1, 1), np.float32)
    np.testing.assert_allclose(compiled(nalu.log_nac, zero, minus), [1e7], rtol=1e-5)
    np.testing.assert_allclose(compiled(nalu.real_npu, zero, minus, one[0]), [2.0**23], rtol=1e-5)
    np.testing.assert_array_equal(compiled(nalu.nru, zero, minus), [0.0])
    np.testing.assert_allclose(compiled(nalu.nmru, zero, np.float32([[0.0], [1.0]])), [1e9], rtol=1e-5)
    np.testing.assert_allclose(compiled(nalu.inalu, zero, one, minus, np.float32([-40.0])), [0.0], atol=1e-6)


def test_the_inalu_is_bounded_and_the_nmru_can_cancel():
    np.testing.assert_allclose(
        nalu.inalu([1e6, 1e6], jnp.ones((2, 1)), jnp.ones((2, 1)), jnp.array([-40.0])), [np.exp(20)], rtol=1e-5
    )
    np.testing.assert_allclose(nalu.nmru([7.0], jnp.ones((2, 1))), [1.0], rtol=1e-6)


def test_noise_cancels_at_weights_of_0_and_1_and_only_there():
    x, noise = draw(10, (6, 3), (6, 3))
    exact, between = np.float32([[1.0], [0.0], [1.0]]), np.full((3, 1), 0.5, np.float32)
    both = jax.jit(lambda w: (nalu.snmu(x, w, np.exp(noise)), nalu.nmu(x, w)))
    np.testing.assert_allclose(*both(exact), rtol=1e-5)
    assert (np.abs(np.subtract(*both(between))) > 1e-5).all()


def test_mass_is_conserved_behind_open_gates():
    x, r = as_jax(*draw(11, (6, 5), (5, 3)))
    y = compiled(nalu.mc_fc, x, r, jnp.full(3, 40.0), jnp.zeros(3))
    np.testing.assert_allclose(y.sum(axis=1), x.sum(axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4,), (1, 1)])
def test_orthogonal_starts_have_orthonormal_rows_or_columns(shape):
    start_of = functools.partial(nalu.MCFC(3).r_init, shape=shape)
    keys_S = jax.random.split(jax.random.key(0), 3)
    start, alone = compiled(lambda keys_S: (jax.vmap(start_of)(keys_S)[1], start_of(keys_S[1])), keys_S)
    np.testing.assert_allclose(start, alone, atol=1e-5)
    short = np.asarray(start).reshape(shape[0], -1)
    short = short if short.shape[0] <= short.shape[1] else short.T
    np.testing.assert_allclose(short @ short.T, np.eye(len(short)), atol=1e-5)
