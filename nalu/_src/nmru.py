"""The neural multiplicative reciprocal unit (NMRU): an NMU of the inputs and their reciprocals, with a sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.arrays import equation
from nalu._src.bounded import bounded_product, clipped
from nalu._src.cell import Cell, Facts
from nalu._src.formula import products
from nalu._src.nmu import around_one_half, to_zero_one
from nalu._src.npu import EPS
from nalu._src.nru import LEAST
from nalu._src.recipe import Recipe
from nalu._src.rules import Rule
from nalu._src.snapping import Snapped, switch

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@equation("2I O")
def nmru(x: Float[Array, " I"], w: Float[Array, "J O"], *, eps: float = 0.0) -> Float[Array, " O"]:
    """Multiplies chosen inputs and chosen reciprocals.

        y_o = prod_j (|z_j| W_jo + 1 - W_jo) * cos(sum_j pi [z_j < 0] W_jo),   z = [x, 1 / (x + eps)],   W in [0, 1]

    Args:
      x: `[..., I]` inputs; a denominator below 1e-9 counts as 1e-9.
      w: `[2 I, O]` weights, clipped: first those of the inputs, then those of the reciprocals. Led by x's leading
        axes: those of each item.
      eps: added to denominators; 2**-23 in training.

    Returns:
      `[..., O]`, at most the largest float.

    Source: Mistry, Farrahi and Hare 2021, arXiv 2110.05177; the form with a separate sign, which is the published one.
    """
    w = clipped(w, 0.0, 1.0)
    z = jnp.concatenate([jnp.abs(x), 1 / jnp.maximum(jnp.abs(x + eps), LEAST)])
    angle = jnp.where(jnp.concatenate([x < 0, x + eps < 0]), jnp.pi, 0.0).astype(x.dtype)
    sign = jnp.cos(angle @ w)
    return bounded_product(jnp.concatenate([z[:, None] * w + (1 - w), sign[None]]))


class NMRU(Cell):
    """`nmru`, with eps = 2**-23 where an rng called "noise" is given; the parameter is `w_nmru`, `[2 I, features]`.

    Attributes:
      features: number of outputs.
      w_init: initialiser; the source's.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    w_init: nn.initializers.Initializer = around_one_half
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = Facts(
        title="neural multiplicative reciprocal unit",
        equation="y_o = prod_j (|z_j| W_jo + 1 - W_jo) cos(sum_j pi [z_j < 0] W_jo), z = [x, 1 / x] "
        "(in training 1 / (x + eps)), W in [0, 1]",
        exact=("a", "a * b", "a / b", "1 / a"),
        exact_signed=("a", "a * b", "a / b", "1 / a"),
        fails="no sum; x * 1 / x is 1, so that wrong weights can cancel; 1 / 0 is 1e9",
        start="U[1/4, 3/4]",
        source="Mistry, Farrahi and Hare 2021, arXiv 2110.05177",
    )
    published = Recipe(
        "adam",
        1e-2,
        50_000,
        penalty=10.0,
        penalty_from=20_000,
        penalty_to=35_000,
        clip_norm=1.0,
        source="Mistry, Farrahi and Hare 2021, arXiv 2110.05177, single module",
    )
    rules = FrozenDict({"w_nmru": Rule(axes=2, penalty=to_zero_one, says="min(|W|, |1 - W|)", bounds=(0, 1))})

    trained_otherwise = True

    @nn.nowrap
    def starts(self, inputs):
        return {"w_nmru": (self.w_init, (2 * inputs, self.features))}

    @nn.nowrap
    def compute(self, params, x, key):
        return nmru(x, params["w_nmru"], eps=0.0 if key is None else EPS)

    @nn.nowrap
    def snapped(self, params, x):
        w = jnp.clip(params["w_nmru"], 0, 1)
        return Snapped({"w_nmru": switch(w)}, {"W": w}, {"W": switch(w)})

    @nn.nowrap
    def formulas(self, nearest, x):
        above, below = jnp.split(nearest["W"], 2)
        return products(above - below, x)
