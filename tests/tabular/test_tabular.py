"""The command on tables: a user's file, resuming, no row of the test part in training, and one result of one recipe."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from experiments.lib import suite
from experiments.lib.errors import UserError
from experiments.tabular import columns, models, physics, report, scores, shipped, splits, tabular, tabular_formulas


@pytest.fixture(scope="module", autouse=True)
def in_haste(compiled_in_haste):
    """Programs of milliseconds."""


@pytest.fixture
def steel():
    return shipped.load(shipped.STEEL, shipped.STEEL_TARGETS)


@pytest.fixture
def file(tmp_path):
    generator = np.random.default_rng(0)
    x = generator.uniform(1, 2, (60, 3))
    path = tmp_path / "mine.csv"
    rows = [f"{a},{b},{c},{a * b / c}" for a, b, c in x]
    path.write_text("\n".join(["a,b,c,y", *rows]) + "\n")
    return path


def experiment(*words):
    (found,) = suite.experiments("tabular", "quick", [str(word) for word in words])
    return found


def test_the_address_of_a_run_holds_the_content_of_the_file_and_not_its_place(file, tmp_path):
    digests = [each.digest for each in experiment(file, "--targets", "y").addresses()]
    moved = tmp_path / "elsewhere.csv"
    moved.write_bytes(file.read_bytes())
    assert [each.digest for each in experiment(moved, "--targets", "y").addresses()] == digests
    moved.write_text(moved.read_text().replace("a,b,c,y", "a,b,d,y"))
    assert not set(digests) & {each.digest for each in experiment(moved, "--targets", "y").addresses()}


def test_the_edges_of_a_users_file_are_its_targets_and_its_strongest_inputs(file):
    assert experiment(file, "--targets", "y").config.outside_of[0] == "y"
    assert experiment(file, "--targets", "y", "--outside-of", "a").config.outside_of == ("a",)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Say with --targets which columns of .* to predict: a, b, c, y"),
        (("--targets", "z"), "no column 'z'"),
        (("--targets", "y", "--without", "q"), "no column 'q'"),
        (("--targets", "y", "--without", "y"), "y is a target and is left out"),
        (("--targets", "y", "y"), "targets names a column twice"),
        (("--targets", "y", "--outside-of", "q"), "outside_of names 'q'"),
        (("--targets", "y", "--folds", "1"), "folds is 1"),
        (("--targets", "y", "--models", "gpt"), "models has no 'gpt'"),
        (("--targets", "y", "--groups", "q"), "no column 'q'"),
        (("--targets", "y", "--groups", "y"), "groups is 'y', a target or left out"),
        (("--targets", "y", "--rows", "20"), "has 20 rows, but at least 30 are needed"),
    ],
)
def test_settings_that_do_not_fit_the_file_are_refused_in_one_sentence(file, words, sentence):
    with pytest.raises(UserError, match=sentence) as refused:
        experiment(file, *words)
    assert "\n" not in str(refused.value)


def test_a_file_that_changed_meanwhile_is_refused(file):
    found = experiment(file, "--targets", "y")
    file.write_text(file.read_text().replace("a,b,c,y", "a,b,d,y"))
    with pytest.raises(UserError, match="has changed since this command began"):
        tabular.load(found.config)


def test_a_file_is_no_setting_of_other_experiments():
    with pytest.raises(UserError, match="'mine.csv' is not understood here"):
        suite.experiments("figure1", "quick", ["mine.csv"])


def test_folds_test_every_row_once_and_train_on_none_of_them():
    parts = splits.folds(103, 5, seed=1)
    assert sorted(np.concatenate([part.test for part in parts])) == list(range(103))
    for part in parts:
        assert not set(part.train) & set(part.test)
        assert len(part.train) + len(part.test) == 103


def test_rows_of_one_group_are_never_on_both_sides():
    generator = np.random.default_rng(0)
    x, group_R = generator.uniform(0, 1, (200, 1)), np.repeat(np.arange(40), 5)
    table = columns.Table(x, x, ("a",), ("y",), (), group_R)
    parts = splits.folds(200, 4, 1, group_R)
    assert sorted(np.concatenate([part.test for part in parts])) == list(range(200))
    x[:150] = x[:150] / 4  # so that some groups lie below the edge as a whole
    for part in (*parts, splits.above(table, "a", 0.9)):
        assert not set(group_R[part.train]) & set(group_R[part.test])


def test_groups_and_a_sample_are_in_the_address_and_the_groups_are_no_input(file):
    lines = file.read_text().splitlines()
    file.write_text("\n".join([f"{lines[0]},heat", *(f"{line},h{i // 6}" for i, line in enumerate(lines[1:]))]) + "\n")
    whole, grouped, drawn = (
        experiment(file, "--targets", "y", *words) for words in ((), ("--groups", "heat"), ("--rows", "40"))
    )
    assert len({each.config.table for each in (whole, grouped, drawn)}) == 3
    table, _ = tabular.load(grouped.config)
    assert table.inputs == ("a", "b", "c")
    assert table.group_R.max() == 9
    assert "rows of equal 'heat' are kept together: 10 groups" in table.remarks
    assert len(tabular.load(drawn.config)[0].y_RT) == 40
    with pytest.raises(UserError, match="groups names 'heat', but its 10 groups are fewer than the folds"):
        experiment(file, "--targets", "y", "--groups", "heat", "--folds", "11")


def test_beyond_an_edge_every_test_row_is_above_every_training_row(steel):
    for name in shipped.STEEL_EDGES:
        part = splits.above(steel, name, 0.7)
        assert steel.column(name)[part.test].min() > steel.column(name)[part.train].max()


@pytest.mark.parametrize("model", [*models.NAMES, *models.FURTHER])
def test_nothing_of_the_test_part_reaches_training(model):
    """Were any of it to, the prediction of one test row would change with the others, or with what is true of them."""
    generator = np.random.default_rng(0)
    x = generator.uniform(1, 2, (60, 2))
    y = x[:, :1] * x[:, 1:] + 0.1 * generator.standard_normal((60, 1))
    x[[3, 50], 0] = np.nan  # what fills them must come from the rows of training
    table = columns.Table(x, y, ("a", "b"), ("y",), ())
    part = splits.Split(np.arange(45), np.arange(45, 60))
    first = report.measured(table, [part], model, seed=3, steps=20)["prediction_RT"]
    x_other, y_other = x.copy(), table.y_RT.copy()
    x_other[46:] *= 50
    y_other[45:] *= -7
    other = columns.Table(x_other, y_other, ("a", "b"), ("y",), ())
    again = report.measured(other, [part], model, seed=3, steps=20)["prediction_RT"]
    assert again[0] == pytest.approx(first[0], rel=1e-6)


def test_the_command_and_the_estimator_give_the_same_numbers(file):
    found = experiment(file, "--targets", "y", "--steps", "20", "--outside-of", "a", "--models", "NALU")
    measured = tabular.make_train(found.config, split="a", model="NALU").measure(0)
    table, _ = tabular.load(found.config)
    part = splits.above(table, "a", found.config.quantile)
    model = models.regressor("NALU", seed=found.config.root, steps=20)
    model.fit(table.x_RI[part.train], table.y_RT[part.train, 0])
    with pytest.warns(match="outside of the range"):
        alone = model.predict(table.x_RI[part.test])
    assert np.array_equal(measured["prediction_RT"][:, 0], alone.astype(np.float32))
    assert np.array_equal(measured["truth_RT"], table.y_RT[part.test].astype(np.float32))


def test_the_formula_of_a_users_table_is_stored_as_text(file):
    found = experiment(file, "--targets", "y")
    stored = tabular.make_train(found.config, split=report.WHOLE, model=report.FORMULA).measure(0)
    assert report.text_of(stored["formula_T"][0]) == "y = 1 * a * b / c"


def test_how_far_a_row_lies_beyond_is_added_up_over_the_inputs():
    train = np.array([[0.0, 10.0], [2.0, 20.0]])
    test = np.array([[1.0, 15.0], [3.0, 15.0], [-2.0, 40.0], [np.nan, 15.0]])
    assert report.beyond(train, test) == pytest.approx([0, 0.5, 1 + 2, 0])


def test_errors_and_gains_are_what_they_are_called():
    error, other = np.array([[1.0, -1.0, 2.0, 0.0]]), np.array([[2.0, -2.0, 4.0, 0.0]])
    assert scores.mean_absolute_error(error).value == 1
    assert scores.root_mean_squared_error(error).value == pytest.approx(np.sqrt(6 / 4))
    gain = scores.gain(error, other)
    assert (gain.value, gain.low, gain.high) == pytest.approx((50, 50, 50))
    assert scores.r2(np.array([0.0, 2.0]), np.array([1.0, -1.0])) == 0
    score = scores.mean_absolute_error(np.random.default_rng(0).standard_normal((1, 400)))
    assert score.low < np.sqrt(2 / np.pi) < score.high
    assert score.high - score.low == pytest.approx(2 * 1.96 * np.sqrt((1 - 2 / np.pi) / 400), rel=0.1)


def test_intervals_hold_the_spread_of_the_seeds_as_well():
    error = np.array([[1.0] * 50, [2.0] * 50, [4.0] * 50])  # rows differ in nothing, seeds do
    score = scores.mean_absolute_error(error)
    assert (score.value, score.low, score.high) == pytest.approx((2, 1, 4))
    assert list(score.value_S) == [1, 2, 4]
    gain = scores.gain(error, np.array([[4.0] * 50] * 3))  # of each seed beside its own
    assert (gain.value, gain.low, gain.high) == pytest.approx((50, 0, 75))


@pytest.mark.parametrize("law", [law for law in physics.LAWS if law.terms is not None], ids=lambda law: law.name)
def test_a_formula_that_is_a_sum_of_powers_is_the_sum_that_is_told(law):
    x = np.random.default_rng(0).uniform(1, 3, (50, len(law.inputs)))
    products = np.exp(np.log(x) @ np.array(law.terms).T)
    solved, *_ = np.linalg.lstsq(products, law.value(*x.T), rcond=None)
    assert products @ solved == pytest.approx(law.value(*x.T))


def test_rows_of_formulas_lie_in_the_corner_or_outside_of_it():
    law = physics.LAWS[0]
    x, y, inside, outside = tabular_formulas.draw(law, np.random.default_rng(0), 50, 0.0)
    assert x.max() <= 2
    assert inside[0].max() <= 2
    assert (outside[0].max(axis=1) > 2).all()
    assert outside[0].max() <= 3
    assert y == pytest.approx(law.value(*x.T))
    assert len(outside[0]) == 50


def test_shipped_tables_have_their_targets_and_edges_and_a_source():
    sources = (shipped.FOLDER / "SOURCES.md").read_text()
    for path in shipped.FOLDER.glob("*.csv"):
        assert path.name in sources
    for name, task in shipped.TASKS.items():
        table = shipped.load(name, (task.target,))
        for edge in task.edges:
            assert splits.above(table, edge, 0.7) is not None


def test_the_shipped_steel_is_told_of_its_constant_column(steel):
    assert steel.x_RI.shape == (1000, 26)
    assert steel.remarks == ("constant, so left out: Tungsten_content",)


def test_the_models_of_scikit_learn_run_on_one_thread(monkeypatch):
    """On a busy machine the trees' threads wait for one another, which costs more than all of their work."""
    seen = []

    def fit(*_):
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return lambda test_RI: np.zeros(len(test_RI))

    monkeypatch.setattr(models, "_fit", fit)
    with threadpool_limits(2):
        models.predict("linear", np.ones((4, 2)), np.ones((4, 1)), np.ones((3, 2)), seed=0)
    assert set(seen) == {1}
