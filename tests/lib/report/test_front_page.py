"""README and guides: their own numbers are those of the published records, and their sentences agree with them."""

import re

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from experiments.lib import suite
from experiments.lib.errors import UserError
from experiments.lib.places import ROOT
from experiments.lib.report import claims, front_page, rendering
from experiments.lib.report.artefacts import Artefact, Quantity, Table, View
from experiments.lib.store.records import Finished

PAGES = "".join((ROOT / page).read_text(encoding="utf-8") for page in front_page.PAGES)
DECIMALS = {"table1": 1, "table2": 2, "table3": 2, "table4": 1}
OPERATIONS = ("a+b", "a-b", "a*b", "a/b", "a^2", "sqrt(a)")
CLAIMS = front_page.blocks([], claims.evaluate(claims.all_claims(), []))  # all open
MARKERS = "".join(f"<!-- {name} --><!-- /{name} -->\n" for name in (*DECIMALS, *CLAIMS))


def published(artefact):
    return pd.read_csv(ROOT / "results" / "tables" / f"{artefact}.csv", keep_default_na=False)


def between(name, text=PAGES):
    return re.search(f"<!-- {re.escape(name)} -->(.*?)<!-- /{re.escape(name)} -->", text, re.DOTALL)[1]


def grids(block):
    """The grids of a block as {row: {column: cell}}, in the words that a reader sees."""
    plain = block.replace("&nbsp;", " ").replace("&gt;", ">").replace("\\", "")
    for grid in re.findall(r"(?:^\|.*\n)+", plain, re.MULTILINE):
        cells = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in grid.splitlines()]
        header, _, *lines = [[cell.strip("_") for cell in line] for line in cells]
        yield {line[0]: dict(zip(header[1:], line[1:], strict=True)) for line in lines}


def is_rounded(printed, value, decimals):
    """Whether this is how the number prints; the six digits of the file may lie on the other side of a half."""
    half = 0.5 * 10**-decimals
    return len(printed.partition(".")[2]) == decimals and abs(float(printed) - value) <= half + 1e-5 * abs(value)


def quantity(block, row, column, values_S, **changes):
    return Quantity("table1", block, row, column, "score", np.array(values_S), "0123abcd", "a CPU", "full",
                    selected=1, selected_by="validation error", threshold=0.05)._replace(**changes)  # fmt: skip


def table(**changes):
    quantities = tuple(
        quantity("static extrapolation", row, column, values_S)
        for row in ("a+b", "a*b")
        for column, values_S in (("ReLU6", [3, 1, 2]), ("NALU", [0.01, 0.02, 7]), ("NALU (restarts)", [2, 0, np.nan]))
    )
    rows, columns = ("a+b", "a*b", "a/b"), ("ReLU6", "NAC", "NALU", "NALU (restarts)")
    front = (view("static extrapolation", *columns, share=True),)
    return Table("table1", "Static", ("static extrapolation",), rows, columns, quantities, front=front)._replace(
        **changes
    )


def view(block, *columns, **changes):
    return View(block, tuple((block, column) for column in columns), **changes)


def blocks(**changes):
    return front_page.blocks([table(**changes)], ())


@pytest.fixture(scope="module")
def tables():
    """All that are published."""
    collected = rendering.collect(suite.experiments("all", "full"), ROOT / "results")
    return [table for artefact in collected.values() for table in artefact.tables]


def test_the_pages_are_what_the_published_records_say(tables):
    quantities = [quantity for table in tables for quantity in table.quantities]
    made = front_page.blocks(tables, claims.evaluate(claims.all_claims(), quantities))
    assert set(made) >= set(DECIMALS)
    pages = front_page.filled(ROOT, made)
    assert {path.name for path, (old, new) in pages.items() if old != new} == set(), (
        "run `python -m experiments report --published --profile full`"
    )


@pytest.mark.parametrize("artefact", DECIMALS)
def test_the_numbers_of_the_pages_are_those_of_the_published_tables(artefact, tables):
    lines = published(artefact)
    views = [view for table in tables if table.artefact == artefact for view in table.front]
    shown = list(grids(between(artefact)))
    assert len(shown) == len(views)
    checked = 0
    for view, grid in zip(views, shown, strict=True):
        headers = view.headers or [column for _, column in view.columns]
        for (block, column), header in zip(view.columns, headers, strict=True):
            here = lines[(lines.block == block) & (lines.column == column)]
            assert not here.empty, f"{block} / {column} is not published"
            for line in here.drop_duplicates("row").itertuples():
                cell = grid[line.row][header]
                value, median = float(line.selected if view.selected else line.median), float(line.median)
                ours = re.match(r"\*\*([^*%]+)%?\*\*", cell)[1]
                small = re.search(r"<sub>([\d.]+)( %)?</sub>", cell)
                if ours == ">999":
                    assert value > 999
                else:
                    assert is_rounded(ours, value, DECIMALS[artefact]), (line.row, header)
                if view.selected:
                    assert is_rounded(small[1], median, DECIMALS[artefact]), (line.row, header)
                if view.share and float(line.success) > 0:
                    assert small[1] == f"{100 * float(line.success):.0f}"
                theirs = re.search(r"\(paper (.*?)\)", cell)
                assert (theirs[1].removesuffix("?").removesuffix("/2") if theirs else "") == line.paper
                checked += 1
    assert checked >= 18


def test_the_verdicts_on_the_pages_are_those_of_the_published_claims():
    verdicts = pd.read_csv(ROOT / "results" / "claims.csv")
    for artefact, its in verdicts.groupby("artefact"):
        told = between(f"{artefact} claims")
        counts = {word.rstrip("s"): int(n) for n, word in re.findall(r"(\d+) (\w+)", told)}
        assert counts == {word.rstrip("s"): n for word, n in its.verdict.value_counts().items()}, artefact


PLAIN = ("B: Adam, 0.001, PyTorch's start", "C: SGD, momentum 0.9, 0.01, PyTorch's start")
OVERFIT = ("training (paper 0.003)", "test (paper 29.4)")
SENTENCES = [
    ("comes to an error of {:.2f} or {:.2f}", "table3", "mean absolute error", "selected",
     [("in units of 1", "LSTM + NALU", "test"), ("in units of 1000", "LSTM + NALU", "test")]),
    ("comes to {:.2f} to {:.2f} on all three splits", "table3", "mean absolute error", "selected",
     [("in units of 1", "configured NALU", "test"), ("in units of 1", "configured NALU", "test, split 3")]),
    ("{:.0f} to {:.0f} % of its seeds are below 0.415", "table3", "mean absolute error", "success",
     [("in units of 1", "configured NALU", "test, split 3"), ("in units of 1", "configured NALU", "test")]),
    ("least validation error has medians of {:.2f}, {:.2f} and {:.2f}.", "table3", "mean absolute error", "median",
     [("in units of 1", "configured NALU (restarts)", told) for told in ("test", "test, split 2", "test, split 3")]),
    ("with an embedding of 16 and an LSTM of 32: {:.2f} on the training numbers, {:.2f} on the unseen ones",
     "table3_readings", "mean absolute error", "median",
     [("errors", "L: embedding 16, hidden 32", f"LSTM, {part}") for part in OVERFIT]),
    ("has medians of {:.2f}, {:.2f} and {:.2f} where", "table3", "mean absolute error", "median",
     [("in units of 1", "configured NAC", column) for column in ("test", "test, split 2", "test, split 3")]),
    ("that NALU has {:.2f}, {:.2f} and {:.2f}", "table3", "mean absolute error", "median",
     [("in units of 1", "configured NALU", column) for column in ("test", "test, split 2", "test, split 3")]),
    ("LSTM {:.2f}, LSTM + NALU {:.2f}", "table3", "mean absolute error", "selected",
     [("in units of 1000", "LSTM", "test"), ("in units of 1000", "LSTM + NALU", "test")]),
    ("the NAC reaches {:.1f} % in the median", "table4", "test accuracy %", "median",
     [("fresh images, long", "NAC", "test accuracy %")]),
    ("then gains {:.1f} points over the affine one under Adam and {:.1f} under SGD", "table4_readings",
     "gain over Wx + b", "median", [("gain over Wx + b", row, "sigmoid(W)x + b (paper 60.0)") for row in PLAIN]),
    ("the NAC gains {:.1f} and {:.1f} points there", "table4_readings", "gain over Wx + b", "median",
     [("gain over Wx + b", row, "NAC (paper 93.1)") for row in PLAIN]),
    ("Wx + b {:.1f} %, NAC {:.1f} %", "table4", "test accuracy %", "median",
     [("fresh images, long", row, "test accuracy %") for row in ("Wx + b", "NAC")]),
    ("NAC (plain) names {:.0f} % of the digits", "table2", "accuracy %", "median",
     [("addition", "NAC (plain)", "length 1")]),
    ("the NAC errs by {:.2f} at length 1000", "table2", "mean absolute error", "median",
     [("counting", "NAC", "length 1000")]),
    ("scores below 0.05 in {:.0f}, {:.0f}, {:.0f}, {:.0f}, {:.0f}, {:.0f} % of 100 seeds", "table1", "score", "success",
     [("static extrapolation", row, "NALU") for row in OPERATIONS]),
    ("at 1000 steps in {:.0f}, {:.0f}, {:.0f}, {:.0f}, {:.0f}, {:.0f} %", "table1", "score", "success",
     [("recurrent extrapolation", row, "NALU") for row in OPERATIONS]),
    ("Hardtanh is off by {:.2f}, Tanh by {:.2f}, Sigmoid by {:.2f}", "figure1", "mean absolute error", "median",
     [("identity", "x=-20", column) for column in ("Hardtanh", "Tanh", "Sigmoid")]),
    ("PReLU is off by {:.2f}, a NAC by {:.2f}, but a NALU, which the paper does not show, by {:.2f}", "figure1",
     "mean absolute error", "median", [("identity", "x=-20", column) for column in ("PReLU", "NAC", "NALU")]),
    ('{:.1f} after "three hundred and"', "figure3", "prediction", "selected",
     [("three hundred and thirty four", "LSTM + NALU", "3: and")]),
    ("is {:.2f} at T = 18, {:.2f} at 19 and {:.2f} at 23", "figure5", "reward", "median",
     [("grid world", "A3C + NAC", f"T = {told}") for told in (18, 19, 23)]),
    ("the reward is {:.2f} at T = 18, {:.2f} at 23 and {:.2f} at 26", "figure5", "reward", "median",
     [("grid world", "A3C + NAC clock (restarts)", f"T = {told}") for told in (18, 23, 26)]),
    ("With a NALU instead, the reward at T = 12 is {:.2f}", "figure5", "reward", "median",
     [("grid world", "A3C + NALU", "T = 12")]),
    ("{:.2f} at T = 19 with a NAC, {:.2f} without", "figure5", "reward", "median",
     [("grid world", row, "T = 19") for row in ("A3C + NAC", "A3C")]),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "artefact", "metric", "field", "places"), SENTENCES)
def test_the_sentences_of_the_pages_agree_with_the_published_tables(sentence, artefact, metric, field, places):
    lines = published(artefact).set_index(["block", "row", "column", "metric"])[field]
    values = [float(lines[(*place, metric)]) * (100 if field == "success" else 1) for place in places]
    assert sentence.format(*values) in " ".join(PAGES.split())


def test_the_text_around_the_markers_stays_and_filling_again_changes_nothing():
    made = {"table1": "| a |\n| --- |", "table1 claims": "1 holds"}
    text = "# Title\n<!-- table1 -->old\n\n<!-- /table1 -->\nIt says <!-- table1 claims --><!-- /table1 claims -->.\n"
    filled = front_page.fill(text, made)
    assert filled == (
        "# Title\n<!-- table1 -->\n| a |\n| --- |\n<!-- /table1 -->\n"
        "It says <!-- table1 claims -->1 holds<!-- /table1 claims -->.\n"
    )
    assert front_page.fill(filled, made) == filled


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing", "README.md must hold <!-- a --> once, but holds it 0 times"),
        ("<!-- a -->", "README.md must hold <!-- /a --> once, but holds it 0 times"),
        ("<!-- a --><!-- /a --><!-- a --><!-- /a -->", "README.md must hold <!-- a --> once, but holds it 2 times"),
        ("<!-- /a --><!-- a -->", "README.md holds <!-- /a --> before <!-- a -->"),
    ],
)
def test_a_marker_that_is_missing_doubled_or_out_of_order_is_told_in_one_sentence(text, told):
    with pytest.raises(UserError, match=re.escape(told)) as raised:
        front_page.fill(text, {"a": "1"})
    assert re.fullmatch(r"README\.md [^\n.]+\.", str(raised.value))


def test_a_cell_is_the_median_the_share_that_solves_it_and_the_papers_number():
    (grid,) = grids(blocks()["table1"])
    assert grid["a+b"]["ReLU6"] == "**2.0** (paper 42.6)"
    assert grid["a+b"]["NALU"] == "**0.0** <sub>67 %</sub> (paper 0.0)"
    assert grid["a*b"]["NALU (restarts)"] == "**2.0** <sub>33 %</sub>"  # the diverged seed counts
    assert grid["a+b"]["NAC"] == "– (paper 0.0)"
    assert grid["a/b"]["NALU (restarts)"] == ""
    assert "| _NALU (restarts)_ |" in blocks()["table1"]
    assert "median over 3 seeds, small the share of them below 0.05" in blocks()["table1"]
    assert "results/tables/table1.md" in blocks()["table1"]


def test_a_share_that_is_the_headline_has_its_sign_and_its_interval():
    (grid,) = grids(blocks(headline="share")["table1"])
    assert grid["a+b"]["NALU"] == "◕ **67 %** <sub>21–94</sub> (paper 0.0)"
    assert grid["a+b"]["ReLU6"] == "○ **0 %** <sub>0–56</sub> (paper 42.6)"
    assert (
        "share of 3 runs that solve it, small its 95 % interval (● 90 % and more" in blocks(headline="share")["table1"]
    )


def test_the_head_of_a_board_is_its_first_grid_alone():
    two = (view("static extrapolation", "NALU"), view("static extrapolation", "ReLU6"))
    made = blocks(headline="share", front=two)
    first, second = grids(made["table1"])
    assert list(grids(made["table1 head"])) == [first] != [second]
    assert made["table1 head"].splitlines()[-1] == made["table1"].splitlines()[-1]
    assert "table1 head" not in blocks()


def test_where_the_paper_has_no_numbers_nothing_is_told_from_its_own():
    ours = tuple(each._replace(artefact="board") for each in table().quantities)
    block = front_page.blocks([table(artefact="board", quantities=ours)], ())["board"]
    assert "| NALU (restarts) |" in block
    assert "_" not in block.partition("](results/")[0] and "the paper" not in block


def test_the_selected_seed_stands_before_the_median_and_a_doubtful_or_divided_number_is_marked():
    units = [quantity("in units of 1", "LSTM", "test", [9, 5, 7], artefact="table3", metric="mean absolute error")]
    words = Table("table3", "Words", ("in units of 1",), ("LSTM",), ("test",), tuple(units), paper_factor=0.5)
    words = words._replace(front=(view("in units of 1", "test", selected=True),))
    assert "| **5.0** <sub>7.0</sub> (paper&nbsp;29.4/2) |" in front_page.blocks([words], ())["table3"]
    layers = [quantity("fresh images", "NAC", "test accuracy %", [90, 92], artefact="table4", metric="test accuracy %",
                       higher_is_better=True)]  # fmt: skip
    parity = Table("table4", "Parity", ("fresh images",), ("NAC",), ("test accuracy %",), tuple(layers))
    parity = parity._replace(front=(view("fresh images", "test accuracy %", headers=("fresh",)),))
    block = front_page.blocks([parity], ())["table4"]
    assert "| test" not in block and "| fresh |" in block
    assert "**91.0** (paper&nbsp;93.1?)" in block
    assert "A question mark" in block


def test_what_is_not_published_is_said_to_be_so_and_its_claims_are_open():
    filled = front_page.fill(MARKERS, front_page.blocks([table(quantities=())], ()) | CLAIMS)
    assert between("table1", filled) == between("table4", filled) == "Not published yet."
    assert re.fullmatch(r"\d+ open", between("figure1 claims", filled))


def test_a_block_stands_where_a_page_marks_it_with_links_from_there(tmp_path):
    (tmp_path / "docs").mkdir()
    readme, guide = tmp_path / "README.md", tmp_path / "docs" / "reproduction.md"
    readme.write_text("<!-- b --><!-- /b -->")
    guide.write_text("<!-- a --><!-- /a -->")
    made = {"a": "[all](results/tables/a.md)", "b": "[all](results/tables/b.md)"}
    texts = {path: new for path, (_, new) in front_page.filled(tmp_path, made).items()}
    assert texts == {
        readme: "<!-- b -->[all](results/tables/b.md)<!-- /b -->",
        guide: "<!-- a -->[all](../results/tables/a.md)<!-- /a -->",
    }
    with pytest.raises(UserError, match="README.md must hold <!-- c --> once"):
        front_page.filled(tmp_path, made | {"c": "1"})
    guide.write_text("<!-- a -->")
    with pytest.raises(UserError, match="reproduction.md must hold <!-- /a --> once"):
        front_page.filled(tmp_path, made)


def test_a_table_that_does_not_ask_for_it_is_not_on_the_front_page():
    assert blocks(front=()) == {}


def test_only_rendering_the_published_results_touches_the_front_page(tmp_path, monkeypatch):
    record = Finished("static", {}, {}, "0123abcd", {"wall_seconds": 1.0, "profile": "full"})
    collected = {"table1": Artefact("table1", [table()], [], [record])}
    monkeypatch.setattr(rendering, "collect", lambda experiments, root: collected)
    monkeypatch.setattr(rendering, "PUBLISHED", tmp_path / "results")
    readme = tmp_path / "README.md"

    def render(root):
        rendering.render([], root, profile="full", published=None, console=Console(quiet=True))

    render(tmp_path / "results")  # no README, no checkout
    assert not readme.exists()
    readme.write_text(MARKERS)
    render(tmp_path / "elsewhere")
    assert readme.read_text() == MARKERS
    render(tmp_path / "results")
    assert "**2.0** (paper&nbsp;42.6)" in between("table1", readme.read_text())
    written = readme.stat().st_mtime_ns
    render(tmp_path / "results")
    assert readme.stat().st_mtime_ns == written
    readme.write_text(MARKERS.replace("<!-- table2 -->", ""))
    with pytest.raises(UserError, match="<!-- table2 -->"):
        render(tmp_path / "results")
