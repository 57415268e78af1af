"""The NAC in log space (NAC-mul, NAC•): products, quotients and powers of its inputs' magnitudes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from flax import linen as nn

from nalu._src.arrays import batched_equation
from nalu._src.bounded import bounded_exp, magnitude
from nalu._src.cell import Cell, Facts
from nalu._src.formula import magnitudes, products
from nalu._src.nac import nac_weights
from nalu._src.recipe import Recipe
from nalu._src.snapping import Snapped, half, hats

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@batched_equation("I O")
def log_nac(
    x: Float[Array, "*batch I"], w: Float[Array, "I O"], *, eps: float = 1e-7, clip: float | None = float("inf")
) -> Float[Array, "*batch O"]:
    """Multiplies, divides and takes powers of the inputs' magnitudes.

        m = exp(log(|x| + eps) W)

    Args:
      x: `[..., I]` inputs.
      w: `[I, O]` weights; usually `nac_weights(w_hat, m_hat)`. Led by x's leading axes: those of each item.
      eps: keeps the log finite at x = 0; no factor smaller than eps is seen. With 0 it is the least normal float there.
      clip: largest exponent, None for none. Training wants a bound whose square is finite, such as 40;
        without one the result is bounded by the largest float.

    Returns:
      `[..., O]`, never negative and never infinite: the signs of x are lost.

    Raises:
      ValueError: eps is negative.

    Source: Trask et al. 2018, section 2.
    """
    exponent = jnp.log(magnitude(x, eps)) @ w
    return bounded_exp(exponent if clip is None else jnp.minimum(exponent, clip))


class NACMul(Cell):
    """`log_nac` with parameters `w_hat` and `m_hat`, both `[I, features]`.

    Attributes:
      features: number of outputs.
      eps, clip: see `log_nac`.
      w_hat_init, m_hat_init: initialisers; the paper states none, so Glorot's.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    eps: float = 1e-7
    clip: float | None = float("inf")
    w_hat_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    m_hat_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = Facts(
        title="neural accumulator in log space",
        equation="y = exp(log(|x| + eps) W), W = tanh(w_hat) sigmoid(m_hat)",
        exact=("a", "a * b", "a / b", "1 / a", "sqrt(a)"),
        exact_signed=(),
        fails="the signs of x are lost; no factor below eps is seen, and x near 0 makes gradients steep; no sum",
        start="Glorot uniform",
        source="Trask et al. 2018, arXiv 1808.00508; alone as NAC• in Madsen and Johansen 2020, arXiv 2001.05016",
    )
    published = Recipe("adam", 1e-3, 50_000, source="Mistry et al. 2022, arXiv 2101.09530, single module")

    @nn.nowrap
    def starts(self, inputs):
        shape = (inputs, self.features)
        return {"w_hat": (self.w_hat_init, shape), "m_hat": (self.m_hat_init, shape)}

    @nn.nowrap
    def compute(self, params, x, key):
        return log_nac(x, nac_weights(params["w_hat"], params["m_hat"]), eps=self.eps, clip=self.clip)

    @nn.nowrap
    def snapped(self, params, x):
        w = nac_weights(params["w_hat"], params["m_hat"])
        w_hat, m_hat = hats(half(w))
        return Snapped({"w_hat": w_hat, "m_hat": m_hat}, {"W": w}, {"W": half(w)})

    @nn.nowrap
    def formulas(self, nearest, x):
        return products(nearest["W"], magnitudes(x))
