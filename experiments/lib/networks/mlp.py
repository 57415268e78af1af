"""The multilayer perceptrons of the paper's baselines: the nonlinearities by the paper's names, and PyTorch's start.

Axes: B batch, I inputs, O outputs.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

# The paper's names are PyTorch's (its Figure 1 was evidently made with it), so these are PyTorch's definitions and
# default arguments. Threshold has no default there; (threshold, value) = (1, 0) is ours. Where jax.nn has the same
# values but another gradient at a corner (of ReLU, ReLU6, LeakyReLU and Hardtanh), the records are of the one here.
NONLINEARITIES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "Hardtanh": lambda x: jnp.clip(x, -1, 1),
    "Sigmoid": jax.nn.sigmoid,
    "ReLU6": lambda x: jnp.clip(x, 0, 6),
    "Tanh": jnp.tanh,
    "Tanhshrink": lambda x: x - jnp.tanh(x),
    "Hardshrink": lambda x: jnp.where(jnp.abs(x) > 0.5, x, 0),
    "LeakyReLU": lambda x: jnp.where(x > 0, x, 0.01 * x),
    "Softshrink": lambda x: jnp.sign(x) * jnp.maximum(jnp.abs(x) - 0.5, 0),
    "Softsign": jax.nn.soft_sign,
    "Threshold": lambda x: jnp.where(x > 1, x, 0),
    "ReLU": lambda x: jnp.maximum(x, 0),
    "Softplus": jax.nn.softplus,
    "ELU": jax.nn.elu,
    "SELU": jax.nn.selu,
    "None": jax.nn.identity,
}


def prelu(x: jax.Array, slope: jax.Array) -> jax.Array:
    """Returns x where positive and `slope` x elsewhere; PyTorch learns one slope a layer, starting at 0.25."""
    return jnp.where(x > 0, x, slope * x)


def nonlinearity(name: str) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Returns the nonlinearity as a function of x and the layer's learnt slope, which all but PReLU ignore."""
    if name == "PReLU":
        return prelu
    function = NONLINEARITIES[name]
    return lambda x, slope: function(x)


def mlp_init(key: jax.Array, sizes: tuple[int, ...]) -> list[dict[str, jax.Array]]:
    """Returns dense layers `{w [I, O], b [O], slope []}`, w and b from U(-1/sqrt(I), 1/sqrt(I)), PyTorch's default."""
    layers = []
    for key_layer, inputs, outputs in zip(jax.random.split(key, len(sizes) - 1), sizes[:-1], sizes[1:], strict=True):
        key_w, key_b = jax.random.split(key_layer)
        bound = inputs**-0.5
        layers.append(
            {
                "w": jax.random.uniform(key_w, (inputs, outputs), minval=-bound, maxval=bound),
                "b": jax.random.uniform(key_b, (outputs,), minval=-bound, maxval=bound),
                "slope": jnp.float32(0.25),
            }
        )
    return layers


def mlp(layers: list[dict[str, Any]], x: jax.Array, activate: Callable[[jax.Array, jax.Array], jax.Array]) -> jax.Array:
    """Returns `[B, O]`: dense layers with the nonlinearity between them and none after the last."""
    for layer in layers[:-1]:
        x = activate(x @ layer["w"] + layer["b"][None], layer["slope"])
    return x @ layers[-1]["w"] + layers[-1]["b"][None]
