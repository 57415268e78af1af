"""The regressor for tables: scikit-learn's contract, what it reads off, and what it says of rows it cannot know."""

import io
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas
import pytest
import scipy.stats
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

from nalu.sklearn import ExtrapolationWarning, NALURegressor, choice, formulas, plain, ranges, trees, truncation, wide
from nalu.sklearn.rows import distinct

QUICK = {"steps": 20, "restarts": 1, "random_state": 0}


@pytest.fixture(scope="module", autouse=True)
def in_haste(compiled_in_haste):
    """Programs of milliseconds, and few trees for each candidate: how well they predict is not asked here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trees, "MANY", 10)
        patch.setattr(trees, "FEW", 5)
        yield


def table(rows=120, seed=0, noise=0.0):
    generator = np.random.default_rng(seed)
    x = generator.uniform(1, 3, (rows, 3))
    y = 2 * x[:, 0] * x[:, 1] / x[:, 2] ** 2
    return x, y + noise * y.std() * generator.standard_normal(rows)


@pytest.mark.filterwarnings("ignore")
def test_it_is_an_estimator_by_every_check_of_scikit_learn():
    found = check_estimator(NALURegressor(steps=10, restarts=1, trees=False), on_skip=None, on_fail=None)
    failed = [f"{each['check_name']}: {each['exception']}" for each in found if each["status"] == "failed"]
    assert not failed, "\n".join(failed)
    assert len(found) > 50


def test_a_weight_is_a_repeat_and_the_order_of_rows_is_nothing():
    x, y = table(60, noise=0.5)
    weight = np.arange(60) % 3
    weighted = NALURegressor(**QUICK).fit(x, y, sample_weight=weight)
    again = np.random.default_rng(1).permutation(np.repeat(np.arange(60), weight))
    repeated = NALURegressor(**QUICK).fit(x[again], y[again])
    assert np.array_equal(weighted.predict(x[weight > 0]), repeated.predict(x[weight > 0]))


def test_a_formula_is_read_in_the_names_of_the_columns_and_followed_beyond_them():
    x, y = table(noise=0.02)
    frame = pandas.DataFrame(x, columns=["m1", "m2", "r"])
    model = NALURegressor(**QUICK).fit(frame, y)
    coefficient, product = model.formula(name="F").removeprefix("F = ").split(" * ", 1)
    assert product == "m1 * m2 / r^2"
    assert float(coefficient) == pytest.approx(2, rel=0.02)
    beyond = pandas.DataFrame([[4.0, 4.0, 1.0]], columns=frame.columns)
    with pytest.warns(ExtrapolationWarning):
        assert model.predict(beyond) == pytest.approx(32, rel=0.05)


@pytest.mark.parametrize(
    "function",
    [lambda a, b: a * np.exp(-b), lambda a, b: (a + b) / (a * b + 5), lambda a, b: np.sin(3 * a) * b],
)
def test_no_formula_is_read_where_there_is_none(function):
    x = np.random.default_rng(0).uniform(1, 3, (200, 2))
    assert formulas.read(distinct(x, function(*x.T)[:, None], np.ones(200)), seed=0) is None


def test_noise_has_no_formula():
    x, _ = table()
    y = np.random.default_rng(5).standard_normal((120, 1))
    assert formulas.read(distinct(x, y, np.ones(120)), seed=0) is None


def test_rows_beyond_the_training_range_are_warned_of_by_column_and_distance():
    x, y = table()
    frame = pandas.DataFrame(x, columns=["m1", "m2", "r"])
    model = NALURegressor(**QUICK).fit(frame, y)
    far = frame.copy()
    far.iloc[:3, 0] = x[:, 0].max() + 2 * np.ptp(x[:, 0])
    with pytest.warns(ExtrapolationWarning, match=r"3 of 120 rows .* m1 \(3 rows, by up to 2 of its range\)"):
        model.predict(far)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(frame)


def test_far_outside_a_prediction_is_bounded():
    x, y = table()
    model = NALURegressor(**QUICK).fit(x, y)
    with pytest.warns(ExtrapolationWarning):
        far = model.predict(np.array([[1e15, 1e15, 1e-15], [0.0, 0.0, 0.0], [-1e9, 1.0, 1.0]]))
    assert np.isfinite(far).all()
    assert (far <= y.max() + 10 * np.ptp(y)).all()
    assert (far >= y.min() - 10 * np.ptp(y)).all()


def test_the_bound_grows_with_the_distance_as_its_formula_says():
    its = ranges.of(np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]]))
    bounded = its.bound(np.full((4, 1), 1e9), np.array([[0.5], [1.0], [1.5], [100.0]]))
    assert bounded[:, 0] == pytest.approx([2 + 2, 2 + 2, 2 + 2 * 1.5**3, 2 + 2 * 10])


def test_the_spread_is_told_and_grows_where_candidates_disagree():
    generator = np.random.default_rng(0)
    x = generator.uniform(1, 3, (120, 2))
    y = x[:, 0] * np.exp(-x[:, 1]) + 0.05 * generator.standard_normal(120)
    model = NALURegressor(**QUICK).fit(x, y)
    _, inside = model.predict(x, return_std=True)
    with pytest.warns(ExtrapolationWarning):
        _, outside = model.predict(x * 3, return_std=True)
    assert inside.shape == (120,)
    assert outside.mean() > 2 * inside.mean()


def test_several_targets_have_a_column_each():
    x, y = table()
    targets = np.column_stack([y, x.sum(axis=1)])
    both = NALURegressor(**QUICK).fit(x, targets)
    predicted, spread = both.predict(x, return_std=True)
    assert predicted.shape == spread.shape == (120, 2)
    assert both.score(x, targets) > 0.99
    assert set(both.formula(1, "total").removeprefix("total = ").split(" + ")) == {"1 * x0", "1 * x1", "1 * x2"}


@pytest.mark.filterwarnings("ignore::nalu.sklearn.ExtrapolationWarning")
def test_it_stands_in_pipelines_searches_and_cross_validation():
    x, y = table(90, noise=0.1)
    piped = make_pipeline(FunctionTransformer(), NALURegressor("nalu", trees=False, **QUICK))
    assert np.isfinite(cross_val_score(piped, x, y, cv=3)).all()
    search = GridSearchCV(NALURegressor(trees=False, **QUICK), {"cell": ["nac", "nalu"]}, cv=2).fit(x, y)
    assert search.best_params_["cell"] in ("nac", "nalu")


def test_a_stored_regressor_predicts_the_same_and_holds_no_arrays_of_jax():
    x, y = table(noise=0.5)
    model = NALURegressor(**QUICK).fit(x, y)
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    assert b"jax" not in buffer.getvalue()
    buffer.seek(0)
    assert np.array_equal(joblib.load(buffer).predict(x), model.predict(x))


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not():
    x, y = table(noise=0.5)
    first, second, other = (
        NALURegressor("nalu", steps=20, restarts=1, random_state=seed).fit(x, y).predict(x) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (["red"] * 119 + ["blue"], "'colour' holds text.*OneHotEncoder"),
        ([np.nan] * 120, "'colour' holds missing or infinite values .NaN.*SimpleImputer"),
        ([None, *range(119)], "'colour' holds missing or infinite values .NaN.*SimpleImputer"),
        ([np.inf, *range(119)], "'colour' holds missing or infinite values .NaN, inf.*SimpleImputer"),
    ],
)
def test_columns_that_are_no_numbers_are_refused_by_name_with_what_to_put_before(column, sentence):
    x, y = table()
    frame = pandas.DataFrame(x, columns=["m1", "m2", "r"]).assign(colour=column)
    with pytest.raises(ValueError, match=sentence):
        NALURegressor(**QUICK).fit(frame, y)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"cell": "nulu"}, "cell is 'nulu', but must be one of auto"),
        ({"trees": "some"}, "trees is 'some'"),
        ({"truncation": "some"}, "truncation is 'some'"),
        ({"steps": 0}, "steps is 0, but must be a whole number above zero"),
        ({"learning_rates": ()}, "learning_rates is"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0"),
        ({"terms": 0}, "terms is 0"),
    ],
)
def test_impossible_settings_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        NALURegressor(**settings).fit(*table(40))


def test_what_errs_less_beyond_the_edges_is_believed_more():
    error_CJT = np.array([[[1.0], [2.0]], [[2.0], [4.0]]])
    assert choice.weights(error_CJT, np.array([[0.5, 0.5]]))[:, 0, 0] == pytest.approx([256 / 257, 1 / 257])


def test_judged_rows_count_by_how_far_they_lie_beyond_the_edge_of_an_input():
    rows = rows_of(np.array([[0.0], [1.0], [1.1], [3.0]]), np.array([0.0, 0.0, 1.0, 4.0]))
    trained, judged = ranges.of(*rows.take(np.arange(2))[:2]), rows.take(np.arange(2, 4))
    of_input, of_target = (choice.Split(np.arange(2), np.arange(2, 4), *of) for of in ((None, 0), (0, None)))
    nothing = np.zeros((2, 1))
    assert choice.errors(nothing, choice.counted(judged, trained, of_target)) == pytest.approx([2.5])
    assert choice.errors(nothing, choice.counted(judged, trained, of_input)) == pytest.approx([(0.1 + 2 * 4) / 2.1])


def test_a_row_is_predicted_by_what_erred_least_on_rows_like_it():
    everything = np.arange(3)
    splits = [choice.Split(everything, everything, target=0), choice.Split(everything, everything, input=1),
              choice.Split(everything, everything)]  # fmt: skip
    beyond_RI, high_RT = np.array([[0.0, 0.0], [0.0, 0.5], [0.0, 0.0]]), np.array([[0.0], [0.0], [1.0]])
    say_RJ = choice.say(splits, beyond_RI, high_RT)
    assert say_RJ.sum(axis=1) == pytest.approx(1)
    assert say_RJ.argmax(axis=1).tolist() == [2, 1, 0]


def rows_of(x, y):
    return distinct(x, y[:, None], np.ones(len(x)))


def test_the_kernel_is_that_of_a_wide_layer_of_relu():
    generator = np.random.default_rng(0)
    x, other = generator.standard_normal((4, 3)), generator.standard_normal((5, 3))
    units = generator.standard_normal((3, 400_000))
    layer = [np.maximum(each @ units, 0) for each in (x, other)]
    assert wide.kernel(x, other) == pytest.approx(2 * layer[0] @ layer[1].T / 400_000, abs=0.05)


def test_a_wide_network_bends_inside_and_goes_straight_on_outside():
    x = np.linspace(-1, 1, 80)[:, None]
    solved = wide.wide(rows_of(x, np.abs(x[:, 0])), 0)
    assert solved.predict(np.array([[-0.8], [0.0], [0.8]]))[:, 0] == pytest.approx([0.8, 0.0, 0.8], abs=0.06)
    near, far, further = solved.predict(np.array([[20.0], [30.0], [40.0]]))[:, 0]
    assert further - far == pytest.approx(far - near, rel=0.01)


def test_trees_add_what_a_model_leaves_and_no_more_than_that_far_outside():
    generator = np.random.default_rng(0)
    x = generator.uniform(0, 1, (300, 1))
    y = 2 * x[:, 0] + (x[:, 0] > 0.5)
    its = rows_of(x, y)
    line = plain.linear(its)
    corrected = trees.on_what_is_left(line, its, seed=0)
    assert np.abs(corrected.predict(x)[:, 0] - y).mean() < np.abs(line.predict(x)[:, 0] - y).mean() / 5
    edge, far = (corrected.trees.predict(np.array([[place]])) for place in (1.0, 1.5))
    assert edge == far


def test_each_candidate_has_trees_where_they_are_asked_for():
    x, _ = table()
    y = np.exp(np.sin(4 * x[:, 0])) * x[:, 1]  # positive, and no formula that could be read
    model = NALURegressor(**QUICK).fit(x, y)
    assert {
        "power law + trees",
        "powers and exponentials + trees",
        "lines and logarithms + trees",
        "nalu + trees",
        "trees",
    } < set(model.weights_)
    assert not {"linear", "linear + trees"} & set(model.weights_)
    assert "linear + trees" in NALURegressor(**QUICK).fit(x, np.log(y)).weights_  # a power law has no negative targets
    alone = {told: NALURegressor("nalu", trees=told, **QUICK).fit(x, y).weights_ for told in (True, False)}
    assert set(alone[True]) == {"nalu + trees"}
    assert set(alone[False]) == {"nalu"}


def test_no_row_of_an_inner_split_is_on_both_sides():
    x, y = table()
    rows = distinct(x, y[:, None], np.ones(len(x)))
    splits = choice.inner_splits(rows, 0)
    assert len(splits) == 5
    for split in splits:
        assert sorted([*split.trained, *split.judged]) == list(range(120))
    above = splits[0]
    assert rows.y_RT[above.judged].min() > rows.y_RT[above.trained].max()


def cut_rows(noise=1.0, rows=1500):
    """Rows of y = 2 + 3 x and z = x of which those of y above 4 were thrown away, with noise that both share."""
    generator = np.random.default_rng(0)
    x, error = generator.uniform(-1, 2, rows), noise * generator.standard_normal(rows)
    both = np.column_stack([2 + 3 * x + error, x + 0.5 * error])
    kept = both[:, 0] < 4
    return distinct(x[kept, None], both[kept], np.ones(kept.sum()))


def slopes(rows):
    return np.polyfit(rows.x_RI[:, 0], rows.y_RT, 1)[0]


def test_a_slope_that_a_cut_has_flattened_is_given_back_to_all_targets():
    rows = cut_rows()
    assert (slopes(rows) < [2.6, 0.8]).all()
    assert slopes(truncation.mended(rows, seed=0)[0]) == pytest.approx([3, 1], rel=0.1)


def test_what_is_put_back_is_what_a_cut_takes_from_a_normal_distribution():
    x = np.random.default_rng(1).standard_normal((1000, 1))  # says nothing of y
    y = scipy.stats.norm.ppf(np.linspace(0.001, 0.999, 1000) * scipy.stats.norm.cdf(0.5))
    its = truncation.mended(rows_of(x, y), seed=0)[0].y_RT[:, 0]
    assert y.mean() == pytest.approx(scipy.stats.truncnorm.mean(-np.inf, 0.5), abs=0.01)
    assert its.mean() == pytest.approx(0, abs=0.1)


def test_a_bend_without_noise_is_no_cut():
    x = np.random.default_rng(0).uniform(1, 5, (300, 2))
    y = x[:, 0] * x[:, 1] / (x[:, 0] + x[:, 1])
    low = y < np.quantile(y, 0.7)
    rows = rows_of(x[low], y[low])
    assert truncation.mended(rows, seed=0)[0].y_RT == pytest.approx(rows.y_RT, abs=0.02 * y.std())


@pytest.mark.parametrize(
    "bounded", [lambda trend: 100 * (1 - np.exp(-1 - trend)), lambda trend: 1 / (1 + np.exp(-1.5 - trend))]
)
def test_a_target_that_runs_against_a_bound_of_its_own_is_not_cut(bounded):
    generator = np.random.default_rng(0)
    x = generator.uniform(0, 1, (400, 2))
    trend = 2 * x[:, 0] - x[:, 1] + 0.4 * generator.standard_normal(400)
    rows = rows_of(x, bounded(trend))
    assert truncation.shape(rows.y_RT[:, 0]) < truncation.ENDS  # it ends abruptly all the same
    assert truncation.mended(rows, seed=0)[1] is None
    kept = trend < np.quantile(trend, 0.7)
    for cut in (trend[kept], np.exp(trend[kept])):
        assert truncation.mended(rows_of(x[kept], cut), seed=0)[1] == 0


def test_a_product_of_powers_and_exponentials_is_told_by_logs_and_values_together():
    x = np.random.default_rng(0).uniform(1, 4, (200, 2))
    value = lambda x: 3 * x[:, 0] ** 1.5 * np.exp(-0.5 * x[:, 1])  # noqa: E731 - the formula that is asked for
    far = np.array([[6.0, 1.0], [2.0, 7.0], [6.0, 7.0]])
    assert plain.powers_and_exponentials(rows_of(x, value(x))).predict(far)[:, 0] == pytest.approx(value(far), rel=1e-3)
    total = lambda x: 2 + 3 * np.log(x[:, 0]) - 0.7 * x[:, 1]  # noqa: E731
    assert plain.on_both(rows_of(x, total(x))).predict(far)[:, 0] == pytest.approx(total(far), abs=0.01)


def test_a_target_that_ends_abruptly_is_told_from_one_that_runs_out():
    even = np.linspace(0, 1, 2001)
    assert truncation.shape(even) == pytest.approx(-1, abs=0.01)
    assert truncation.shape(1 - np.sqrt(1 - even)) == pytest.approx(-0.5, abs=0.01)  # falls to zero in a line
    assert truncation.shape(-np.log(1 - even[:-1])) == pytest.approx(0, abs=0.05)
    assert truncation.shape(np.minimum(even, 0.9)) == 0  # a heap is a bound


def test_the_target_that_was_cut_is_told_and_one_that_was_not_is_left_alone():
    rows = cut_rows()
    swapped = rows._replace(y_RT=rows.y_RT[:, ::-1])
    assert [truncation.mended(its, seed=0)[1] for its in (rows, swapped)] == [0, 1]
    x = np.random.default_rng(0).uniform(-1, 2, 400)
    whole = rows_of(x[:, None], 2 + 3 * x + np.random.default_rng(1).standard_normal(400))
    its, cut_by = truncation.mended(whole, seed=0)
    assert cut_by is None
    assert its is whole


def test_what_was_not_measured_stays_zero():
    rows = cut_rows()
    y_RT = np.where(np.arange(len(rows.y_RT))[:, None] % 9, np.maximum(rows.y_RT, 0.1), 0.0)
    its = truncation.explained(rows, 0, seed=0).put_back(rows._replace(y_RT=y_RT))
    assert ((its.y_RT == 0) == (y_RT == 0)).all()


def test_the_regressor_mends_what_was_cut_unless_told_not_to():
    rows = cut_rows()
    above = np.linspace(1, rows.x_RI.max(), 20)[:, None]
    off = {}
    for told in (True, False):
        model = NALURegressor(truncation=told, **QUICK).fit(rows.x_RI, rows.y_RT[:, 0])
        assert model.cut_by_ == (0 if told else None)
        off[told] = np.abs(model.predict(above) - (2 + 3 * above[:, 0])).mean()
    assert off[True] < off[False] / 2


@pytest.mark.process
def test_the_library_alone_needs_neither_scikit_learn_nor_optax():
    code = "import sys; import nalu; print({'sklearn', 'scipy.optimize', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
