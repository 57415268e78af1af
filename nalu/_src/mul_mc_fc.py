"""The multiplicative MC-FC (MulMC-FC): an MC-FC in log space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp
from flax import linen as nn

from nalu._src.arrays import equation
from nalu._src.bounded import bounded_exp, magnitude
from nalu._src.formula import magnitudes, products
from nalu._src.mc_fc import MCFC, mc_fc
from nalu._src.snapping import Snapped

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@equation("I O", "O", "O", "O")
def mul_mc_fc(
    x: Float[Array, " I"],
    r: Float[Array, "I O"],
    w: Float[Array, " O"],
    b: Float[Array, " O"],
    c: Float[Array, " O"],
    *,
    eps: float = 1e-7,
) -> Float[Array, " O"]:
    """Distributes the inputs over products.

        y = exp(sigmoid(w + b) (log(|x| + eps) J) + c),   J = softmax of R over the outputs

    Args:
      x: `[..., I]` inputs.
      r: `[I, O]` logits of where an input goes.
      w, b: `[O]` gates before the sigmoid.
      c: `[O]` bias. All may be led by x's leading axes.
      eps: keeps the log finite at x = 0. With 0 a factor of 0 is the least normal float.

    Returns:
      `[..., O]`, never negative, at most the largest float: the signs of x are lost. The published log has neither
      |x| nor eps, and gives NaN for x <= 0.

    Raises:
      ValueError: eps is negative.

    Source: Hoedt et al. 2021, "MC-LSTM: Mass-Conserving LSTM", arXiv 2101.05186.
    """
    return bounded_exp(mc_fc(jnp.log(magnitude(x, eps)), r, w, b) + c)


class MulMCFC(MCFC):
    """`mul_mc_fc` with the MC-FC's parameters and the bias `c_mc_fc`, `[features]`.

    Attributes:
      features, r_init, w_init, b_init, dtype, param_dtype: as the MC-FC's.
      c_init: initialiser; the source's.
      eps: see `mul_mc_fc`.
    """

    c_init: nn.initializers.Initializer = nn.initializers.zeros
    eps: float = 1e-7

    facts = MCFC.facts._replace(
        title="multiplicative mass-conserving fully connected layer",
        equation="y = exp(sigmoid(w + b) (log(|x| + eps) J) + c), J = softmax of R over the outputs",
        exact=("a * b",),
        exact_signed=(),
        fails="no quotient, no sum; the signs of x are lost; an input can be left out only by an output not used",
        start="R and w orthogonal, b and c 0",
    )

    @nn.nowrap
    def starts(self, inputs):
        return {**super().starts(inputs), "c_mc_fc": (self.c_init, (self.features,))}

    @nn.nowrap
    def compute(self, params, x, key):
        return mul_mc_fc(x, *(params[name] for name in ("r_mc_fc", "w_mc_fc", "b_mc_fc", "c_mc_fc")), eps=self.eps)

    @nn.nowrap
    def snapped(self, params, x):
        read = super().snapped(params, x)
        zeros = jnp.zeros_like(params["c_mc_fc"])
        return Snapped(
            {**read.params, "c_mc_fc": zeros},
            {**read.weights, "c": params["c_mc_fc"]},
            {**read.nearest, "c": zeros},
        )

    @nn.nowrap
    def formulas(self, nearest, x):
        return products(nearest["J"] * nearest["gate"][None], magnitudes(x))
