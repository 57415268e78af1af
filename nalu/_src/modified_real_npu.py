"""The modified RealNPU: its exponents in [-1, 1], and both exponents and gates drawn to whole numbers."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.bounded import clipped
from nalu._src.cell import Cell
from nalu._src.formula import products
from nalu._src.nau import glorot_to_one_half
from nalu._src.nmu import to_zero_one
from nalu._src.npu import snapped_exponents
from nalu._src.real_npu import RealNPU, real_npu
from nalu._src.recipe import Recipe
from nalu._src.rules import Rule


class ModifiedRealNPU(Cell):
    """`real_npu` of exponents in [-1, 1]; the parameters are `w_modified_npu`, `[I, features]`, and `g_modified_npu`.

    Attributes:
      features: number of outputs.
      w_init, g_init: initialisers; the source's.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    w_init: nn.initializers.Initializer = glorot_to_one_half
    g_init: nn.initializers.Initializer = nn.initializers.constant(0.5)
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = RealNPU.facts._replace(
        title="modified real neural power unit",
        equation="the RealNPU with W in [-1, 1]",
        exact=("a", "a * b", "a / b", "1 / a", "sqrt(a)"),
        exact_signed=("a", "a * b", "a / b", "1 / a"),
        fails="no sum, no power beyond 1; x near 0 is seen as eps = 1.2e-7; its penalty draws exponents to -1 and 1, "
        "so that only the gate leaves an input out",
        start="W U[-r, r], r = min(1/2, sqrt(6 / (I + O))), g 1/2",
        source="Mistry, Farrahi and Hare 2021, arXiv 2110.05177",
    )
    published = Recipe(
        "adam",
        5e-3,
        50_000,
        penalty=1.0,
        penalty_from=40_000,
        penalty_to=50_000,
        l1=(1e-9, 1e-7),
        source="Mistry, Farrahi and Hare 2021, arXiv 2110.05177, single module, quotient",
    )
    rules = FrozenDict(
        {
            "w_modified_npu": Rule(
                axes=2, penalty=lambda w: jnp.abs(1 - jnp.abs(w)), says="|1 - |W||", bounds=(-1, 1), l1=True
            ),
            "g_modified_npu": Rule(axes=1, penalty=to_zero_one, says="min(|g|, |1 - g|)", bounds=(0, 1), l1=True),
        }
    )

    @nn.nowrap
    def starts(self, inputs):
        return {"w_modified_npu": (self.w_init, (inputs, self.features)), "g_modified_npu": (self.g_init, (inputs,))}

    @nn.nowrap
    def compute(self, params, x, key):
        return real_npu(x, clipped(params["w_modified_npu"], -1.0, 1.0), params["g_modified_npu"])

    @nn.nowrap
    def snapped(self, params, x):
        w = jnp.clip(params["w_modified_npu"], -1, 1)
        read = snapped_exponents(w, params["g_modified_npu"], 1.0)
        return read._replace(params={"w_modified_npu": read.nearest["W"], "g_modified_npu": read.nearest["gate"]})

    @nn.nowrap
    def formulas(self, nearest, x):
        return products(nearest["W"], x)
