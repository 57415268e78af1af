"""The neural addition unit (NAU): sums and differences by weights that reach -1, 0 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.arrays import batched_equation
from nalu._src.bounded import clipped
from nalu._src.cell import Cell, Facts
from nalu._src.formula import sums
from nalu._src.recipe import Recipe
from nalu._src.rules import Rule
from nalu._src.snapping import Snapped, whole

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@batched_equation("I O")
def nau(x: Float[Array, "*batch I"], w: Float[Array, "I O"]) -> Float[Array, "*batch O"]:
    """Adds and subtracts the inputs.

        y = x min(max(W, -1), 1)

    Args:
      x: `[..., I]` inputs.
      w: `[I, O]` weights; one beyond -1 or 1 has no gradient. Led by x's leading axes: those of each item.

    Returns:
      `[..., O]`.

    Source: Madsen and Johansen 2020, "Neural Arithmetic Units", arXiv 2001.05016.
    """
    return x @ clipped(w, -1.0, 1.0)


def to_minus_one_zero_one(w: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns the distance to the nearest of -1, 0 and 1, `min(|w|, |1 - |w||)`."""
    return jnp.minimum(jnp.abs(w), jnp.abs(1 - jnp.abs(w)))


def glorot_to_one_half(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Float[Array, "I O"]:
    """Draws weights as Glorot would, but from -0.5 to 0.5 at most."""
    limit = min(0.5, (6 / sum(shape)) ** 0.5)
    return jax.random.uniform(key, shape, dtype, minval=-limit, maxval=limit)


class NAU(Cell):
    """`nau` with the parameter `w_nau`, `[I, features]`.

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
        title="neural addition unit",
        equation="y = x W, W in [-1, 1]",
        exact=("a", "-a", "a + b", "a - b"),
        exact_signed=("a", "-a", "a + b", "a - b"),
        fails="no product, no quotient; without `project` a weight beyond 1 has no gradient",
        start="U[-r, r], r = min(1/2, sqrt(6 / (I + O)))",
        source="Madsen and Johansen 2020, arXiv 2001.05016",
    )
    published = Recipe(
        "adam",
        1e-3,
        50_000,
        penalty=0.01,
        penalty_from=20_000,
        penalty_to=35_000,
        source="Mistry et al. 2022, arXiv 2101.09530, single module",
    )
    rules = FrozenDict(
        {"w_nau": Rule(axes=2, penalty=to_minus_one_zero_one, says="min(|W|, |1 - |W||)", bounds=(-1, 1))}
    )

    @nn.nowrap
    def starts(self, inputs):
        return {"w_nau": (self.w_init, (inputs, self.features))}

    @nn.nowrap
    def compute(self, params, x, key):
        return nau(x, params["w_nau"])

    @nn.nowrap
    def snapped(self, params, x):
        w = jnp.clip(params["w_nau"], -1, 1)
        return Snapped({"w_nau": whole(w)}, {"W": w}, {"W": whole(w)})

    @nn.nowrap
    def formulas(self, nearest, x):
        return sums(nearest["W"], x)
