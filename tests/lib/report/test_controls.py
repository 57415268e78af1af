"""The comparison of a NALU with its NAC, which is a NALU without the multiplicative path."""

import numpy as np
import pytest

from experiments.lib.report import controls
from experiments.lib.report.artefacts import Artefact, Quantity, Table

PLACE = {"artefact": "table2", "block": "counting", "record": "r", "device": "d", "profile": "full"}


def collected(nalu_S, nac_S, *, column="length 10", metric="mean absolute error", higher=False):
    made = [
        Quantity(row=row, column=column, metric=metric, values_S=np.array(values_S), higher_is_better=higher, **PLACE)
        for row, values_S in (("NALU", nalu_S), ("NAC", nac_S))
    ]
    table = Table("table2", "t", ("counting",), ("NALU", "NAC"), (column,), tuple(made))
    return {"table2": Artefact("table2", [table], [], [])}


def gain(*args, **options):
    its = controls.artefact(collected(*args, **options))
    return next(q.values_S for q in its.quantities if q.column == controls.GAIN)


def test_a_smaller_error_is_a_gain_seed_by_seed():
    assert gain([1.0, 5.0, 2.0], [3.0, 4.0, 2.0]) == pytest.approx([2.0, -1.0, 0.0])


def test_a_higher_accuracy_is_a_gain():
    accuracy = {"column": "length 1", "metric": "accuracy %", "higher": True}
    assert gain([99.0, 90.0], [98.0, 95.0], **accuracy) == pytest.approx([1.0, -5.0])


def test_a_seed_that_diverged_is_worse_than_any_and_two_are_alike():
    better, worse, alike = gain([1.0, np.nan, np.inf], [np.inf, 1.0, np.nan])
    assert better > 1e6 > 0 > -1e6 > worse
    assert alike == 0


def test_seeds_that_one_of_both_lacks_are_left_out():
    assert len(gain([1.0, 2.0, 3.0], [1.0, 2.0])) == 2


@pytest.mark.parametrize(
    ("nac_S", "verdict"),
    [([9.0] * 20, "helps in 1"), ([0.0] * 20, "hurts in 1"), ([0.5, 1.5] * 10, "no difference")],
)
def test_the_first_note_says_where_it_helps(nac_S, verdict):
    (table,) = controls.artefact(collected([1.0] * 20, nac_S)).tables
    assert verdict in table.notes[0]


def test_nothing_is_said_where_one_of_both_was_not_run():
    lone = collected([1.0], [1.0])
    (table,) = lone["table2"].tables
    lone["table2"].tables[0] = table._replace(quantities=table.quantities[:1])
    assert controls.artefact(lone) is None


def test_every_pair_names_rows_of_an_artefact_that_is_published():
    import csv

    from experiments.lib.places import PUBLISHED

    for its in controls.all_controls():
        with open(PUBLISHED / "tables" / f"{its.artefact}.csv", encoding="utf-8", newline="") as file:
            places = {(line["block"], line["column"]) for line in csv.DictReader(file)}
        assert {(its.block, column) for column in its.column} <= places
