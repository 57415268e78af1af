"""What was learnt is read off the weights, with the doubt that they leave; snapped parameters are that formula."""

import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import nalu
from nalu._src import formula as terms

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
X = np.array([[3.0, 5.0, 0.5], [2.0, 7.0, 4.0], [0.25, 6.0, 1.5]], np.float32)
FAR, SHUT = 6.0, -9.0  # tanh and sigmoid are near 1, sigmoid is near 0


def column(*values):
    return jnp.array(values, jnp.float32)[:, None]


LEARNT = {  # parameters near a formula of three inputs, and the formula
    "nac": ({"w_hat": column(FAR, -FAR, 0.01), "m_hat": column(FAR, FAR, FAR)}, "x1 - x2"),
    "nac_mul": ({"w_hat": column(FAR, -FAR, FAR), "m_hat": column(FAR, FAR, 0.05)}, "|x1| * sqrt(|x3|) / |x2|"),
    "nac_mul_sigmoid": ({"w_hat_sigmoid": column(FAR, SHUT, 0.05)}, "|x1| * sqrt(|x3|)"),
    "nalu": (
        {"w_hat": column(FAR, -FAR, 0.01), "m_hat": column(FAR, FAR, FAR), "g": column(-FAR, -FAR, -FAR)},
        "|x1| / |x2|",
    ),
    "nau": ({"w_nau": column(0.98, -1.0, 0.03)}, "x1 - x2"),
    "nmu": ({"w_nmu": column(0.98, 0.99, 0.03)}, "x1 * x2"),
    "snmu": ({"w_nmu": column(0.98, 0.99, 0.03)}, "x1 * x2"),
    "inalu": (
        {
            "w_hat_add": column(0.3, 0.3, 0.3),
            "m_hat_add": column(0.0, 0.0, 0.0),
            "w_hat_mul": column(FAR, -FAR, 0.01),
            "m_hat_mul": column(FAR, FAR, FAR),
            "g_inalu": jnp.array([SHUT]),
        },
        "x1 / x2",
    ),
    "inalu_shared": (
        {"w_hat_inalu": column(FAR, -FAR, 0.01), "m_hat_inalu": column(FAR, FAR, FAR), "g_inalu": jnp.array([FAR])},
        "x1 - x2",
    ),
    "npu": (
        {
            "w_re_npu": column(2.02, -0.97, 0.6),
            "w_im_npu": column(0.0, 0.01, 4.0),
            "g_npu": jnp.array([1.0, 0.95, 0.02]),
        },
        "x1^2 / x2",
    ),
    "real_npu": ({"w_re_npu": column(0.51, -0.97, 0.6), "g_npu": jnp.array([1.0, 0.95, 0.02])}, "sqrt(x1) / x2"),
    "modified_real_npu": (
        {"w_modified_npu": column(1.0, -0.97, 0.04), "g_modified_npu": jnp.array([1.0, 0.95, 0.4])},
        "x1 / x2",
    ),
    "nru": ({"w_nru": column(-0.98, 0.99, 0.01)}, "x2 / x1"),
    "nmru": ({"w_nmru": column(0.99, 0.0, 1.0, 0.01, 1.0, 1.0)}, "x1 / x2"),
    "mc_fc": (
        {"r_mc_fc": column(0.3, 1.0, -2.0), "w_mc_fc": jnp.array([1.0]), "b_mc_fc": jnp.array([FAR])},
        "x1 + x2 + x3",
    ),
    "mul_mc_fc": (
        {
            "r_mc_fc": column(0.3, 1.0, -2.0),
            "w_mc_fc": jnp.array([1.0]),
            "b_mc_fc": jnp.array([FAR]),
            "c_mc_fc": jnp.array([0.01]),
        },
        "|x1| * |x2| * |x3|",
    ),
}


def value(text, x):
    """What a formula's text says, worked out by Python."""
    names = {f"x{n + 1}": column for n, column in enumerate(np.float64(x).T)}
    text = re.sub(r"\|(\w+)\|", r"abs(\1)", text).replace("^", "**")
    return eval(text, {"sqrt": np.sqrt, "abs": np.abs, **names})


@pytest.mark.parametrize("name", LEARNT)
def test_a_formula_is_read_and_the_snapped_network_is_that_formula(name):
    params, expected = LEARNT[name]
    cell = nalu.CELLS[name](1)
    y = cell.apply({"params": params}, X)
    formula = nalu.read(cell, {"params": params}, x=X, y=y)
    assert formula.text == f"y = {expected}"
    assert 0 < formula.distance <= 0.1
    assert formula.network_error < 1e-6 < formula.formula_error
    assert "weights within 0.0" in str(formula)
    assert "error: network 0, formula" in str(formula)
    exact = nalu.snap(cell, {"params": params}, x=X)
    np.testing.assert_allclose(cell.apply(exact, X)[:, 0], value(expected, X), rtol=1e-5)
    again = nalu.read(cell, exact, x=X)
    assert (again.text, again.distance) == (formula.text, 0.0)


@pytest.mark.parametrize("second", ["nmu", "nac_mul", "nru"])
def test_a_factor_without_terms_makes_a_product_0(second):
    cells, weights = [nalu.NAU(2), nalu.CELLS[second](1)], LEARNT[second][0]
    params = [{"w_nau": jnp.array([[1.0, 0.0], [1.0, 0.0]])}, {k: jnp.full((2, 1), FAR) for k in weights}]
    assert nalu.read(cells, params).text == "y = 0"


def test_twice_a_number_is_not_taken_for_its_square():
    a = terms.Input("a", 0)
    factors = [(0.5, terms.Sum(((2.0, a),))), (0.5, terms.Product(((2.0, a),)))]
    assert terms.text_of(terms.product_of(factors)) == "sqrt(2 a) * sqrt(a^2)"
    assert terms.text_of(terms.product_of([(1.0, terms.Product(())), (1.0, a)])) == "a"


def test_an_untrained_cell_is_said_to_be_no_formula():
    cell = nalu.NMU(2)
    formula = nalu.read(cell, cell.init(jax.random.key(0), X))
    assert not formula.near
    assert formula.text.startswith("y1 ~ ")
    assert re.search(r"no formula: \d of 6 weights are near nothing, the furthest by 0.4", str(formula))


def test_names_of_inputs_and_coefficients_of_stacked_sums():
    stack = nn.Sequential([nalu.NAU(2), nalu.NAU(1)])
    params = {
        "layers_0": {"w_nau": jnp.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])},
        "layers_1": {"w_nau": jnp.ones((2, 1))},
    }
    assert nalu.read(stack, params, ["a", "b", "c"]).text == "y = a + b - 2 c"


@pytest.mark.parametrize(
    ("second", "weights", "expected"),
    [
        ("nmu", {"w_nmu": column(0.99, 0.98)}, "(x1 + ... + x10) * (x8 + ... + x20)"),
        ("nau", {"w_nau": column(0.99, -0.98)}, "x1 + ... + x7 - x11 - ... - x20"),
        (
            "npu",
            {"w_re_npu": column(0.99, -0.98), "w_im_npu": column(0, 0), "g_npu": jnp.ones(2)},
            "(x1 + ... + x10) / (x8 + ... + x20)",
        ),
        ("real_npu", {"w_re_npu": column(0.51, 0.01), "g_npu": jnp.ones(2)}, "sqrt(x1 + ... + x10)"),
        ("real_npu", {"w_re_npu": column(2.0, 0.01), "g_npu": jnp.ones(2)}, "(x1 + ... + x10)^2"),
        (
            "nalu",
            {"w_hat": column(FAR, FAR), "m_hat": column(FAR, FAR), "g": column(-FAR, -FAR)},
            "|x1 + ... + x10| * |x8 + ... + x20|",
        ),
    ],
    ids=["a * b", "a - b", "a / b", "sqrt(a)", "a^2", "|a| * |b|"],
)
def test_two_slices_and_an_operation_are_read_off_two_layers(second, weights, expected):
    """Table 1's network: a sums inputs 1 to 10 of 100, b inputs 8 to 20."""
    slices = np.zeros((100, 2), np.float32)
    slices[:10, 0] = slices[7:20, 1] = 0.97
    cells, params = [nalu.NAU(2), nalu.CELLS[second](1)], [{"w_nau": jnp.array(slices)}, weights]
    assert nalu.read(cells, params).text == f"y = {expected}"
    stack = nn.Sequential(cells)
    variables = {"params": {"layers_0": params[0], "layers_1": params[1]}}
    x = np.random.default_rng(0).uniform(10, 20, (50, 100)).astype(np.float32)
    a, b = np.float64(x)[:, :10].sum(1), np.float64(x)[:, 7:20].sum(1)
    exact = nalu.snap(stack, variables)
    operation = {"a": a, "b": b, "sqrt": np.sqrt, "abs": np.abs}
    text = {"|x1 + ... + x10|": "a", "|x8 + ... + x20|": "b", "x1 + ... + x7 - x11 - ... - x20": "a - b"}
    for long, short in {**text, "x1 + ... + x10": "a", "x8 + ... + x20": "b"}.items():
        expected = expected.replace(long, short)
    target = eval(expected.replace("^", "**"), operation)
    np.testing.assert_allclose(jax.jit(stack.apply)(exact, x)[:, 0], target, rtol=2e-5)
    formula = nalu.read(stack, variables, x=x, y=target)
    assert formula.formula_error < 1e-3 * formula.network_error


def test_a_gate_that_decides_differently_from_input_to_input_is_no_formula():
    params = {"w_hat": column(FAR, FAR), "m_hat": column(FAR, FAR), "g": column(1.0, 1.0)}
    x = np.array([[30.0, 20.0], [-30.0, -20.0]], np.float32)
    assert nalu.read(nalu.NALU(1), params, x=x[:1]).near
    assert not nalu.read(nalu.NALU(1), params, x=x).near


def test_noise_and_materials_give_no_formula():
    """A least-squares line through measurements of a dozen columns has weights that are near nothing."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 20, (200, 12)).astype(np.float32)
    y = x @ rng.normal(size=12) + rng.normal(size=200)
    w = np.linalg.lstsq(x, y, rcond=None)[0]
    formula = nalu.read(nalu.NAU(1), {"w_nau": column(*w)}, x=x, y=y)
    assert not formula.near
    assert formula.formula_error > formula.network_error


def test_nnx_modules_are_read_and_snapped():
    model = nnx.Sequential(nalu.nnx.NAU(3, 2, rngs=nnx.Rngs(0)), nalu.nnx.NMU(2, 1, rngs=nnx.Rngs(0)))
    model.layers[0].w_nau[...] = jnp.array([[1.0, 0.0], [0.97, 0.0], [0.0, 1.0]])
    model.layers[1].w_nmu[...] = column(1.0, 0.96)
    assert nalu.read(model).text == "y = (x1 + x2) * x3"
    nnx.update(model, nalu.snap(model))
    assert nalu.read(model).distance == 0
    single = model.layers[0]
    nnx.update(single, nalu.snap(single))
    np.testing.assert_array_equal(model(X)[:, 0], (X[:, 0] + X[:, 1]) * X[:, 2])


def test_what_cannot_be_read_is_refused_in_a_sentence():
    params = {"w_nau": jnp.ones((3, 1))}
    for call, sentence in (
        (lambda: nalu.read(nn.Sequential([nn.Dense(1)]), {"layers_0": {}}), "a Dense is none"),
        (lambda: nalu.read(nnx.Linear(3, 1, rngs=nnx.Rngs(0))), "a Linear is none"),
        (lambda: nalu.read(nalu.NAU(1)), "give what its init returned"),
        (lambda: nalu.read(nalu.NAU(1), {"w_nau": jnp.ones((8, 3, 1))}), "parameters of one seed"),
        (lambda: nalu.read(nalu.NMU(1), params), "A NMU has no w_nmu among its parameters"),
        (lambda: nalu.read(nalu.NAU(1), {}), "A NAU has no w_nau among its parameters"),
        (lambda: nalu.read(nn.Sequential([nalu.NAU(1), nalu.NAC(1)]), {"layers_0": params}), "NAC has no w_hat, m_hat"),
        (lambda: nalu.read([nalu.NAU(1)], [params, params]), "1 cells need the variables of as many, not of 2"),
        (lambda: nalu.read(nalu.NAU(1), params, ["a"]), "names has 1 names, but the first cell has 3 inputs"),
        (lambda: nalu.read(nalu.NAU(1), params, x=X[:, :2]), r"must be \[N, 3\]"),
        (lambda: nalu.read(nalu.NAU(1), params, x=X, y=X), r"y has the shape \(3, 3\), but the network gives \(3, 1\)"),
        (lambda: nalu.read(nalu.NAU(1), params, y=X), "y needs the x"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()
