"""Series of digits: answered from features alone, at any length, and measured as NumPy measures them.

Axes: B images, H and W pixels, N series, T images of a series, F features, O outputs.
"""

import dataclasses
import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

import nalu
from experiments.lib.networks import convnet
from experiments.lib.training import optimisers
from experiments.mnist_counting import mnist_counting, networks, series
from experiments.mnist_counting.series import SeriesNetwork

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def numpy_totals(labels_B, series_NT, outputs):
    if outputs == 1:
        return np.array([[sum(labels_B[i] for i in series_T)] for series_T in series_NT])
    return np.array([np.bincount([labels_B[i] for i in series_T], minlength=outputs) for series_T in series_NT])


# Totals and accuracy


@pytest.mark.parametrize("outputs", [10, 1])
def test_totals_are_the_counts_of_classes_or_the_sum(outputs):
    rng = np.random.default_rng(0)
    labels_B, series_NT = rng.integers(0, 10, 50).astype(np.int32), rng.integers(0, 50, (20, 30))
    totals_NO = series.totals(jnp.asarray(labels_B), series_NT, outputs)
    assert totals_NO.dtype == jnp.float32
    np.testing.assert_array_equal(totals_NO, numpy_totals(labels_B, series_NT, outputs))


def test_a_sum_of_a_thousand_digits_is_exact():
    labels_B = jnp.full(3, 9, jnp.int32)
    assert series.totals(labels_B, jnp.zeros((1, 1000), int), 1).tolist() == [[9000.0]]


def test_one_image_is_right_where_its_count_is_the_largest_or_its_sum_rounds_to_it():
    counts_BO = jnp.array([[0.1, 0.9, 0.2], [0.4, 0.3, 0.35], [-1.0, -2.0, -0.5], [0.0, 0.2, 0.1]])
    assert float(series.accuracy(counts_BO, jnp.array([1, 1, 2, 1]))) == 75.0
    sums_B1 = jnp.array([[2.51], [2.49], [8.9], [-0.4], [9.6]])
    assert float(series.accuracy(sums_B1, jnp.array([3, 3, 9, 0, 9]))) == pytest.approx(60.0)


# Test series


DRAWN = {"images": 500, "validation_images": 40, "lengths": (10, 100), "numbers": (300, 20), "examples": 4}


def test_test_series_are_drawn_from_the_root_alone_and_stay_within_their_images():
    tests, again, other = (series.draw_tests(root, **DRAWN) for root in (1, 1, 2))
    shapes = [tests.series[10].shape, tests.series[100].shape, tests.validation_NT.shape, tests.examples_NT.shape]
    assert shapes == [(300, 10), (20, 100), (300, 10), (4, 10)]
    for drawn, images in ((tests.series[10], 500), (tests.series[100], 500), (tests.validation_NT, 40)):
        counts_B = np.bincount(np.asarray(drawn).ravel(), minlength=images)
        assert len(counts_B) == images, "no image beyond the last"
        share = drawn.size / images
        assert abs(counts_B - share).max() < 6 * np.sqrt(share) + 1, "all equally often"
    jax.tree.map(np.testing.assert_array_equal, tests, again)
    assert not (np.asarray(tests.series[10]) == np.asarray(other.series[10])).all()
    assert not (np.asarray(tests.series[10])[:4] == np.asarray(tests.examples_NT)).all()


def small_digits(pixel_of_train, pixel_of_test):
    """Returns a data set in which the upper left pixel says which half an image is from, the next one its label."""
    rng = np.random.default_rng(3)
    arrays = {}
    for half, number, pixel in (("train", 120, pixel_of_train), ("test", 50, pixel_of_test)):
        labels_B = rng.integers(0, 10, number).astype(np.int32)
        images_BHW = np.zeros((number, 28, 28), np.uint8)
        images_BHW[:, 0, 0], images_BHW[:, 0, 1] = pixel, labels_B
        arrays |= {f"{half}_images": images_BHW, f"{half}_labels": labels_B}
    return types.SimpleNamespace(**arrays)


SMALL = dataclasses.replace(
    mnist_counting.Config(), steps=2, evaluations=1, length=10, lengths=(10, 20, 30), test_series=(40, 20, 10), batch=20
)


def read_marks(refused):
    """Returns a network that sums labels without a fault, and whose training fails at each sight of a refused pixel."""

    def features(params, images_BHW, rngs=None):
        seen_B = images_BHW[:, 0, 0] == refused
        return jnp.where(seen_B, jnp.nan, images_BHW[:, 0, 1].astype(jnp.float32))[:, None] * (1 + params["w"][None])

    def init(key):
        return {"w": jnp.zeros(1)}

    return SeriesNetwork(init, features, lambda params, features_NTF: features_NTF.sum(axis=1))


def one_leg(monkeypatch, *, refused, model="lstm", seed=0, shift=0.0, rate=0.0):
    """Trains the experiment's own loop on a network that reads marks; returns what it reports."""
    net = read_marks(refused)
    answer = lambda params, features_NTF: net.answer(params, features_NTF) + shift  # noqa: E731
    monkeypatch.setattr(mnist_counting.digits, "load", lambda source: small_digits(1, 2))
    monkeypatch.setattr(mnist_counting, "network", lambda *_: net._replace(answer=answer))
    monkeypatch.setattr(mnist_counting, "transform", lambda *_: optax.scale(rate))
    train = mnist_counting.make_train(SMALL, task="addition", model=model)
    _, metrics = jax.jit(train.leg)(train.init(jax.random.key(seed), *train.data), *train.data)
    return jax.device_get(metrics)


def test_training_never_sees_a_test_digit_nor_testing_a_training_digit(monkeypatch):
    metrics = one_leg(monkeypatch, refused=2)
    assert metrics["nonfinite_steps"] == 0, "no step saw a test digit"
    assert np.isfinite(metrics["validation_error"]), "nor did validation"
    assert all(np.isnan(metrics[f"error_{length}"]) for length in SMALL.lengths), "tests are on test digits"
    metrics = one_leg(monkeypatch, refused=1)
    assert metrics["nonfinite_steps"] == SMALL.steps, "training is on training digits"
    assert metrics["validation_error"] != metrics["validation_error"], "so is validation"
    assert [metrics[f"error_{length}"] for length in SMALL.lengths] == [0, 0, 0], "no test has a training digit"
    assert metrics["accuracy"] == pytest.approx(100)


def test_a_training_series_is_answered_with_the_total_of_its_own_images(monkeypatch):
    """A network without a fault learns nothing, if that is so."""
    metrics = one_leg(monkeypatch, refused=3, rate=1e-3)
    assert [metrics[f"error_{length}"] for length in SMALL.lengths] == [0, 0, 0]
    assert metrics["nonfinite_steps"] == 0


def test_validation_digits_are_not_trained_on(monkeypatch):
    monkeypatch.setattr(mnist_counting.digits, "load", lambda source: small_digits(1, 2))
    train, validation, test = mnist_counting.make_train(SMALL, task="addition", model="nac").data
    whole = small_digits(1, 2)
    for i, name in enumerate(("images", "labels")):
        np.testing.assert_array_equal(np.concatenate([train[i], validation[i]]), getattr(whole, f"train_{name}"))
        np.testing.assert_array_equal(test[i], getattr(whole, f"test_{name}"))
    assert len(validation[1]) == 10  # a twelfth


def test_test_series_are_the_same_for_every_seed_and_model(monkeypatch):
    """A network without parameters is as good whatever the seed, if its series are the same."""
    drawn = {"lengths": SMALL.lengths, "numbers": SMALL.test_series, "examples": mnist_counting.EXAMPLES}
    tests = series.draw_tests(SMALL.root, images=50, validation_images=10, **drawn)
    labels_B = small_digits(1, 2).test_labels
    expected_NO = numpy_totals(labels_B, np.asarray(tests.examples_NT), 1) + 0.5
    for seed, model in ((0, "lstm"), (1, "nac-plain")):
        metrics = one_leg(monkeypatch, refused=3, model=model, seed=seed, shift=0.5)
        np.testing.assert_array_equal(metrics["examples_NO"], expected_NO)


# Answers and measures


@pytest.mark.parametrize("length", [1, 3, 17])
@pytest.mark.parametrize("network", ["accumulator", "lstm"])
def test_answers_of_any_length_are_those_to_the_images_one_by_one(network, length):
    if network == "lstm":
        net = networks.usual("lstm", hidden=5, outputs=2, unit=3.0)
    else:
        net = networks.accumulator(nalu.NALU(2), squash="sigmoid", scale=2.0)
    params, images = start(net), some_images(20)
    features_BF = jax.jit(net.features)(params, images)
    series_NT = np.random.default_rng(0).integers(0, 20, (4, length))
    found_NO = jax.jit(lambda *a: series.answers(net._replace(features=None), *a))(params, features_BF, series_NT)
    assert found_NO.shape == (4, 2)
    for series_T, found_O in zip(series_NT, found_NO, strict=True):
        if network == "lstm":
            state = jnp.zeros(5), jnp.zeros(5)
            for i in series_T:
                state = lstm_step(params["cell"]["params"]["cell"], state, features_BF[i])
            read_out = params["read_out"]["params"]
            expected_O = 3 * (np.asarray(state[1], np.float64) @ read_out["kernel"] + read_out["bias"])
        else:
            expected_O = sum(np.asarray(features_BF[i], np.float64) for i in series_T)
        np.testing.assert_allclose(found_O, expected_O, rtol=1e-4, atol=1e-4)


@jax.jit
def lstm_step(params, state, f_F):
    return nn.OptimizedLSTMCell(5).apply({"params": params}, state, f_F)[0]


def some_images(number, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, 28, 28)).astype(np.uint8)


def start(net, seed=1):
    """Returns parameters by hand: an initialisation would take seconds to compile."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(net.init, jax.random.key(0))
    return jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape, np.float32) / 4, shapes)


@pytest.mark.parametrize("cell", list(nalu.CELLS))
def test_the_accumulator_network_is_the_library_s_accumulator_over_the_series(monkeypatch, cell):
    """Whatever the digit net makes of an image: here its middle, which is sooner compiled."""
    monkeypatch.setattr(convnet, "apply", lambda net, params, images_BHW: images_BHW[:, 14, 9:19])
    module = nalu.CELLS[cell](3)
    net = networks.accumulator(module, squash="sigmoid", scale=2.0)
    params, images_NTHW = start(net), some_images(4 * 6).reshape(4, 6, 28, 28)

    @jax.jit
    def both(params, images_NTHW):
        flat = images_NTHW.reshape(-1, 28, 28)
        series_NT = jnp.arange(24).reshape(4, 6)
        normalised = (flat / 255 - 0.1307) / 0.3081
        inputs = jax.nn.sigmoid(2 * convnet.apply(convnet.DIGIT_NET, params["convnet"], normalised))
        over_series = nn.RNN(nalu.Accumulator(module))
        cell_params = {"params": {"cell": {"cell": params["cell"]["params"]}}}
        states_NTO = over_series.apply(cell_params, inputs.reshape(4, 6, -1))
        return series.answers(net, params, net.features(params, flat), series_NT), states_NTO[:, -1]

    found_NO, expected_NO = both(params, images_NTHW)
    np.testing.assert_allclose(found_NO, expected_NO, rtol=1e-5, atol=1e-6)


def test_without_a_squash_features_are_linear():
    net = networks.accumulator(nalu.NAC(2), squash="none", scale=3.0)
    params = start(net)

    @jax.jit
    def both(params, images_BHW):
        outputs_BF = convnet.apply(convnet.DIGIT_NET, params["convnet"], (images_BHW / 255 - 0.1307) / 0.3081)
        return net.features(params, images_BHW), 3 * outputs_BF

    found_BO, inputs_BF = both(params, some_images(5))
    weights = (np.asarray(params["cell"]["params"][name], np.float64) for name in ("w_hat", "m_hat"))
    w_hat, m_hat = weights
    np.testing.assert_allclose(found_BO, inputs_BF @ (np.tanh(w_hat) / (1 + np.exp(-m_hat))), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", list(networks.USUAL))
def test_a_usual_cell_depends_on_the_order_and_answers_in_its_unit(name):
    one, ten = (networks.usual(name, hidden=4, outputs=2, unit=unit) for unit in (1.0, 10.0))
    params = start(one)
    features_NTF = np.random.default_rng(1).standard_normal((3, 5, 10), np.float32)
    answer = jax.jit(one.answer)
    forward, backward = answer(params, features_NTF), answer(params, features_NTF[:, ::-1])
    assert forward.shape == (3, 2)
    assert not np.allclose(forward, backward)
    np.testing.assert_allclose(jax.jit(ten.answer)(params, features_NTF), 10 * forward, rtol=1e-5)


@pytest.mark.parametrize("outputs", [10, 1])
def test_measures_are_those_that_numpy_computes(outputs):
    """The features are an image's row sums; the answer depends on the mean and on the last image."""
    rng = np.random.default_rng(5)
    images, weights = rng.random((23, 12, 12), np.float32), rng.standard_normal((12, outputs), np.float32)
    labels = rng.integers(0, 10, 23).astype(np.int32)
    half = {"test": (images[:14], labels[:14]), "validation": (images[14:], labels[14:])}
    drawn = {"images": 14, "validation_images": 9, "lengths": (3, 40), "numbers": (11, 5), "examples": 2}
    tests = series.draw_tests(7, **drawn)
    net = SeriesNetwork(
        init=None,
        features=lambda params, images_BHW: images_BHW.sum(axis=2),
        answer=lambda params, features_NTF: (features_NTF.mean(axis=1) + features_NTF[:, -1]) @ params,
    )
    measured = jax.jit(lambda *a: series.measure(net, *a, outputs))(weights, *half.values(), tests)

    def numpy_answers(images_BHW, series_NT):
        features_BF = images_BHW.astype(np.float64).sum(2)
        return np.array([(features_BF[s].mean(0) + features_BF[s[-1]]) @ weights for s in np.asarray(series_NT)])

    def error(half, series_NT):
        totals_NO = numpy_totals(half[1], np.asarray(series_NT), outputs)
        return np.abs(numpy_answers(half[0], series_NT) - totals_NO).mean()

    alone_BO = numpy_answers(half["test"][0], np.arange(14)[:, None])
    guess_B = alone_BO.argmax(1) if outputs > 1 else np.rint(alone_BO[:, 0])
    expected = {
        "accuracy": 100 * (guess_B == half["test"][1]).mean(),
        "error_3": error(half["test"], tests.series[3]),
        "error_40": error(half["test"], tests.series[40]),
        "validation_error": error(half["validation"], tests.validation_NT),
        "examples_NO": numpy_answers(half["test"][0], tests.examples_NT),
    }
    assert measured.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(measured[name], expected[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_every_image_is_read_once_however_many_series_it_is_in(monkeypatch):
    monkeypatch.setattr(series, "CHUNK", 4)  # which does not divide 14 or 9
    read = []

    def features(params, images_BHW, rngs=None):
        jax.debug.callback(lambda mark: read.append(int(mark)), images_BHW[0, 0, 0])
        return images_BHW[:, 0]

    net = SeriesNetwork(None, features, lambda params, features_NTF: features_NTF.sum(axis=1)[:, :1])
    images = np.arange(23.0, dtype=np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    labels = np.zeros(23, np.int32)
    drawn = {"images": 14, "validation_images": 9, "lengths": (3, 100), "numbers": (11, 5), "examples": 2}
    tests = series.draw_tests(7, **drawn)
    jax.jit(lambda *a: series.measure(net, None, *a, tests, 1))((images[:14], labels[:14]), (images[14:], labels[14:]))
    jax.effects_barrier()
    assert sorted(read) == list(range(23))


def test_all_features_are_those_of_each_image(monkeypatch):
    monkeypatch.setattr(series, "CHUNK", 4)
    net = networks.usual("lstm", hidden=4, outputs=1, unit=1.0)
    params, images = start(net), some_images(10)
    found_BF, expected_BF = jax.jit(lambda *a: (series.all_features(net, *a), net.features(*a)))(params, images)
    np.testing.assert_allclose(found_BF, expected_BF, rtol=1e-4, atol=1e-4)


# Length generalisation


def marked_images(labels_B):
    """Returns black images with one white block each, in one of the 16 places that the digit net's last pool tells."""
    images_BHW = np.zeros((len(labels_B), 28, 28), np.uint8)
    for image_HW, label in zip(images_BHW, labels_B, strict=True):
        row, column = (6 + 4 * i for i in divmod(int(label), 4))
        image_HW[row : row + 4, column : column + 4] = 255
    return images_BHW


def by_hand(outputs):
    """Returns parameters with which the network reads those images without a fault and adds with weights of 1.

    Counting needs a feature for each class, addition one for each unit of a digit's value, since no weight exceeds 1.
    """
    shapes = jax.eval_shape(lambda: convnet.init(convnet.DIGIT_NET, jax.random.key(0)))
    params = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), shapes)
    for layer in params[:2]:
        layer["kernel"][2, 2, 0, 0] = 1
    places = params[2]["kernel"].reshape(4, 4, 20, 50)
    for label in range(10):
        places[(*divmod(label, 4), 0, label)] = 1
        on = [label] if outputs == 10 else range(label)
        params[3]["kernel"][label, on] = 200
    params[3]["bias"][:] = -100
    w_hat = 100 * (np.eye(10, dtype=np.float32) if outputs == 10 else np.ones((10, 1), np.float32))
    cell = {"params": {"w_hat": w_hat, "m_hat": np.full((10, outputs), 100, np.float32)}}
    return {"convnet": params, "cell": cell}


@pytest.mark.parametrize("outputs", [10, 1])
def test_an_accumulator_that_reads_a_perfect_feature_is_exact_at_length_1000(outputs):
    labels_B = np.arange(30, dtype=np.int32) % 10
    half = marked_images(labels_B), labels_B
    drawn = {"images": 30, "validation_images": 30, "lengths": (10, 1000), "numbers": (6, 5), "examples": 2}
    tests = series.draw_tests(8, **drawn)
    net = networks.accumulator(nalu.NAC(outputs), squash="sigmoid", scale=3.0)
    measured = jax.jit(lambda params: series.measure(net, params, half, half, tests, outputs))(by_hand(outputs))
    assert float(measured["accuracy"]) == pytest.approx(100)
    assert [float(measured[name]) for name in ("error_10", "error_1000", "validation_error")] == [0, 0, 0]
    expected_NO = numpy_totals(labels_B, np.asarray(tests.examples_NT), outputs)
    np.testing.assert_array_equal(measured["examples_NO"], expected_NO)


def test_the_series_that_are_shown_are_stored_with_their_labels():
    images, labels = some_images(20), np.arange(20, dtype=np.int32)
    train = series.show(images, labels, jnp.array([[3, 3, 19], [0, 7, 1]]))
    _, metrics = train.leg(train.init(jax.random.key(0), *train.data), *train.data)
    np.testing.assert_array_equal(metrics["labels"], [[3, 3, 19], [0, 7, 1]])
    np.testing.assert_array_equal(metrics["images"][1, 2], images[1])
    assert metrics["images"].dtype == np.uint8


# Muon


def gradients(seed=0, lanes=2):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.standard_normal((lanes, *shape), np.float32)

    layers = [{"kernel": draw(3, 3, 2, 6), "bias": draw(6)}, {"kernel": draw(12, 5), "bias": draw(5)}]
    return {"convnet": layers, "cell": {"params": {"w_hat": draw(5, 4)}}}


def updates(transform, gradients, steps=1, params=None):
    params = params or jax.tree.map(np.zeros_like, gradients)
    return jax.device_get(last_update(transform, steps, gradients, params))


@functools.partial(jax.jit, static_argnums=(0, 1))
def last_update(transform, steps, gradients, params):
    state = transform.init(params)
    for step in range(steps):
        scaled = jax.tree.map(lambda leaf, step=step: leaf * (-2.0) ** step, gradients)
        found, state = transform.update(scaled, state, params)
    return found


MUON = optimisers.muon_and_adam(beta=0.95, adam_b2=0.9)


def test_kernels_get_nearly_orthogonal_updates_of_one_size_lane_by_lane():
    given = gradients()
    found = updates(MUON, given)
    for layer, its_gradient in zip(found["convnet"], given["convnet"], strict=True):
        for lane in range(2):
            update = layer["kernel"][lane].reshape(-1, layer["kernel"].shape[-1])
            gradient = its_gradient["kernel"][lane].reshape(update.shape)
            assert np.sqrt(np.mean(update**2)) == pytest.approx(0.2, rel=0.2)
            sizes = np.linalg.svd(update, compute_uv=False)
            before = np.linalg.svd(gradient, compute_uv=False)
            assert sizes.max() / sizes.min() < 1.8 < before.max() / before.min()  # the iteration is coarse by design
            u, _, v = np.linalg.svd(gradient, full_matrices=False)
            assert np.sum(update * (u @ v)) > 0.97 * np.linalg.norm(update) * np.linalg.norm(u @ v), "downhill"


def nadam(gradient, steps, b1=0.9, b2=0.9, eps=1e-8):
    """Dozat 2016 with a constant momentum, on the gradients of `updates`: Adam, with Nesterov's look ahead."""
    m = v = np.zeros_like(gradient, dtype=np.float64)
    for t in range(1, steps + 1):
        g = gradient.astype(np.float64) * (-2.0) ** (t - 1)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        ahead = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
    return ahead / (np.sqrt(v / (1 - b2**t)) + eps)


@pytest.mark.parametrize("steps", [1, 3])
def test_everything_but_kernels_gets_adam_with_nesterov_s_momentum(steps):
    given = gradients()
    found = updates(MUON, given, steps)
    for layer, its_gradient in zip(found["convnet"], given["convnet"], strict=True):
        np.testing.assert_allclose(layer["bias"], nadam(its_gradient["bias"], steps), rtol=1e-4)
    cell, its_gradient = (tree["cell"]["params"]["w_hat"] for tree in (found, given))
    np.testing.assert_allclose(cell, nadam(its_gradient, steps), rtol=1e-4)


def test_lanes_do_not_mix():
    given = gradients()
    together = updates(MUON, given)
    for lane in range(2):
        its_own = jax.tree.map(lambda leaf, lane=lane: leaf[lane : lane + 1], given)
        pairs = zip(jax.tree.leaves(updates(MUON, its_own)), jax.tree.leaves(together), strict=True)
        for alone, both in pairs:
            largest = np.abs(both[lane]).max()  # of a matrix that Muon makes of powers of itself
            np.testing.assert_allclose(alone[0], both[lane], rtol=1e-4, atol=1e-5 * largest)


def test_only_the_named_part_has_a_rate_of_its_own():
    given = gradients()
    plain = updates(MUON, given)
    found = updates(optax.chain(MUON, optimisers.at_own_rate("cell", 10.0)), given)
    jax.tree.map(np.testing.assert_array_equal, found["convnet"], plain["convnet"])
    np.testing.assert_allclose(found["cell"]["params"]["w_hat"], 10 * plain["cell"]["params"]["w_hat"], rtol=1e-6)
    slower, _ = (scale := optimisers.at_own_rate(0, 0.5)).update((1.0, 1.0), scale.init((0.0, 0.0)))
    assert tuple(map(float, slower)) == (0.5, 1.0), "the first of two layers"


def test_only_kernels_decay_and_towards_zero():
    given, params = gradients(), gradients(seed=1)
    plain = updates(MUON, given, params=params)
    decaying = updates(optimisers.muon_and_adam(beta=0.95, adam_b2=0.9, weight_decay=0.4), given, params=params)
    for layer, start, its_plain in zip(decaying["convnet"], params["convnet"], plain["convnet"], strict=True):
        np.testing.assert_allclose(layer["kernel"], its_plain["kernel"] + 0.4 * start["kernel"], rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(layer["bias"], its_plain["bias"])
    jax.tree.map(np.testing.assert_array_equal, decaying["cell"], plain["cell"])
