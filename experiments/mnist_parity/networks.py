"""The network of section 4.6, that of Segui, Pujol and Vitria (2015) with last layers from affine to NAC; accuracy.

Axes: B items or scenes of a batch, I inputs, O outputs or classes, H and W pixels, N digits to choose from.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu

from ..lib.networks import convnet
from ..lib.networks.convnet import Convnet, Convolution
from . import scenes
from .scenes import Digits

# Segui, Pujol and Vitria 2015, table 1, all but its last layer.
SCENE_NET = Convnet(
    scenes.SIDE, (Convolution(15, 10, tile=8, filled=0.45), Convolution(3, 10, tile=2)), (32,), gain=6, common=True
)
CHUNK = 250  # scenes drawn and read at a time


class LastLayer(nn.Module):
    """y = f(W) x, with or without a bias, where f holds the weights within bounds."""

    features: int
    weights: str
    bias: bool
    start: Callable[..., jax.Array] = nn.initializers.glorot_uniform()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (x.shape[-1], self.features)
        w = self.param("w", self.start, shape)
        match self.weights:
            case "free":
                pass
            case "sigmoid":
                w = jax.nn.sigmoid(w)
            case "tanh":
                w = jnp.tanh(w)
            case "nac":
                w = nalu.nac_weights(w, self.param("m", self.start, shape))
        y = x @ w
        if not self.bias:
            return y
        b = self.param("b", nn.initializers.zeros, (self.features,))
        return y + b.reshape((1,) * (y.ndim - 1) + (-1,))


LAYERS: dict[str, Callable[[int], nn.Module]] = {  # by the name of their row, in the order of the paper's table
    "Wx + b": lambda features: LastLayer(features, "free", bias=True),
    "sigmoid(W)x + b": lambda features: LastLayer(features, "sigmoid", bias=True),
    "tanh(W)x + b": lambda features: LastLayer(features, "tanh", bias=True),
    "Wx": lambda features: LastLayer(features, "free", bias=False),
    "sigmoid(W)x": lambda features: LastLayer(features, "sigmoid", bias=False),
    "tanh(W)x": lambda features: LastLayer(features, "tanh", bias=False),
    "NAC + b": lambda features: LastLayer(features, "nac", bias=True),
    "NAC": nalu.NAC,
}


class SceneNetwork(NamedTuple):
    """Pure functions.

    Attributes:
      init: key -> params.
      apply: (params, scenes [B, H, W]) -> logits [B, O]; in training with `loop.noise` as a third argument.
    """

    init: Callable[[jax.Array], Any]
    apply: Callable[..., jax.Array]


def with_last_layer(layer: nn.Module, net: Convnet = SCENE_NET) -> SceneNetwork:
    """Returns the network whose last layer is this one."""

    def init(key: jax.Array) -> Any:
        key_convnet, key_layer = jax.random.split(key)
        params = convnet.init(net, key_convnet)
        return {"convnet": params, "layer": layer.init(key_layer, jnp.zeros((1, net.dense[-1])))}

    def apply(params: Any, scenes_BHW: jax.Array, rngs: Any = None) -> jax.Array:
        features_BF = jax.nn.relu(convnet.apply(net, params["convnet"], scenes_BHW))
        return layer.apply(params["layer"], features_BF, rngs=rngs)

    return SceneNetwork(init, apply)


def accuracy(
    network: SceneNetwork, params: Any, key: jax.Array, number: jax.Array | int, digits: Digits, *, most: int = CHUNK
) -> jax.Array:
    """Returns the percentage of the first `number` scenes of a set whose even digits are counted rightly.

    Args:
      most: what `number` can be at most: no more scenes are drawn and read at a time.
    """
    at_a_time = min(most, CHUNK)

    def chunk(i: jax.Array, right: jax.Array) -> jax.Array:
        indices_B = i * at_a_time + jnp.arange(at_a_time)
        scenes_BHW, labels_B = scenes.draw_many(key, indices_B, digits)
        guesses_B = network.apply(params, scenes_BHW).argmax(axis=1)
        return right + jnp.sum((guesses_B == labels_B) & (indices_B < number))

    chunks = (number + at_a_time - 1) // at_a_time
    return 100 * jax.lax.fori_loop(0, chunks, chunk, jnp.int32(0)) / number


def guesses(network: SceneNetwork, params: Any, key: jax.Array, number: int, digits: Digits) -> jax.Array:
    """Returns what the network says of the first `number` scenes of a set."""
    return network.apply(params, scenes.draw_many(key, jnp.arange(number), digits)[0]).argmax(axis=1)
