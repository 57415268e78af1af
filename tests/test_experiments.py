"""Every experiment runs end to end in the smoke profile, and a figure or table comes out of it."""

import subprocess
import sys
from pathlib import Path

import pandas
import pytest

from experiments.lib import suite
from experiments.lib.table_csv import COLUMNS

ROOT = Path(__file__).parents[1]


def command(*words):
    """Runs a command of the smoke profile; the last word is the store."""
    *words, store = map(str, words)
    program = [sys.executable, "-m", "experiments", *words, "--profile", "smoke", "--runs-dir", store]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The store after every experiment has run in the smoke profile."""
    folder = tmp_path_factory.mktemp("smoke") / "runs"
    command("run", "all", folder)
    return folder


@pytest.mark.parametrize("artefact", list(suite.artefacts()))
def test_every_artefact_delivers_its_table(runs, artefact):
    table = pandas.read_csv(runs / "tables" / f"{artefact}.csv", keep_default_na=True)
    assert list(table.columns) == list(COLUMNS)
    assert (table["artefact"] == artefact).all()
    assert (table["seeds"] > 0).all()
    for suffix in ("md", "tex"):
        assert (runs / "tables" / f"{artefact}.{suffix}").stat().st_size > 100


def test_every_planned_run_is_stored_and_nothing_unfinished_is_left(runs):
    for experiment in suite.experiments("all", "smoke"):
        assert len(experiment.results(runs)) == len(experiment.addresses())
    assert not [path for path in (runs / ".unfinished").iterdir() if path.is_dir()]


def test_every_claim_of_the_paper_is_decided(runs):
    claims = pandas.read_csv(runs / "claims.csv")
    assert set(claims["verdict"]) <= {"holds", "partly", "fails"}
    assert {"figure1", "table1"} <= set(claims["artefact"])


def test_reporting_again_changes_nothing(runs):
    before = {path: path.read_bytes() for path in runs.rglob("*.*") if path.suffix in (".csv", ".md", ".tex")}
    command("report", runs)
    assert {path: path.read_bytes() for path in before} == before
