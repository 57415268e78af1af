"""The neural arithmetic logic unit (NALU): a gate between a NAC and a NAC in log space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from nalu._src.arrays import batched_equation
from nalu._src.cell import Cell, Facts
from nalu._src.formula import magnitudes, products, sums
from nalu._src.nac import nac, nac_weights
from nalu._src.nac_mul import log_nac
from nalu._src.recipe import Recipe
from nalu._src.snapping import Snapped, half, hats, switch, whole

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@batched_equation("I O", "I #O")
def nalu(
    x: Float[Array, "*batch I"],
    w: Float[Array, "I O"],
    g: Float[Array, "I #O"],
    *,
    eps: float = 1e-7,
    clip: float | None = float("inf"),
) -> Float[Array, "*batch O"]:
    """Chooses, per output, between adding and multiplying the inputs.

        y = g a + (1 - g) m,   a = x W,   m = exp(log(|x| + eps) W),   g = sigmoid(x G)

    The golden ratio for e (G-NALU) is this cell with w_hat, m_hat and G scaled by log((1 + sqrt(5)) / 2) = 0.481.

    Args:
      x: `[..., I]` inputs.
      w: `[I, O]` weights of both paths; usually `nac_weights(w_hat, m_hat)`.
      g: `[I, O]` gate weights, or `[I, 1]` for one gate for all outputs. w and g may be led by x's leading axes.
      eps, clip: see `log_nac`.

    Returns:
      `[..., O]`. The multiplicative path is never negative: the sign of x
      reaches y only through the additive path.

    Source: Trask et al. 2018, section 2.
    """
    gate = jax.nn.sigmoid(x @ g)
    return gate * nac(x, w) + (1 - gate) * log_nac(x, w, eps=eps, clip=clip)


HARD = 1e5  # the largest gate weight of a snapped NALU: its gate is 0 or 1 wherever |x| is above 1e-3


class NALU(Cell):
    """`nalu` with parameters `w_hat` and `m_hat`, both `[I, features]`, and `g`.

    Attributes:
      features: number of outputs.
      gate_per: "output", as the paper's equation reads (`g` is `[I, features]`), or "layer", as its figure 2
        is drawn (`g` is `[I, 1]`).
      eps, clip: see `log_nac`.
      w_hat_init, m_hat_init, g_init: initialisers; the paper states none, so Glorot's.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    gate_per: str = "output"
    eps: float = 1e-7
    clip: float | None = float("inf")
    w_hat_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    m_hat_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    g_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = Facts(
        title="neural arithmetic logic unit",
        equation="y = g a + (1 - g) m, a = x W, m = exp(log(|x| + eps) W), g = sigmoid(x G), "
        "W = tanh(w_hat) sigmoid(m_hat)",
        exact=("a", "-a", "a + b", "a - b", "a * b", "a / b", "1 / a", "sqrt(a)"),
        exact_signed=("a",),
        fails="the gate sees x, so that a sum is one only where x G is large; products lose the signs of x",
        start="Glorot uniform",
        source="Trask et al. 2018, arXiv 1808.00508",
    )
    published = Recipe(
        "adam", 1e-3, 50_000, source="Mistry et al. 2022, arXiv 2101.09530, single module; Trask et al. state none"
    )

    @nn.nowrap
    def starts(self, inputs):
        if self.gate_per not in ("output", "layer"):
            raise ValueError(f'gate_per is "output" or "layer", not {self.gate_per!r}.')
        shape = (inputs, self.features)
        return {
            "w_hat": (self.w_hat_init, shape),
            "m_hat": (self.m_hat_init, shape),
            "g": (self.g_init, shape if self.gate_per == "output" else (inputs, 1)),
        }

    @nn.nowrap
    def compute(self, params, x, key):
        w = nac_weights(params["w_hat"], params["m_hat"])
        return nalu(x, w, params["g"], eps=self.eps, clip=self.clip)

    @nn.nowrap
    def snapped(self, params, x):
        """The gate is judged at x, and made hard by larger weights: where it opens does not move."""
        w, g = nac_weights(params["w_hat"], params["m_hat"]), params["g"]
        gates = jnp.broadcast_to(jax.nn.sigmoid(x @ g), (len(x), self.features))
        opened = switch(gates.mean(axis=0))
        furthest = jnp.abs(gates - opened[None]).max(axis=0)
        nearest = jnp.where(opened[None] == 1, whole(w), half(w))
        w_hat, m_hat = hats(nearest)
        hard = g * (HARD / jnp.maximum(jnp.abs(g).max(axis=0, keepdims=True), 1e-30))
        weights = {"W": w, "gate": jnp.abs(opened - furthest)}
        return Snapped({"w_hat": w_hat, "m_hat": m_hat, "g": hard}, weights, {"W": nearest, "gate": opened})

    @nn.nowrap
    def formulas(self, nearest, x):
        added, multiplied = sums(nearest["W"], x), products(nearest["W"], magnitudes(x))
        return [added[o] if opened else multiplied[o] for o, opened in enumerate(nearest["gate"].tolist())]
