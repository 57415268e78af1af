"""The mass-conserving fully connected layer (MC-FC): every input goes whole to the outputs, and gates let it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.arrays import equation
from nalu._src.cell import Cell, Facts
from nalu._src.formula import sums
from nalu._src.recipe import Recipe
from nalu._src.rules import Rule
from nalu._src.snapping import SHUT, Snapped, logit, switch

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@equation("I O", "O", "O")
def mc_fc(
    x: Float[Array, " I"], r: Float[Array, "I O"], w: Float[Array, " O"], b: Float[Array, " O"]
) -> Float[Array, " O"]:
    """Distributes the inputs over the outputs: nothing is added to them, and only the gates take away.

        y = sigmoid(w + b) (x J),   J = softmax of R over the outputs

    Args:
      x: `[..., I]` inputs.
      r: `[I, O]` logits of where an input goes.
      w, b: `[O]` gates before the sigmoid. All may be led by x's leading axes.

    Returns:
      `[..., O]`. With one output all of every input goes there, and only the gate is learnt.

    Source: Hoedt et al. 2021, "MC-LSTM: Mass-Conserving LSTM", arXiv 2101.05186.
    """
    return jax.nn.sigmoid(w + b) * (x @ jax.nn.softmax(r, axis=1))


def orthogonal(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Float[Array, "*shape"]:
    """Draws a matrix with orthonormal rows or columns, whichever are fewer; a vector is one of length 1.

    It is the orthogonal factor of a normal matrix, by Newton and Schulz's products X <- (3 X - X X^T X) / 2, which can
    run under a vmap over seeds; LAPACK's factorisations, of which many run at once then, wait for each other at times.
    """
    drawn = jax.random.normal(key, shape, jnp.float32)
    x = drawn.reshape(shape[0], -1) / jnp.linalg.norm(drawn)
    x = jax.lax.fori_loop(0, 60, lambda _, x: 1.5 * x - 0.5 * x @ x.T @ x, x)
    return x.reshape(shape).astype(dtype)


def minus_square(p: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns `-p^2`, which grows without bound and draws the softmax and the gates to saturation."""
    return -(p**2)


class MCFC(Cell):
    """`mc_fc` with the parameters `r_mc_fc`, `[I, features]`, `w_mc_fc` and `b_mc_fc`, both `[features]`.

    Attributes:
      features: number of outputs.
      r_init, w_init, b_init: initialisers; the source's.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    r_init: nn.initializers.Initializer = orthogonal
    w_init: nn.initializers.Initializer = orthogonal
    b_init: nn.initializers.Initializer = nn.initializers.zeros
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = Facts(
        title="mass-conserving fully connected layer",
        equation="y = sigmoid(w + b) (x J), J = softmax of R over the outputs",
        exact=("a + b",),
        exact_signed=("a + b",),
        fails="no difference, no product; an input can be left out only by an output that is not used",
        start="R and w orthogonal, b 0",
        source="Hoedt et al. 2021, arXiv 2101.05186",
    )
    published = Recipe(
        "adam",
        1e-3,
        50_000,
        penalty=10.0,
        penalty_from=20_000,
        penalty_to=35_000,
        source="Hoedt et al. 2021, arXiv 2101.05186, in the single module of Mistry et al. 2022, arXiv 2101.09530",
    )
    rules = FrozenDict(
        {
            "r_mc_fc": Rule(axes=2, penalty=minus_square, says="-R^2"),
            "w_mc_fc": Rule(axes=1, penalty=minus_square, says="-w^2"),
            "b_mc_fc": Rule(axes=1, penalty=minus_square, says="-b^2"),
        }
    )

    @nn.nowrap
    def starts(self, inputs):
        return {
            "r_mc_fc": (self.r_init, (inputs, self.features)),
            "w_mc_fc": (self.w_init, (self.features,)),
            "b_mc_fc": (self.b_init, (self.features,)),
        }

    @nn.nowrap
    def compute(self, params, x, key):
        return mc_fc(x, params["r_mc_fc"], params["w_mc_fc"], params["b_mc_fc"])

    @nn.nowrap
    def snapped(self, params, x):
        j = jax.nn.softmax(params["r_mc_fc"], axis=1)
        gate = jax.nn.sigmoid(params["w_mc_fc"] + params["b_mc_fc"])
        goes = (j == j.max(axis=1, keepdims=True)).astype(j.dtype)
        exact = {
            "r_mc_fc": jnp.where(goes == 1, 0.0, SHUT),
            "w_mc_fc": jnp.zeros_like(params["w_mc_fc"]),
            "b_mc_fc": logit(switch(gate)),
        }
        return Snapped(exact, {"J": j, "gate": gate}, {"J": goes, "gate": switch(gate)})

    @nn.nowrap
    def formulas(self, nearest, x):
        return sums(nearest["J"] * nearest["gate"][None], x)
