"""Table 3 with every cell: which of its rates counts, unit by unit, and what a rate changes."""

import jax
import numpy as np

from experiments.language import language_cells, recipes
from experiments.lib.store.records import Finished

CFG = language_cells.Config(seeds=2, models=("nau",))


def finished(factor, validation_SU, test_SU):
    """A run of the NAU at one rate in both units."""
    arrays = {"training": test_SU, "validation": validation_SU, "test": test_SU, "exact": 0 * np.asarray(test_SU)}
    arrays = {name: np.float32(values)[:, None, :, None] for name, values in arrays.items()}
    arrays["nonfinite_steps"] = np.zeros((2, 1, 2, 1), np.int32)
    return Finished(
        "language_cells", {"model": "nau", "factor": factor}, arrays, "0", {"device": "cpu", "profile": "smoke"}
    )


def test_a_seed_counts_in_each_unit_at_the_rate_with_the_smaller_validation_error():
    runs = [finished(1.0, [[1, 9], [9, 1]], [[10, 20], [30, 40]]), finished(0.25, [[5, 5], [5, 5]], [[1, 2], [3, 4]])]
    (table,) = language_cells.tables(CFG, runs)
    errors = {q.block: q.values_S.tolist() for q in table.quantities if q.column == "test" and "error" in q.metric}
    assert errors == {"in units of 1": [10, 3], "in units of 1000": [2, 40]}
    assert set(table.rows) == {"LSTM + NAU"}


def test_the_layers_have_the_settings_of_the_nalu_and_a_rate_of_their_own():
    usual = recipes.settings("nalu", CFG.units, 1)
    train = language_cells.make_train(CFG, model="nau", factor=0.25)
    chosen = train.init(jax.random.key(0), *train.data).settings
    np.testing.assert_allclose(chosen.learning_rate, 0.25 * usual.learning_rate)
    assert all(np.array_equal(ours, its) for ours, its in zip(chosen[1:], usual[1:], strict=True))
