"""The neural reciprocal unit (NRU): products and quotients by weights of 1 and -1, with their signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.arrays import equation
from nalu._src.bounded import bounded_product, clipped
from nalu._src.cell import Cell, Facts
from nalu._src.formula import products
from nalu._src.nau import glorot_to_one_half, to_minus_one_zero_one
from nalu._src.recipe import Recipe
from nalu._src.rules import Rule
from nalu._src.snapping import Snapped, whole

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float

LEAST = 1e-9  # the least magnitude that is raised to a power: it keeps reciprocals and their slopes finite


@equation("I O")
def nru(x: Float[Array, " I"], w: Float[Array, "I O"]) -> Float[Array, " O"]:
    """Multiplies the inputs whose weight is 1, divides by those whose weight is -1, leaves out those of weight 0.

        y_o = prod_i (sgn(x_i) |x_i|^W_io q_io + 1 - q_io),   q = |W|,   W in [-1, 1]

    Args:
      x: `[..., I]` inputs; a magnitude below 1e-9 counts as 1e-9.
      w: `[I, O]` weights, clipped. Led by x's leading axes: those of each item.

    Returns:
      `[..., O]`, at most the largest float. 1 / 0 is 0, because the sign of 0 is.

    Source: Mistry, Farrahi and Hare 2021, arXiv 2110.05177.
    """
    w = clipped(w, -1.0, 1.0)
    return _reciprocal_product(x, w, jnp.abs(w))


@equation("I O")
def nru_training(x: Float[Array, " I"], w: Float[Array, "I O"]) -> Float[Array, " O"]:
    """The NRU as it is trained: a smooth q = tanh(1000 W)^2 in place of |W|, 1 but in the least neighbourhood of 0.

    Args, returns and source: see `nru`.
    """
    w = clipped(w, -1.0, 1.0)
    return _reciprocal_product(x, w, jnp.tanh(1000 * w) ** 2)


def _reciprocal_product(x: Float[Array, " I"], w: Float[Array, "I O"], q: Float[Array, "I O"]) -> Float[Array, " O"]:
    powers = jnp.maximum(jnp.abs(x), LEAST)[:, None] ** w
    return bounded_product(jnp.sign(x)[:, None] * powers * q + (1 - q))


class NRU(Cell):
    """`nru`, and `nru_training` where an rng called "noise" is given; the parameter is `w_nru`, `[I, features]`.

    Attributes:
      features: number of outputs.
      w_init: initialiser; the source's.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    w_init: nn.initializers.Initializer = glorot_to_one_half
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = Facts(
        title="neural reciprocal unit",
        equation="y_o = prod_i (sgn(x_i) |x_i|^W_io q_io + 1 - q_io), q = |W| (in training tanh(1000 W)^2), "
        "W in [-1, 1]",
        exact=("a", "a * b", "a / b", "1 / a"),
        exact_signed=("a", "a * b", "a / b", "1 / a"),
        fails="no sum; 1 / 0 is 0; its slope is next to nothing but near W = 0, so that training is a search",
        start="U[-r, r], r = min(1/2, sqrt(6 / (I + O)))",
        source="Mistry, Farrahi and Hare 2021, arXiv 2110.05177",
    )
    published = Recipe(
        "adam",
        1.0,
        50_000,
        penalty=10.0,
        penalty_from=20_000,
        penalty_to=35_000,
        source="Mistry, Farrahi and Hare 2021, arXiv 2110.05177, single module of 2 inputs; of 10: 1e-3",
    )
    rules = FrozenDict(
        {"w_nru": Rule(axes=2, penalty=to_minus_one_zero_one, says="min(|W|, |1 - |W||)", bounds=(-1, 1))}
    )

    trained_otherwise = True

    @nn.nowrap
    def starts(self, inputs):
        return {"w_nru": (self.w_init, (inputs, self.features))}

    @nn.nowrap
    def compute(self, params, x, key):
        return (nru if key is None else nru_training)(x, params["w_nru"])

    @nn.nowrap
    def snapped(self, params, x):
        w = jnp.clip(params["w_nru"], -1, 1)
        return Snapped({"w_nru": whole(w)}, {"W": w}, {"W": whole(w)})

    @nn.nowrap
    def formulas(self, nearest, x):
        return products(nearest["W"], x)
