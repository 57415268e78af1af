"""The iNALU whose two paths share their weights, iNALU (sw)."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.cell import Cell
from nalu._src.formula import products, sums
from nalu._src.inalu import G_INIT, INALU, M_HAT_INIT, SAYS, W_HAT_INIT, inalu, to_saturation
from nalu._src.nac import nac_weights
from nalu._src.rules import Rule
from nalu._src.snapping import Snapped, half, hats, logit, switch, whole


class INALUShared(Cell):
    """`inalu` with the same weights for both paths: `w_hat_inalu` and `m_hat_inalu`, `[I, features]`, and `g_inalu`.

    Attributes:
      features: number of outputs.
      eps, clip: see `inalu`.
      w_hat_init, m_hat_init, g_init: initialisers; those of the source's experiments.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    eps: float = 1e-7
    clip: float | None = 20.0
    w_hat_init: nn.initializers.Initializer = W_HAT_INIT
    m_hat_init: nn.initializers.Initializer = M_HAT_INIT
    g_init: nn.initializers.Initializer = G_INIT
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = INALU.facts._replace(
        title="improved neural arithmetic logic unit, shared weights",
        equation="the iNALU with W_add = W_mul",
    )
    published = INALU.published
    rules = FrozenDict(
        {
            "w_hat_inalu": Rule(axes=2, penalty=to_saturation, says=SAYS),
            "m_hat_inalu": Rule(axes=2, penalty=to_saturation, says=SAYS),
            "g_inalu": Rule(axes=1, penalty=to_saturation, says=SAYS),
        }
    )

    @nn.nowrap
    def starts(self, inputs):
        shape = (inputs, self.features)
        return {
            "w_hat_inalu": (self.w_hat_init, shape),
            "m_hat_inalu": (self.m_hat_init, shape),
            "g_inalu": (self.g_init, (self.features,)),
        }

    @nn.nowrap
    def compute(self, params, x, key):
        w = nac_weights(params["w_hat_inalu"], params["m_hat_inalu"])
        return inalu(x, w, w, params["g_inalu"], eps=self.eps, clip=self.clip)

    @nn.nowrap
    def snapped(self, params, x):
        w, gate = nac_weights(params["w_hat_inalu"], params["m_hat_inalu"]), jax.nn.sigmoid(params["g_inalu"])
        nearest = {"W": jnp.where(switch(gate)[None] == 1, whole(w), half(w)), "gate": switch(gate)}
        w_hat, m_hat = hats(nearest["W"])
        exact = {"w_hat_inalu": w_hat, "m_hat_inalu": m_hat, "g_inalu": logit(nearest["gate"])}
        return Snapped(exact, {"W": w, "gate": gate}, nearest)

    @nn.nowrap
    def formulas(self, nearest, x):
        added, multiplied = sums(nearest["W"], x), products(nearest["W"], x)
        return [added[o] if opened else multiplied[o] for o, opened in enumerate(nearest["gate"].tolist())]
