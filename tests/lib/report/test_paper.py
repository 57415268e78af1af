"""The paper's numbers, as transcribed."""

import itertools
import math

import numpy as np
import pytest

from experiments.lib.errors import UserError
from experiments.lib.report import Quantity, paper

OPERATIONS = ("a+b", "a-b", "a*b", "a/b", "a^2", "sqrt(a)")
COLUMNS = {"static": ("ReLU6", "None (linear)", "NAC", "NALU"), "recurrent": ("LSTM", "ReLU", "NAC", "NALU")}


def test_table_1_has_all_its_96_cells_and_no_other():
    expected = {
        (f"{half} {test}", operation, column, "score")
        for half, columns in COLUMNS.items()
        for test, operation, column in itertools.product(("interpolation", "extrapolation"), OPERATIONS, columns)
    }
    assert set(paper.numbers("table1")) == expected
    assert len(expected) == 96


@pytest.mark.parametrize(
    ("block", "row", "column", "value"),
    [
        ("static interpolation", "a/b", "NALU", "5.3"),
        ("static interpolation", "a*b", "None (linear)", "20.9"),
        ("static extrapolation", "a/b", "NALU", "0.7"),
        ("static extrapolation", "a+b", "ReLU6", "42.6"),
        ("static extrapolation", "sqrt(a)", "NAC", "16.4"),
        ("recurrent interpolation", "a^2", "NAC", "2.3"),
        ("recurrent extrapolation", "a/b", "ReLU", "863.5"),
        ("recurrent extrapolation", "a/b", "NALU", ">999"),
        ("recurrent extrapolation", "sqrt(a)", "LSTM", "95.8"),
    ],
)
def test_table_1_as_printed(block, row, column, value):
    quantity = Quantity("table1", block, row, column, "score", np.zeros(1), "record", "cpu", "quick")
    printed = paper.printed(quantity)
    assert (printed.value, printed.seen) == (value, "sure")
    assert paper.printed(quantity._replace(metric="mse")) is None
    assert paper.printed(quantity._replace(column="ours")) is None


def test_figure_1_has_both_ends_of_15_curves_whose_names_are_only_likely():
    numbers = paper.numbers("figure1")
    assert len(numbers) == 30
    assert {key[1] for key in numbers} == {"x=-20", "x=20"}
    assert {entry.seen for entry in numbers.values()} == {"likely"}
    assert numbers["identity", "x=20", "Threshold", "mean absolute error"].number == 16.6


def test_printed_text_as_numbers():
    def number(text):
        return paper.Printed("b", "r", "c", "m", text, "sure", "").number

    assert (number("0.0"), number("98.29%"), number("1.4e10"), number(">999")) == (0.0, 98.29, 1.4e10, math.inf)


def test_an_artefact_without_printed_numbers_has_none():
    assert paper.numbers("figure6") == {}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("b,r,c,m,1.0,surely,Table 1", "surely"),
        ("b,r,c,m,about one,sure,Table 1", "about one"),
        ("b,r,c,m,1.0,sure", "6 fields"),
        ("b,r,c,m,1.0,sure,x\nb,r,c,m,2.0,sure,x", "line 3.*twice"),
    ],
)
def test_a_malformed_line_is_named(line, complaint):
    with pytest.raises(UserError, match=f"t.csv line .*{complaint}|t.csv {complaint}"):
        paper.parse(f"{','.join(paper.COLUMNS)}\n{line}\n", name="t.csv")


def test_a_wrong_header_is_named():
    with pytest.raises(UserError, match="the columns must be block,row"):
        paper.parse("a,b\n1,2\n", name="t.csv")
