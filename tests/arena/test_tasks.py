"""The arena's tasks: ranges, and errors that are told as the tolerance that the protocols mean."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.arena import tasks, training
from experiments.arena.networks import Network

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

EPS = 1e-4
# What weights that are off by EPS make of a and b, in the protocols' own words.
OFF = {
    "a + b": lambda a, b: a + b - EPS * (abs(a) + abs(b)),  # both errors in one direction, whatever the signs
    "a - b": lambda a, b: a - b - EPS * (abs(a) + abs(b)),
    "a * b": lambda a, b: (1 - EPS) ** 2 * a * b,
    "a / b": lambda a, b: (1 - EPS) / (1 + EPS) * a / b,
}


def items(task, chosen, number=4000):
    u_IN = np.random.default_rng(0).uniform(size=(task.inputs, number)).astype(np.float32)
    lanes = [type(task.lanes)(*values) for values in zip(*task.lanes, strict=True)] if task.lanes else [()]
    return [np.asarray(getattr(task, chosen)(jnp.asarray(u_IN), lane), np.float64) for lane in lanes]


@pytest.mark.parametrize("operation", tasks.OPERATIONS)
def test_an_error_is_the_tolerance_of_weights_that_are_off_by_as_much(operation):
    task = tasks.single_module(operation)
    for x_IN in items(task, "beyond"):
        a_N, b_N = x_IN
        squares = np.mean((OFF[operation](a_N, b_N) - np.asarray(task.target(x_IN))[0]) ** 2)
        told = np.sqrt(squares / np.mean(np.asarray(task.slope(x_IN), np.float64) ** 2))
        assert told == pytest.approx(EPS, rel=1e-3)


@pytest.mark.parametrize(
    ("operation", "place", "published"),
    [("a + b", 6, 6.67e-9), ("a * b", 0, 3.48e-4), ("a * b", 5, 8.8e-10), ("a / b", 4, 5.79e-10)],
)
def test_the_thresholds_are_those_of_the_benchmark(operation, place, published):
    """Mean squared errors at a tolerance of 1e-5, as the code of Mistry et al. computes them."""
    task = tasks.single_module(operation)
    x_IN = items(task, "beyond", 100_000)[place]
    threshold = 1e-10 * np.mean(np.asarray(task.slope(x_IN), np.float64) ** 2)
    assert threshold == pytest.approx(published, rel=0.02)


def test_the_simple_product_has_the_published_threshold():
    task = tasks.simple_product()
    (x_IN,) = items(task, "beyond", 100_000)
    assert 1e-10 * np.mean(np.asarray(task.slope(x_IN), np.float64) ** 2) == pytest.approx(2.157e-6, rel=0.02)


OFF_FUNCTIONS = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "a^2": lambda a, b: a**2,
    "sqrt(a)": lambda a, b: np.sqrt(a),
}


@pytest.mark.parametrize("operation", tasks.FUNCTIONS)
def test_an_error_of_the_arithmetic_function_is_the_tolerance_of_its_first_layer(operation):
    task = tasks.arithmetic_function(operation)
    (x_IN,) = items(task, "beyond", 500)
    in_a, in_b = np.zeros(100), np.zeros(100)
    in_a[:25], in_b[13:38] = 1, 1
    eps, compute = 1e-6, OFF_FUNCTIONS[operation]
    exact_N = compute(in_a @ x_IN, in_b @ x_IN)
    off_N = compute(*((w * (1 - eps) + (1 - w) * eps) @ x_IN for w in (in_a, in_b)))
    np.testing.assert_allclose(np.asarray(task.target(x_IN))[0], exact_N, rtol=1e-6, atol=1e-4)
    told = np.sqrt(np.mean((off_N - exact_N) ** 2) / np.mean(np.asarray(task.slope(x_IN), np.float64) ** 2))
    assert told == pytest.approx(eps, rel=1e-3)


PUBLISHED = {"a + b": 1.4785e-5, "a - b": 1.385e-8, "a * b": 0.160052, "a / b": 4.955e-12,
             "a^2": 0.15947, "sqrt(a)": 8.953e-9}  # fmt: skip


@pytest.mark.parametrize("operation", tasks.FUNCTIONS)
def test_the_arithmetic_function_has_the_published_thresholds(operation):
    """They are of sums of 26 numbers, where the published code's data has 25."""
    task = tasks.arithmetic_function(operation, part=26, overlap=13)
    (x_IN,) = items(task, "beyond", 20_000)
    threshold = 1e-10 * np.mean(np.asarray(task.slope(x_IN), np.float64) ** 2)
    assert threshold == pytest.approx(PUBLISHED[operation], rel=0.02)


SWEEP = {"U[-2, -1]": 0.16005, "U[-2, 2]": 2.308e-4, "U[0, 1]": 0.05076, "U[0.1, 0.2]": 9.204e-4, "U[1, 2]": 0.16005,
         "U[1.1, 1.2]": 0.10528, "U[10, 20]": 505.5}  # fmt: skip


def test_the_sweep_over_ranges_has_the_published_thresholds_and_its_own_training_range():
    """The thresholds are of sums of 26 numbers, as above."""
    assert [its.name for its in tasks.FUNCTION_RANGES] == list(SWEEP)
    for its in tasks.FUNCTION_RANGES:
        task = tasks.arithmetic_function("a * b", its, part=26, overlap=13)
        (x_IN,) = items(task, "beyond", 20_000)
        threshold = 1e-10 * np.mean(np.asarray(task.slope(x_IN), np.float64) ** 2)
        assert threshold == pytest.approx(SWEEP[its.name], rel=0.03), its.name
        (inside_IN,) = items(task, "inside", 1000)
        low, high = (float(number) for number in its.name[2:-1].split(", "))
        assert inside_IN.min() == pytest.approx(low, abs=1e-3 * (high - low))
        assert inside_IN.max() == pytest.approx(high, abs=1e-3 * (high - low))


def test_numbers_of_minimal_arithmetic_are_spread_as_its_sets_say():
    import scipy.stats

    task = tasks.minimal_arithmetic("a / b")
    tests = {"N": "N(8, 10)", "U": "U(-10, -5)", "E": "E(0.5)"}
    for chosen, names in (("inside", list(tasks.SPREADS)), ("beyond", [tests[name[0]] for name in tasks.SPREADS])):
        for name, x_IN in zip(names, items(task, chosen), strict=True):
            numbers = [float(number) for number in name[2:-1].split(",")]
            if name[0] == "N":  # a sixth of the interval is the deviation, and nothing is beyond it
                middle, deviation = sum(numbers) / 2, (numbers[1] - numbers[0]) / 6
                truth = scipy.stats.truncnorm(-3, 3, middle, deviation)
            elif name[0] == "U":
                truth = scipy.stats.uniform(numbers[0], numbers[1] - numbers[0])
            else:
                truth = scipy.stats.expon(scale=numbers[0])
            assert scipy.stats.kstest(x_IN.ravel(), truth.cdf).pvalue > 0.01, (chosen, name)
            assert (x_IN != 0).all()


def test_tests_lie_where_the_protocol_says():
    task = tasks.single_module("a + b")
    for each, x_IN, y_IN in zip(tasks.RANGES, items(task, "inside"), items(task, "beyond"), strict=True):
        assert each.low <= x_IN.min() < x_IN.max() <= each.high
        size_IN = np.abs(y_IN) if each.mirrored else y_IN
        assert each.test_low - 1e-6 <= size_IN.min() < size_IN.max() <= each.test_high + 1e-6
        assert each.mirrored == bool((y_IN < 0).any() and (y_IN > 0).any())


def test_a_network_that_is_not_finite_is_infinitely_bad():
    task = tasks.single_module("a / b")
    network = Network(None, lambda params, x_IN, key: params * jnp.ones((1, x_IN.shape[1])), None, None)
    params_L = jnp.full(9, jnp.nan)
    assert np.isinf(training.relative_error(network, task, params_L, training.uniform(1, task, 10), task.beyond)).all()


def test_an_error_is_that_of_all_items_however_many_are_taken_at_a_time():
    task, number = tasks.single_module("a + b"), 3 * training.CHUNK
    network = Network(None, lambda params, x_IN, key: params * x_IN[:1] + x_IN[1:], None, None)
    weights_L = np.linspace(-0.9, 0.9, 9)
    u_IN = jnp.asarray(np.random.default_rng(0).uniform(size=(2, number)), jnp.float32)  # as in `items`
    found_L = training.relative_error(network, task, jnp.asarray(weights_L, jnp.float32), u_IN, task.beyond)
    for found, weight, (a_N, b_N) in zip(found_L, weights_L, items(task, "beyond", number), strict=True):
        error = np.mean(((weight - 1) * a_N) ** 2) / np.mean((np.abs(a_N) + np.abs(b_N)) ** 2)
        np.testing.assert_allclose(found, np.sqrt(error), rtol=1e-5)


def test_draws_that_divide_are_uniform_and_neither_0_nor_a_half_nor_1():
    import jax

    u_IN = np.asarray(training.fine_uniform(jax.random.key(3), 2, 99_999))
    assert not np.isin(u_IN, (0, 0.5, 1)).any()
    assert np.abs(np.sort(u_IN[0]) - np.linspace(0, 1, u_IN.shape[1])).max() < 0.006
    assert len(np.unique(u_IN)) > 195_000


def test_training_draws_are_uniform():
    import jax

    u_IN = np.asarray(training.coarse_uniform(jax.random.key(3), 2, 99_999))
    assert u_IN.shape == (2, 99_999)
    assert 0 < u_IN.min() < 1e-4
    assert 1 - 1e-4 < u_IN.max() < 1
    assert np.abs(np.sort(u_IN[0]) - np.linspace(0, 1, u_IN.shape[1])).max() < 0.006  # Kolmogorov's, at 1 in 1000
    assert abs(np.corrcoef(u_IN)[0, 1]) < 0.01
    assert abs(np.corrcoef(u_IN[0, :50_000], u_IN[0, 49_999:])[0, 1]) < 0.02
