"""The guide to tables of numbers: the numbers in its tables are those of the published records."""

import re

import pandas as pd
import pytest

from experiments.lib.places import ROOT

GUIDE = (ROOT / "docs" / "tabular.md").read_text(encoding="utf-8")
NAMES = {"NAC, alone": "NAC", "NALU, alone": "NALU", "NPU, alone": "NPU", "quadratic ridge": "quadratic"}
TARGETS = ("yield-strength", "tensile-strength", "elongation")
EDGES = ("tensile-strength", "yield-strength", "Ceq", "Thickness")


def published(artefact, metric):
    table = pd.read_csv(ROOT / "results" / "tables" / f"{artefact}.csv", keep_default_na=False)
    table = table[table["metric"] == metric]
    return table.set_index(["block", "row", "column"])["median"].astype(float)


def grid(after):
    """The first table of the guide after a sentence, as lists of cells, without what is only for the eye."""
    rows = re.search(r"(?:^\|.*\n)+", GUIDE[GUIDE.index(after) :], re.MULTILINE)[0].replace("*", "").splitlines()
    header, _, *lines = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return header, [[NAMES.get(line[0], line[0]), *line[1:]] for line in lines]


def printed_as(number, value):
    """Whether the number is the value at the number's decimals, up to the six digits of the file."""
    half = 0.5 * 10.0 ** -len(number.partition(".")[2])
    return abs(float(number) - value) <= half + 1e-5 * abs(value)


def test_the_errors_on_steel_are_the_published_ones():
    errors = published("tabular", "mean absolute error")
    _, lines = grid("Steel, five folds")
    models = {column for _, _, column in errors.index}
    assert {model for model, *_ in lines} == models
    for model, *cells in lines:
        for target, number in zip(TARGETS, cells, strict=True):
            assert printed_as(number, errors["inside: folds", target, model]), (model, target)
    _, lines = grid("Beyond the 70 % quantile of a column")
    assert {model for model, *_ in lines} == models
    for model, *cells in lines:
        for edge, cell in zip(EDGES, cells, strict=True):
            for target, number in zip(TARGETS, cell.split(", "), strict=True):
                block = f"beyond: above the 70 % quantile of {edge}"
                assert printed_as(number, errors[block, target, model]), (model, edge, target)


def test_the_errors_beyond_the_edges_of_other_tables_are_the_published_ones():
    errors = published("tabular_tables", "error over the MLP's")["beyond the edge"]
    header, lines = grid("Beyond the edges of seven more tables")
    named = {}
    for row in errors.index.get_level_values("row").unique():
        named.setdefault(row.partition(":")[0], []).append(row)
    edges = [row for row in errors.index.get_level_values("row").unique() if " above " in row]
    for name, *cells in lines:
        for model, cell in zip(header[1:], cells, strict=True):
            if name == f"edges above 1.25, of {len(edges)}":
                assert int(cell) == sum(errors[edge, model] > 1.25 for edge in edges), model
                continue
            for row, number in zip(named[name.partition(",")[0]], cell.split(" / "), strict=True):
                assert printed_as(number, errors[row, model]), (row, model)


@pytest.mark.parametrize(("noise", "column"), [("no noise", 0), ("5 % noise", 1)])
def test_the_errors_on_formulas_are_the_published_ones(noise, column):
    errors = published("tabular_formulas", "median relative error in %")[f"outside of the corner, {noise}"]
    below = [row for row in errors.index.get_level_values("row") if row.startswith("all: ")]
    median, count = dict.fromkeys(below)
    assert (median, count) == ("all: median", "all: number below 1 %")
    _, lines = grid("Twenty-four formulas of physics")
    assert len(lines) == 7
    for model, *cells in lines:
        error, solved = cells[column].split(" %, ")
        assert printed_as(error, errors[median, model]) and int(solved) == errors[count, model], model
