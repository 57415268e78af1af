"""The arena's tasks: ranges, and errors that are told as the tolerance that the protocols mean."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.arena import tasks, training
from experiments.arena.networks import Network

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
    lanes = [tasks.Range(*(values[lane] for values in task.lanes)) for lane in range(len(task.lanes.low))]
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


def test_training_draws_are_uniform():
    import jax

    u_IN = np.asarray(training.coarse_uniform(jax.random.key(3), 2, 99_999))
    assert u_IN.shape == (2, 99_999)
    assert 0 < u_IN.min() < 1e-4
    assert 1 - 1e-4 < u_IN.max() < 1
    assert np.abs(np.sort(u_IN[0]) - np.linspace(0, 1, u_IN.shape[1])).max() < 0.006  # Kolmogorov's, at 1 in 1000
    assert abs(np.corrcoef(u_IN)[0, 1]) < 0.01
    assert abs(np.corrcoef(u_IN[0, :50_000], u_IN[0, 49_999:])[0, 1]) < 0.02
