"""The real neural power unit (RealNPU): the NPU without imaginary exponents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.arrays import equation
from nalu._src.bounded import bounded_exp_cos
from nalu._src.cell import Cell
from nalu._src.formula import products
from nalu._src.npu import G_RULE, MOST, NPU, W_RULE, log_and_angle, snapped_exponents

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@equation("I O", "I")
def real_npu(x: Float[Array, " I"], w: Float[Array, "I O"], g: Float[Array, " I"]) -> Float[Array, " O"]:
    """Raises the chosen inputs to learnt powers and multiplies them.

        y = exp(log(r) W) cos(k W)
        g' = min(max(g, 0), 1),   r = g' (|x| + eps) + 1 - g',   k = pi g' [x < 0],   eps = 2**-23

    Args:
      x: `[..., I]` inputs.
      w: `[I, O]` exponents.
      g: `[I]` gates: 0 leaves an input out. Exponents and gates may be led by x's leading axes.

    Returns:
      `[..., O]`, at most the largest float.

    Source: Heim, Pevny and Smidl 2020, "Neural Power Units", arXiv 2006.01681.
    """
    log_r, k = log_and_angle(x, g)
    return bounded_exp_cos(log_r @ w, k @ w)


class RealNPU(Cell):
    """`real_npu` with the parameters `w_re_npu`, `[I, features]`, and `g_npu`, `[I]`.

    Attributes:
      features: number of outputs.
      w_init, g_init: initialisers; the source's.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    w_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    g_init: nn.initializers.Initializer = nn.initializers.constant(0.5)
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = NPU.facts._replace(
        title="real neural power unit",
        equation="y = exp(log(r) W) cos(k W), r = g (|x| + eps) + 1 - g, k = pi g [x < 0], g in [0, 1]",
        start="W Glorot uniform, g 1/2",
    )
    published = NPU.published
    rules = FrozenDict({"w_re_npu": W_RULE, "g_npu": G_RULE})

    @nn.nowrap
    def starts(self, inputs):
        return {"w_re_npu": (self.w_init, (inputs, self.features)), "g_npu": (self.g_init, (inputs,))}

    @nn.nowrap
    def compute(self, params, x, key):
        return real_npu(x, params["w_re_npu"], params["g_npu"])

    @nn.nowrap
    def snapped(self, params, x):
        read = snapped_exponents(params["w_re_npu"], params["g_npu"], MOST)
        return read._replace(params={"w_re_npu": read.nearest["W"], "g_npu": read.nearest["gate"]})

    @nn.nowrap
    def formulas(self, nearest, x):
        return products(nearest["W"], x)
