"""The study of readings beside Figure 1: what is held against the paper's curves, and what the readings are."""

import jax
import numpy as np
import pytest

from experiments.identity import identity_readings as readings
from experiments.lib.store.records import Finished


def finished(height_SNE):
    """A run whose networks are off by these heights at both ends, and by nothing elsewhere."""
    seeds, names, _ = height_SNE.shape
    error = np.zeros((seeds, 1, names, len(readings.POINTS_X)), np.float32)
    error[:, 0, :, 0], error[:, 0, :, -1] = height_SNE[..., 0], height_SNE[..., 1]
    arrays = {"error_X": error, "nonfinite_steps": np.zeros((seeds, 1, names), int)}
    variant = {"reading": "A", **readings.READINGS["A"]._asdict()}
    provenance = {"device": "cpu", "profile": "full", "seeds": seeds}
    return Finished(
        experiment="identity_readings", digest="0" * 16, variant=variant, arrays=arrays, provenance=provenance
    )


def fits(height_SNE):
    return {q.column: float(q.values_S[0]) for q in readings.fits(finished(height_SNE))}


def test_the_papers_own_heights_are_no_decade_away():
    theirs_SNE = np.repeat(readings.printed()[None], 3, axis=0)
    assert fits(theirs_SNE) == pytest.approx(dict.fromkeys(fits(theirs_SNE), 0.0), abs=1e-6)


def test_heights_under_other_names_agree_sorted_and_not_by_name():
    found = fits(readings.printed()[None, ::-1])
    assert found["x=20, sorted"] == pytest.approx(0.0, abs=1e-6)
    assert found["x=20, by name"] > 0.3


def test_means_are_held_against_means():
    theirs_NE = readings.printed()
    spread_SNE = np.stack([0.5 * theirs_NE, 1.5 * theirs_NE])  # whose mean is the paper's
    assert fits(spread_SNE)["x=-20, by name"] == pytest.approx(0.0, abs=1e-6)


def test_heights_ten_times_as_large_are_a_decade_away():
    assert fits(10 * readings.printed()[None])["x=20, sorted"] == pytest.approx(1.0)


def test_a_network_that_ended_non_finite_is_left_out_of_the_mean_and_counted():
    heights_SNE = np.repeat(readings.printed()[None], 4, axis=0)
    heights_SNE[0, 2] = np.nan
    (table,) = readings.tables(readings.Config(), [finished(heights_SNE)])
    assert fits(heights_SNE)["x=20, by name"] == pytest.approx(0.0, abs=1e-6)
    assert [q.column for q in table.quantities if q.diverged] == [readings.PAPER[2]]


def test_glorots_start_has_glorots_spread_and_no_bias():
    layers = readings.glorot(jax.random.key(0), (400, 200, 100))
    for layer, (inputs, outputs) in zip(layers, ((400, 200), (200, 100)), strict=True):
        bound = (6 / (inputs + outputs)) ** 0.5
        assert np.abs(layer["w"]).max() == pytest.approx(bound, rel=1e-2)
        assert np.std(layer["w"]) == pytest.approx(bound / 3**0.5, rel=2e-2)
        assert not np.any(layer["b"])


def test_every_reading_differs_from_every_other():
    assert len(set(readings.READINGS.values())) == len(readings.READINGS)
