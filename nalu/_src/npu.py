"""The neural power unit (NPU): products of powers of either sign, by the real part of a complex power."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.arrays import equation
from nalu._src.bounded import bounded_exp_cos, clipped
from nalu._src.cell import Cell, Facts
from nalu._src.formula import products
from nalu._src.recipe import Recipe
from nalu._src.rules import Rule
from nalu._src.snapping import Snapped, half, switch

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float

EPS = 2.0**-23  # of float32, as in the authors' code


@equation("I O", "I O", "I")
def npu(
    x: Float[Array, " I"], w_re: Float[Array, "I O"], w_im: Float[Array, "I O"], g: Float[Array, " I"]
) -> Float[Array, " O"]:
    """Raises the chosen inputs to learnt powers and multiplies them.

        y = exp(log(r) W_re - k W_im) cos(k W_re + log(r) W_im)
        g' = min(max(g, 0), 1),   r = g' (|x| + eps) + 1 - g',   k = pi g' [x < 0],   eps = 2**-23

    Args:
      x: `[..., I]` inputs.
      w_re, w_im: `[I, O]` real and imaginary exponents.
      g: `[I]` gates: 0 leaves an input out. Exponents and gates may be led by x's leading axes.

    Returns:
      `[..., O]`, at most the largest float.

    Source: Heim, Pevny and Smidl 2020, "Neural Power Units", arXiv 2006.01681; k as in their code (pi for negative
    inputs), where the paper has the case the other way round.
    """
    log_r, k = log_and_angle(x, g)
    return bounded_exp_cos(log_r @ w_re - k @ w_im, k @ w_re + log_r @ w_im)


def log_and_angle(x: Float[Array, " I"], g: Float[Array, " I"]) -> tuple[Float[Array, " I"], Float[Array, " I"]]:
    """Returns log r and k, the complex logarithm of gated inputs."""
    g = clipped(g, 0.0, 1.0)
    return jnp.log(g * (jnp.abs(x) + EPS) + 1 - g), jnp.where(x < 0, jnp.pi * g, 0.0)


MOST = 3.0  # the largest exponent that one without a bound is snapped to


def snapped_exponents(w: Float[Array, "I O"], g: Float[Array, " I"], most: float) -> Snapped:
    """Returns exponents W at halves and gates at 0 and 1, an input shut out where either leaves it out."""
    gate = jnp.clip(g, 0, 1)
    used = (switch(gate) == 1) & (half(w, most) != 0).any(axis=1)
    nearest = {"W": jnp.where(used[:, None], half(w, most), 0), "gate": jnp.where(used, 1, 0).astype(g.dtype)}
    # Of an input that is left out, what says so more clearly counts: the gate, or else the exponents.
    by_gate = ~used & (gate <= jnp.abs(w).max(axis=1))
    weights = {
        "W": jnp.where(by_gate[:, None], nearest["W"], w),
        "gate": jnp.where(used | by_gate, gate, nearest["gate"]),
    }
    return Snapped({}, weights, nearest)


W_RULE = Rule(axes=2, l1=True)
G_RULE = Rule(axes=1, l1=True)


class NPU(Cell):
    """`npu` with the parameters `w_re_npu`, `w_im_npu`, both `[I, features]`, and `g_npu`, `[I]`.

    Attributes:
      features: number of outputs.
      w_re_init, w_im_init, g_init: initialisers; the source's.
      dtype, param_dtype: see `Cell`.
    """

    features: int
    w_re_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()
    w_im_init: nn.initializers.Initializer = nn.initializers.zeros
    g_init: nn.initializers.Initializer = nn.initializers.constant(0.5)
    dtype: Any = None
    param_dtype: Any = jnp.float32

    facts = Facts(
        title="neural power unit",
        equation="y = exp(log(r) W_re - k W_im) cos(k W_re + log(r) W_im), r = g (|x| + eps) + 1 - g, "
        "k = pi g [x < 0], g in [0, 1]",
        exact=("a", "a * b", "a / b", "1 / a", "sqrt(a)", "a^2"),
        exact_signed=("a", "a * b", "a / b", "1 / a", "a^2"),
        fails="no sum; x near 0 is seen as eps = 1.2e-7; exponents have no bound and no penalty but L1",
        start="W_re Glorot uniform, W_im 0, g 1/2",
        source="Heim, Pevny and Smidl 2020, arXiv 2006.01681",
    )
    published = Recipe(
        "adam",
        5e-3,
        50_000,
        l1=(1e-7, 1e-5),
        source="Mistry et al. 2022, arXiv 2101.09530, single module, product; for quotients l1 is (1e-9, 1e-7)",
    )
    rules = FrozenDict({"w_re_npu": W_RULE, "w_im_npu": W_RULE, "g_npu": G_RULE})

    @nn.nowrap
    def starts(self, inputs):
        shape = (inputs, self.features)
        return {
            "w_re_npu": (self.w_re_init, shape),
            "w_im_npu": (self.w_im_init, shape),
            "g_npu": (self.g_init, (inputs,)),
        }

    @nn.nowrap
    def compute(self, params, x, key):
        return npu(x, params["w_re_npu"], params["w_im_npu"], params["g_npu"])

    @nn.nowrap
    def snapped(self, params, x):
        read = snapped_exponents(params["w_re_npu"], params["g_npu"], MOST)
        w_im = jnp.where(read.nearest["gate"][:, None] == 1, params["w_im_npu"], 0)
        zeros = jnp.zeros_like(w_im)
        return Snapped(
            {"w_re_npu": read.nearest["W"], "w_im_npu": zeros, "g_npu": read.nearest["gate"]},
            {**read.weights, "W_im": w_im},
            {**read.nearest, "W_im": zeros},
        )

    @nn.nowrap
    def formulas(self, nearest, x):
        return products(nearest["W"], x)
