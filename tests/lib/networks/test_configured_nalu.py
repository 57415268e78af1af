"""The NALU that an LSTM configures computes its equations, and can evaluate every little program.

Axes: N programs, B items, T steps, V symbols, R registers, I = R + 1 inputs of the NALU.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import nalu
from experiments.lib.networks.configured_nalu import (
    ConfiguredNalu,
    Controls,
    compare,
    configured_nac,
    configured_nalu,
    parse_controls,
    sharpened,
)
from experiments.program_evaluation.programs import (
    ELSE,
    END,
    GREATER,
    IF,
    INTEGER,
    LANGUAGES,
    LESS,
    MINUS,
    PAD,
    PLUS,
    SYMBOLS,
    integers_of,
)
from tests.drawn import draw_parameters

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

V, REGISTERS, HIDDEN = len(SYMBOLS), 3, 6
CELLS = {"nalu": ConfiguredNalu(REGISTERS, HIDDEN), "nac": ConfiguredNalu(REGISTERS, HIDDEN, multiplies=False)}
every_cell = pytest.mark.parametrize("cell", list(CELLS.values()), ids=list(CELLS))
SATURATED = 40.0  # tanh and sigmoid of it are 1 to the last bit of float32
BRANCHES = ("7 if 3 < 5 else 9", "7 if 5 < 3 else 9", "7 if 5 > 3 else 9", "7 if 3 > 5 else 9")
EVEN = ("7 if 4 < 4 else 9", "7 if 4 > 4 else 9")
HEADS = {"7": 7, **dict(zip(BRANCHES, (7, 9, 7, 9), strict=True)), **dict.fromkeys(EVEN, 9)}
TERMS = {"": 0, " + 2": 2, " - 20": -20, " + 2 + 6": 8, " + 2 - 6": -4, " - 2 + 6": 4, " - 2 - 20": -22}


def draw(seed, *shape, scale=1.0):
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(np.float32)


@functools.cache
def sampler(language):
    return jax.jit(jax.vmap(LANGUAGES[language], in_axes=(0, None, None)))


def draw_programs(language, number, digits):
    return sampler(language)(jax.random.split(jax.random.key(digits), number), *integers_of(digits))


def inputs(programs):
    return jnp.concatenate([jax.nn.one_hot(programs.symbols_T, V), programs.values_T[..., None]], axis=-1)


# A controller by hand: like the LSTM it sees symbols and `compare`, never an integer.


def weights_by_hand(before, symbol, less, comparison_R):
    """Returns W `[3, 2]` in {-1, 0, 1}: register 0 is the answer, register 1 the difference of what is compared."""
    w_IR = np.eye(3, 2)  # hold both
    if symbol != INTEGER:
        return w_IR
    if before == PAD:
        w_IR[:, 0] = [0, 0, 1]
    elif before == IF:
        w_IR[:, 1] = [0, 0, 1]
    elif before in (LESS, GREATER):
        w_IR[:, 1] = [0, 1, -1]
    elif before == ELSE and not (comparison_R[1] < -0.5 if less else comparison_R[1] > 0.5):
        w_IR[:, 0] = [0, 0, 1]
    elif before in (PLUS, MINUS):
        w_IR[2, 0] = 1 if before == PLUS else -1
    return w_IR


as_configured = jax.jit(functools.partial(configured_nalu, eps=0.01, clip=20.0))
compared = jax.jit(compare)


def evaluate_by_hand(symbols_NT, values_NT):
    """Returns what the NALU computes when the controller above configures it."""
    registers_NR = np.zeros((len(symbols_NT), 2), np.float32)
    before_N = [PAD] * len(symbols_NT)
    less_N = (symbols_NT == LESS).any(axis=1)
    for symbols_N, values_N in zip(symbols_NT.T.tolist(), values_NT.T, strict=True):
        seen = zip(before_N, symbols_N, less_N, np.asarray(compared(128 * registers_NR)), strict=True)
        w_NIR = SATURATED * np.stack([weights_by_hand(*one) for one in seen])
        controls = Controls(*map(np.float32, (w_NIR, np.full_like(w_NIR, SATURATED), 0 * w_NIR[:, 0] + SATURATED)))
        x_NI = np.concatenate([registers_NR, np.float32(values_N)[:, None] / 128], axis=1)
        registers_NR = np.asarray(as_configured(controls, x_NI))
        before_N = symbols_N
    return 128 * np.asarray(registers_NR)[:, 0]


def test_programs_of_every_shape_by_hand():
    texts = {head + terms: HEADS[head] + TERMS[terms] for head in HEADS for terms in TERMS}
    assert len(texts) == 49
    symbols_NT, values_NT = np.full((49, 12), PAD), np.zeros((49, 12))
    for n, text in enumerate(texts):
        words = [*text.split(), "END"]
        symbols_NT[n, 12 - len(words) :] = [INTEGER if word.isdigit() else SYMBOLS.index(word) for word in words]
        values_NT[n, 12 - len(words) :] = [int(word) if word.isdigit() else 0 for word in words]
    assert (symbols_NT[:, -1] == END).all()
    np.testing.assert_array_equal(evaluate_by_hand(symbols_NT, values_NT), list(texts.values()))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("digits", [2, 4, 6])
def test_drawn_programs_by_hand_are_exact_to_six_digits(language, digits):
    programs = jax.device_get(draw_programs(language, 300, digits))
    np.testing.assert_array_equal(evaluate_by_hand(programs.symbols_T, programs.values_T), programs.answer)


# The equations once more, in float64 and without JAX.


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def expected_lstm(params, c, h, x):
    def gate(name):
        return x @ params[f"i{name}"]["kernel"] + h @ params[f"h{name}"]["kernel"] + params[f"h{name}"]["bias"]

    c = sigmoid(gate("f")) * c + sigmoid(gate("i")) * np.tanh(gate("g"))
    return c, sigmoid(gate("o")) * np.tanh(c)


def expected_step(params, multiplies, c, h, registers_R, x):
    seen = np.concatenate([x[:-1], np.tanh(128 * registers_R)])
    c, h = expected_lstm(params["controller"], c, h, seen)
    emitted = h @ params["controls"]["kernel"] + params["controls"]["bias"]
    weights = (REGISTERS + 1) * REGISTERS
    data = [*registers_R, x[-1] / 128]
    new_R = []
    for r in range(REGISTERS):
        w = [np.tanh(emitted[i * REGISTERS + r]) * sigmoid(emitted[weights + i * REGISTERS + r]) for i in range(4)]
        a = sum(value * weight for value, weight in zip(data, w, strict=True))
        m = np.exp(min(sum(np.log(abs(value) + 0.01) * weight for value, weight in zip(data, w, strict=True)), 20))
        g = sigmoid(emitted[2 * weights + r]) if multiplies else 1.0
        new_R.append(g * a + (1 - g) * m)
    return c, h, np.array(new_R)


@every_cell
@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_a_step_of_the_cell_equals_the_equations(cell, sharpness):
    x_BI = jnp.asarray(np.concatenate([np.eye(V)[[1, 3, 8]], [[45.0], [0.0], [3.0]]], axis=1), jnp.float32)
    state = cell.initialize_carry(jax.random.key(0), x_BI.shape)
    variables = draw_parameters(cell, state, x_BI, scale=0.6)
    params = sharpened(variables["params"], sharpness)
    old = state._replace(
        controller=(jnp.asarray(draw(3, 3, HIDDEN)), jnp.asarray(draw(4, 3, HIDDEN))),
        registers_R=jnp.asarray([[-30.0, 0.0, 1.0], [2.0, -1.0, 0.0], [99.0, 50.0, 7.0]]) / 128,
    )
    new, y_B = jax.jit(cell.apply)({"params": params}, old, x_BI)

    params64, old64, x64_BI = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), (variables["params"], old, x_BI))
    params64["controls"] = {name: sharpness * leaf for name, leaf in params64["controls"].items()}
    for item in range(3):
        c, h = (leaf[item] for leaf in old64.controller)
        c, h, registers_R = expected_step(params64, cell.multiplies, c, h, old64.registers_R[item], x64_BI[item])
        np.testing.assert_allclose(new.controller[0][item], c, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(new.controller[1][item], h, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(new.registers_R[item], registers_R, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(y_B[item], 128 * registers_R[0], rtol=1e-4, atol=1e-3)


def test_each_item_goes_through_the_librarys_paths_with_its_own_weights():
    emitted_BX = jnp.asarray(draw(5, 4, 2 * 12 + 3, scale=2.0))
    controls, x_BI = parse_controls(emitted_BX, REGISTERS), jnp.asarray(draw(6, 4, 4))
    w_BIR = jax.jit(nalu.nac_weights)(controls.w_hat_IR, controls.m_hat_IR)
    a_BR = jax.device_get(jax.jit(jax.vmap(nalu.nac))(x_BI, w_BIR))
    log_nac = jax.jit(jax.vmap(lambda x_I, w_IR: nalu.log_nac(x_I, w_IR, eps=0.01, clip=20.0)))
    m_BR = jax.device_get(log_nac(x_BI, w_BIR))
    np.testing.assert_allclose(jax.jit(configured_nac)(controls, x_BI), a_BR, rtol=1e-5, atol=1e-6)
    for gate, expected_BR in ((SATURATED, a_BR), (-SATURATED, m_BR), (0.0, (a_BR + m_BR) / 2)):
        gated = controls._replace(g_hat_R=jnp.full((4, REGISTERS), gate))
        y_BR = as_configured(gated, x_BI)
        np.testing.assert_allclose(y_BR, expected_BR, rtol=1e-5, atol=1e-6)


def test_a_nalu_can_be_configured_to_multiply_and_divide():
    w_hat_IR = SATURATED * jnp.array([[1.0, 1.0], [1.0, -1.0], [0.0, 0.0]])
    controls = Controls(w_hat_IR, jnp.full((3, 2), SATURATED), jnp.full(2, -SATURATED))
    y_R = configured_nalu(controls, jnp.array([6.0, -4.0, 5.0]), eps=0.0, clip=20.0)
    np.testing.assert_allclose(y_R, [24, 1.5], rtol=1e-5)


def test_what_is_emitted_is_cut_in_order():
    controls = parse_controls(jnp.arange(14.0), 2)
    np.testing.assert_array_equal(controls.w_hat_IR, [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(controls.m_hat_IR, [[6, 7], [8, 9], [10, 11]])
    np.testing.assert_array_equal(controls.g_hat_R, [12, 13])
    assert parse_controls(jnp.arange(12.0), 2).g_hat_R.size == 0, "a NAC has no gate"


def test_of_integers_only_the_sign_goes_back():
    integers = jnp.array([-999_999.0, -5, -1, 0, 1, 5, 999_999])
    np.testing.assert_allclose(compare(integers), [-1, -1, -0.7616, 0, 0.7616, 1, 1], atol=1e-3)


@every_cell
def test_at_the_start_the_registers_are_held(cell):
    state = cell.initialize_carry(jax.random.key(0), (V + 1,))
    x = jnp.zeros(V + 1).at[-1].set(50.0)
    params = jax.device_get(jax.jit(cell.init)(jax.random.key(1), state, x))["params"]
    params["controls"]["kernel"] = 0 * params["controls"]["kernel"]
    old = state._replace(registers_R=jnp.array([31.0, -7.0, 0.0]) / 128)
    new, y = jax.jit(cell.apply)({"params": sharpened(params, 20.0)}, old, x)
    np.testing.assert_array_equal(128 * new.registers_R, [31, -7, 0])
    assert y == 31


@every_cell
def test_gradients_at_the_start_are_finite_and_reach_every_parameter(cell):
    programs = draw_programs("program", 300, 2)
    programs = jax.tree.map(lambda leaf: np.asarray(leaf)[:16], programs)
    network, x_BTI = nn.RNN(cell), inputs(programs)
    params = jax.jit(network.init)(jax.random.key(3), x_BTI)["params"]

    @jax.jit
    def gradients(params, sharpness):
        def rmse(params):
            y_BT = network.apply({"params": {"cell": sharpened(params["cell"], sharpness)}}, x_BTI)
            return jnp.sqrt(jnp.square(y_BT[:, -1] - programs.answer).mean())

        return jax.grad(rmse)(params)

    for sharpness in (1.0, 20.0):
        leaves = jax.tree.leaves(gradients(params, sharpness))
        assert all(np.isfinite(leaf).all() for leaf in leaves)
        assert all(np.abs(leaf).max() > 0 for leaf in leaves)


@every_cell
def test_the_lstm_does_not_see_the_integer(cell):
    """The value changes what the registers hold next, and nothing else."""
    state = cell.initialize_carry(jax.random.key(0), (2, V + 1))
    x_BI = jnp.zeros((2, V + 1)).at[:, INTEGER].set(1).at[:, -1].set(jnp.array([3.0, 90.0]))
    variables = draw_parameters(cell, state, x_BI)
    new, _ = jax.jit(cell.apply)(variables, state, x_BI)
    np.testing.assert_array_equal(new.controller[1][0], new.controller[1][1])
    assert not np.allclose(new.registers_R[0], new.registers_R[1])
