"""Levenberg-Marquardt against problems whose answers are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.arithmetic.least_squares import levenberg_marquardt


def test_a_linear_problem_gives_the_least_squares_solution():
    rng = np.random.default_rng(0)
    a_NP, y_N = rng.normal(size=(40, 3)), rng.normal(size=40)
    expected_P, *_ = np.linalg.lstsq(a_NP, y_N, rcond=None)
    items = (jnp.float32(a_NP), jnp.float32(y_N))
    fit = levenberg_marquardt(lambda p, item: item[0] @ p - item[1], jnp.zeros(3), items, steps=30)
    np.testing.assert_allclose(fit.params_P, expected_P, atol=1e-4)
    np.testing.assert_allclose(fit.cost, np.sum((a_NP @ expected_P - y_N) ** 2), rtol=1e-5)


def test_an_exponent_is_found_to_float32_where_gradient_descent_would_crawl():
    x_N = jnp.linspace(8.0, 9.0, 50)  # so narrow a range hardly tells the factor from the exponent

    def residual(params_P: jax.Array, item: tuple[jax.Array, jax.Array]) -> jax.Array:
        return params_P[0] * item[0] ** params_P[1] - item[1]

    fit = levenberg_marquardt(residual, jnp.array([0.7, 0.8]), (x_N, jnp.sqrt(x_N)), steps=200)
    np.testing.assert_allclose(fit.params_P, [1.0, 0.5], atol=1e-3)


def test_no_step_raises_the_cost_or_is_taken_when_it_is_not_finite():
    def residual(params_P: jax.Array, item: jax.Array) -> jax.Array:
        return jnp.log(params_P[0]) * item  # NaN for a negative parameter, where a full step would lead

    start = jnp.array([20.0])
    costs = [float(levenberg_marquardt(residual, start, jnp.ones(3), steps=steps).cost) for steps in (0, 1, 3, 10, 60)]
    assert all(np.isfinite(costs))
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(0, abs=1e-8)


def test_parameters_without_influence_stay_where_they_are():
    fit = levenberg_marquardt(lambda p, item: p[0] - item, jnp.array([5.0, 7.0]), jnp.full(4, 2.0), steps=30)
    np.testing.assert_allclose(fit.params_P, [2.0, 7.0], atol=1e-4)
