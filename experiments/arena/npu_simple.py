"""The networks of the power unit's simple task, how they are trained and what they are measured by.

Most are a layer of six and one of four outputs.

Axes: O outputs, I inputs, N items.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

import nalu

from . import entrants, layers_of_heim
from .networks import Network
from .tasks import Task

HIDDEN, OUTPUTS = 6, ("x + y", "x y", "x / y", "root of x")


def _then_linear(layer: Any) -> tuple[nn.Module, ...]:
    return layer(HIDDEN), layers_of_heim.linear(len(OUTPUTS))


def _twice(layer: Any) -> tuple[nn.Module, ...]:
    return layer(HIDDEN), layer(len(OUTPUTS))


ADAM = nalu.Recipe("adam", 5e-3, 20_000, source="Heim, Pevny and Smidl 2020, arXiv 2006.01681, and their code")
RMSPROP = ADAM._replace(optimiser="rmsprop")
SLOW_RMSPROP = RMSPROP._replace(learning_rate=1e-3)
CELLS = nalu.CELLS
NETWORKS: dict[str, tuple[str, tuple[nn.Module, ...], nalu.Recipe]] = {  # the first six are the published
    "npu": ("NPU, linear", _then_linear(CELLS["npu"]), ADAM),
    "real_npu": ("RealNPU, linear", _then_linear(CELLS["real_npu"]), ADAM),
    "nmu_inside": ("NMU clipped inside, linear", _then_linear(layers_of_heim.ClippedNMU), ADAM),
    "nalu_biased": ("NALU with biases, twice", _twice(layers_of_heim.BiasedNALU), RMSPROP),
    "inalu_gated": ("iNALU with gates of x, twice", _twice(layers_of_heim.GatedINALU), SLOW_RMSPROP),
    "dense": ("sigmoid 10, 10", (layers_of_heim.Dense(len(OUTPUTS)),), ADAM),
    "nmu": ("NMU, linear", _then_linear(CELLS["nmu"]), ADAM),
    "nalu": ("NALU, NALU", _twice(CELLS["nalu"]), RMSPROP),
    "inalu": ("iNALU, iNALU", _twice(CELLS["inalu"]), SLOW_RMSPROP),
    "modified_real_npu": ("RealNPU modified, linear", _then_linear(CELLS["modified_real_npu"]), ADAM),
    "nmru": ("NMRU, linear", _then_linear(CELLS["nmru"]), ADAM),
}


def network_of(name: str) -> tuple[str, tuple[nn.Module, ...], nalu.Recipe]:
    """Returns title, layers and training of a network; a cell of the user's own makes both layers."""
    if name in NETWORKS:
        return NETWORKS[name]
    own = entrants.entrant(name)
    return f"{own.title}, {own.title}", (own.module(HIDDEN, 2), own.module(len(OUTPUTS), HIDDEN)), own.recipe


def errors(network: Network, task: Task, params: Any) -> dict[str, jax.Array]:
    """Returns the mean absolute errors of a network, `[O]`: beyond the training range (`error_O`), and inside of it."""

    def error(x_IN: jax.Array) -> jax.Array:
        error_O = jnp.mean(jnp.abs(network.apply(params, x_IN, None) - task.target(x_IN)), axis=1)
        return jnp.where(jnp.isfinite(error_O), error_O, jnp.inf)

    wide_O, positive_O = error(grid(-4.1, 3.9)), error(grid(0.1, 4.0, 0.1))
    return {
        "error_O": jnp.where(jnp.arange(len(OUTPUTS)) == 3, positive_O, wide_O),  # roots are of positive numbers
        "inside_O": error(grid(0.1, 2.1, 0.1)),
    }


def grid(low: float, high: float, step: float = 0.2) -> jax.Array:
    """Returns all pairs of evenly spaced numbers, `[2, N]`."""
    numbers = np.linspace(low, high, round((high - low) / step) + 1)
    return jnp.asarray(np.stack(np.meshgrid(numbers, numbers)).reshape(2, -1), jnp.float32)
