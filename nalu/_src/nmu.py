"""The neural multiplication unit (NMU): products of chosen inputs, with their signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.arrays import equation
from nalu._src.bounded import bounded_product, clipped
from nalu._src.cell import Cell, Facts
from nalu._src.formula import products
from nalu._src.recipe import Recipe
from nalu._src.rules import Rule
from nalu._src.snapping import Snapped, switch

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@equation("I O")
def nmu(x: Float[Array, " I"], w: Float[Array, "I O"]) -> Float[Array, " O"]:
    """Multiplies the inputs whose weight is 1, and leaves out those whose weight is 0.

        y_o = prod_i (x_i W_io + 1 - W_io),   W in [0, 1]

    Args:
      x: `[..., I]` inputs.
      w: `[I, O]` weights, clipped; one beyond 0 or 1 has no gradient. Led by x's leading axes: those of each item.

    Returns:
      `[..., O]`, at most the largest float.

    Source: Madsen and Johansen 2020, "Neural Arithmetic Units", arXiv 2001.05016.
    """
    w = clipped(w, 0.0, 1.0)
    return bounded_product(x[:, None] * w + (1 - w))  # exact for small x, too, as x w + 1 - w is not


def to_zero_one(w: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns the distance to the nearer of 0 and 1, `min(|w|, |1 - w|)`."""
    return jnp.minimum(jnp.abs(w), jnp.abs(1 - w))


def around_one_half(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Float[Array, "I O"]:
    """Draws weights from 0.25 to 0.75."""
    return jax.random.uniform(key, shape, dtype, minval=0.25, maxval=0.75)


class NMU(Cell):
    """`nmu` with the parameter `w_nmu`, `[I, features]`.

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
        title="neural multiplication unit",
        equation="y_o = prod_i (x_i W_io + 1 - W_io), W in [0, 1]",
        exact=("a", "a * b"),
        exact_signed=("a", "a * b"),
        fails="no quotient, no sum; on small ranges of negative inputs it is caught between 0 and 1; "
        "many inputs make the product huge or tiny at the start",
        start="U[1/4, 3/4]",
        source="Madsen and Johansen 2020, arXiv 2001.05016",
    )
    published = Recipe(
        "adam",
        1e-3,
        50_000,
        penalty=10.0,
        penalty_from=20_000,
        penalty_to=35_000,
        source="Mistry et al. 2022, arXiv 2101.09530, single module",
    )
    rules = FrozenDict({"w_nmu": Rule(axes=2, penalty=to_zero_one, says="min(|W|, |1 - W|)", bounds=(0, 1))})

    @nn.nowrap
    def starts(self, inputs):
        return {"w_nmu": (self.w_init, (inputs, self.features))}

    @nn.nowrap
    def compute(self, params, x, key):
        return nmu(x, params["w_nmu"])

    @nn.nowrap
    def snapped(self, params, x):
        w = jnp.clip(params["w_nmu"], 0, 1)
        return Snapped({"w_nmu": switch(w)}, {"W": w}, {"W": switch(w)})

    @nn.nowrap
    def formulas(self, nearest, x):
        return products(nearest["W"], x)
