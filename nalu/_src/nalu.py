"""The neural arithmetic logic unit (NALU): a gate between a NAC and a NAC in log space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from flax import linen as nn

from nalu._src.nac import nac, nac_weights

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


def log_nac(
    x: Float[Array, "*batch I"], w: Float[Array, "I O"], *, eps: float = 1e-7, clip: float = float("inf")
) -> Float[Array, "*batch O"]:
    """Multiplies, divides and takes powers of the inputs' magnitudes.

        m = exp(log(|x| + eps) W)

    Args:
      x: `[..., I]` inputs.
      w: `[I, O]` weights; usually `nac_weights(w_hat, m_hat)`.
      eps: keeps the log finite at x = 0; no factor smaller than eps is seen.
      clip: largest exponent. Training wants a bound whose square is finite, such as 40;
        without one the result is bounded by the largest float.

    Returns:
      `[..., O]`, never negative and never infinite: the signs of x are lost.

    Source: Trask et al. 2018, section 2.
    """
    return _bounded_exp(jnp.minimum(jnp.log(jnp.abs(x) + eps) @ w, clip))


def nalu(
    x: Float[Array, "*batch I"],
    w: Float[Array, "I O"],
    g: Float[Array, "I #O"],
    *,
    eps: float = 1e-7,
    clip: float = float("inf"),
) -> Float[Array, "*batch O"]:
    """Chooses, per output, between adding and multiplying the inputs.

        y = g a + (1 - g) m,   a = x W,   m = exp(log(|x| + eps) W),   g = sigmoid(x G)

    Args:
      x: `[..., I]` inputs.
      w: `[I, O]` weights of both paths; usually `nac_weights(w_hat, m_hat)`.
      g: `[I, O]` gate weights, or `[I, 1]` for one gate for all outputs.
      eps, clip: see `log_nac`.

    Returns:
      `[..., O]`. The multiplicative path is never negative: the sign of x
      reaches y only through the additive path.

    Source: Trask et al. 2018, section 2.
    """
    gate = jax.nn.sigmoid(x @ g)
    return gate * nac(x, w) + (1 - gate) * log_nac(x, w, eps=eps, clip=clip)


class NALU(nn.Module):
    """`nalu` with parameters `w_hat` and `m_hat`, both `[I, features]`, and `g`.

    Attributes:
      features: number of outputs.
      gate_per: "output", as the paper's equation reads (`g` is `[I, features]`), or "layer", as its figure 2
        is drawn (`g` is `[I, 1]`).
      eps, clip: see `log_nac`.
      w_hat_init, m_hat_init, g_init: initialisers; the paper states none, so Glorot's.
    """

    features: int
    gate_per: str = "output"
    eps: float = 1e-7
    clip: float = float("inf")
    w_hat_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    m_hat_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    g_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch I"]) -> Float[Array, "*batch O"]:
        if self.gate_per not in ("output", "layer"):
            raise ValueError(f'gate_per is "output" or "layer", not {self.gate_per!r}.')
        gates = self.features if self.gate_per == "output" else 1
        shape = (x.shape[-1], self.features)
        w_hat = self.param("w_hat", self.w_hat_init, shape)
        m_hat = self.param("m_hat", self.m_hat_init, shape)
        g = self.param("g", self.g_init, (x.shape[-1], gates))
        return nalu(x, nac_weights(w_hat, m_hat), g, eps=self.eps, clip=self.clip)


@jax.custom_jvp
def _bounded_exp(e: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """`exp(e)` wherever that is finite, and the largest float beyond.

    In y = g a + (1 - g) m an infinite m under a closed gate would be 0 * inf. The derivative is `exp(e)` too but
    stops growing at `max**0.75` (3e28 in float32), which leaves room for what the chain rule multiplies it with.
    """
    return jnp.minimum(jnp.exp(e), jnp.finfo(e.dtype).max)


@_bounded_exp.defjvp
def _bounded_exp_jvp(primals, tangents):
    m = _bounded_exp(*primals)
    return m, jnp.minimum(m, float(jnp.finfo(m.dtype).max) ** 0.75) * tangents[0]
