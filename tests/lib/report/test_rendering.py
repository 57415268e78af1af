"""The rendered files: what a user reads in them, and that rendering is a function of the store."""

import io
import math
import re

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from experiments.lib.report import rendering
from experiments.lib.report.artefacts import Artefact, Curve, Figure, Panel, Table
from experiments.lib.store.records import Finished
from tests.quantities import quantity

COLUMNS = [
    "artefact", "block", "row", "column", "metric", "paper", "paper_seen", "median", "low", "high", "selected",
    "selected_by", "success", "success_low", "success_high", "seeds", "diverged", "profile", "device", "record",
]  # fmt: skip
BLOCKS = ("static interpolation", "static extrapolation")


def table(**changes):
    quantities = tuple(
        quantity(block, row, column, np.array([0.31, 0.04, np.nan]) * scale, metric)
        for block in BLOCKS
        for row in ("a+b", "a*b")
        for column in ("ReLU6", "NALU", "NALU (untied)")
        for metric, scale in (("score", 1.0), ("mse", 1e-6))
    )
    whole = Table(
        "table1", "Static arithmetic", BLOCKS, ("a+b", "a*b"), ("ReLU6", "NAC", "NALU", "NALU (untied)"), quantities
    )
    return whole._replace(notes=("Batches are shared.",))._replace(**changes)


FIGURE = Figure("table1", "curves", "Curves", (Panel("p", "x", "y", (Curve("c", np.arange(3.0), np.arange(3.0)),)),))
RECORD = Finished(
    "static",
    {"cell": "nalu"},
    {"error": np.zeros((3, 6))},
    "0123abcd",
    {"wall_seconds": 200.0, "date": "2026-11-20T10:00", "device": "a CPU", "profile": "quick"},
)


def render_all(root, tables=None, published=None):
    artefact = Artefact("table1", [table()] if tables is None else tables, [FIGURE], [RECORD, RECORD])
    commands = {"table1": "make table1"}
    rendering.write(root, {"table1": artefact}, commands, published=published, console=Console(quiet=True))
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_files_of_the_contract_are_there_and_rendering_again_gives_the_same_bytes(tmp_path):
    files = render_all(tmp_path / "a")
    assert sorted(files) == [
        "README.md",
        "claims.csv",
        "figures/curves.csv",
        "figures/curves.png",
        "figures/curves.svg",
        "report.html",
        "tables/table1.csv",
        "tables/table1.md",
        "tables/table1.tex",
    ]
    assert render_all(tmp_path / "b") == files
    assert render_all(tmp_path / "a") == files


def test_the_table_csv_loads_with_pandas():
    frame = pd.read_csv(io.BytesIO(rendering.render_table_csv([table()])))
    assert list(frame.columns) == COLUMNS
    assert len(frame) == 24
    line = frame[(frame.block == BLOCKS[1]) & (frame.row == "a*b") & (frame.column == "NALU")].iloc[0]
    assert (line.paper, line.paper_seen, line["median"], line.selected, line.seeds) == (0.0, "sure", 0.31, 0.04, 3)
    assert (line.low, line.high, line.diverged, line.record) == (0.04, math.inf, 1, "0123abcd")
    assert (line.success, line.selected_by, line.profile) == (
        pytest.approx(1 / 3, abs=1e-6),
        "interpolation error",
        "quick",
    )
    raw = frame[frame.metric == "mse"]
    assert raw.success.isna().all()
    assert raw.paper.isna().all()


def test_the_markdown_shows_ours_over_the_papers_number():
    text = rendering.render_table_markdown([table()]).decode().replace("&nbsp;", " ")
    assert "### static extrapolation\n" in text
    row = next(
        line for line in text[text.index("### static extrapolation") :].splitlines() if line.startswith("| **a+b**")
    )
    ours, not_run, _ = row.strip("| ").split(" | ")[1:]
    assert ours.startswith("**0.0**<br>")
    assert "median 0.3" in ours
    assert "solved 33 %" in ours
    assert "&gt;999" in ours  # the interval reaches the diverged seed
    assert ours.endswith("<br>paper 42.6")
    assert not_run == "**–**<br>paper 0.0"
    assert "selected by interpolation error" in text
    assert "- Batches are shared." in text


def test_columns_that_the_paper_does_not_have_stand_apart_and_raw_errors_are_folded_away():
    text = rendering.render_table_markdown([table()]).decode()
    header = text[text.index("### static interpolation\n") :].splitlines()[2]
    assert "ReLU6 | NAC | NALU |" in header
    assert "untied" not in header
    assert "### static interpolation, ours besides" in text
    folded = text[text.index("<details>") : text.index("</details>")]
    assert "mse" in folded
    assert "3.1e-07" in folded


def test_the_median_is_the_headline_where_the_table_says_so():
    text = rendering.render_table_markdown([table(headline="median", decimals=2)]).decode()
    assert "**0.31**" in text
    assert "**0.04**" not in text


def test_a_users_run_is_shown_beside_the_published_one(tmp_path):
    published = tmp_path / "results"
    other = [q._replace(values_S=q.values_S * 100) for q in table().quantities]
    render_all(published, [table(quantities=tuple(other))])
    own = render_all(tmp_path / "runs", published=published)["tables/table1.md"].decode()
    assert "published&nbsp;4.0<br>paper&nbsp;0.0" in own
    unpublished = render_all(tmp_path / "runs", published=tmp_path / "nowhere")["tables/table1.md"].decode()
    assert "published" not in unpublished


def test_latex_is_escaped_and_holds_the_same_cells():
    text = rendering.render_table_tex([table()]).decode()
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 4
    assert r"solved 33 \% [6, 79]" in text
    assert r"{\scriptsize paper 42.6}" in text
    assert r"$>$999" in text


def test_a_half_finished_store_renders_what_there_is(tmp_path):
    few = table(quantities=table().quantities[:1])
    files = render_all(tmp_path, [few])
    assert len(pd.read_csv(io.BytesIO(files["tables/table1.csv"]))) == 1
    assert "–" in files["tables/table1.md"].decode()
    none = render_all(tmp_path, [table(quantities=())])
    assert "Not run yet" in none["tables/table1.md"].decode()
    assert "paper&nbsp;42.6" in none["tables/table1.md"].decode()
    assert set(pd.read_csv(io.BytesIO(none["claims.csv"])).verdict) == {"open"}


def test_a_table_with_far_more_columns_than_rows_is_turned():
    """Then what the paper has stays in its place among what is ours alone."""
    names = (*(f"cell {i}" for i in range(4)), "NALU", *(f"cell {i}" for i in range(4, 8)))
    wide = table(
        blocks=BLOCKS[:1], columns=names, quantities=tuple(quantity(BLOCKS[0], "a+b", n, [1.0, 2.0]) for n in names)
    )
    text = rendering.render_table_markdown([wide]).decode()
    assert "paper&nbsp;0.0" in text
    assert re.findall(r"^\| \*\*(.*?)\*\*", text, re.MULTILINE) == list(names)


def test_the_claims_file_says_which_runs_decided(tmp_path):
    claims = pd.read_csv(io.BytesIO(render_all(tmp_path)["claims.csv"]), dtype={"record": str})
    extrapolates = claims[claims.claim == "The NALU extrapolates a*b"].iloc[0]
    assert (extrapolates.verdict, extrapolates.selected, extrapolates.record) == ("partly", "holds", "0123abcd")
    assert extrapolates.test == "score of NALU (static extrapolation; a*b) < 0.05"
    assert (claims[claims.artefact == "figure1"].verdict == "open").all()


def test_the_index_tells_verdicts_cost_and_command(tmp_path):
    text = render_all(tmp_path)["README.md"].decode().replace("&nbsp;", " ")
    line = next(line for line in text.splitlines() if line.startswith("| **table1**"))
    for expected in ("3 🟡 partly", "| 3 |", "quick", "a CPU", "7 min", "2026-11-20T10:00", "`make table1`"):
        assert expected in line, expected
    assert "](tables/table1.md)" in line
    assert "![Curves](figures/curves.png)" in text
    assert "A claim `holds` if" in text
