"""The neural accumulator (NAC): sums and differences of its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from nalu._src.arrays import batched_equation
from nalu._src.cell import Cell, Facts
from nalu._src.formula import sums
from nalu._src.recipe import Recipe
from nalu._src.snapping import Snapped, hats, whole

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


@batched_equation("I O")
def nac(x: Float[Array, "*batch I"], w: Float[Array, "I O"]) -> Float[Array, "*batch O"]:
    """Adds and subtracts the inputs.

        a = x W

    Args:
      x: `[..., I]` inputs.
      w: `[I, O]` weights; usually `nac_weights(w_hat, m_hat)`. Led by x's leading axes: those of each item.

    Returns:
      `[..., O]`. There is no bias and nothing squashes it, so that it extrapolates.

    Source: Trask et al. 2018, section 2.
    """
    return x @ w


class NAC(Cell):
    """`nac` with parameters `w_hat` and `m_hat`, both `[I, features]`; `nn.Dense(features)` for sums and differences.

    Attributes:
      features: number of outputs.
      w_hat_init, m_hat_init: initialisers; the paper states none, so Glorot's.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    w_hat_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    m_hat_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = Facts(
        title="neural accumulator",
        equation="y = x W, W = tanh(w_hat) sigmoid(m_hat)",
        exact=("a", "-a", "a + b", "a - b"),
        exact_signed=("a", "-a", "a + b", "a - b"),
        fails="no product, no quotient; weights come near to -1, 0 and 1 but never reach them",
        start="Glorot uniform",
        source="Trask et al. 2018, arXiv 1808.00508",
    )
    published = Recipe(
        "adam", 1e-3, 50_000, source="Mistry et al. 2022, arXiv 2101.09530, single module; Trask et al. state none"
    )

    @nn.nowrap
    def starts(self, inputs):
        shape = (inputs, self.features)
        return {"w_hat": (self.w_hat_init, shape), "m_hat": (self.m_hat_init, shape)}

    @nn.nowrap
    def compute(self, params, x, key):
        return nac(x, nac_weights(params["w_hat"], params["m_hat"]))

    @nn.nowrap
    def snapped(self, params, x):
        w = nac_weights(params["w_hat"], params["m_hat"])
        w_hat, m_hat = hats(whole(w))
        return Snapped({"w_hat": w_hat, "m_hat": m_hat}, {"W": w}, {"W": whole(w)})

    @nn.nowrap
    def formulas(self, nearest, x):
        return sums(nearest["W"], x)
