"""The NAC in log space with weights in [0, 1] (NAC•,σ): products of its inputs' magnitudes, no quotients."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from nalu._src.cell import Cell, Facts
from nalu._src.formula import magnitudes, products
from nalu._src.nac_mul import log_nac
from nalu._src.recipe import Recipe
from nalu._src.snapping import Snapped, half, logit


class NACMulSigmoid(Cell):
    """`log_nac` with the weights `sigmoid(w_hat)`; the parameter is `w_hat_sigmoid`, `[I, features]`.

    Attributes:
      features: number of outputs.
      eps, clip: see `log_nac`.
      w_hat_init: initialiser; the source's.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    eps: float = 1e-7
    clip: float | None = float("inf")
    w_hat_init: nn.initializers.Initializer = nn.initializers.glorot_normal()
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = Facts(
        title="neural accumulator in log space, sigmoid weights",
        equation="y = exp(log(|x| + eps) W), W = sigmoid(w_hat)",
        exact=("a", "a * b", "sqrt(a)"),
        exact_signed=(),
        fails="the signs of x are lost; no factor below eps is seen; no quotient, no sum",
        start="Glorot normal",
        source="Madsen and Johansen 2020, arXiv 2001.05016 (NAC•,σ)",
    )
    published = Recipe("adam", 1e-3, 5_000_000, source="Madsen and Johansen 2020, arXiv 2001.05016, 100-2-1")

    @nn.nowrap
    def starts(self, inputs):
        return {"w_hat_sigmoid": (self.w_hat_init, (inputs, self.features))}

    @nn.nowrap
    def compute(self, params, x, key):
        return log_nac(x, jax.nn.sigmoid(params["w_hat_sigmoid"]), eps=self.eps, clip=self.clip)

    @nn.nowrap
    def snapped(self, params, x):
        w = jax.nn.sigmoid(params["w_hat_sigmoid"])
        return Snapped({"w_hat_sigmoid": logit(half(w))}, {"W": w}, {"W": half(w)})

    @nn.nowrap
    def formulas(self, nearest, x):
        return products(nearest["W"], magnitudes(x))
