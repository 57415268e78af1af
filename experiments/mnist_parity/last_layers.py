"""The last layers of section 4.6: an affine layer, a NAC, and what lies between.

Axes: B items, I inputs, O outputs.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu


class LastLayer(nn.Module):
    """y = f(W) x, with or without a bias, where f holds the weights within bounds."""

    features: int
    weights: str
    bias: bool

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (x.shape[-1], self.features)
        glorot = nn.initializers.glorot_uniform()
        w = self.param("w", glorot, shape)
        match self.weights:
            case "free":
                pass
            case "sigmoid":
                w = jax.nn.sigmoid(w)
            case "tanh":
                w = jnp.tanh(w)
            case "nac":
                w = nalu.nac_weights(w, self.param("m", glorot, shape))
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
