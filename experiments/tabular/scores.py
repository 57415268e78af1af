"""Errors of predictions, with intervals over the test rows, and differences of two models on the same rows.

The intervals resample test rows; they hold for new rows of the same kind, and say nothing of another training.

Axes: R rows, B resamples.
"""

import functools
from typing import NamedTuple

import numpy as np

from ..lib.report.statistics import PERCENT

RESAMPLES, PART = 1999, 250


class Score(NamedTuple):
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


@functools.lru_cache(maxsize=2)  # of the splits of a table, whose models come one after the other
def _drawn(rows: int) -> tuple[np.ndarray, ...]:
    """Returns how often each row is drawn in each resample, parts of `[B, R]`; the same for all models.

    They are bytes, for of a table with 100,000 rows they would be gigabytes; a count of 256 is as good as impossible.
    """
    generator, shares_R = np.random.default_rng(0), np.full(rows, 1 / rows)
    return tuple(
        generator.multinomial(rows, shares_R, min(PART, RESAMPLES - done)).astype(np.uint8)
        for done in range(0, RESAMPLES, PART)
    )


def _resampled(value_R: np.ndarray) -> np.ndarray:
    """Returns the sum of each resample, `[B]`."""
    return np.concatenate([part_BR.astype(np.float64) @ value_R for part_BR in _drawn(len(value_R))])


def mean_absolute_error(error_R: np.ndarray) -> Score:
    """Returns the mean of |error|."""
    return _mean(np.abs(error_R))


def root_mean_squared_error(error_R: np.ndarray) -> Score:
    """Returns the root of the mean of squares."""
    return Score(*np.sqrt(_mean(error_R**2)))


def r2(truth_R: np.ndarray, error_R: np.ndarray) -> float:
    """Returns the share of the variance of these rows that is explained; below 0 is worse than their mean."""
    spread = float(np.sum((truth_R - truth_R.mean()) ** 2))
    return 1 - float(np.sum(error_R**2)) / spread if spread > 0 else 0.0


def gain(error_R: np.ndarray, other_R: np.ndarray) -> Score:
    """Returns by how many per cent of the other's mean absolute error this model's is smaller, on the same rows."""
    mine, theirs = np.abs(error_R), np.abs(other_R)
    ratio_B = _resampled(mine) / np.maximum(_resampled(theirs), 1e-300)
    low, high = np.percentile(100 * (1 - ratio_B), PERCENT)
    return Score(100 * (1 - mine.sum() / max(theirs.sum(), 1e-300)), float(low), float(high))


def _mean(value_R: np.ndarray) -> Score:
    resampled_B = _resampled(value_R) / len(value_R)
    low, high = np.percentile(resampled_B, PERCENT)
    return Score(float(value_R.mean()), float(low), float(high))
