"""Small convolutional networks, as their papers and tutorials draw them: convolve, pool, ReLU; then dense layers.

Axes: B images, H and W pixels, F outputs.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .convolution import convolve_and_pool


class Convolution(NamedTuple):
    """`channels` kernels of `side` x `side`, a 2x2 max-pool and a ReLU; `tile` and `filled` are for speed only."""

    side: int
    channels: int
    tile: int | None
    filled: float = 1.0


class Convnet(NamedTuple):
    """A network on square grey images; between its dense layers stand ReLUs, after the last one nothing.

    Attributes:
      image: pixels along a side.
      dense: outputs of each dense layer.
      gain: weights start at U(-r, r) with r^2 = gain / inputs: 1 is PyTorch's start, 6 is He's.
      common: whether the first dense layer's kernel is learnt as the sum of a part that is the same at all places of
        the image and a part of its own for each. The functions are the same; what does not depend on the place is
        learnt sooner.
    """

    image: int
    convolutions: tuple[Convolution, ...]
    dense: tuple[int, ...]
    gain: float = 1.0
    common: bool = False


OWN, OWN_START, COMMON_START = 0.2, 0.3, 0.02  # of a kernel with a common part: measured, see `common`

# The example that the paper links to, as it was then: github.com/pytorch/examples, mnist/main.py of 15 May 2018,
# without its dropout and its final log-softmax.
DIGIT_NET = Convnet(28, (Convolution(5, 10, tile=4), Convolution(5, 20, tile=4)), (50, 10))


def init(net: Convnet, key: jax.Array) -> list[dict[str, jax.Array]]:
    """Returns the parameters of each layer: a kernel, `[K, K, C, O]` or `[I, O]`, and a bias `[O]`."""
    shapes, pixels, channels = [], net.image, 1
    for side, out, *_ in net.convolutions:
        shapes.append((side, side, channels, out))
        pixels, channels = (pixels - side + 1) // 2, out
    inputs = pixels * pixels * channels
    for out in net.dense:
        shapes.append((inputs, out))
        inputs = out
    params = []
    for shape, key_layer in zip(shapes, jax.random.split(key, len(shapes)), strict=True):
        key_kernel, key_bias = jax.random.split(key_layer)
        fan_in = math.prod(shape[:-1])
        params.append(
            {
                "kernel": _uniform(key_kernel, shape, math.sqrt(net.gain / fan_in)),
                "bias": _uniform(key_bias, shape[-1:], math.sqrt(1 / fan_in)),
            }
        )
    if net.common:
        first = params[len(net.convolutions)]
        first["kernel"] *= OWN_START / OWN
        shape = (channels, net.dense[0])
        first["common"] = {"kernel": _uniform(jax.random.fold_in(key, len(shapes)), shape, COMMON_START)}
    return params


def apply(net: Convnet, params: list[dict[str, jax.Array]], images_BHW: jax.Array) -> jax.Array:
    """Returns the last layer's outputs `[B, F]`."""
    h = images_BHW[..., None]
    for layer, convolution in zip(params, net.convolutions, strict=False):
        speed = {"tile": convolution.tile, "filled": convolution.filled}
        h = jax.nn.relu(convolve_and_pool(h, layer["kernel"], layer["bias"], **speed))
    h = h.reshape(h.shape[0], -1)
    dense = params[len(net.convolutions) :]
    for i, layer in enumerate(dense):
        kernel = layer["kernel"]
        if "common" in layer:
            common = layer["common"]["kernel"]
            kernel = OWN * kernel + jnp.tile(common, (len(kernel) // len(common), 1))
        h = h @ kernel + layer["bias"][None]
        if i + 1 < len(dense):
            h = jax.nn.relu(h)
    return h


def _uniform(key: jax.Array, shape: tuple[int, ...], limit: float) -> Any:
    return jax.random.uniform(key, shape, jnp.float32, -limit, limit)
