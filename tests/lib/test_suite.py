"""The suite: an experiment is found by its file's name, and a file that only looks like one is told."""

import sys

import pytest

from experiments.lib import suite
from experiments.lib.errors import UserError

EXPERIMENT = """
import dataclasses
VERSION, PLACE, ARTEFACTS = 1, {place}, ("table",)
@dataclasses.dataclass(frozen=True)
class Config: seeds: int = 3
def runs(cfg): return [{{"model": "nac"}}]
def make_train(cfg, *, model): ...
"""


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A package in place of `experiments`."""
    name = f"house_{tmp_path.name}"
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(suite, "FOLDER", folder)
    monkeypatch.setattr(suite, "PACKAGE", name)
    yield folder
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[module]


def write(folder, place, text):
    path = folder / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_an_experiment_is_a_file_of_the_folder_or_one_that_bears_its_folder_s_name(house):
    write(house, "quick.py", EXPERIMENT.format(place=(2, 1)))
    write(house, "counting/counting.py", EXPERIMENT.format(place=(1, 1)))
    write(house, "counting/counting_search.py", EXPERIMENT.format(place=(1, 2)))
    write(house, "counting/networks.py", "")
    write(house, "__main__.py", "raise SystemExit")
    assert list(suite.modules()) == ["counting", "counting_search", "quick"], "in the paper's order"
    assert suite.artefacts() == {"table": ["counting", "counting_search", "quick"]}


@pytest.mark.parametrize("place", ["helpers.py", "counting/counting_helpers.py"])
def test_a_file_that_stands_where_an_experiment_is_looked_for_and_is_none_is_told(house, place):
    write(house, place, "VERSION, PLACE = 1, (1, 1)")
    with pytest.raises(UserError, match=f"{place} has no ARTEFACTS, Config, runs, make_train, so it is no experiment"):
        suite.modules()


def test_two_experiments_of_one_name_are_told(house):
    for place in ("counting.py", "counting/counting.py"):
        write(house, place, EXPERIMENT.format(place=(1, 1)))
    with pytest.raises(UserError, match="2 files are the experiment 'counting': rename all but one"):
        suite.modules()
