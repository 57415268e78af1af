"""Table 2 with every cell: which of its rates counts, and what a rate changes."""

import dataclasses

import jax
import numpy as np
import pytest

import nalu
from experiments.lib.data import digits
from experiments.lib.store.records import Finished
from experiments.mnist_counting import mnist_counting, mnist_counting_cells

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

CFG = mnist_counting_cells.Config(seeds=3, tasks=("counting",), models=("nau",), digits=digits.STAND_IN)


def finished(factor, validation_S, error_S):
    """A run of the NAU at one rate; a series of 1000 is off by ten times as much as one of 10."""
    of_last = {"accuracy": np.full(3, 90.0), "validation_error": validation_S}
    of_last |= {f"error_{length}": np.asarray(error_S) * length / 10 for length in CFG.lengths}
    arrays = {name: np.stack([np.zeros(3), values_S], axis=1) for name, values_S in of_last.items()}
    arrays["nonfinite_steps"] = np.zeros((3, 2), np.int32)
    variant = {"task": "counting", "model": "nau", "factor": factor}
    return Finished("mnist_counting_cells", variant, arrays, "0", {"device": "cpu", "profile": "smoke"})


def test_a_seed_counts_at_the_rate_with_the_smaller_error_on_validation_digits_not_on_test_ones():
    runs = [finished(1.0, [0.1, 0.2, np.nan], [5.0, 1.0, 1.0]), finished(0.1, [0.2, 0.1, 9.0], [2.0, 3.0, 4.0])]
    (table,) = mnist_counting_cells.tables(CFG, runs)
    errors = {q.column: q.values_S.tolist() for q in table.quantities if q.metric != "accuracy %"}
    assert errors == {"length 10": [5, 3, 4], "length 100": [50, 30, 40], "length 1000": [500, 300, 400]}
    (figure,) = mnist_counting_cells.figures(CFG, runs)
    (curve,) = figure.panels[0].curves
    assert curve.label == "NAU" and curve.y.tolist() == [4, 40, 400]


def test_every_cell_is_run_for_both_tasks_at_two_rates():
    runs = mnist_counting_cells.runs(mnist_counting_cells.Config())
    assert len(runs) == len({tuple(run.values()) for run in runs}) == 2 * 2 * len(nalu.CELLS)


def test_the_whole_rate_is_table_2_s_training_bit_for_bit():
    small = {"batch": 2, "steps": 4, "evaluations": 2, "test_series": (4, 4, 4), "digits": digits.STAND_IN}
    cells = dataclasses.replace(CFG, **small)
    table2 = mnist_counting.Config(**small)

    def accuracy(train):
        state = train.init(jax.random.key(0), *train.data)
        return float(jax.jit(train.leg)(state, *train.data)[1]["validation_error"])

    alone = accuracy(mnist_counting.make_train(table2, task="counting", model="nau"))
    assert accuracy(mnist_counting_cells.make_train(cells, task="counting", model="nau", factor=1.0)) == alone
    assert accuracy(mnist_counting_cells.make_train(cells, task="counting", model="nau", factor=0.1)) != alone
