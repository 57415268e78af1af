"""The published results are what the committed records say: rendering them again gives the committed files."""

import re
import shutil
from collections import Counter

import pandas as pd
import pytest
from rich.console import Console

from experiments.lib import suite
from experiments.lib.cli import main
from experiments.lib.places import ROOT
from experiments.lib.report import rendering
from experiments.lib.store import records as store
from tests.undrawn import leave_layout_out, leave_pictures_out

PUBLISHED = ROOT / "results"
RENDERED = ("tables/*.csv", "tables/*.md", "tables/*.tex", "figures/*.csv", "claims.csv", "README.md")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """A copy of the published records, rendered anew, the verdicts on the paper's claims, and what was collected."""
    root = tmp_path_factory.mktemp("published") / "results"
    chosen = suite.experiments("all", "full")
    for experiment in chosen:
        if (PUBLISHED / experiment.name).exists():
            shutil.copytree(PUBLISHED / experiment.name, root / experiment.name)
    kept, collect = [], rendering.collect

    def collect_and_keep(*given):
        kept.append(collect(*given))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "collect", collect_and_keep)
        leave_pictures_out(patch)  # of which nothing but the names is compared
        leave_layout_out(patch)
        verdicts = rendering.render_if_any(chosen, root, profile="full", published=None, console=Console(quiet=True))
    (collected,) = kept
    return root, verdicts, collected


@pytest.fixture(scope="module")
def again(rendered):
    return rendered[0]


def published_addresses():
    """The addresses of every run of the published experiments."""
    chosen = suite.experiments("all", "full")
    return [address for its in chosen if (PUBLISHED / its.name).exists() for address in its.addresses()]


def test_every_experiment_is_published_whole_or_not_at_all_and_nothing_else_is():
    planned = {store.path_of(PUBLISHED, address, ".json") for address in published_addresses()}
    assert planned == set(PUBLISHED.glob("*/*.json"))


def test_the_page_holds_every_record_and_every_verdict(again):
    page = (again / "report.html").read_text(encoding="utf-8")
    records = {address.digest for address in published_addresses()}
    assert records
    assert records <= set(re.findall(r"<code>([0-9a-f]+)</code>", page))
    verdicts = pd.read_csv(PUBLISHED / "claims.csv")["verdict"]
    assert Counter(re.findall(r'data-verdict="(\w+)"', page)) == Counter(verdicts)


def test_rendering_gives_the_committed_files_byte_for_byte(again):
    committed = sorted(path.relative_to(PUBLISHED) for pattern in RENDERED for path in PUBLISHED.glob(pattern))
    assert committed, "nothing is published"
    for path in committed:
        assert (again / path).read_text(encoding="utf-8") == (PUBLISHED / path).read_text(encoding="utf-8"), path
    assert {path.name for path in (again / "figures").iterdir()} == {
        path.name for path in (PUBLISHED / "figures").iterdir()
    }


def test_the_published_results_are_sound(rendered, monkeypatch, capfd):
    """As `verify` finds, which is here given what was rendered and collected above: that takes half a minute."""
    root, verdicts, collected = rendered

    def copied(sound, to, **_):
        assert {experiment.name for experiment in sound} == set(suite.modules())
        shutil.copytree(root, to, dirs_exist_ok=True)
        return verdicts

    monkeypatch.setattr(rendering, "render_if_any", copied)
    monkeypatch.setattr(rendering, "collect", lambda *_: collected)
    assert main.answer(["verify"]) == 0, capfd.readouterr().out
    told = capfd.readouterr().out.splitlines()
    assert len(told) == len(suite.modules()) + 2
    assert all(line.endswith(": sound") or line.endswith(": no records") for line in told[:-2])
