"""The task of section 4.1: slices, targets, what counts as extrapolation, the networks and the scores.

Axes: S seeds, E evaluations, M models, O operations, L networks, I inputs, H hidden units, N items.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import nalu
from experiments.arithmetic import (
    arithmetic_readings,
    recipes,
    scores,
    static_arithmetic,
    tasks,
    training,
)
from experiments.arithmetic.networks import nac_layer, nalu_layer, of_cell, of_perceptron, of_started_nalu, shared_input
from experiments.lib.report import how_far
from experiments.lib.store.records import Finished
from experiments.lib.training import loop

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

INPUTS = 30
READ = tasks.Reading(0.2, 1.2, (3, 6), (2, 6), 0.2, 1.62)
NUMPY = {
    "a+b": lambda a, b: a + b,
    "a-b": lambda a, b: a - b,
    "a*b": lambda a, b: a * b,
    "a/b": lambda a, b: a / b,
    "a^2": lambda a, b: a * a,
    "sqrt(a)": lambda a, b: np.sqrt(a),
}


def task_of(seed=0, **changes):
    return jax.jit(READ._replace(**changes).draw, static_argnums=1)(jax.random.key(seed), INPUTS)


def items_of(draw, key, task, number):
    """Returns items of a reading's method `inside` or `outside`."""
    return jax.device_get(jax.jit(draw, static_argnums=2)(jax.random.key(key), task, number))


def drawn(a_lengths, b_lengths, inputs=INPUTS, keys=2000):
    draw = functools.partial(tasks.draw_slices, inputs=inputs, a_lengths=a_lengths, b_lengths=b_lengths)
    return np.array(jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(1), keys)))


@pytest.mark.parametrize("lengths", [((3, 6), (2, 6)), ((1, 1), (1, 1)), ((29, 29), (29, 29)), ((4, 4), (2, 2))])
def test_slices_are_contiguous_in_range_and_never_identical(lengths):
    masks_K2I = drawn(*lengths)
    assert set(np.unique(masks_K2I)) == {0.0, 1.0}
    edges_K2 = np.abs(np.diff(masks_K2I, axis=-1, prepend=0, append=0)).sum(axis=-1)
    assert (edges_K2 == 2).all(), "one run of ones"
    for slot, (shortest, longest) in enumerate(lengths):
        seen = np.unique(masks_K2I[:, slot].sum(axis=-1))
        np.testing.assert_array_equal(seen, np.arange(shortest, longest + 1))
    assert (masks_K2I[:, 0] != masks_K2I[:, 1]).any(axis=-1).all()


def test_slices_reach_every_input_and_differ_between_seeds():
    masks_K2I = drawn((3, 6), (2, 6))
    assert masks_K2I.any(axis=0).all()
    assert len(np.unique(masks_K2I.reshape(len(masks_K2I), -1), axis=0)) > 1000


def test_targets_are_the_six_operations_of_the_two_sums():
    task = task_of()
    items = items_of(READ.inside, 2, task, 500)
    x_IN, masks_2I = np.float64(items.inputs), np.float64(task.masks_2I)
    a_N, b_N = masks_2I @ x_IN
    assert x_IN.min() >= READ.low and x_IN.max() <= READ.high
    assert items.counts_ON.all() and tuple(tasks.OPERATIONS) == tuple(NUMPY)
    for y_N, operation in zip(items.y_ON, NUMPY.values(), strict=True):
        np.testing.assert_allclose(y_N, operation(a_N, b_N), rtol=1e-5, atol=2e-6)


def test_an_item_extrapolates_if_a_b_or_y_exceeds_its_maximum_in_training():
    """Recomputed from the same draws, so that nothing but an item at the very limit may differ."""
    task = task_of(seed=3)
    items = items_of(READ.outside, 4, task, 4000)
    key_maxima, _ = jax.random.split(jax.random.key(4))
    draw_inputs = jax.jit(tasks.draw_inputs, static_argnums=3)
    seen_IN = np.float64(draw_inputs(key_maxima, task, task.inside_2, tasks.MAXIMA_ITEMS))
    masks_2I, x_IN = np.float64(task.masks_2I), np.float64(items.inputs)
    (seen_a, seen_b), (a_N, b_N) = masks_2I @ seen_IN, masks_2I @ x_IN
    assert x_IN.max() > READ.high
    for counts_N, operation in zip(np.array(items.counts_ON), NUMPY.values(), strict=True):
        y_N, largest = operation(a_N, b_N), operation(seen_a, seen_b).max()
        beyond_N = (a_N > seen_a.max()) | (b_N > seen_b.max()) | (y_N > largest)
        limits = ((a_N, seen_a.max()), (b_N, seen_b.max()), (y_N, largest))
        near_N = np.any([np.abs(value / limit - 1) < 1e-5 for value, limit in limits], axis=0)
        np.testing.assert_array_equal(counts_N[~near_N], beyond_N[~near_N])
        assert 0 < counts_N.sum() < len(counts_N)


def test_without_the_rule_every_item_from_outside_counts():
    task = task_of(outside_low=1.2, outside_high=2.2, rule=False)
    items = items_of(READ.outside, 5, task, 100)
    assert items.counts_ON.all() and items.inputs.min() >= 1.2


def test_far_items_are_those_of_training_times_a_number_and_all_count():
    near, far = (items_of(draw, 5, task_of(), 100) for draw in (READ.inside, functools.partial(READ.far, times=100.0)))
    np.testing.assert_allclose(far.inputs, 100 * near.inputs, rtol=1e-6)
    np.testing.assert_allclose(
        far.y_ON, near.y_ON * np.float32([100, 100, 1e4, 1, 1e4, 10])[:, None], rtol=1e-4, atol=1e-3
    )
    assert far.counts_ON.all()


def test_relative_error_is_over_the_items_that_count():
    rng = np.random.default_rng(6)
    y_ON, counts_ON = rng.normal(size=(6, 50)), rng.random((6, 50)) < 0.4
    predicted_MON = rng.normal(size=(3, 6, 50))
    items = tasks.Items(jnp.zeros((1, 50)), jnp.float32(y_ON), jnp.array(counts_ON))
    relative_errors = jax.jit(jax.vmap(tasks.relative_error, in_axes=(0, None)))
    error_MO, scale_O = jax.device_get(relative_errors(jnp.float32(predicted_MON), items))
    for m, o in np.ndindex(3, 6):
        kept_N = counts_ON[o]
        scale = np.mean(y_ON[o, kept_N] ** 2)
        np.testing.assert_allclose(scale_O[m, o], scale, rtol=1e-5)
        expected = np.mean((predicted_MON[m, o, kept_N] - y_ON[o, kept_N]) ** 2) / scale
        np.testing.assert_allclose(error_MO[m, o], expected, rtol=1e-5)


def layers_of(networks, inputs=7, hidden=3):
    init = lambda key: nalu.NALU(hidden).init(key, jnp.ones((1, inputs)))  # noqa: E731
    return jax.device_get(jax.jit(jax.vmap(init))(jax.random.split(jax.random.key(7), networks)))


def lane(tree, number):
    return jax.tree.map(lambda leaf: leaf[number], tree)


def test_layers_with_the_features_first_are_the_library_s():
    layers_L = layers_of(4)
    x_NI = np.random.default_rng(8).normal(size=(11, 7)).astype(np.float32)
    bounded = jax.jit(functools.partial(nalu_layer, clip=40.0))
    together_LHN = jax.jit(functools.partial(shared_input, bounded))(layers_L, x_NI.T)
    sums_LHN = jax.jit(functools.partial(shared_input, nac_layer))(layers_L, x_NI.T)
    for number in range(4):
        params = lane(layers_L, number)["params"]
        w_IH = jax.jit(nalu.nac_weights)(params["w_hat"], params["m_hat"])
        expected_NH = jax.jit(functools.partial(nalu.nalu, clip=40.0))(x_NI, w_IH, params["g"])
        np.testing.assert_allclose(bounded(lane(layers_L, number), x_NI.T), expected_NH.T, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(together_LHN[number], expected_NH.T, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(sums_LHN[number], nalu.nac(x_NI, w_IH).T, rtol=2e-5, atol=1e-6)


def test_the_layer_s_exponent_is_clipped_as_the_library_s():
    layer = {"params": {name: jnp.full((1, 1), value) for name, value in (("w_hat", 9.0), ("m_hat", 9.0), ("g", -1.0))}}
    x_NI = jnp.full((1, 1), 1e4)
    w_IO = nalu.nac_weights(layer["params"]["w_hat"], layer["params"]["m_hat"])
    expected = nalu.nalu(x_NI, w_IO, layer["params"]["g"], clip=3.0)
    np.testing.assert_allclose(nalu_layer(layer, x_NI.T, clip=3.0), expected.T, rtol=1e-6)
    np.testing.assert_allclose(expected, np.exp(3.0), rtol=1e-6)


@pytest.mark.parametrize("start", recipes.STARTS)
def test_a_started_nalu_begins_as_a_nac_with_the_output_it_was_given(start):
    network = of_started_nalu(start, 100)
    first, second = (layer["params"] for layer in jax.device_get(jax.jit(network.init)(jax.random.key(9))))
    gate = jax.jit(lambda x_I: jax.nn.sigmoid(first["g"].T @ x_I))
    for x_I in (np.full(100, 0.05), np.random.default_rng(10).uniform(0.05, 0.95, 100)):
        assert (gate(x_I.astype(np.float32)) == np.float32(1)).all()
    assert first["w_hat"].min() >= 0 and start.spread * 0.9 < first["w_hat"].max() <= start.spread
    np.testing.assert_array_equal(second["w_hat"][:, 0], np.float32(start.output))
    np.testing.assert_array_equal(second["g"], start.gate)
    assert not first["m_hat"].any() and not second["m_hat"].any()


@pytest.mark.parametrize(("name", "first"), [("nalu", "nalu"), ("nmru", "nau")])
def test_networks_side_by_side_are_the_flax_modules_one_by_one(name, first):
    """A cell that only multiplies stands behind a NAU."""
    network, modules = of_cell(name, 9, 2), nn.Sequential([nalu.CELLS[first](2), nalu.CELLS[name](1)])
    params_L = jax.device_get(jax.jit(jax.vmap(network.init))(jax.random.split(jax.random.key(11), 3)))
    x_IN = np.random.default_rng(12).uniform(size=(9, 8)).astype(np.float32)
    actual_LN, one_by_one = jax.jit(network.apply)(params_L, x_IN), jax.jit(modules.apply)
    for number in range(3):
        first, second = (layer["params"] for layer in lane(params_L, number))
        expected_N1 = one_by_one({"params": {"layers_0": first, "layers_1": second}}, x_IN.T)
        np.testing.assert_allclose(actual_LN[number], expected_N1[:, 0], rtol=1e-5, atol=1e-6)


def test_a_linear_perceptron_has_no_bias():
    network = of_perceptron("None", 9, 4)
    shapes_L = jax.eval_shape(jax.vmap(network.init), jax.random.split(jax.random.key(13), 2))
    params_L = jax.tree.map(lambda leaf: np.ones(leaf.shape, np.float32), shapes_L)
    np.testing.assert_array_equal(jax.jit(network.apply)(params_L, np.zeros((9, 5), np.float32)), 0.0)
    relu6 = of_perceptron("ReLU6", 9, 4)
    assert (jax.jit(relu6.apply)(params_L, np.zeros((9, 5), np.float32)) == 5).all(), "1 + 4 * min(1, 6)"


def test_table_1_is_trained_on_the_reading_that_the_study_keeps():
    cfg = static_arithmetic.Config()
    of_table_1 = (cfg.low, cfg.high, cfg.a_lengths, cfg.b_lengths, cfg.low, cfg.widen * cfg.high, True)
    assert of_table_1 == arithmetic_readings.READINGS[arithmetic_readings.KEPT]


def test_the_study_s_one_program_trains_every_reading_as_if_alone():
    cfg = arithmetic_readings.Config(batch=2, items=5)
    sizes = {name: getattr(cfg, name) for name in ("inputs", "batch", "items", "evaluations")}
    together_R = jax.jit(arithmetic_readings.make_train(cfg, model="nac").init)(jax.random.key(15))
    number, key = list(arithmetic_readings.READINGS).index("C"), jax.random.key(15)
    read = arithmetic_readings.READINGS["C"]
    alone = jax.jit(training.make_train(recipes.static(cfg, "nac"), read, outside_items=20, **sizes).init)(key)
    for part in ("task", "scale_O"):
        mine, theirs = lane(getattr(together_R, part), number), getattr(alone, part)
        jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5), mine, theirs)
    jax.tree.map(np.testing.assert_array_equal, lane(together_R.training.params, number), alone.training.params)


# Output layers that compute each operation from hidden a and b, and whether their gate adds.
SOLUTIONS = {
    "a+b": (1.0, 1.0, True),
    "a-b": (1.0, -1.0, True),
    "a*b": (1.0, 1.0, False),
    "a/b": (1.0, -1.0, False),
    "a^2": (1.0, 1.0, False),  # of a and a
    "sqrt(a)": (0.5, 0.0, False),
}


def saturated(w):
    """w_hat and m_hat of a weight in [-1, 1]."""
    return {"w_hat": np.arctanh(np.clip(w, -1, 1) * np.float32(1 - 1e-7)), "m_hat": np.full(w.shape, 30.0)}


def test_a_nalu_set_by_hand_is_exact_within_and_beyond_the_training_range():
    """Through the training program's own measurement: one leg of no learning rate."""
    sizes = {"inputs": INPUTS, "batch": 4, "items": 200, "outside_items": 800, "evaluations": 1}
    recipe = training.Recipe((of_started_nalu(recipes.STARTS[0], INPUTS),), training.RMSPROP, 0.0, 1)
    train = training.make_train(recipe, READ, **sizes)
    state = jax.jit(train.init)(jax.random.key(14))
    a_I, b_I = np.asarray(state.task.masks_2I)

    def network(w_a, w_b, adds, squares):
        hidden_I2 = np.stack([a_I, a_I if squares else b_I], axis=1)
        first = saturated(hidden_I2) | {"g": np.full((INPUTS, 2), 4.0)}
        second = saturated(np.float32([[w_a], [w_b]])) | {"g": np.full((2, 1), 40.0 if adds else -40.0)}
        return {"params": first}, {"params": second}

    networks = [network(*parts, operation == "a^2") for operation, parts in SOLUTIONS.items()]
    params_O = jax.tree.map(lambda *leaves: np.stack(leaves).astype(np.float32), *networks)
    assert jax.tree.map(jnp.shape, params_O) == jax.tree.map(jnp.shape, state.training.params)
    _, metrics = jax.jit(train.leg)(state._replace(training=state.training._replace(params=params_O)))
    for name in ("validation", *scores.RANGES):
        assert (100 * np.sqrt(metrics[name]) < scores.SUCCESS).all(), (name, metrics[name])


# Scores of planted errors.


def finished(**arrays):
    facts = {"device": "cpu", "profile": "smoke"}
    return Finished("static_arithmetic", {"model": "planted"}, {n: np.array(a) for n, a in arrays.items()}, "0", facts)


def planted():
    """Two seeds, two evaluations; extrapolation is best exactly where validation is worst."""
    validation_SEO = np.empty((2, 2, 6))
    validation_SEO[0] = np.array([[3e-4], [2e-4]])
    validation_SEO[1] = np.array([[1e-4], [4e-4]])
    scale_S1O = np.full((2, 1, 6), 7.0)
    return finished(
        validation=validation_SEO,
        interpolation=10 * validation_SEO,
        extrapolation=1e-8 / validation_SEO,
        interpolation_scale=scale_S1O,
        extrapolation_scale=2 * scale_S1O,
        nonfinite_steps=np.zeros((2, 2, 6), int),
    )


def test_checkpoint_and_seed_are_chosen_by_validation_error_alone():
    relative, selected_O = scores.validated(scores.errors_of(planted()))
    np.testing.assert_allclose(relative["interpolation"], np.broadcast_to([[2e-3], [1e-3]], (2, 6)))
    np.testing.assert_allclose(relative["extrapolation"], np.broadcast_to([[5e-5], [1e-4]], (2, 6)))
    assert (selected_O == 1).all(), "by extrapolation it would be seed 0, and other checkpoints"


def test_a_diverged_checkpoint_is_not_chosen_and_a_diverged_seed_not_selected():
    run = planted()
    run.arrays["validation"][1, 0] = np.nan
    relative, selected_O = scores.validated(scores.errors_of(run))
    np.testing.assert_allclose(relative["extrapolation"][1], 1e-8 / 4e-4)
    assert (selected_O == 0).all()


def test_of_competing_starts_the_best_by_validation_error_counts():
    one = planted()
    arrays = {}
    for name, array in one.arrays.items():  # lane 0 twice as good in validation, and worse in all else
        factor = 0.5 if name == "validation" else 3
        arrays[name] = array if name.endswith("_scale") else np.stack([factor * array, array], axis=2)
    arrays["nonfinite_steps"][:, -1, 1, 2] = 5
    errors = scores.best_of_lanes(finished(**arrays))
    assert errors.validation_SEO.shape == (2, 4, 6)
    np.testing.assert_array_equal(errors.nonfinite_SO, np.broadcast_to([0, 0, 5, 0, 0, 0], (2, 6)))
    relative, selected_O = scores.validated(errors)
    np.testing.assert_allclose(relative["extrapolation"], np.broadcast_to([[1.5e-4], [3e-4]], (2, 6)))
    assert (selected_O == 1).all()


def test_a_cell_is_counted_and_drawn_as_far_as_its_solved_seeds_hold(monkeypatch):
    """Of three seeds the first two extrapolate; the error of the third, which is far larger, is in no curve."""
    run, seeds = planted(), np.array([0, 0, 1])
    run = run._replace(arrays={name: array[seeds] for name, array in run.arrays.items()})
    run.arrays["extrapolation"] = np.full((3, 2, 6), 1e-8)
    run.arrays["extrapolation"][2] = 1.0
    for number, name in enumerate(tasks.DISTANCES):
        run.arrays[name] = np.full((3, 2, 6), 10.0 ** (2 * number - 12))
        run.arrays[name][2] = 1e9
    reference, errors = {name: np.ones(6) for name in scores.RANGES}, {"cell": scores.errors_of(run)}
    (table,) = scores.of_cells("static", errors, reference)
    assert {quantity.row for quantity in table.quantities} == {"cell"}
    for quantity in table.quantities:
        if quantity.block == "static extrapolation, every cell":
            np.testing.assert_allclose(quantity.values_S, [0.01, 0.01, 100])
    assert len(table.quantities) == 2 * len(tasks.OPERATIONS) and set(table.columns) == set(tasks.OPERATIONS)
    assert scores.far_panels(errors, reference) == (), "too few seeds for a median"
    monkeypatch.setattr(how_far, "FEWEST", 2)
    for panel in scores.far_panels(errors, reference):
        np.testing.assert_allclose(panel.curves[0].x, [1.35, 2, 4, 10, 100, 1000])
        np.testing.assert_allclose(panel.curves[0].y, [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1])


def test_the_reference_network_scores_100():
    one = planted()
    random = finished(**{name: one.arrays[name][:, -1:, None].repeat(3, axis=2) for name in scores.RANGES})
    reference = scores.reference(random)
    for name in scores.RANGES:
        np.testing.assert_allclose(reference[name], np.median(one.arrays[name][:, -1], axis=0))
        errors = scores.errors_of(one)
        itself = errors._replace(relative_SEO={n: np.broadcast_to(reference[n], (2, 2, 6)) for n in scores.RANGES})
        lines = scores.quantities("static", {"itself": itself}, reference)
        for line in lines:
            if line.metric != "MSE":
                np.testing.assert_allclose(line.values_S, 100.0)
                assert line.selected_by == "validation error"


def test_raw_errors_carry_the_scale_of_the_targets():
    one = planted()
    lines = scores.quantities("static", {"x": scores.errors_of(one)}, {n: np.ones(6) for n in scores.RANGES})
    raw = {(line.block, line.row): line.values_S for line in lines if line.metric == "MSE"}
    np.testing.assert_allclose(raw["static extrapolation", "a*b"], [14 * 5e-5, 14 * 1e-4])
    score = {line.block: line.values_S for line in lines if line.metric == "score" and line.row == "a*b"}
    np.testing.assert_allclose(score["static interpolation"], [100 * np.sqrt(2e-3), 100 * np.sqrt(1e-3)])


@pytest.mark.parametrize("name", ["nac", "snmu"])
def test_a_network_is_applied_as_it_is_trained_where_it_is_given_noise(name):
    network = of_cell(name, 3, 2)
    x_IN = np.random.default_rng(1).uniform(size=(3, 5)).astype(np.float32)

    @jax.jit
    def plain_and_noisy(key):
        params_L = jax.vmap(network.init)(jax.random.split(key, 2))
        return network.apply(params_L, x_IN), network.apply(params_L, x_IN, loop.noise(jax.random.fold_in(key, 2)))

    plain_LN, noisy_LN = jax.device_get(plain_and_noisy(jax.random.key(0)))
    assert plain_LN.shape == (2, 5)
    assert bool((plain_LN != noisy_LN).all()) == (name == "snmu")
