"""Convolution by tiles is convolution and pooling, in value and gradient; the small networks are PyTorch's.

Axes: B images, H and W pixels, C channels in, O channels out, K side of the kernel.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from experiments.lib.networks import convnet
from experiments.lib.networks.convnet import Convnet, Convolution
from experiments.lib.networks.convolution import convolve_and_pool

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

SHAPES = {  # B, H, W, C, K, O, tile
    "digits, first": (3, 28, 28, 1, 5, 10, 4),
    "digits, second": (2, 12, 12, 10, 5, 20, 4),
    "a row and a column dropped": (2, 13, 11, 3, 4, 2, 2),
    "a row dropped, tiles do not divide": (2, 14, 9, 2, 4, 3, 6),
    "tiles do not divide": (2, 16, 20, 1, 3, 4, 8),
    "tile larger than the image": (2, 7, 7, 1, 3, 2, 8),
    "kernel larger than a tile": (2, 20, 18, 2, 9, 3, 2),
    "kernel of one pixel": (2, 6, 8, 3, 1, 4, 4),
}
ROUNDING = {"rtol": 1e-4, "atol": 1e-4}


def reference(x_BHWC, kernel_KKCO, bias_O):
    """XLA's own convolution and pooling."""
    numbers = ("NHWC", "HWIO", "NHWC")
    y_BHWO = jax.lax.conv_general_dilated(x_BHWC, kernel_KKCO, (1, 1), "VALID", dimension_numbers=numbers)
    return nn.max_pool(y_BHWO + bias_O[None, None, None], (2, 2), (2, 2))


def loop(x_BHWC, kernel_KKCO, bias_O):
    """The definition, in float64."""
    x_BHWC, kernel_KKCO, bias_O = (np.asarray(array, np.float64) for array in (x_BHWC, kernel_KKCO, bias_O))
    b, h, w, _ = x_BHWC.shape
    k, o = kernel_KKCO.shape[0], kernel_KKCO.shape[-1]
    y = np.full((b, (h - k + 1) // 2, (w - k + 1) // 2, o), -np.inf)
    for i in range(2 * y.shape[1]):
        for j in range(2 * y.shape[2]):
            found_BO = np.tensordot(x_BHWC[:, i : i + k, j : j + k], kernel_KKCO, 3) + bias_O
            y[:, i // 2, j // 2] = np.maximum(y[:, i // 2, j // 2], found_BO)
    return y


def arrays(b, h, w, c, k, o, *, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape, np.float32) for shape in ((b, h, w, c), (k, k, c, o), (o,))]


def with_gradients(function, *arrays):
    """Returns the value of a function and the gradients of a sum of it that tells its entries apart."""

    @jax.jit
    def both(*arrays):
        y, pull = jax.vjp(function, *arrays)
        return y, pull(jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))

    return both(*arrays)


def same(one, other):
    jax.tree.map(functools.partial(np.testing.assert_allclose, **ROUNDING), one, other)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_tiles_give_the_values_and_gradients_of_a_convolution_and_a_pool(shape):
    *shape, tile = shape
    found = with_gradients(functools.partial(convolve_and_pool, tile=tile), *arrays(*shape))
    same(found, with_gradients(reference, *arrays(*shape)))


def test_a_small_case_is_the_definition_s_on_every_backend(monkeypatch):
    x, kernel, bias = arrays(2, 9, 10, 2, 4, 3)
    for backend in ("cpu", "gpu"):
        monkeypatch.setattr(jax, "default_backend", lambda backend=backend: backend)
        found = jax.jit(functools.partial(convolve_and_pool, tile=4))(x, kernel, bias)
        np.testing.assert_allclose(found, loop(x, kernel, bias), **ROUNDING)


@pytest.mark.parametrize(("backend", "convolves"), [("cpu", False), ("gpu", True), ("tpu", True)])
def test_only_accelerators_convolve(monkeypatch, backend, convolves):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    for filled in (1.0, 0.3):
        text = str(
            jax.make_jaxpr(functools.partial(convolve_and_pool, tile=4, filled=filled))(*arrays(2, 9, 9, 1, 4, 2))
        )
        assert ("conv_general_dilated" in text) == convolves


# Tiles without ink


def inked(places, b=2, h=18, w=18, c=2):
    """Returns images that hold ink at some places alone."""
    x = np.zeros((b, h, w, c), np.float32)
    for i, place in enumerate(places):
        x[place] = (-1) ** i * (1 + i)
    return x


def inked_tiles(x_BHWC, tile, k):
    """Counts the tiles that see ink."""
    starts = [range(0, (size - k + 1) // 2 * 2, tile) for size in x_BHWC.shape[1:3]]
    side = tile + k - 1
    return sum(x_HWC[i : i + side, j : j + side].any() for x_HWC in x_BHWC for i in starts[0] for j in starts[1])


INK = {
    "none": [],
    "few": [(0, 0, 0, 0), (0, 5, 5, 0), (0, 6, 9, 1), (1, 0, 17, 0), (1, 17, 17, 1)],
    "all": [(b, i, j, 0) for b in range(2) for i in range(18) for j in range(18)],
}


@pytest.mark.parametrize("places", INK.values(), ids=INK)
def test_leaving_out_empty_tiles_changes_nothing(places):
    x = inked(places)
    _, kernel, bias = arrays(2, 18, 18, 2, 3, 4)
    number, tiles = inked_tiles(x, 2, 3), 2 * 8 * 8
    expected = with_gradients(lambda kernel, bias: reference(x, kernel, bias), kernel, bias)
    rooms = {number - 1, number, number + 1, tiles - 1} & set(range(1, tiles))
    for room in rooms:  # too little, just enough, and more than enough
        y = functools.partial(convolve_and_pool, x, tile=2, filled=room / tiles)
        same(with_gradients(y, kernel, bias), expected)


def test_a_share_of_filled_tiles_too_small_for_one_tile_still_works():
    x = inked(INK["few"])
    _, kernel, bias = arrays(2, 18, 18, 2, 3, 4)
    y = jax.jit(functools.partial(convolve_and_pool, tile=2, filled=1e-6))(x, kernel, bias)
    np.testing.assert_allclose(y, loop(x, kernel, bias), **ROUNDING)


def test_the_gradient_reaches_the_pixels_of_filled_tiles():
    """As needed where a layer below learns, too."""
    x, kernel, bias = arrays(1, 8, 8, 2, 3, 4)
    x[:, 6:] = 0  # the last of three rows of tiles sees ink all the same
    y = functools.partial(convolve_and_pool, tile=2, filled=0.999)
    same(with_gradients(y, x, kernel, bias), with_gradients(reference, x, kernel, bias))


# Within loops and batches


@pytest.mark.parametrize("filled", [1.0, 0.2])
def test_seeds_side_by_side_and_one_after_the_other_are_seeds_alone(filled):
    """The first seed's images hold little ink, the second's fill all tiles."""
    seeds = [[inked(INK[ink]), *arrays(2, 18, 18, 2, 3, 4, seed=seed)[1:]] for seed, ink in enumerate(("few", "all"))]
    x, kernels, biases = (np.stack(each) for each in zip(*seeds, strict=True))

    def one(x, kernel, bias):
        y, pull = jax.vjp(lambda *p: convolve_and_pool(x, *p, tile=4, filled=filled), kernel, bias)
        return y, pull(jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))

    alone = [with_gradients(functools.partial(reference, x[s]), kernels[s], biases[s]) for s in range(2)]
    for together in (jax.vmap(one), lambda *seeds: jax.lax.map(lambda seed: one(*seed), seeds)):
        found = jax.jit(together)(x, kernels, biases)
        for s in range(2):
            same(jax.tree.map(lambda leaf, s=s: leaf[s], found), alone[s])


@pytest.mark.parametrize("filled", [1.0, 0.2])
def test_training_within_a_scan_is_the_reference_s(filled):
    """Four steps of gradient descent, on images with little and with much ink in turn."""
    x = np.stack([inked(INK["few"]), inked(INK["all"]) / 500, inked(INK["none"]), inked(INK["few"][:1])])
    _, kernel, bias = arrays(2, 18, 18, 2, 3, 4)

    def train(function):
        def step(params, x):
            value, gradients = jax.value_and_grad(lambda params: jnp.square(function(x, *params) - 1).mean())(params)
            return jax.tree.map(lambda leaf, gradient: leaf - 0.1 * gradient, params, gradients), value

        return jax.jit(lambda: jax.lax.scan(step, (kernel, bias), x))()

    same(train(functools.partial(convolve_and_pool, tile=4, filled=filled)), train(reference))


# Networks

TOY_NET = Convnet(14, (Convolution(3, 2, tile=2), Convolution(2, 3, tile=2)), (5, 4))


def start(net, seed):
    """Returns parameters by hand: an initialisation would take seconds to compile."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(functools.partial(convnet.init, net), jax.random.key(0))
    return jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape, np.float32) / 4, shapes)


def forward(net, params, images_BHW):
    """The network by its definition, in float64."""
    h = np.asarray(images_BHW, np.float64)[..., None]
    for i, layer in enumerate(params):
        if i < len(net.convolutions):
            h = np.maximum(loop(h, layer["kernel"], layer["bias"]), 0)
            continue
        h = h.reshape(len(h), -1) @ np.asarray(layer["kernel"], np.float64) + np.asarray(layer["bias"], np.float64)
        h = np.maximum(h, 0) if i + 1 < len(params) else h
    return h


def test_a_network_is_its_layers_one_after_the_other():
    params = start(TOY_NET, 1)
    images = np.random.default_rng(2).standard_normal((3, 14, 14), np.float32)
    outputs = jax.jit(functools.partial(convnet.apply, TOY_NET))(params, images)
    assert outputs.shape == (3, 4)
    np.testing.assert_allclose(outputs, forward(TOY_NET, params, images), rtol=1e-4, atol=1e-5)
    assert (np.asarray(outputs) < 0).any(), "after the last layer stands nothing"


def test_a_common_part_is_added_to_the_first_dense_kernel_at_all_places():
    """A place's kernel is its own part, scaled, plus the common one; the network is the usual one on that."""
    net = TOY_NET._replace(common=True)
    params = start(net, 1)
    images = np.random.default_rng(2).standard_normal((3, 14, 14), np.float32)
    outputs = jax.jit(functools.partial(convnet.apply, net))(params, images)
    common = params[2].pop("common")["kernel"]
    assert common.shape == (3, 5)
    places = params[2]["kernel"].reshape(-1, 3, 5)
    params[2]["kernel"] = (convnet.OWN * places + common).reshape(-1, 5)
    np.testing.assert_allclose(outputs, forward(net, params, images), rtol=1e-4, atol=1e-5)


def test_the_digit_net_has_the_shapes_and_the_number_of_parameters_of_pytorch_s_example():
    params = jax.eval_shape(functools.partial(convnet.init, convnet.DIGIT_NET), jax.random.key(0))
    shapes = [(layer["kernel"].shape, layer["bias"].shape) for layer in params]
    assert shapes == [((5, 5, 1, 10), (10,)), ((5, 5, 10, 20), (20,)), ((320, 50), (50,)), ((50, 10), (10,))]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 21_840  # published in many copies of that example


def test_the_digit_net_is_pytorch_s_own_modules():
    torch = pytest.importorskip("torch")
    params = start(convnet.DIGIT_NET, 3)
    images = np.random.default_rng(4).standard_normal((2, 28, 28), np.float32)
    modules = torch.nn.Sequential(
        torch.nn.Conv2d(1, 10, 5),
        torch.nn.MaxPool2d(2),
        torch.nn.ReLU(),
        torch.nn.Conv2d(10, 20, 5),
        torch.nn.MaxPool2d(2),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(320, 50),
        torch.nn.ReLU(),
        torch.nn.Linear(50, 10),
    ).double()
    with torch.no_grad():
        for module, layer in zip((modules[0], modules[3], modules[7], modules[9]), params, strict=True):
            kernel = layer["kernel"].astype(np.float64)
            if kernel.ndim == 4:
                kernel = kernel.transpose(3, 2, 0, 1)
            elif kernel.shape[0] == 320:  # PyTorch flattens channels first
                kernel = kernel.reshape(4, 4, 20, 50).transpose(3, 2, 0, 1).reshape(50, 320)
            else:
                kernel = kernel.T
            module.weight.copy_(torch.from_numpy(kernel.copy()))
            module.bias.copy_(torch.from_numpy(np.asarray(layer["bias"], np.float64)))
        expected = modules(torch.from_numpy(np.asarray(images, np.float64))[:, None]).numpy()
    outputs = jax.jit(functools.partial(convnet.apply, convnet.DIGIT_NET))(params, images)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("gain", [1.0, 6.0])
def test_weights_start_uniform_within_their_limit(gain):
    """PyTorch's layers start at U(-r, r), r^2 = 1 / inputs, He's at r^2 = 6 / inputs; biases as PyTorch's in both."""
    params = jax.jit(functools.partial(convnet.init, convnet.DIGIT_NET._replace(gain=gain)))(jax.random.key(5))
    for layer, inputs in zip(params, (25, 250, 320, 50), strict=True):
        for name, share in (("kernel", gain), ("bias", 1.0)):
            values, limit = np.asarray(layer[name]), math.sqrt(share / inputs)
            assert 0.7 * limit < np.abs(values).max() <= limit * (1 + 1e-6)
        values, limit = np.asarray(layer["kernel"]), math.sqrt(gain / inputs)
        assert values.std() == pytest.approx(limit / math.sqrt(3), rel=0.15)
        assert abs(values.mean()) < limit / 4
    assert len({np.asarray(leaf).ravel()[0].item() / leaf.size for leaf in jax.tree.leaves(params)}) == 8
