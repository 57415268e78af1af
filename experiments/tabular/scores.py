"""Errors of predictions, with intervals over the test rows and seeds, and differences of two models on the same rows.

The intervals are of one training on resampled test rows, whichever seed it has:
the resamples of all seeds together. They hold for new rows of the same kind.

Axes: S seeds, R rows, B resamples.
"""

import functools
from typing import NamedTuple

import numpy as np

from ..lib.report.statistics import PERCENT

RESAMPLES, PART = 1999, 250


class Score(NamedTuple):
    """A number of each seed, and the 95 % interval."""

    value_S: np.ndarray
    low: float
    high: float

    @property
    def value(self) -> float:
        """The median over the seeds."""
        return float(np.median(self.value_S))


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


def _resampled(value_SR: np.ndarray) -> np.ndarray:
    """Returns the sum of each resample for each seed, `[B, S]`."""
    drawn = _drawn(value_SR.shape[1])
    return np.concatenate([part_BR.astype(np.float64) @ value_SR.T for part_BR in drawn])


def mean_absolute_error(error_SR: np.ndarray) -> Score:
    """Returns the mean of |error|."""
    return _mean(np.abs(error_SR))


def root_mean_squared_error(error_SR: np.ndarray) -> Score:
    """Returns the root of the mean of squares."""
    return Score(*map(np.sqrt, _mean(error_SR**2)))


def r2(truth_R: np.ndarray, error_R: np.ndarray) -> float:
    """Returns the share of the variance of these rows that is explained; below 0 is worse than their mean."""
    spread = float(np.sum((truth_R - truth_R.mean()) ** 2))
    return 1 - float(np.sum(error_R**2)) / spread if spread > 0 else 0.0


def gain(error_SR: np.ndarray, other_SR: np.ndarray) -> Score:
    """Returns by how many per cent of the other's mean absolute error this model's is smaller, on the same rows."""
    mine_SR, theirs_SR = np.abs(error_SR), np.abs(other_SR)
    ratio_BS = _resampled(mine_SR) / np.maximum(_resampled(theirs_SR), 1e-300)
    low, high = np.percentile(100 * (1 - ratio_BS), PERCENT)
    gain_S = 100 * (1 - mine_SR.sum(axis=1) / np.maximum(theirs_SR.sum(axis=1), 1e-300))
    return Score(gain_S, float(low), float(high))


def _mean(value_SR: np.ndarray) -> Score:
    low, high = np.percentile(_resampled(value_SR) / value_SR.shape[1], PERCENT)
    return Score(value_SR.mean(axis=1), float(low), float(high))
