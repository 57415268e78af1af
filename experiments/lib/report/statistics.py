"""Honest statistics over seeds: medians with bootstrap intervals, success rates with Wilson intervals.

Values are errors, or accuracies where a quantity says that higher is better. A seed that diverged counts as infinitely
bad, so that no seed is ever dropped and a median is worse, not better, for the seeds that failed.

Axes: S seeds.
"""

import functools
import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from .artefacts import Quantity

CONFIDENCE = 0.95
PERCENT = (2.5, 97.5)  # the ends of an interval of that confidence
RESAMPLES = 9999


class Estimate(NamedTuple):
    """What the seeds of one quantity say.

    Attributes:
      median, low, high: the median over seeds and its 95 % bootstrap interval; inf where that many seeds diverged.
      selected: the value of the seed that the quantity's `selected_by` chose, or None.
      success, success_low, success_high: share of seeds below the threshold (of an error) or at least at it (of an
        accuracy) and its 95 % Wilson interval, or None.
      seeds: number of seeds, diverged ones included.
      diverged: how many took a non-finite step or ended non-finite.
    """

    median: float
    low: float
    high: float
    selected: float | None
    success: float | None
    success_low: float | None
    success_high: float | None
    seeds: int
    diverged: int


def summarise(quantity: Quantity) -> Estimate:
    """Returns the estimate of a quantity from its values over seeds."""
    values_S = values(quantity)
    ordered_S = np.sort(values_S)
    low, high = _interval(ordered_S) if quantity.interval is None else quantity.interval
    success = success_low = success_high = None
    if quantity.threshold is not None:
        better = np.greater_equal if quantity.higher_is_better else np.less
        successes = int(np.sum(better(values_S, quantity.threshold)))
        success = successes / len(values_S)
        success_low, success_high = wilson(successes, len(values_S))
    return Estimate(
        median=middle(ordered_S),
        low=low,
        high=high,
        selected=None if quantity.selected is None else float(values_S[quantity.selected]),
        success=success,
        success_low=success_low,
        success_high=success_high,
        seeds=len(values_S),
        diverged=max(int(quantity.diverged), int(np.isinf(ordered_S).sum())),
    )


def values(quantity: Quantity) -> np.ndarray:
    """Returns a quantity's values `[S]` in float64; infinite, on the bad side, where the seed diverged."""
    values_S = np.asarray(quantity.values_S, dtype=np.float64)
    return np.where(np.isfinite(values_S), values_S, -np.inf if quantity.higher_is_better else np.inf)


def median_interval(values_S: np.ndarray) -> tuple[float, float]:
    """Returns the 95 % percentile bootstrap interval of the median.

    Resampling seeds is resampling ranks, so the bootstrap is done once for each number of seeds and gives the
    ranks between which the median lies; the interval is the values of the seeds at those ranks, rounded
    outwards. Infinite values need no arithmetic that way. One seed alone gives an interval of no width; up to ten
    seeds it covers the true median a little less often than it says, in about 90 % of cases.
    """
    return _interval(np.sort(values_S))


def _interval(ordered_S: np.ndarray) -> tuple[float, float]:
    low_rank, high_rank = _median_ranks(len(ordered_S))
    return float(ordered_S[low_rank]), float(ordered_S[high_rank])


def middle(ordered_S: np.ndarray) -> float:
    """Returns the median of values that are sorted already: NumPy takes many times as long, for it sorts them again."""
    half, odd = divmod(len(ordered_S), 2)
    above = float(ordered_S[half])
    return above if odd else (float(ordered_S[half - 1]) + above) / 2


@functools.cache
def _median_ranks(seeds: int) -> tuple[int, int]:
    if seeds == 1:
        return 0, 0
    generator, batch = np.random.default_rng(0), max(1, 1_000_000 // seeds)
    median_B = np.concatenate(
        [
            np.median(generator.integers(seeds, size=(min(batch, RESAMPLES - done), seeds)), axis=1)
            for done in range(0, RESAMPLES, batch)
        ]
    )
    low, high = np.percentile(median_B, PERCENT)
    return math.floor(low), math.ceil(high)


@functools.cache
def wilson(successes: int, seeds: int) -> tuple[float, float]:
    """Returns the 95 % Wilson score interval of a share of seeds (Wilson 1927)."""
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share, weight = successes / seeds, seeds / (seeds + z**2)
    middle = weight * (share + z**2 / (2 * seeds))
    half = weight * z * math.sqrt(share * (1 - share) / seeds + z**2 / (4 * seeds**2))
    return (0.0 if successes == 0 else middle - half), (1.0 if successes == seeds else middle + half)
