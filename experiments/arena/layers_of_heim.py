"""Layers of the power unit's simple task as its authors' code has them, where they are not the cells of nalu.

The published means are of these. Their NMU clips its weights inside of the layer only, so that one beyond 0 or 1 has
no gradient and stays exact; their NALU has gates with a bias; the gates of their iNALU see the input. All but the NMU
start as Glorot's uniform numbers.

Source: Heim, Pevny and Smidl 2020, "Neural Power Units", arXiv 2006.01681, and their code, NeuralArithmetic.jl.

Axes: I inputs, O outputs.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu

GLOROT = nn.initializers.glorot_uniform()


def linear(features: int) -> nn.Module:
    """Returns what they call NAU: nothing holds its weights."""
    return nn.Dense(features, use_bias=False, kernel_init=GLOROT)


class ClippedNMU(nn.Module):
    """`nalu.nmu` with weights that start in U[0, 1] and are never projected."""

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nalu.nmu(x, self.param("w", nn.initializers.uniform(1.0), (x.shape[-1], self.features)))


class BiasedNALU(nn.Module):
    """A NALU whose gates have a bias; eps is 1e-8, added to the magnitude."""

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (x.shape[-1], self.features)
        w_IO = nalu.nac_weights(self.param("w", GLOROT, shape), self.param("m", GLOROT, shape))
        bias_1O = self.param("bias", GLOROT, (1, self.features))  # Glorot's of one input
        gate = nn.sigmoid(x @ self.param("g", GLOROT, shape) + bias_1O)
        return gate * (x @ w_IO) + (1 - gate) * jnp.exp(jnp.log(jnp.abs(x) + 1e-8) @ w_IO)


class GatedINALU(nn.Module):
    """`nalu.inalu` with a gate for each output that sees the input."""

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (x.shape[-1], self.features)
        w_add, m_add, w_mul, m_mul, g = (
            self.param(name, GLOROT, shape) for name in ("w_a", "m_a", "w_m", "m_m", "g_m")
        )
        return nalu.inalu(x, nalu.nac_weights(w_add, m_add), nalu.nac_weights(w_mul, m_mul), x @ g)


class Dense(nn.Module):
    """Two hidden layers of ten sigmoids, as in their appendix; the last state of their code has fifty."""

    outputs: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for _ in range(2):
            x = nn.sigmoid(nn.Dense(10, kernel_init=GLOROT)(x))
        return nn.Dense(self.outputs, kernel_init=GLOROT)(x)
