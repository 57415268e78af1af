"""The arena trains, takes a cell of the user's own, and says what others published beside its own numbers."""

import dataclasses
import re

import numpy as np
import pandas
import pytest

from experiments.arena import (
    arena_minimal_arithmetic,
    arena_npu_simple,
    arena_search,
    arena_simple_product,
    arena_single_module,
    arena_single_module_10,
    entrants,
    in_turns,
    minimal_arithmetic,
    published,
    report,
    tasks,
    ten_inputs,
    tuned,
)
from experiments.lib import suite
from experiments.lib.errors import UserError
from experiments.lib.places import PUBLISHED, ROOT
from experiments.lib.report import claims
from experiments.lib.report.how_far import FAR
from experiments.lib.store.records import Finished
from tests import processes


def finished(errors_SR, **arrays):
    """A record of the NMU on a * b with these relative errors."""
    errors_SR = np.asarray(errors_SR)
    arrays = {
        "test": errors_SR[:, None],
        "solved_at": np.full((len(errors_SR), 1, errors_SR.shape[1], 5), 2000),
        "far": np.full((len(errors_SR), 1, errors_SR.shape[1], len(FAR)), 1e-7),
        "diverged": ~np.isfinite(errors_SR)[:, None],
        **arrays,
    }
    variant = {"cell": "nmu", "operation": "a * b", "settings": "published"}
    facts = {"device": "a core", "profile": "full", "cpu_seconds": 9.0}
    return Finished("arena_single_module", variant, arrays, "0123", facts)


@pytest.mark.process
def test_an_example_of_docs_arena_goes_through_the_arena(tmp_path):
    """A stranger's cell from outside, as the page says, with its rows on the board; a wrong one is told so."""
    text = (ROOT / "docs" / "arena.md").read_text(encoding="utf-8")
    (tmp_path / "my_cells.py").write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])
    typed = re.search(r"python -m experiments (run arena_single_module --cells \S+)", text)[1].split()
    small = ["--seeds", "2", "--steps", "20", "--log-every", "10", "--legs", "1", "--items", "20"]
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from experiments.__main__ import main; main()"
    words = ("-c", program, *typed, *small, "--runs-dir", tmp_path / "runs")
    status, _, wrong = processes.run(*words, folder=tmp_path, PYTHONPATH="")
    assert status == 0, wrong
    board = pandas.read_csv(tmp_path / "runs" / "tables" / "arena.csv")
    mine = board[(board["row"] == "Selector") & (board["column"] == "a * b")]
    assert mine["seeds"].max() == 2 * len(tasks.RANGES)


def test_the_seeds_and_steps_of_docs_arena_are_some_that_the_quick_profile_takes():
    text = (ROOT / "docs" / "arena.md").read_text(encoding="utf-8")
    seeds, steps = re.search(r"run arena_single_module --cells \S+ --seeds (\d+) --steps (\d+)", text).groups()
    (experiment,) = suite.experiments("arena_single_module", "quick")
    dataclasses.replace(experiment.config, seeds=int(seeds), steps=int(steps))


def make(name):
    cfg = arena_single_module.Config(cells=(name,))
    return arena_single_module.make_train(cfg, **arena_single_module.runs(cfg)[0])


MODULE = "class Cell(nn.Module):\n features: int\n"
CALL = " @nn.compact\n def __call__(self, x): "
WRONG = {
    "class Cell: pass": "is no Flax module",
    "class Cell(nn.Module): pass": "has no field `features`",
    f"{MODULE}{CALL}return x[..., : self.features]": "has no parameters",
    f"{MODULE}{CALL}return nn.Dense(3)(x)": "gives the shape",
    f"{MODULE}{CALL}return nn.Dense(self.features)(x) / 0": "is not finite at its start",
    f"{MODULE}{CALL}raise OSError('no disk')": "no disk",
    "import nothing_of_this_name": "cannot be imported",
}  # fmt: skip


@pytest.mark.parametrize(("code", "complaint"), WRONG.items())
def test_a_cell_that_cannot_be_trained_is_told_why_in_one_sentence(code, complaint, tmp_path, monkeypatch):
    name = f"wrong_{list(WRONG).index(code)}"
    (tmp_path / f"{name}.py").write_text(f"from flax import linen as nn\n{code}\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=complaint) as told:
        make(f"{name}:Cell")
    assert "\n" not in str(told.value)


def test_ten_inputs_are_trained_as_published():
    """Penalties begin after 50,000 of 100,000 steps; NRU has another rate, an iNALU its own rule."""
    recipes = {name: ten_inputs.recipe_of(name, "a / b") for name in ("nmru", "nru", "real_npu", "inalu")}
    nau = ten_inputs.recipe_of("nau", "a + b")
    assert (nau.steps, nau.penalty, nau.penalty_from, nau.penalty_to) == (100_000, 0.01, 50_000, 75_000)
    assert [recipes[name].learning_rate for name in ("nmru", "nru", "real_npu")] == [1e-2, 1e-3, 5e-3]
    assert recipes["real_npu"].l1 == (1e-9, 1e-7)
    assert recipes["inalu"].penalty_to == 10_000


def test_ours_is_solved_by_the_rule_of_what_it_stands_beside():
    """91.6 % of 225 by a mean squared error below 1e-5, whatever the relative one is."""
    squared_SR = np.full((25, 9), 1e-6)
    squared_SR[:19, 0] = 1e-4
    run = finished(np.full((25, 9), 1e-3), squared=squared_SR[:, None])
    names = [each.name for each in tasks.RANGES]
    (table,) = published.beside("single module of 10", [report.result(run, "NMRU", "a / b", names)])
    assert {q.metric: q.values_S[0] for q in table.quantities} == pytest.approx(
        {"ours %": 100 * 206 / 225, "published %": 100 * 206 / 225, "p": 1}
    )


def test_a_rate_by_the_first_log_counts_what_was_ever_below():
    run = finished(np.full((100, 1), 1e-3), solved_at=np.where(np.arange(100) < 94, 9000, 0).reshape(-1, 1, 1, 1))
    its = report.result(run, "NAU, NAU", "a + b", ["U[1, 2]"])
    (table,) = published.beside("arithmetic function", [its])
    assert {q.metric: q.values_S[0] for q in table.quantities} == {"ours %": 94, "published %": 94, "p": 1}


def test_an_unknown_cell_is_told_which_is_close():
    with pytest.raises(UserError, match=r"did you mean 'nmru'"):
        arena_single_module.Config(cells=("nmrux",))


def test_the_board_counts_seeds_and_ranges_and_a_nan_is_a_failure():
    errors_SR = np.full((4, 9), 1e-7)
    errors_SR[0, :3] = 1e-3
    errors_SR[1, 4] = np.inf
    its = [report.result(finished(errors_SR), "NMU", "a * b", range(9))]
    (table,) = report.board("p", its, entrants.ALL, glance=("one layer", "p"))
    its = table.quantities[0]
    assert (its.values_S < its.threshold).sum() == 36 - 4
    assert its.diverged == 1


def test_published_rates_stand_beside_ours():
    errors_SR = np.full((25, 9), 1e-7)
    errors_SR[17:, 2] = 1.0  # 17 of 25 in U[-1.2, -1.1], as published; in U[-2, -1] all, where others have 20
    names = [each.name for each in tasks.RANGES]
    (table,) = published.beside("single module", [report.result(finished(errors_SR), "NMU", "a * b", names)])
    found = {(q.row, q.metric): q.values_S[0] for q in table.quantities}
    assert found["NMU: a * b in U[-1.2, -1.1]", "p"] == pytest.approx(1)
    assert found["NMU: a * b in U[-1.2, -1.1]", "ours %"] == pytest.approx(68)
    # Fisher's test of 25 of 25 and 20 of 25 by counting: both tails of the hypergeometric distribution are alike.
    from math import comb

    assert found["NMU: a * b in U[-2, -1]", "p"] == pytest.approx(2 * comb(25, 5) / comb(50, 5), rel=1e-6)


def test_every_claim_is_of_a_published_number():
    protocols = {line["protocol"] for line in published.read("rates")}
    rows = {rate.name for protocol in protocols for rate in published.rates(protocol)}
    of_arena = [claim for claim in claims.all_claims() if claim.artefact == "arena"]
    assert {name for claim in of_arena if "p" in claim.metric for name in claim.row} == rows


def test_sparsity_is_of_the_weights_that_the_cell_uses():
    w_hat, m_hat = np.full((1, 1, 9, 2, 1), 0.5), np.full((1, 1, 9, 2, 1), 2.0)
    run = finished(np.full((1, 9), 1.0), **{"params/w_hat": w_hat, "params/m_hat": m_hat, "params/g": w_hat})
    weight = np.tanh(0.5) / (1 + np.exp(-2.0))
    np.testing.assert_allclose(report.sparsity(run.arrays), min(weight, 1 - weight))


def test_the_start_of_the_published_code_is_saturated():
    """U[-9.47, 9.47] for a layer of two inputs, 2.26 for ten, 5.43 for four and two, 0.504 for a hundred and two."""
    import jax

    for (inputs, features), r in {(2, 1): 9.47, (10, 1): 2.26, (4, 2): 5.43, (100, 2): 0.504}.items():
        drawn = entrants.saturated(inputs, features)(jax.random.key(0), (100_000,))
        assert float(abs(drawn).max()) == pytest.approx(r, rel=1e-3)


def test_the_tuned_settings_are_what_the_search_found():
    (search,) = suite.experiments("arena_search", "full")
    found = {
        (run.variant["cell"], run.variant["operation"]): arena_search.best(search.config, run)
        for run in search.results(PUBLISHED)
    }
    assert {key: tuple(settings) for key, settings in tuned.TUNED.items()} == found


def trained_of(state):
    """The networks of a state of training, which may be those alone."""
    return getattr(state, "trained", state)


@pytest.mark.usefixtures("compiled_in_haste")
@pytest.mark.parametrize(
    ("operation", "times", "errors"),
    [
        (tasks.SIMPLE_PRODUCT, 4, 1),
        (tasks.FOUR_AT_ONCE, 1, 4),
        (tuned.key_of_ten("a * b"), 1, len(tasks.RANGES)),
        (tuned.key_of_minimal("a * b"), 2, len(tasks.SPREADS)),
    ],
)
def test_settings_are_lanes_that_start_from_the_same_numbers(operation, times, errors):
    """The errors of a setting, one for each range, set or output, count alike."""
    import jax

    few = {"cells": ("nmu",), "steps": 2, "log_every": 1, "legs": 1, "items": 20}
    cfg = arena_search.Config(learning_rates=(0.1, 0.01), starts=(0.5, 1.0), **few)
    train = arena_search.make_train(cfg, cell="nmu", operation=operation)
    state = train.init(jax.random.key(0))
    settings = len(cfg.settings)
    for leaf in jax.tree.leaves(trained_of(state).params):
        leaf_KR = np.asarray(leaf).reshape(settings, -1)
        np.testing.assert_array_equal(leaf_KR[::2], 0.5 * leaf_KR[1::2])
        np.testing.assert_array_equal(leaf_KR[0], leaf_KR[2])
    with jax.numpy_rank_promotion("allow"):
        state, found = jax.jit(train.leg)(state)
    assert int(trained_of(state).step) == times * cfg.steps
    ends = [np.asarray(leaf).reshape(settings, -1) for leaf in jax.tree.leaves(trained_of(state).params)]
    assert max(np.abs(end_KR[1] - end_KR[3]).max() for end_KR in ends) > 0  # two learning rates
    assert found["validation"].size == settings * errors
    errors_KE = np.repeat([[1e-2], [1e-4], [1e-6], [np.nan]], errors, axis=1)
    errors_KE[:, 0] /= 100  # one of them is a hundred times better
    better = 2 / errors
    run = finished(np.ones((1, 4)), validation=errors_KE.reshape(1, 1, -1))
    run = run._replace(variant={"cell": "nmu", "operation": operation})
    np.testing.assert_allclose(arena_search.scores(run), [[-2 - better, -4 - better, -6 - better, 1]], rtol=1e-6)
    assert arena_search.best(cfg, run) == (0.01, 0.5)


@pytest.mark.usefixtures("compiled_in_haste")
def test_the_search_of_what_is_trained_in_turns_takes_whole_blocks_at_rates_of_their_own():
    """A length that is no whole number of blocks is refused, where it would be cut off."""
    import jax

    of = {"cells": ("inalu",), "operations": (tuned.key_of_minimal("a + b"),), "log_every": 1, "legs": 1, "items": 20}
    with pytest.raises(UserError, match="steps is 40, but must be a multiple of 25 where minimal arithmetic"):
        arena_search.Config(steps=40, **of)
    cfg = arena_search.Config(steps=50, learning_rates=(0.1, 0.01), starts=(1.0,), **of)
    train = arena_search.make_train(cfg, **arena_search.runs(cfg)[0])
    with jax.numpy_rank_promotion("allow"):
        before = train.init(jax.random.key(0))
        after, found = jax.jit(train.leg)(before)
    assert int(after.step) == 100
    assert np.isfinite(found["validation"]).all() and found["validation"].max() <= 10
    moved = max(np.abs(leaf[:7] - leaf[7:]).max() for leaf in map(np.asarray, jax.tree.leaves(after.params)))
    assert moved > 0.1  # two rates


# What the search calls an operation of one layer.
KEYS = {
    arena_single_module: str,
    arena_single_module_10: tuned.key_of_ten,
    arena_minimal_arithmetic: tuned.key_of_minimal,
}


def test_the_search_and_what_it_found_have_every_cell_and_operation_of_the_tuned_columns_and_no_other():
    cfg = arena_search.Config()
    searched = {(run["cell"], run["operation"]) for run in arena_search.runs(cfg)}
    named = {
        (run["cell"], key(run["operation"]))
        for experiment, key in KEYS.items()
        for run in published_runs(experiment)
        if run["cell"] not in minimal_arithmetic.READINGS
    }
    product = {(run["cell"], tasks.SIMPLE_PRODUCT) for run in published_runs(arena_simple_product)}
    four = {(run["cell"], tasks.FOUR_AT_ONCE) for run in published_runs(arena_npu_simple)}
    assert searched == named | product | four
    assert set(tuned.TUNED) == searched


def published_runs(experiment):
    """The runs of an experiment as published."""
    return experiment.runs(experiment.Config(settings=("published",)))


# Of each experiment: (cell, operation or None, what the search calls it, the published rate, further settings).
LOGS = {"log_every": 1, "items": 20}
TUNED_TASKS = {
    arena_simple_product: ("linear", None, tasks.SIMPLE_PRODUCT, 1e-3, LOGS),
    arena_npu_simple: ("nmu", None, tasks.FOUR_AT_ONCE, 5e-3, {}),
    arena_single_module_10: ("linear", "a + b", tuned.key_of_ten("a + b"), 1e-3, LOGS),
    arena_minimal_arithmetic: ("linear", "a + b", tuned.key_of_minimal("a + b"), 1e-3, LOGS),
}


@pytest.mark.usefixtures("compiled_in_haste")
@pytest.mark.parametrize("experiment", TUNED_TASKS, ids=lambda its: its.__name__.rpartition(".")[2])
def test_a_tuned_network_starts_and_steps_as_the_search_said(experiment, monkeypatch):
    """Adam's first step moves a parameter by its rate."""
    import jax

    monkeypatch.setattr(in_turns, "BLOCK", 1)  # of which logs are multiples
    name, operation, searched, published_rate, further = TUNED_TASKS[experiment]
    asked = {} if operation is None else {"operations": (operation,)}
    cfg = experiment.Config(cells=(name,), steps=1, legs=1, **asked, **further)
    published_run, tuned_run = experiment.runs(cfg)
    its = tuned.TUNED[name, searched]
    its_operation = {} if operation is None else {"operation": operation}
    assert published_run == {"cell": name, **its_operation}
    assert tuned_run == {"cell": name, "settings": "tuned", **its_operation, **its._asdict()}
    firsts = {}
    for run in (published_run, tuned_run):
        train = experiment.make_train(cfg, **run)
        with jax.numpy_rank_promotion("allow"):
            before = train.init(jax.random.key(0))
            after, _ = jax.jit(train.leg)(before)
        params, moved = (
            state.trained.params if hasattr(state, "trained") else state.params for state in (before, after)
        )
        steps = [np.abs(np.asarray(a) - b).max() for a, b in zip(*map(jax.tree.leaves, (params, moved)), strict=True)]
        firsts[len(firsts)] = jax.tree.leaves(params), max(steps)
    (starts, step), (tuned_starts, tuned_step) = firsts.values()
    for mine, other in zip(starts, tuned_starts, strict=True):
        np.testing.assert_allclose(its.start * mine, other, rtol=1e-6)
    assert (step, tuned_step) == pytest.approx((published_rate, its.learning_rate), rel=0.01)


def test_the_tuned_simple_product_is_a_column_of_its_own():
    cfg = arena_simple_product.Config(cells=("nmu",))
    results = [
        finished(np.full((4, 1), error))._replace(variant=run)
        for run, error in zip(arena_simple_product.runs(cfg), (1.0, 1e-7), strict=True)
    ]
    made = arena_simple_product.tables(cfg, results)
    shares = {t.blocks[0]: float((t.quantities[0].values_S < 1e-5).mean()) for t in made if t.front}
    assert shares == {"simple product": 0.0, "simple product, tuned": 1.0}
    places = [(q.artefact, q.block, q.row, q.column, q.metric) for table in made for q in table.quantities]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("experiment", "cell"), [(arena_single_module_10, "nmru"), (arena_minimal_arithmetic, "inalu")]
)
def test_a_tuned_layer_is_a_column_of_its_own_in_tables_and_figures(experiment, cell):
    cfg = experiment.Config(cells=(cell,), operations=("a / b",))
    lanes = len(tasks.SPREADS) if experiment is arena_minimal_arithmetic else len(tasks.RANGES)
    results = [
        finished(np.full((4, lanes), error), squared=np.full((4, 1, lanes), error))._replace(variant=run)
        for run, error in zip(experiment.runs(cfg), (1.0, 1e-7), strict=True)
    ]
    made = experiment.tables(cfg, results)
    shares = {t.blocks[0]: float((t.quantities[0].values_S < 1e-5).mean()) for t in made if t.glance}
    assert shares == {experiment.PROTOCOLS["published"]: 0.0, experiment.PROTOCOLS["tuned"]: 1.0}
    places = [(q.artefact, q.block, q.row, q.column, q.metric) for table in made for q in table.quantities]
    assert len(set(places)) == len(places)
    beside = {float(q.values_S[0]) for t in made for q in t.quantities if q.metric == "ours %"}
    assert beside == {0.0}
    drawn = experiment.figures(cfg, results)
    assert len({figure.name for figure in drawn}) == len(drawn) == 3  # nothing unsolved is drawn far away


def test_the_tuned_simple_task_is_a_column_of_its_own_and_stands_beside_nothing():
    cfg = arena_npu_simple.Config(cells=("nmu_inside",))
    results = []
    for run, error in zip(arena_npu_simple.runs(cfg), (2.0, 3.0), strict=True):
        errors = np.full((4, 1, 4), error)
        arrays = {"error_O": errors, "inside_O": errors / 2, "diverged": np.zeros((4, 1), bool)}
        results.append(finished(np.ones((4, 1)))._replace(variant=run, arrays=arrays))
    made = arena_npu_simple.tables(cfg, results)
    found = {
        (q.artefact, q.block): float(np.median(q.values_S)) for t in made for q in t.quantities if q.column == "x y"
    }
    assert found == {
        ("arena", "power unit's simple task"): 2,
        ("arena", "power unit's simple task, tuned"): 3,
        ("arena_npu_simple", "inside the training range"): 1,
        ("arena_npu_simple", "tuned, inside the training range"): 1.5,
    }
    beside = [q for t in made for q in t.quantities if q.column == "our mean"]
    assert {float(q.values_S[0]) for q in beside} == {2.0}
    places = [(q.artefact, q.block, q.row, q.column, q.metric) for table in made for q in table.quantities]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    "experiment", [arena_single_module, *TUNED_TASKS], ids=lambda its: its.__name__.rpartition(".")[2]
)
def test_a_cell_of_one_s_own_is_not_tuned_and_asked_for_that_alone_it_is_said(experiment, tmp_path, monkeypatch):
    (tmp_path / "cells_of_one_s_own.py").write_text("from flax import linen as nn\nCell = nn.Dense\n")
    monkeypatch.syspath_prepend(tmp_path)
    name = "cells_of_one_s_own:Cell"
    assert len({str(run.get("settings")) for run in experiment.runs(experiment.Config(cells=(name,)))}) == 1
    with pytest.raises(UserError, match="no search has been made for cells_of_one_s_own:Cell: add published"):
        experiment.Config(cells=(name,), settings=("tuned",))
