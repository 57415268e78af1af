"""Every experiment runs end to end in the smoke profile, and a figure or table comes out of it."""

import os
import subprocess
import sys

import numpy as np
import pandas
import pytest

from experiments.lib import suite
from experiments.lib.data import digits
from experiments.lib.engine import stand_in
from experiments.lib.places import ROOT
from experiments.lib.report.table_files import COLUMNS
from experiments.tracking_time import report

REAL = ROOT.parent / "shared" / "mnist"  # MNIST's files, where somebody has put them


def command(*words, **environment):
    """Runs a command of the smoke profile, on MNIST where it is at hand; the last word is the store."""
    *words, store = map(str, words)
    program = [sys.executable, "-m", "experiments", *words, "--profile", "smoke", "--runs-dir", store]
    at_hand = {"NALU_DATA": str(REAL)} if REAL.is_dir() else {}
    done = subprocess.run(
        program, capture_output=True, text=True, cwd=ROOT, timeout=600, check=False,
        env={**at_hand, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1", **os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The store after every experiment has run in the smoke profile."""
    folder = tmp_path_factory.mktemp("smoke") / "runs"
    command("run", "figure5", folder, JAX_DISABLE_MOST_OPTIMIZATIONS="0")  # trains long enough to need them
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
    for experiment in stand_in.as_stored(suite.experiments("all", "smoke"), runs):
        assert len(experiment.results(runs)) == len(experiment.addresses())
    assert not [path for path in (runs / ".unfinished").iterdir() if path.is_dir()]


def test_every_claim_of_what_was_run_whole_is_decided(runs):
    claims = pandas.read_csv(runs / "claims.csv").groupby("artefact")["verdict"].agg(set)
    for artefact in ("figure1", "table1"):
        assert claims[artefact] <= {"holds", "partly", "fails"}


def test_the_agents_of_the_grid_world_learn_something(runs):
    """The one with the highest reward in training gets more than chance does in the range of training."""
    (experiment,) = suite.experiments("figure5", "smoke")
    for run in experiment.results(runs):
        learnt = run.arrays["reward"][report.selected(run), -1, :5].mean()
        assert learnt > reward_of_chance() + 0.15, run.variant


def reward_of_chance(episodes=2000):
    """Returns the mean reward of moving to any side or staying, all alike, when told 8 to 12."""
    generator, rewards = np.random.default_rng(0), []
    for _ in range(episodes):
        agent, target = generator.choice(25, 2, replace=False)
        told, place, reward = generator.integers(8, 13), np.array(divmod(agent, 5)), 0.0
        for time in range(1, 21):
            place = np.clip(place + [(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)][generator.integers(5)], 0, 4)
            if place @ (5, 1) == target:
                reward = 1 - abs(told - time) / 7
                break
        rewards.append(reward)
    return np.mean(rewards)


def test_reporting_again_changes_nothing(runs):
    before = {path: path.read_bytes() for path in runs.rglob("*.*") if path.suffix in (".csv", ".md", ".tex")}
    command("report", runs)
    assert {path: path.read_bytes() for path in before} == before


def test_without_a_network_the_stand_in_serves_and_says_so_everywhere(tmp_path):
    store = tmp_path / "runs"
    nowhere = {"NALU_DATA": "", "XDG_CACHE_HOME": str(tmp_path / "cache"), "https_proxy": "http://127.0.0.1:9"}
    said = command("run", "table2", "--tasks", "addition", "--models", "nac", store, **nowhere)
    assert "could not be downloaded" in said and "UCI digits" in said
    table = (store / "tables" / "table2.md").read_text(encoding="utf-8")
    assert table.startswith("## Table 2") and digits.NOTICE in table.splitlines()[0]
    records = list((store / "mnist_counting").glob("*.json"))
    assert len(records) == 2
    for record in records:
        assert '"digits": "uci-digits"' in record.read_text(encoding="utf-8")
    assert command("report", store, **nowhere) and digits.NOTICE in (store / "README.md").read_text(encoding="utf-8")
