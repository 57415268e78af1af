"""Which digits a run uses: MNIST first, the stand-in where it cannot be had, and then every title says so."""

import dataclasses

import numpy as np
import pytest
from rich.console import Console

from experiments.lib import suite
from experiments.lib.data import digits
from experiments.lib.engine import stand_in
from experiments.lib.report import Gallery
from experiments.lib.store import records
from experiments.lib.store.records import Finished
from experiments.mnist_counting import mnist_counting
from experiments.mnist_parity import mnist_parity

CONSOLE = Console(quiet=True)


@pytest.fixture
def chosen():
    """The two experiments on digits and one that has none."""
    return [suite.experiments(name, "smoke")[0] for name in ("mnist_counting", "mnist_parity", "identity")]


@pytest.fixture(autouse=True)
def no_mnist(tmp_path, monkeypatch):
    """A user who has nothing yet and no network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NALU_DATA", "")
    monkeypatch.setattr(digits, "MIRRORS", ())


def on(experiment, name):
    return experiment._replace(config=dataclasses.replace(experiment.config, digits=name))


def sources(chosen):
    return [getattr(experiment.config, "digits", None) for experiment in chosen]


def put(root, address):
    records.save(root, address, {"x": np.zeros((2, 1))}, {"profile": "smoke", "device": "none"})


def test_runs_on_the_stand_in_have_addresses_of_their_own(chosen):
    for experiment in chosen[:2]:
        mnist, other = ([a.digest for a in on(experiment, name).addresses()] for name in ("mnist", "uci-digits"))
        assert len(mnist) == len(other) > 1
        assert not set(mnist) & set(other)


# Before training


def test_without_mnist_the_experiments_on_digits_go_on_with_the_stand_in_and_one_line_says_so(chosen, tmp_path):
    told = []
    prepared = stand_in.prepare(chosen, tmp_path / "runs", None, told.append, CONSOLE)
    assert sources(prepared) == ["uci-digits", "uci-digits", None]
    assert [one.name for one in prepared] == [one.name for one in chosen]
    assert prepared[2] is chosen[2]
    (line,) = [line for line in told if "stand-in" in line]
    assert "not comparable with the paper" in line
    for before, after in zip(chosen[:2], prepared[:2], strict=True):
        assert dataclasses.replace(after.config, digits="mnist") == before.config, "nothing else changes"


def test_with_mnist_nothing_changes_and_nothing_is_told(chosen, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(digits, "prepare", lambda *arguments, **_: asked.append(arguments) or digits.MNIST)
    assert stand_in.prepare(chosen, tmp_path / "runs", None, pytest.fail, CONSOLE) == chosen
    assert len(asked) == 1


def test_digits_are_not_asked_for_where_no_run_on_them_is_missing(chosen, tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "prepare", lambda *_, **__: pytest.fail("asked for digits"))
    runs = tmp_path / "runs"
    assert stand_in.prepare(chosen[2:], runs, None, pytest.fail, CONSOLE) == chosen[2:]
    on_stand_in = [on(experiment, "uci-digits") for experiment in chosen[:2]]
    assert stand_in.prepare(on_stand_in, runs, None, pytest.fail, CONSOLE) == on_stand_in
    addresses = [address for experiment in chosen[:2] for address in experiment.addresses()]
    for address in addresses:
        put(runs, address)
    assert stand_in.prepare(chosen, runs, None, pytest.fail, CONSOLE) == chosen


def test_one_missing_run_is_enough_to_ask(chosen, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(digits, "prepare", lambda *_, **__: asked.append(1) or digits.MNIST)
    for address in chosen[0].addresses()[:-1]:
        put(tmp_path / "runs", address)
    stand_in.prepare(chosen[:1], tmp_path / "runs", None, pytest.fail, CONSOLE)
    assert asked == [1]


def test_the_folder_that_the_user_names_counts_for_what_the_process_reads(chosen, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(digits.UserError, match=f"{tmp_path}/mine/train-images.* cannot be read"):
        stand_in.prepare(chosen, tmp_path / "runs", stand_in.Path("mine"), pytest.fail, CONSOLE)
    with pytest.raises(digits.UserError, match=f"{tmp_path}/mine/"):
        digits.load("mnist")


# What the store holds


@pytest.mark.parametrize(
    ("held", "expected"),
    [((), "mnist"), (("mnist",), "mnist"), (("uci-digits",), "uci-digits"), (("uci-digits", "mnist"), "mnist")],
)
def test_a_report_is_of_what_the_store_holds_and_of_mnist_first(chosen, tmp_path, held, expected):
    for name in held:
        put(tmp_path, on(chosen[0], name).addresses()[-1])
    assert sources(stand_in.as_stored(chosen, tmp_path)) == [expected, "mnist", None]
    asked_for = on(chosen[0], "uci-digits")
    assert stand_in.as_stored([asked_for], tmp_path) == [asked_for], "a user who asks for the stand-in gets it"


# What tables and figures say

PROVENANCE = {"device": "none", "profile": "smoke"}
RNG = np.random.default_rng(0)


def counting(cfg):
    """Finished runs of Table 2 as training might leave them."""
    shown = {
        "images": np.zeros((cfg.seeds, 1, 2, cfg.length, 28, 28), np.uint8),
        "labels": np.ones((cfg.seeds, 1, 2, cfg.length), np.int32),
    }
    names = ("accuracy", "validation_error", *(f"error_{length}" for length in cfg.lengths))
    for variant in mnist_counting.runs(cfg):
        arrays = shown
        if variant["model"] != "examples":
            arrays = {name: 1 + RNG.random((cfg.seeds, cfg.evaluations)) for name in names}
            arrays["nonfinite_steps"] = np.zeros((cfg.seeds, cfg.evaluations), np.int32)
            arrays["examples_NO"] = RNG.random((cfg.seeds, 1, 2, mnist_counting.TASKS[variant["task"]]))
        yield Finished("mnist_counting", variant, arrays, "digest", PROVENANCE)


def parity(cfg):
    """Finished runs of Table 4 as training might leave them."""
    shown = {
        "scenes": np.zeros((cfg.seeds, 1, 3, 100, 100), np.uint8),
        "labels": np.ones((cfg.seeds, 1, 3), np.int32),
    }
    names = ("accuracy", "training_accuracy", "validation_accuracy")
    for variant in mnist_parity.runs(cfg):
        arrays = shown
        if variant["layer"] != "examples":
            arrays = {name: 100 * RNG.random((cfg.seeds, cfg.evaluations)) for name in names}
            arrays["nonfinite_steps"] = np.zeros((cfg.seeds, cfg.evaluations), np.int32)
            arrays["examples_N"] = np.ones((cfg.seeds, 1, 3), np.int32)
        yield Finished("mnist_parity", variant, arrays, "digest", PROVENANCE)


@pytest.mark.parametrize(
    ("module", "finished"), [(mnist_counting, counting), (mnist_parity, parity)], ids=["table2", "table4"]
)
def test_every_title_says_that_the_digits_are_a_stand_in_and_none_says_so_of_mnist(module, finished):
    for name in (digits.MNIST, digits.STAND_IN):
        cfg = dataclasses.replace(module.Config(), digits=name, seeds=2)
        results = list(finished(cfg))
        made = [*module.tables(cfg, results), *module.figures(cfg, results)]
        assert len(made) >= 3
        assert any(isinstance(one, Gallery) for one in made)
        for one in made:
            assert (digits.NOTICE in one.title) == (name == digits.STAND_IN), one.title


@pytest.mark.parametrize(
    ("module", "finished"), [(mnist_counting, counting), (mnist_parity, parity)], ids=["table2", "table4"]
)
def test_tables_and_figures_are_made_of_a_half_finished_store(module, finished):
    cfg = dataclasses.replace(module.Config(), seeds=2)
    results = list(finished(cfg))
    assert module.tables(cfg, []) == module.figures(cfg, []) == []
    assert module.tables(cfg, results[:1]) == [], "pictures alone are no table"
    for some in (results[1:2], results[-1:], results[:3]):
        (table,) = module.tables(cfg, some)
        assert table.quantities
        assert module.figures(cfg, some)
