"""The network of section 4.6 on scenes, and its accuracy.

Axes: B scenes of a batch, H and W pixels, O classes, N digits to choose from.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..lib.networks import convnet
from ..lib.networks.convnet import Convnet, Convolution
from ..lib.training.train import Train
from . import scenes

# Segui, Pujol and Vitria 2015, table 1, all but its last layer.
SCENE_NET = Convnet(
    scenes.SIDE, (Convolution(15, 10, tile=8, filled=0.45), Convolution(3, 10, tile=2)), (32,), gain=6, common=True
)
CHUNK = 250  # scenes drawn and read at a time
Digits = tuple[jax.Array, jax.Array]  # images [N, 28, 28] and labels [N]


class SceneNetwork(NamedTuple):
    """`init`: key -> params; `apply`: (params, scenes [B, H, W]) -> logits [B, O]."""

    init: Callable[[jax.Array], Any]
    apply: Callable[[Any, jax.Array], jax.Array]


def with_last_layer(layer: nn.Module) -> SceneNetwork:
    """Returns the network whose last layer is this one."""

    def init(key: jax.Array) -> Any:
        key_convnet, key_layer = jax.random.split(key)
        params = convnet.init(SCENE_NET, key_convnet)
        return {"convnet": params, "layer": layer.init(key_layer, jnp.zeros((1, SCENE_NET.dense[-1])))}

    def apply(params: Any, scenes_BHW: jax.Array) -> jax.Array:
        return layer.apply(params["layer"], jax.nn.relu(convnet.apply(SCENE_NET, params["convnet"], scenes_BHW)))

    return SceneNetwork(init, apply)


def draw(key: jax.Array, indices_B: jax.Array, digits: Digits) -> tuple[jax.Array, jax.Array]:
    """Returns the scenes with these numbers in the set that `key` stands for, and their labels."""
    return jax.vmap(lambda i: scenes.draw(jax.random.fold_in(key, i), *digits))(indices_B)


def accuracy(network: SceneNetwork, params: Any, key: jax.Array, number: jax.Array | int, digits: Digits) -> jax.Array:
    """Returns the percentage of the first `number` scenes of a set whose even digits are counted rightly."""

    def chunk(i: jax.Array, right: jax.Array) -> jax.Array:
        indices_B = i * CHUNK + jnp.arange(CHUNK)
        scenes_BHW, labels_B = draw(key, indices_B, digits)
        guesses_B = network.apply(params, scenes_BHW).argmax(axis=1)
        return right + jnp.sum((guesses_B == labels_B) & (indices_B < number))

    chunks = (number + CHUNK - 1) // CHUNK
    return 100 * jax.lax.fori_loop(0, chunks, chunk, jnp.int32(0)) / number


def guesses(network: SceneNetwork, params: Any, key: jax.Array, number: int, digits: Digits) -> jax.Array:
    """Returns what the network says of the first `number` scenes of a set."""
    return network.apply(params, draw(key, jnp.arange(number), digits)[0]).argmax(axis=1)


def show(key: jax.Array, number: int, digits: Digits) -> Train:
    """Returns a run without training that stores the first scenes of a set, `[number, H, W]` uint8, and labels."""

    def leg(state: jax.Array, images: jax.Array, labels: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        scenes_BHW, labels_B = draw(key, jnp.arange(number), (images, labels))
        return state, {"scenes": jnp.round(255 * scenes_BHW).astype(jnp.uint8), "labels": labels_B}

    return Train(init=lambda key, *_: jnp.int32(0), leg=leg, legs=1, network_steps=0, data=digits)
