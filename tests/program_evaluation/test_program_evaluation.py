"""Little programs: networks, training and report against NumPy and cases by hand; how an update is shared out.

Axes: S seeds, E evaluations, L networks side by side, N programs, T steps, D sizes of the integers in digits.
"""

import csv
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import pytest
from flax import linen as nn

from experiments.lib.errors import UserError
from experiments.lib.networks.configured_nalu import ConfiguredNalu
from experiments.lib.places import ROOT
from experiments.lib.report.figures import drawing
from experiments.lib.store.records import Finished
from experiments.lib.training import optimisers
from experiments.program_evaluation import program_evaluation, recipes, training
from experiments.program_evaluation.networks import ProgramNetwork
from experiments.program_evaluation.programs import IF, LANGUAGES, PAD, program
from experiments.program_evaluation.training import Recipe

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def rmse(errors):
    return np.sqrt(np.square(errors).mean(axis=-1))


# The network


@pytest.fixture(scope="module")
def programs():
    """Returns twelve programs, some with an if and some filled up with PAD."""
    draw = jax.jit(jax.vmap(lambda key: program(key, 0, 100)))
    drawn = jax.device_get(draw(jax.random.split(jax.random.key(0), 12)))
    filled_N = (drawn.symbols_T == PAD).sum(axis=1)
    assert 0 in filled_N and filled_N.max() >= 5 and (drawn.symbols_T == IF).any()
    return drawn


@pytest.mark.parametrize(("reads_out", "features"), [(False, 1), (True, 4)])
def test_a_network_of_a_plain_cell_equals_the_equations(programs, reads_out, features):
    network = ProgramNetwork(nn.SimpleCell(features), 25.0, reads_out, 100.0)
    shapes = jax.eval_shape(network.init, jax.random.key(0), programs)["params"]
    assert set(shapes) == ({"cell", "read_out"} if reads_out else {"cell"})
    rng = np.random.default_rng(1)
    params = jax.tree.map(lambda leaf: rng.normal(scale=0.4, size=leaf.shape).astype(np.float32), shapes)
    found_N = jax.jit(network.apply)({"params": params}, programs)

    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    assert found_N.shape == (12,)
    for n in range(12):
        h = np.zeros(features)
        for symbol, value in zip(programs.symbols_T[n], programs.values_T[n], strict=True):
            x = np.append(np.eye(9)[symbol], value / 25)
            cell = params["cell"]
            h = np.tanh(x @ cell["i"]["kernel"] + cell["i"]["bias"] + h @ cell["h"]["kernel"])
        if reads_out:
            h = h @ params["read_out"]["kernel"] + params["read_out"]["bias"]
        np.testing.assert_allclose(found_N[n], 100 * h[0], rtol=1e-4, atol=1e-3)


# Training: a number that is emitted times the sharpness, whatever the program


SLOPE, RATE, SHARPEST, STEPS = 1e5, 0.01, 16.0, 20


class Constant(nn.Module):
    """Answers `SLOPE` times its only number, which stands where a `ConfiguredNalu` keeps what emits its controls."""

    @nn.compact
    def __call__(self, programs):
        value = self.param("cell", lambda key: {"controls": {"bias": jnp.float32(1.0)}})["controls"]["bias"]
        return jnp.full(len(programs.answer), SLOPE * value)


def train_constant(transform, stages, *, evaluations=10, warm_up=1):
    """Returns the metrics `[E, ...]` of one network, its number after each evaluation, and the training's own data."""
    train = training.make_train(
        Recipe(
            Constant(), transform, RATE, STEPS, batch=4, warm_up=warm_up, networks=2, sharpness=SHARPEST, stages=stages
        ),
        "addition",
        digits=(2, 3),
        programs=50,
        evaluations=evaluations,
        key_tests=jax.random.key(5),
    )
    state = jax.jit(train.init)(jax.random.key(1), *train.data)
    leg, metrics_E, values_E = jax.jit(train.leg), [], []
    for _ in range(train.legs):
        state, metrics = leg(state, *train.data)
        metrics_E.append(metrics)
        values_E.append(state.params["cell"]["controls"]["bias"])
    metrics = jax.device_get(jax.tree.map(lambda *leaves: jnp.stack(leaves), *metrics_E))
    return metrics, np.array(values_E, np.float64), train


def sharpness_at(step, stages):
    """1 for 60 % of the steps, then geometrically to its end at 95 %; constant within a stage."""
    per_stage = STEPS // stages
    share = (step // per_stage * per_stage / STEPS - 0.6) / 0.35
    return SHARPEST ** min(max(share, 0.0), 1.0)


def sign():
    return optax.stateless(lambda updates, _: jax.tree.map(jnp.sign, updates))


@pytest.fixture(scope="module", params=[(20, "sign"), (20, "gradient"), (10, "sign")], ids=str)
def sharpening(request):
    stages, kind = request.param
    transform = sign() if kind == "sign" else optax.scale(1 / SLOPE)
    return stages, kind, train_constant(transform, stages)


def test_the_sharpness_rises_from_one_at_60_percent_to_its_end_at_95_percent():
    found = [sharpness_at(step, 20) for step in range(STEPS + 1)]
    assert found[:13] == [1.0] * 13 and found[19:] == [16.0] * 2, "the yardstick of the next test"
    np.testing.assert_allclose(found[13:19], 2.0 ** (4 * np.arange(1, 7) / 7))
    np.testing.assert_allclose([sharpness_at(step, 10) for step in (13, 14, 15, 20)], [1, *[2 ** (8 / 7)] * 2, 16])


def test_training_is_with_the_sharpness_of_its_stage_and_its_rate_is_divided_by_it(sharpening):
    """The gradient of the number is the sharpness, or 1 if its sign alone counts."""
    stages, kind, (_, values_EL, _) = sharpening
    value, expected_E = 1.0, []
    for step in range(STEPS):
        factor = sharpness_at(step, stages)
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS)) / factor
        value -= rate * (factor if kind == "gradient" else 1.0)
        if step % 2:
            expected_E.append(value)
    np.testing.assert_allclose(values_EL, np.stack([expected_E] * 2, axis=1), rtol=2e-6)


def test_measures_are_with_the_sharpness_of_the_moment_and_those_that_numpy_computes(sharpening):
    stages, _, (metrics, values_EL, train) = sharpening
    validation, by_size = train.data
    assert validation.answer.shape == (50,) and by_size.answer.shape == (2, 50)
    factors_E = np.array([sharpness_at(step, stages) for step in range(2, STEPS + 1, 2)])
    off_ELN = (SLOPE * factors_E[:, None] * values_EL)[..., None] - np.asarray(validation.answer, np.float64)
    np.testing.assert_allclose(metrics["validation"], rmse(off_ELN), rtol=1e-5)
    np.testing.assert_allclose(metrics["largest"], np.abs(off_ELN).max(axis=-1), rtol=1e-5)
    assert metrics["match"].shape == (10, 2, 2) and not metrics["nonfinite_steps"].any()


def test_tests_are_of_their_size_and_validation_is_of_two_digits_and_none_of_the_tests():
    data = {}
    for seed in (5, 5, 6):
        train = training.make_train(
            recipes.recipe("lstm", "addition", networks=1, length=1.0, evaluations=1),
            "addition",
            digits=(2, 3),
            programs=200,
            evaluations=1,
            key_tests=jax.random.key(seed),
        )
        validation, by_size = jax.device_get(train.data)
        data.setdefault(seed, []).append(by_size.values_T)
        for values_NT, (low, high) in ((validation.values_T, (0, 99)), (by_size.values_T[0], (0, 99))):
            integers = values_NT[:, [0, 2]]
            assert low <= integers.min() and integers.max() <= high and integers.min() < 10
        assert by_size.values_T[1][:, [0, 2]].min() >= 100 and by_size.values_T[1].max() <= 999
        assert not (validation.values_T == by_size.values_T[0]).all(axis=1).any()
    np.testing.assert_array_equal(*data[5])
    assert (data[5][0] != data[6][0]).any()


def test_the_matching_digits_are_of_each_network_and_size():
    """Of two networks that answer 150 and 0 to everything."""
    train = training.make_train(
        Recipe(Constant(), optax.identity(), 0.0, 1, 4, networks=2),
        "addition",
        digits=(2, 3),
        programs=300,
        evaluations=1,
        key_tests=jax.random.key(5),
    )
    state = jax.jit(train.init)(jax.random.key(1), *train.data)
    constants_L = np.array([150.0, 0.0])
    bias_L = jnp.asarray(constants_L / SLOPE, jnp.float32)
    state = state._replace(params={"cell": {"controls": {"bias": bias_L}}})
    _, metrics = jax.jit(train.leg)(state, *train.data)

    def percentage(constant, answer):
        width = max(len(constant), len(answer))
        same = sum(a == b for a, b in zip(constant.rjust(width), answer.rjust(width), strict=True))
        return 100 * same / width

    answers_DN = np.asarray(train.data[1].answer)
    expected_LD = [
        [np.mean([percentage(f"{constant:.0f}", f"{answer:.0f}") for answer in answers_N]) for answers_N in answers_DN]
        for constant in constants_L
    ]
    np.testing.assert_allclose(metrics["match"], expected_LD, rtol=1e-5)


def test_networks_side_by_side_start_from_different_parameters():
    train = training.make_train(
        Recipe(ProgramNetwork(ConfiguredNalu(1, 3)), optax.identity(), 0.1, 2, 4, networks=3),
        "addition",
        digits=(2,),
        programs=5,
        evaluations=1,
        key_tests=jax.random.key(0),
    )
    kernel_L = np.asarray(jax.jit(train.init)(jax.random.key(0)).params["cell"]["controls"]["kernel"])
    assert kernel_L.shape[0] == 3 and not np.allclose(kernel_L[0], kernel_L[1])
    assert train.network_steps == 2 * 3 and train.legs == 1


class Proportional(nn.Module):
    """Answers its only number times the truth."""

    @nn.compact
    def __call__(self, programs):
        return self.param("number", lambda key: jnp.float32(1.0)) * programs.answer


@pytest.mark.parametrize("keeps", [True, False])
def test_what_is_known_is_kept_while_it_grows_worse_and_all_else_is_trained_on(keeps):
    """Every step moves the numbers up: one away from the truth, one that is far from it, too, and one towards it."""
    upwards = optax.stateless(lambda updates, _: jax.tree.map(lambda leaf: -jnp.ones_like(leaf), updates))
    transform = optax.chain(upwards, optax.trace(decay=0.9))
    recipe = Recipe(Proportional(), transform, 1e-4, 4, batch=4, warm_up=1, networks=3, stages=2, keeps=keeps)
    train = training.make_train(
        recipe, "addition", digits=(2,), programs=20, evaluations=1, key_tests=jax.random.key(5)
    )
    start_L = np.float32([1.0, 2.0, 0.999])
    state = jax.jit(train.init)(jax.random.key(1), *train.data)
    state, _ = jax.jit(train.leg)(state._replace(params={"number": jnp.asarray(start_L)}), *train.data)
    rises_L = np.asarray(state.params["number"]) - start_L
    assert (rises_L[1:] > 1e-4).all() and (rises_L[0] == 0) == keeps
    (momentum_L,) = (np.asarray(leaf) for leaf in jax.tree.leaves(state.optimiser) if leaf.ndim)
    assert (momentum_L[1:] < 0).all() and (momentum_L[0] == 0) == keeps
    assert int(state.step) == 4


def test_the_nalu_learns_to_add_in_a_few_hundred_steps():
    """From an error of a hundred, with the recipe's network, rate and schedule, to the sum itself at four digits."""
    recipe = recipes.recipe("nalu", "addition", networks=1, length=0.25, evaluations=1)
    assert recipe.steps == 300 and recipe.stages == 60
    train = training.make_train(
        recipe._replace(batch=32), "addition", digits=(2, 4), programs=100, evaluations=1, key_tests=jax.random.key(0)
    )
    state = jax.jit(train.init)(jax.random.key(9_001), *train.data)
    validation, _ = train.data
    start = jax.tree.map(lambda leaf: leaf[0], state.params)
    before = rmse(jax.jit(recipe.network.apply)({"params": start}, validation) - validation.answer)
    _, metrics = jax.jit(train.leg)(state, *train.data)
    assert before > 50 and metrics["validation"][0] < 0.1 and metrics["largest"][0] < 0.5
    np.testing.assert_array_equal(metrics["match"], [[100, 100]])
    assert metrics["nonfinite_steps"].tolist() == [0]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("model", recipes.MODELS)
@pytest.mark.parametrize(("length", "evaluations"), [(1.0, 10), (0.001, 7)])
def test_recipes_have_stages_that_fill_the_evaluations_and_the_steps(model, language, length, evaluations):
    recipe = recipes.recipe(model, language, networks=3, length=length, evaluations=evaluations)
    assert recipe.steps > 0 and recipe.stages % evaluations == 0 and recipe.steps % recipe.stages == 0
    assert recipe.networks == (3 if model in ("nalu", "nac") else 1)
    assert recipe.sharpness == (20 if model in ("nalu", "nalu-kept", "nac") else 1)
    assert recipe.keeps == (model == "nalu-kept")


# What is Adam's


def matrices(seed=0):
    rng = np.random.default_rng(seed)
    layer = lambda *shape: {"kernel": rng.normal(size=(2, *shape)), "bias": rng.normal(size=(2, shape[-1]))}  # noqa: E731
    tree = {"cell": {"hi": layer(4, 3), "output": layer(4, 2)}, "read_out": layer(3, 1)}
    return jax.tree.map(lambda leaf: leaf.astype(np.float32), tree)


def two_updates(**options):
    """Returns the update of the second of two gradients."""
    transform = optimisers.muon_and_adam(beta=0.95, adam_b2=0.9, **options)

    @jax.jit
    def update(first, second):
        state = transform.init(first)
        _, state = transform.update(first, state, first)
        return transform.update(second, state, first)[0]

    return jax.device_get(update(matrices(0), matrices(1)))


def nadam(first, second, b1=0.9, b2=0.9, eps=1e-8):
    """Adam with Nesterov's look ahead (Dozat 2016, constant momentum), after two gradients."""
    m = v = 0.0
    for t, g in enumerate((np.asarray(first, np.float64), np.asarray(second, np.float64)), 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        ahead = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
    return ahead / (np.sqrt(v / (1 - b2**t)) + eps)


def test_kernels_of_named_layers_are_adam_s_and_adam_s_part_alone_is_scaled():
    plain, named = two_updates(), two_updates(adam_rate=0.3, adam_layers=("read_out", "output"))
    expected = jax.tree.map(nadam, matrices(0), matrices(1))
    for path in (("cell", "output", "kernel"), ("read_out", "kernel"), ("cell", "hi", "bias"), ("read_out", "bias")):
        found, of_adam, without = named, expected, plain
        for name in path:
            found, of_adam, without = found[name], of_adam[name], without[name]
        np.testing.assert_allclose(found, 0.3 * of_adam, rtol=1e-4)
        if path[-1] == "kernel":
            assert not np.allclose(without, of_adam, rtol=0.01), "else it is Muon's"
        else:
            np.testing.assert_allclose(without, of_adam, rtol=1e-4)
    np.testing.assert_allclose(named["cell"]["hi"]["kernel"], plain["cell"]["hi"]["kernel"], rtol=1e-5)


# The report


REPORTED = program_evaluation.Config(seeds=3, digits=(2, 4), networks=2, evaluations=2)


def reported(model, language="addition", *, networks=1, seed=0):
    """Random percentages and errors; one network took a step that was not finite."""
    rng = np.random.default_rng(seed)
    arrays = {
        "match": rng.uniform(30, 100, (3, 2, networks, 2)).astype(np.float32),
        "validation": rng.uniform(1, 50, (3, 2, networks)).astype(np.float32),
        "nonfinite_steps": np.zeros((3, 2, networks), np.int32),
    }
    return Finished(
        "program_evaluation",
        {"language": language, "model": model},
        arrays,
        "abc",
        {"device": "cpu", "profile": "full"},
    )


def nalu_by_hand():
    """At the end seed 0's first network is best, seeds 1 and 2's second; before the end it was the other way round."""
    run = reported("nalu", networks=2)
    run.arrays["validation"][:, 1] = [[1, 9], [8, 3], [np.nan, 40]]
    run.arrays["validation"][:, 0] = [[9, 1], [3, 8], [1, 40]]
    run.arrays["nonfinite_steps"][:, 1] = [[0, 2], [0, 0], [5, 1]]
    return run


def lines_of(table):
    return {(line.row, line.column, line.metric): line for line in table.quantities}


def test_a_row_is_of_each_seed_s_first_network_and_restarts_of_its_best_by_validation():
    run = nalu_by_hand()
    (table,) = program_evaluation.tables(REPORTED, [run])
    assert table.artefact == "figure6" and table.rows == ("NALU", "NALU (restarts)")
    lines, match_SLD = lines_of(table), run.arrays["match"][:, 1]
    for row, lanes, diverged, errors, selected in (
        ("NALU", [0, 0, 0], 1, [1, 8, np.nan], 0),
        ("NALU (restarts)", [0, 1, 1], 1, [1, 3, 40], 0),
    ):
        for d, digits in enumerate((2, 4)):
            line = lines[row, f"{digits} digits", "matching digits %"]
            np.testing.assert_allclose(line.values_S, match_SLD[np.arange(3), lanes, d], atol=1e-4)
            assert (line.diverged, line.selected, line.selected_by) == (diverged, selected, "validation error")
            assert line.higher_is_better and line.threshold == 99
        line = lines[row, "2 digits", "root mean squared error"]
        np.testing.assert_array_equal(line.values_S, errors)
        assert line.diverged == diverged and not line.higher_is_better
    assert len(lines) == 2 * 3


def test_the_csv_of_the_figure_has_bands_of_two_deviations_and_the_line_of_every_seed():
    run = nalu_by_hand()
    figure = program_evaluation.figures(REPORTED, [run, reported("lstm", seed=1)])[0]
    assert figure.name == figure.artefact == "figure6"
    lines = list(csv.reader(drawing.draw(figure)["csv"].decode().splitlines()[1:]))
    runs = {"NALU": (run, [0, 0, 0], "ours"), "NALU (restarts)": (run, [0, 1, 1], "extra")}
    runs["LSTM"] = (reported("lstm", seed=1), [0, 0, 0], "ours")
    for label, (its_run, lanes, style) in runs.items():
        match_SD = its_run.arrays["match"][np.arange(3), 1, lanes].astype(np.float64)
        mean_D, deviation_D = match_SD.mean(axis=0), match_SD.std(axis=0)
        low_D, high_D = np.maximum(mean_D - 2 * deviation_D, 0), np.minimum(mean_D + 2 * deviation_D, 100)
        banded = [line for line in lines if line[1] == label and line[0].startswith("mean")]
        assert [line[2] for line in banded] == [style] * 2
        found_D5 = np.array([line[3:] for line in banded], float)
        expected_D5 = np.stack([[2, 4], mean_D, low_D, high_D], axis=1)
        np.testing.assert_allclose(found_D5, expected_D5, rtol=1e-5)
        medians = [line for line in lines if line[1] == label and line[0].startswith("median")]
        np.testing.assert_allclose([float(line[4]) for line in medians], np.median(match_SD, axis=0), rtol=1e-6)
        for s in range(3):
            its_own = [line for line in lines if line[1] == f"{label}, seed {s}"]
            assert [line[2:4] for line in its_own] == [["seed", "2.0"], ["seed", "4.0"]]
            np.testing.assert_allclose([float(line[4]) for line in its_own], match_SD[s], rtol=1e-6)


def test_learning_curves_are_medians_from_the_worst_to_the_best_seed():
    run = nalu_by_hand()
    figure = program_evaluation.figures(REPORTED, [run])[1]
    assert figure.name == "figure6_learning" and [panel.title for panel in figure.panels] == ["2 digits", "4 digits"]
    for d, panel in enumerate(figure.panels):
        match_SE = run.arrays["match"][np.arange(3), :, [0, 1, 1], d]
        curve = next(curve for curve in panel.curves if curve.label == "NALU (restarts)")
        assert curve.x.tolist() == [50, 100]
        np.testing.assert_allclose(curve.y, np.median(match_SE, axis=0), rtol=1e-6)
        np.testing.assert_allclose([curve.low, curve.high], [match_SE.min(axis=0), match_SE.max(axis=0)], rtol=1e-6)


def test_half_finished_stores_are_reported():
    assert program_evaluation.tables(REPORTED, []) == program_evaluation.figures(REPORTED, []) == []
    stored = [reported("dnc", "program"), reported("nac", networks=2), reported("lstm", "program", seed=1)]
    six, four = program_evaluation.tables(REPORTED, stored)
    assert (six.artefact, six.rows, six.blocks) == ("figure6", ("NAC", "NAC (restarts)"), ("addition",))
    assert (four.artefact, four.rows, four.blocks) == ("figure4", ("LSTM", "DNC"), ("program",))
    names = [figure.name for figure in program_evaluation.figures(REPORTED, stored)]
    assert names == ["figure6", "figure6_learning", "figure4", "figure4_learning"]
    two_digits = dataclasses.replace(REPORTED, digits=(2,))
    run = reported("ugrnn")
    run.arrays["match"] = run.arrays["match"][..., :1]
    (_, learning) = program_evaluation.figures(two_digits, [run])
    assert [panel.title for panel in learning.panels] == ["2 digits"]


# Settings


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"digits": ()}, "must rise from 2 up to 6"),
        ({"digits": (3, 4)}, "digits is '3 4', but"),
        ({"digits": (2, 4, 3)}, "digits is '2 4 3', but"),
        ({"digits": (2, 3, 3)}, "digits is '2 3 3', but"),
        ({"digits": (2, 7)}, "digits is '2 7', but"),
        ({"models": ("gru",)}, "models has no 'gru'"),
        ({"languages": ()}, "languages is empty"),
        ({"length": 0.0}, "length is 0.0"),
        ({"networks": 0}, "networks is 0"),
        ({"programs": -1}, "programs is -1"),
    ],
)
def test_a_bad_setting_is_said_in_one_sentence(values, says):
    with pytest.raises(UserError) as caught:
        dataclasses.replace(program_evaluation.Config(), **values)
    sentence = str(caught.value)
    assert says in sentence and sentence.endswith(".") and ". " not in sentence and "\n" not in sentence
    assert caught.value.status == 2


@pytest.mark.parametrize("digits", [(2,), (2, 6), (2, 3, 4, 5, 6)])
def test_rising_digits_are_accepted(digits):
    assert program_evaluation.Config(digits=digits).digits == digits


def test_the_guide_says_how_many_seeds_of_one_network_keep_99_percent():
    table = pd.read_csv(ROOT / "results" / "tables" / "figure4.csv", keep_default_na=False)
    its = table[(table["metric"] == "matching digits %") & (table["column"] == "6 digits")].set_index("row")
    alone, kept = (
        round(float(its.loc[row, "success"]) * int(its.loc[row, "seeds"])) for row in ("NALU", "NALU (kept)")
    )
    text = " ".join((ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8").split())
    assert f"alone {alone} keep 99 %, and {kept} if a network" in text
