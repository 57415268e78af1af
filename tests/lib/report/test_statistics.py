"""The statistics over seeds against published and closed-form values, and what they do with diverged seeds."""

import math

import numpy as np
import pytest
from scipy import stats

from experiments.lib.report import Quantity
from experiments.lib.report.statistics import median_interval, summarise, values, wilson


def quantity(values_S, **fields):
    return Quantity("table1", "b", "r", "c", "score", np.asarray(values_S), "record", "cpu", "quick", **fields)


@pytest.mark.parametrize(
    ("successes", "seeds", "expected"),
    [
        (0, 10, (0.0, 0.27753)),  # z^2 / (n + z^2)
        (10, 10, (0.72247, 1.0)),
        (81, 263, (0.2553, 0.3662)),  # Newcombe 1998, table I, method 3
        (15, 148, (0.0624, 0.1605)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson_interval_is_the_published_one(successes, seeds, expected):
    assert wilson(successes, seeds) == pytest.approx(expected, abs=6e-5)


def test_an_estimate_says_what_the_seeds_say():
    estimate = summarise(quantity([0.3, 0.1, 0.2, 0.01, 5.0], selected=3, selected_by="validation", threshold=0.15))
    assert (estimate.median, estimate.selected, estimate.success, estimate.seeds) == (0.2, 0.01, 0.4, 5)
    assert estimate.low <= estimate.median <= estimate.high
    assert estimate.success_low < 0.4 < estimate.success_high
    assert estimate.diverged == 0


def test_without_threshold_or_selection_there_is_neither_success_nor_a_selected_value():
    estimate = summarise(quantity([1.0, 2.0]))
    assert estimate.selected is estimate.success is estimate.success_low is estimate.success_high is None


def test_a_diverged_seed_counts_as_infinite_and_is_never_dropped():
    estimate = summarise(quantity([np.nan, 1.0, -np.inf, 2.0, np.inf], selected=0, threshold=10.0))
    assert (estimate.seeds, estimate.diverged) == (5, 3)
    assert estimate.median == estimate.high == estimate.selected == np.inf
    assert estimate.low == 1.0
    assert estimate.success == 0.4


def test_seeds_that_recovered_from_a_non_finite_step_count_as_diverged_too():
    assert summarise(quantity([1.0, 2.0, 3.0], diverged=2)).diverged == 2


def test_an_accuracy_succeeds_at_the_threshold_or_above_it_and_an_error_only_below():
    values_S = [90.0, 95.0, 97.5, 80.0]
    accuracy = summarise(quantity(values_S, threshold=95.0, higher_is_better=True))
    error = summarise(quantity(values_S, threshold=95.0))
    assert (accuracy.success, error.success) == (0.5, 0.5)
    assert (accuracy.success_low, accuracy.success_high) == wilson(2, 4)
    just = np.nextafter(95.0, 0)
    assert summarise(quantity([95.0, just], threshold=95.0, higher_is_better=True)).success == 0.5
    assert summarise(quantity([95.0, just], threshold=95.0)).success == 0.5


def test_a_diverged_seed_is_infinitely_bad_where_higher_is_better_too():
    given = quantity([np.nan, 90.0, np.inf, 80.0, 99.0], selected=2, threshold=85.0, higher_is_better=True)
    assert values(given).tolist() == [-np.inf, 90.0, -np.inf, 80.0, 99.0]
    estimate = summarise(given)
    assert (estimate.seeds, estimate.diverged, estimate.success) == (5, 2, 0.4)
    assert estimate.median == 80.0
    assert estimate.low == estimate.selected == -np.inf
    assert summarise(given._replace(values_S=np.full(3, np.nan), selected=None)).median == -np.inf


@pytest.mark.parametrize("value", [0.5, np.inf, np.nan])
def test_one_seed_gives_an_interval_of_no_width(value):
    estimate = summarise(quantity([value]))
    assert estimate.low == estimate.median == estimate.high == (0.5 if value == 0.5 else np.inf)


@pytest.mark.parametrize("seeds", [5, 10, 30, 100])
def test_the_interval_covers_the_true_median_about_as_often_as_it_says(seeds):
    rng = np.random.default_rng(0)
    intervals = [median_interval(rng.lognormal(size=seeds)) for _ in range(1000)]
    assert 0.87 <= np.mean([low <= 1.0 <= high for low, high in intervals]) <= 0.99


def test_the_interval_is_the_same_each_time_and_follows_any_rescaling():
    values_S = np.random.default_rng(0).normal(size=50)
    low, high = median_interval(values_S)
    assert (low, high) == median_interval(values_S[::-1])
    assert median_interval(np.exp(values_S)) == pytest.approx((np.exp(low), np.exp(high)))


@pytest.mark.parametrize("seeds", [2, 3, 4, 5, 6, 10, 25, 48, 100])
def test_the_interval_of_a_median_is_that_of_scipys_bootstrap_of_ranks(seeds):
    ranks = stats.bootstrap(
        (np.arange(seeds),), np.median, n_resamples=9999, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    values_S = np.sort(np.random.default_rng(seeds).normal(size=seeds))
    expected = values_S[math.floor(ranks.low)], values_S[math.ceil(ranks.high)]
    assert median_interval(values_S[::-1]) == expected
