"""Every experiment runs end to end in the smoke profile, and a figure or table comes out of it."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pandas
import pytest

from experiments.lib import suite
from experiments.lib.cli import main
from experiments.lib.data import digits
from experiments.lib.engine import stand_in
from experiments.lib.report.table_files import COLUMNS
from experiments.tracking_time import report
from tests import processes
from tests.browser import Browser, in_a_browser
from tests.undrawn import leave_pictures_out

pytestmark = pytest.mark.process


def command(*words: str, store: Path, in_haste: bool) -> str:
    """Runs a command of the smoke profile, without a network, and returns what it says."""
    words = ("-m", "experiments", *words, "--profile", "smoke", "--runs-dir", store)
    status, told, wrong = processes.run(*words, in_haste=in_haste)
    assert (status, wrong) == (0, "")
    return told


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The store after every experiment has run in the smoke profile."""
    store = tmp_path_factory.mktemp("smoke") / "runs"
    command("run", "figure5", store=store, in_haste=False)  # trains long enough to need all optimisations
    (store / "told").write_text(command("run", "all", store=store, in_haste=True))
    return store


@pytest.mark.parametrize("artefact", list(suite.artefacts()))
def test_every_artefact_delivers_its_table(runs, artefact):
    table = pandas.read_csv(runs / "tables" / f"{artefact}.csv", keep_default_na=True)
    assert list(table.columns) == list(COLUMNS)
    assert (table["artefact"] == artefact).all()
    assert (table["seeds"] > 0).all()
    for suffix in ("md", "tex"):
        assert (runs / "tables" / f"{artefact}.{suffix}").stat().st_size > 100


@in_a_browser
def test_the_page_of_all_of_them_is_seen_whole_in_wide_and_narrow_windows_and_on_paper(runs, tmp_path):
    with closing(Browser((runs / "report.html").as_uri(), tmp_path)) as browser:
        names = browser.ask("[...document.querySelectorAll('section.artefact')].map(e => e.id)")
        assert set(names) >= set(suite.artefacts())
        for width in (1200, 400):
            browser.require_nothing_beyond(width)
        pdf, (sections, _) = browser.print()
        assert pdf.startswith(b"%PDF-") and sections == len(names)
        for name, shown in (("arena", "NAU"), ("tabular", "NALU")):
            heads = f"[...document.querySelectorAll('#{name} table th')].map(e => e.textContent)"
            assert shown in browser.ask(heads), name
        assert browser.wrong == []


def test_every_planned_run_is_stored_and_nothing_unfinished_is_left(runs):
    for experiment in stand_in.as_stored(suite.experiments("all", "smoke"), runs):
        assert len(experiment.results(runs)) == len(experiment.addresses())
    assert not [path for path in (runs / ".unfinished").iterdir() if path.is_dir()]


def test_every_claim_of_what_was_run_whole_is_decided(runs):
    claims = pandas.read_csv(runs / "claims.csv")
    undecided = claims[claims["artefact"].isin(["figure1", "table1"]) & (claims["verdict"] == "open")]
    assert list(undecided["claim"]) == ["GRU and tanh-RNN fail at T=1000 on all six operations"], "not trained here"


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


def test_reporting_again_changes_nothing(runs, monkeypatch):
    leave_pictures_out(monkeypatch)
    before = {path: path.read_bytes() for path in runs.rglob("*.*") if path.suffix in (".csv", ".md", ".tex")}
    assert main.answer(["report", "--profile", "smoke", "--runs-dir", str(runs)]) == 0, "in another process, this one"
    assert {path: path.read_bytes() for path in before} == before


def test_without_a_network_the_stand_in_serves_and_says_so_everywhere(runs):
    """There is none, for the tests' processes."""
    told = (runs / "told").read_text(encoding="utf-8")
    assert "could not be downloaded" in told and "UCI digits" in told
    for artefact in ("table2", "table4"):
        table = (runs / "tables" / f"{artefact}.md").read_text(encoding="utf-8")
        assert table.startswith(f"## Table {artefact[-1]}") and digits.NOTICE in table.splitlines()[0]
    records = [*(runs / "mnist_counting").glob("*.json"), *(runs / "mnist_parity").glob("*.json")]
    assert len(records) >= 4
    for record in records:
        assert '"digits": "uci-digits"' in record.read_text(encoding="utf-8")
    assert digits.NOTICE in (runs / "README.md").read_text(encoding="utf-8")
