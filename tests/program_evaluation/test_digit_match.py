"""The percentage of matching digits, against a plain one on strings and by hand.

Axes: N pairs.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.program_evaluation.digit_match import digit_match

match = jax.jit(digit_match)

WORKED = {  # prediction, target: percentage
    (0.0, 0): 100,
    (-0.3, 0): 100,  # rounds to 0, which has no sign
    (123.0, 123): 100,
    (123.4, 123): 100,
    (122.6, 123): 100,
    (124.0, 123): 200 / 3,
    (23.0, 123): 200 / 3,
    (100.0, 0): 100 / 3,
    (0.0, 100): 100 / 3,
    (5.0, 105): 100 / 3,  # the 0 of 105 has nothing above it
    (1230.0, 123): 0,  # the units are aligned, not the first digits
    (-7.0, -7): 100,
    (7.0, -7): 50,
    (-7.0, 7): 50,
    (-12.0, -345): 25,  # the sign
    (-45.0, 345): 50,
    (0.5, 0): 100,  # halves go to the even integer
    (1.5, 2): 100,
    (2.5, 2): 100,
    (-0.5, 0): 100,
    (-1.5, -2): 100,
    (-2.5, -2): 100,
    (9.5, 10): 100,
    (99.5, 100): 100,
    (999_999_936.0, 999_999_936): 100,
    (-999_999_936.0, 999_999_936): 90,
    (1e9, 0): 0,  # ten digits
    (-3e38, 0): 0,
    (np.nan, 0): 0,
    (np.inf, 0): 0,
    (-np.inf, -1): 0,
}


def by_strings(prediction, target):
    """The same in plain Python, without arithmetic on digits."""
    if not abs(prediction) < 1e9:
        return 0.0
    prediction, target = round(float(prediction)), int(target)
    length = max(len(str(abs(prediction))), len(str(abs(target))))
    columns = list(zip(str(abs(prediction)).rjust(length), str(abs(target)).rjust(length), strict=True))
    if prediction < 0 or target < 0:
        columns.append(("+-"[prediction < 0], "+-"[target < 0]))
    return 100 * sum(above == below for above, below in columns) / len(columns)


def test_worked_by_hand():
    pairs = np.array(list(WORKED))
    found_N = match(jnp.asarray(pairs[:, 0], jnp.float32), jnp.asarray(pairs[:, 1], jnp.int32))
    for pair, found in zip(WORKED, np.asarray(found_N), strict=True):
        assert found == pytest.approx(WORKED[pair]), pair
        assert by_strings(*pair) == pytest.approx(WORKED[pair]), pair


def test_thousands_of_pairs_of_all_lengths_and_signs():
    """Predictions at random, near the target, with one digit changed, and half an integer away."""
    rng = np.random.default_rng(1)

    def integers():
        return rng.choice([-1, 1], 3000) * rng.integers(0, 10 ** rng.integers(1, 10, 3000))

    targets = np.concatenate([integers() for _ in range(5)])
    predictions = np.concatenate(
        [
            integers(),
            targets[3000:6000] + rng.normal(0, 2, 3000),
            targets[6000:9000] + rng.integers(-9, 10, 3000) * 10 ** rng.integers(0, 9, 3000),
            targets[9000:12000] % 10_000 + rng.choice([-0.5, 0.5], 3000),
            -targets[12000:],
        ]
    ).astype(np.float32)
    targets[9000:12000] %= 10_000  # of which float32 holds the halves
    assert (np.abs(predictions) >= 1e9).any() and (targets == 0).any() and (targets < 0).any()
    expected_N = [by_strings(*pair) for pair in zip(predictions, targets, strict=True)]
    assert len(set(expected_N)) > 20
    found_N = match(jnp.asarray(predictions), jnp.asarray(targets, jnp.int32))
    np.testing.assert_allclose(found_N, expected_N, rtol=1e-6)


def test_any_number_of_axes_and_targets_of_either_dtype():
    predictions = jnp.array([[[12.0, -345.0], [0.0, 99.6]]])
    targets = jnp.array([[[12, 345], [7, 100]]])
    expected = [[[100, 75], [0, 100]]]
    np.testing.assert_allclose(match(predictions, targets), expected)
    np.testing.assert_allclose(match(predictions, targets.astype(jnp.float32)), expected)
    np.testing.assert_allclose(jax.vmap(match)(predictions, targets), expected)
    assert match(predictions, targets).dtype == jnp.float32
    assert match(jnp.float32(12), jnp.int32(12)).shape == ()
