"""The neural accumulator (NAC): sums and differences of its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from flax import linen as nn

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


def nac_weights(w_hat: Float[Array, "*shape"], m_hat: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weights in [-1, 1] that gradient descent draws to -1, 0 and 1.

        W = tanh(w_hat) * sigmoid(m_hat)

    Args:
      w_hat, m_hat: any shape, unconstrained; usually `[I, O]`.

    Returns:
      An array of the same shape.

    Source: Trask et al. 2018, section 2.
    """
    return jnp.tanh(w_hat) * jax.nn.sigmoid(m_hat)


def nac(x: Float[Array, "*batch I"], w: Float[Array, "I O"]) -> Float[Array, "*batch O"]:
    """Adds and subtracts the inputs.

        a = x W

    Args:
      x: `[..., I]` inputs.
      w: `[I, O]` weights; usually `nac_weights(w_hat, m_hat)`.

    Returns:
      `[..., O]`. There is no bias and nothing squashes it, so that it extrapolates.

    Source: Trask et al. 2018, section 2.
    """
    return x @ w


class NAC(nn.Module):
    """`nac` with parameters `w_hat` and `m_hat`, both `[I, features]`; `nn.Dense(features)` for sums and differences.

    Attributes:
      features: number of outputs.
      w_hat_init, m_hat_init: initialisers; the paper states none, so Glorot's.
    """

    features: int
    w_hat_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    m_hat_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch I"]) -> Float[Array, "*batch O"]:
        shape = (x.shape[-1], self.features)
        w_hat = self.param("w_hat", self.w_hat_init, shape)
        m_hat = self.param("m_hat", self.m_hat_init, shape)
        return nac(x, nac_weights(w_hat, m_hat))
