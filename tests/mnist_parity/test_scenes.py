"""Scenes: what is drawn is what the label says, digits stay apart, sets are finite; and the network's last layers.

Axes: D digits of a scene at most, N scenes, H and W pixels of a scene.
"""

import dataclasses
import itertools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nalu
from experiments.mnist_parity import mnist_parity, networks, scenes
from experiments.mnist_parity.networks import SceneNetwork

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


# Digits that can be told apart: a spot of 4 x 4 pixels in the middle of each, whose ink says which digit it is. Spots
# are smaller than what digits are apart, so that none overlaps another, wherever the digits stand.
SPOT = slice(12, 16)


def spotted(inks, labels):
    images = np.zeros((len(inks), 28, 28), np.uint8)
    images[:, SPOT, SPOT] = np.asarray(inks)[:, None, None]
    return jnp.asarray(images), jnp.asarray(labels, jnp.int32)


INKS = 20 * np.arange(1, 13)  # of twelve digits
LABELS = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 4])
N = 1500


draw_N = jax.jit(scenes.draw_many)


@pytest.fixture(scope="module")
def drawn():
    """Many scenes of spotted digits, their labels, and how often each digit occurs in each, counted in the picture."""
    scenes_NHW, labels_N = jax.device_get(draw_N(jax.random.key(1), jnp.arange(N), spotted(INKS, LABELS)))
    ink_NHW = np.rint(255 * scenes_NHW).astype(int)
    pixels = np.stack([(ink_NHW == ink).sum((1, 2)) for ink in INKS], axis=1)
    assert (pixels % 16 == 0).all() and (ink_NHW > 0).sum() == pixels.sum(), "every spot is whole"
    return scenes_NHW, labels_N, pixels // 16


def test_the_label_is_the_number_of_even_digits_in_the_picture(drawn):
    _, labels_N, occurrences = drawn
    np.testing.assert_array_equal(labels_N, occurrences[:, LABELS % 2 == 0].sum(1))
    assert set(labels_N.tolist()) == set(range(6))


def chi_square(counts):
    expected = counts.sum() / len(counts)
    return ((counts - expected) ** 2 / expected).sum()


def test_a_scene_holds_none_to_five_digits_each_equally_often_and_all_digits_alike(drawn):
    _, _, occurrences = drawn
    numbers = np.bincount(occurrences.sum(1), minlength=6)
    assert len(numbers) == 6
    assert chi_square(numbers) < 20.5  # 5 degrees of freedom: once in a thousand
    assert chi_square(occurrences.sum(0)) < 31.3  # 11 degrees


def test_the_same_number_in_a_set_is_the_same_scene_and_another_set_has_others(drawn):
    digits = spotted(INKS, LABELS)
    order = np.random.default_rng(0).integers(0, N, N)  # another order, and some twice
    again, other = draw_N(jax.random.key(1), order, digits), draw_N(jax.random.key(2), order, digits)
    for whole, shuffled in zip(drawn[:2], again, strict=True):
        np.testing.assert_array_equal(shuffled, whole[order])
    assert (np.asarray(other[0]) != np.asarray(again[0])).any(axis=(1, 2)).mean() > 0.9


# Layouts


@pytest.fixture(scope="module")
def layouts():
    """Corners `[number, key, D, 2]`."""
    keys = jax.random.split(jax.random.key(2), 1200)
    draw = jax.vmap(jax.vmap(scenes.layout, (0, None)), (None, 0))
    return np.asarray(jax.jit(draw)(keys, jnp.arange(6)))


def test_any_two_digits_are_apart_across_or_down_and_all_are_inside(layouts):
    assert layouts.min() == 0
    assert layouts.max() == 100 - 28
    for number in range(2, 6):
        for one, other in itertools.combinations(range(number), 2):
            distance = np.abs(layouts[number, :, one] - layouts[number, :, other]).max(axis=1)
            assert distance.min() >= 22
            assert (distance < 28).any(), "margins may overlap"


def test_digits_stand_anywhere_that_is_free(layouts):
    alone = layouts[1, :, 0]
    assert alone.min() == 0 and alone.max() == 72
    for axis in range(2):
        assert chi_square(np.bincount(alone[:, axis], minlength=73)) < 115  # 72 degrees: once in a thousand
    pairs = layouts[2, :, :2]
    near = np.abs(pairs[:, 0] - pairs[:, 1]).max(axis=1) < 36
    # Of all pairs of corners, the shares that are closer than 22, which are left out, and closer than 36.
    left_out, close = ((np.abs(np.subtract.outer(range(73), range(73))) < limit).mean() ** 2 for limit in (22, 36))
    share = (close - left_out) / (1 - left_out)
    assert near.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / len(near)))


# Placing

compose = jax.jit(scenes.compose)


def paste(digits_DHW, corners_D2, there_D):
    scene = np.zeros((100, 100))
    for digit, (row, column), there in zip(digits_DHW, corners_D2, there_D, strict=True):
        if there:
            scene[row : row + 28, column : column + 28] += digit / 255
    return np.minimum(scene, 1)


@pytest.mark.parametrize("seed", range(4))
def test_digits_are_pasted_at_their_corners_and_ink_adds_up_to_one_at_most(seed):
    rng = np.random.default_rng(seed)
    digits = rng.integers(0, 256, (5, 28, 28)).astype(np.uint8)
    corners = rng.integers(0, 73, (5, 2))
    corners[1] = corners[0] + (1 if corners[0].max() < 72 else -1)  # two that surely overlap
    there = np.array([True, True, *(rng.random(3) < 0.7)])
    expected = paste(digits, corners, there)
    assert (expected == 1).any()
    np.testing.assert_allclose(compose(digits, corners, there), expected, atol=1e-6)


FAR = [[0, 0], [72, 72], [0, 72], [72, 0], [36, 36]]
TOUCHING = [[0, 0], [28, 0], [0, 28], [56, 56], [28, 28]]


@pytest.mark.parametrize("corners", [FAR, TOUCHING])
def test_digits_whose_boxes_do_not_overlap_are_whole(corners):
    digits = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
    scene = np.asarray(compose(digits, np.array(corners), np.ones(5, bool)))
    for digit, (row, column) in zip(digits, corners, strict=True):
        np.testing.assert_allclose(scene[row : row + 28, column : column + 28], digit / 255, atol=1e-7)
    assert scene.sum() == pytest.approx((digits / 255.0).sum(), rel=1e-5)


def test_a_scene_is_the_paste_of_its_digits_where_the_picture_shows_them(drawn):
    """The spots in a picture tell which digits stand where; pasting them there gives the picture."""
    scenes_NHW, _, occurrences = drawn
    images = np.asarray(spotted(INKS, LABELS)[0])
    for n in np.flatnonzero(occurrences.max(1) == 1)[:50]:
        ink_HW = np.rint(255 * scenes_NHW[n]).astype(int)
        chosen = np.flatnonzero(occurrences[n])
        corners = [np.argwhere(ink_HW == INKS[i])[0] - SPOT.start for i in chosen]
        expected = paste(images[chosen], corners, np.ones(len(chosen), bool))
        np.testing.assert_allclose(scenes_NHW[n], expected, atol=1e-6)


# The experiment's digits

TRAIN_INK, TEST_INK = 100, 200
SMALL = dataclasses.replace(
    mnist_parity.Config(), steps=2, finite_steps=2, finite_images=6, evaluations=1, batch=3, test_images=8, glance=5
)


def small_digits():
    """Returns digits whose ink says which half they are from; none of them is even."""
    images, labels = spotted([TRAIN_INK] * 48 + [TEST_INK] * 10, [1] * 58)
    halves = {"train_images": images[:48], "test_images": images[48:]}
    return types.SimpleNamespace(**halves, train_labels=labels[:48], test_labels=labels[48:])


def holds(scenes_BHW, ink):
    return (jnp.abs(255 * scenes_BHW - ink) < 0.5).any(axis=(1, 2))


@pytest.mark.parametrize("images", ["fresh", "finite"])
def test_training_scenes_hold_no_test_digit_and_test_scenes_no_training_digit(monkeypatch, images):
    """A step on a scene with a test digit is not finite here, and for an accuracy stands whose digits it saw."""

    def apply(params, scenes_BHW, rngs=None):
        mark_B = jnp.where(holds(scenes_BHW, TEST_INK), jnp.nan, 1.0)
        return mark_B[:, None] * params["w"][None]

    def draw(key, indices_B, digits):  # quick to compile
        chosen_B = (indices_B + jax.random.randint(key, (), 0, 1000)) % len(digits[1])
        return digits[0][chosen_B] / 255, digits[1][chosen_B] * 0

    def seen(net, params, key, number, digits, most):
        scenes_NHW, _ = scenes.draw_many(key, jnp.arange(20), digits)
        return holds(scenes_NHW, TRAIN_INK).any() + 2 * holds(scenes_NHW, TEST_INK).any()

    net = SceneNetwork(lambda key: {"w": jnp.zeros(6)}, apply)
    monkeypatch.setattr(mnist_parity.digits, "load", lambda source: small_digits())
    monkeypatch.setattr(mnist_parity.networks, "with_last_layer", lambda layer: net)
    monkeypatch.setattr(mnist_parity.networks, "accuracy", seen)
    monkeypatch.setattr(mnist_parity.scenes, "draw_many", draw)
    train = mnist_parity.make_train(SMALL, images=images, layer="Wx")
    _, metrics = jax.jit(train.leg)(train.init(jax.random.key(3), *train.data), *train.data)
    assert int(metrics["nonfinite_steps"]) == 0
    names = ("accuracy", "training_accuracy", "validation_accuracy")
    assert [int(metrics[name]) for name in names] == [2, 1, 1]


def test_validation_digits_are_not_trained_on(monkeypatch):
    monkeypatch.setattr(mnist_parity.digits, "load", lambda source: small_digits())
    train, validation, test = mnist_parity.make_train(SMALL, images="fresh", layer="Wx").data
    whole = small_digits()
    for i, name in enumerate(("images", "labels")):
        np.testing.assert_array_equal(np.concatenate([train[i], validation[i]]), getattr(whole, f"train_{name}"))
        np.testing.assert_array_equal(test[i], getattr(whole, f"test_{name}"))
    assert len(validation[1]) == 4  # a twelfth


# Accuracy

INK_NET = SceneNetwork(
    init=lambda key: None,
    apply=lambda params, scenes_BHW: jax.nn.one_hot(jnp.floor(scenes_BHW.sum((1, 2)) * params).astype(int) % 6, 6),
)  # right by chance: it guesses from the amount of ink


@pytest.mark.parametrize("number", [1, 250, 251, 610])
def test_accuracy_is_numpy_s_for_any_number_of_scenes(drawn, number):
    scenes_NHW, labels_N, _ = drawn
    guesses_N = np.floor(scenes_NHW.astype(np.float64).sum((1, 2)) * 0.31).astype(int) % 6
    digits = spotted(INKS, LABELS)
    found = accuracy(jnp.float32(0.31), jax.random.key(1), number, digits)
    expected = 100 * (guesses_N[:number] == labels_N[:number]).mean()
    assert float(found) == pytest.approx(expected, abs=100 * 1.5 / number)  # a guess on the border may round otherwise
    assert number < 100 or 5 < expected < 60


accuracy = jax.jit(lambda *arguments: networks.accuracy(INK_NET, *arguments))


def test_a_perfect_network_is_right_in_all_scenes():
    """All digits are even and alike here, so that the amount of ink is the label."""
    digits = spotted([255] * 12, [0] * 12)
    assert float(accuracy(jnp.float32(1 / 16 + 1e-4), jax.random.key(4), 333, digits)) == pytest.approx(100)


@pytest.fixture
def as_drawn(drawn, monkeypatch):
    """Takes from the scenes that are drawn already those that are asked for."""

    def draw(key, indices_B, digits):
        assert (jax.random.key_data(key) == jax.random.key_data(jax.random.key(1))).all()
        return jnp.asarray(drawn[0])[indices_B], jnp.asarray(drawn[1])[indices_B]

    monkeypatch.setattr(scenes, "draw_many", draw)


def test_guesses_are_the_largest_logits_of_the_first_scenes(drawn, as_drawn):
    found = networks.guesses(INK_NET, 0.31, jax.random.key(1), 9, spotted(INKS, LABELS))
    np.testing.assert_array_equal(found, np.floor(0.31 * drawn[0][:9].sum((1, 2), np.float64)).astype(int) % 6)


def test_the_scenes_that_are_shown_are_stored_as_bytes_with_their_labels(drawn, as_drawn):
    train = scenes.show(jax.random.key(1), 8, spotted(INKS, LABELS))
    _, metrics = train.leg(train.init(jax.random.key(0), *train.data), *train.data)
    assert metrics["scenes"].dtype == np.uint8
    np.testing.assert_array_equal(metrics["scenes"], np.rint(255 * drawn[0][:8]))
    np.testing.assert_array_equal(metrics["labels"], drawn[1][:8])


# Last layers


def sigmoid(w):
    return 1 / (1 + np.exp(-w))


FORMULAS = {
    "Wx + b": lambda x, w, m, b: x @ w + b,
    "sigmoid(W)x + b": lambda x, w, m, b: x @ sigmoid(w) + b,
    "tanh(W)x + b": lambda x, w, m, b: x @ np.tanh(w) + b,
    "Wx": lambda x, w, m, b: x @ w,
    "sigmoid(W)x": lambda x, w, m, b: x @ sigmoid(w),
    "tanh(W)x": lambda x, w, m, b: x @ np.tanh(w),
    "NAC + b": lambda x, w, m, b: x @ (np.tanh(w) * sigmoid(m)) + b,
    "NAC": lambda x, w, m, b: x @ (np.tanh(w) * sigmoid(m)),
}


@pytest.mark.parametrize("name", networks.LAYERS)
def test_a_last_layer_is_its_name_s_formula(name):
    layer = networks.LAYERS[name](6)
    rng = np.random.default_rng(1)
    x, w, m, b = (rng.standard_normal(shape) for shape in ((4, 9), (9, 6), (9, 6), (6,)))
    shapes = jax.eval_shape(layer.init, jax.random.key(0), jnp.zeros((1, 9)))["params"]
    values = {"w": w, "m": m, "b": b, "w_hat": w, "m_hat": m}
    assert len(shapes) == 1 + ("+ b" in name) + ("NAC" in name)
    params = {"params": {part: jnp.asarray(values[part], jnp.float32) for part in shapes}}
    assert {part: leaf.shape for part, leaf in shapes.items()} == {part: values[part].shape for part in shapes}
    found = layer.apply(params, jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(found, FORMULAS[name](x, w, m, b), rtol=1e-4, atol=1e-5)


def test_all_eight_layers_of_the_paper_are_there_and_the_nac_is_the_library_s():
    assert list(networks.LAYERS) == list(FORMULAS)
    assert networks.LAYERS["NAC"] is nalu.NAC


def test_layers_start_at_a_zero_bias_and_at_weights_of_glorot_s_size():
    layer = networks.LAYERS["NAC + b"](6)
    params = jax.vmap(lambda key: layer.init(key, jnp.zeros(32)))(jax.random.split(jax.random.key(1), 20))["params"]
    assert not np.asarray(params["b"]).any()
    for name in ("w", "m"):
        assert np.abs(params[name]).max() == pytest.approx(np.sqrt(6 / (32 + 6)), rel=0.01)
    assert not np.allclose(params["w"], params["m"])


@pytest.mark.parametrize("name", ["Wx", "NAC"])
def test_the_network_has_the_shapes_of_segui_and_colleagues_and_this_last_layer(name):
    """100 x 100 pixels; 10 kernels of 15 x 15, 10 of 3 x 3, each with a pool; 32 units; 6 classes."""
    net = networks.with_last_layer(networks.LAYERS[name](6))
    params = jax.eval_shape(net.init, jax.random.key(0))
    kernels = [layer["kernel"].shape for layer in params["convnet"]]
    assert kernels == [(15, 15, 1, 10), (3, 3, 10, 10), (20 * 20 * 10, 32)]
    assert {leaf.shape for leaf in jax.tree.leaves(params["layer"])} == {(32, 6)}
    logits = jax.eval_shape(net.apply, params, jax.ShapeDtypeStruct((7, 100, 100), jnp.float32))
    assert logits.shape == (7, 6)


def test_what_the_last_layer_sees_is_never_negative(monkeypatch):
    monkeypatch.setattr(networks.convnet, "apply", lambda net, params, scenes_BHW: scenes_BHW[:, 0, :2])
    net = networks.with_last_layer(networks.LAYERS["Wx"](2))
    params = {"convnet": None, "layer": {"params": {"w": jnp.eye(2)}}}
    assert net.apply(params, jnp.array([[[-3.0, 2.0]]])).tolist() == [[0.0, 2.0]]
