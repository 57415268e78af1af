"""The networks of section 4.2: a convolutional network for each image, and a cell over the series.

NAC and NALU add over the series (`nalu.Accumulator`): h_t = h_(t-1) + cell(f_t), h_0 = 0, and h_T is the answer. The
usual cells carry a state and have a linear read-out of the last one.

Axes: B images, N series, T images of a series, F features, O outputs.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..lib.networks import convnet
from .series import SeriesNetwork

MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's training pixels, as in the example that the convolutional net is from
USUAL = {
    "lstm": nn.OptimizedLSTMCell,
    "gru": nn.GRUCell,
    "rnn-tanh": nn.SimpleCell,
    "rnn-relu": lambda hidden: nn.SimpleCell(hidden, activation_fn=nn.relu),
}
SQUASHES: dict[str, Callable[[jax.Array], jax.Array]] = {"none": lambda f: f, "sigmoid": jax.nn.sigmoid}


def accumulator(cell: nn.Module, *, squash: str, scale: float) -> SeriesNetwork:
    """Returns the sum over the series of a cell without a state, on features squash(scale * convnet(image)).

    What the cell makes of an image does not depend on the other images, so it counts as the image's features.
    """

    def init(key: jax.Array) -> Any:
        key_convnet, key_cell = jax.random.split(key)
        params = convnet.init(convnet.DIGIT_NET, key_convnet)
        return {"convnet": params, "cell": cell.init(key_cell, jnp.zeros((1, convnet.DIGIT_NET.dense[-1])))}

    def features(params: Any, images_BHW: jax.Array, rngs: Any = None) -> jax.Array:
        f_BF = convnet.apply(convnet.DIGIT_NET, params["convnet"], _normalised(images_BHW))
        return cell.apply(params["cell"], SQUASHES[squash](scale * f_BF), rngs=rngs)

    return SeriesNetwork(init, features, lambda params, features_NTO: features_NTO.sum(axis=1))


def usual(name: str, *, hidden: int, outputs: int, unit: float) -> SeriesNetwork:
    """Returns one of the usual cells; its read-out is in units of `unit`, so that large totals are learnt at all."""
    over_series = nn.RNN(USUAL[name](hidden), return_carry=True)
    read_out = nn.Dense(outputs)

    def init(key: jax.Array) -> Any:
        key_convnet, key_cell, key_read_out = jax.random.split(key, 3)
        return {
            "convnet": convnet.init(convnet.DIGIT_NET, key_convnet),
            "cell": over_series.init(key_cell, jnp.zeros((1, 1, convnet.DIGIT_NET.dense[-1]))),
            "read_out": read_out.init(key_read_out, jnp.zeros((1, hidden))),
        }

    def features(params: Any, images_BHW: jax.Array, rngs: Any = None) -> jax.Array:
        return convnet.apply(convnet.DIGIT_NET, params["convnet"], _normalised(images_BHW))

    def answer(params: Any, features_NTF: jax.Array) -> jax.Array:
        carry, _ = over_series.apply(params["cell"], features_NTF)
        last_NH = jax.tree.leaves(carry)[-1]  # the LSTM carries (c, h), the others h
        return unit * read_out.apply(params["read_out"], last_NH)

    return SeriesNetwork(init, features, answer)


def _normalised(images_BHW: jax.Array) -> jax.Array:
    return (images_BHW.astype(jnp.float32) / 255 - MEAN) / DEVIATION


def shifted_glorot(shift: float) -> Callable[..., jax.Array]:
    """Returns Glorot's start plus a constant."""
    glorot = nn.initializers.glorot_uniform()
    return lambda key, shape, dtype=jnp.float32: glorot(key, shape, dtype) + shift
