"""The improved NALU (iNALU): signs for products, weights for each path, gates that do not see the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.arrays import equation
from nalu._src.bounded import at_least, bounded_exp
from nalu._src.cell import Cell, Facts
from nalu._src.formula import products, sums
from nalu._src.nac import nac_weights
from nalu._src.recipe import Recipe
from nalu._src.rules import Rule
from nalu._src.snapping import Snapped, half, hats, logit, switch, whole

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@equation("I O", "I O", "O")
def inalu(
    x: Float[Array, " I"],
    w_add: Float[Array, "I O"],
    w_mul: Float[Array, "I O"],
    g: Float[Array, " O"],
    *,
    eps: float = 1e-7,
    clip: float | None = 20.0,
) -> Float[Array, " O"]:
    """Chooses, per output, between a sum and a product with its sign.

        y = g a + (1 - g) s m,   a = x W_add,   m = exp(min(log(max(|x|, eps)) W_mul, clip)),   g = sigmoid(G)
        s_o = prod_i (sgn(x_i) |W_mul,io| + 1 - |W_mul,io|), clipped to [-1, 1]

    Args:
      x: `[..., I]` inputs.
      w_add, w_mul: `[I, O]` weights; usually `nac_weights(w_hat, m_hat)`.
      g: `[O]` gates before the sigmoid. Weights and gates may be led by x's leading axes.
      eps: the least magnitude of a factor; with 0 it is the least normal float.
      clip: the largest exponent: no product exceeds exp(20) = 4.9e8. None: only the largest float bounds it.

    Returns:
      `[..., O]`.

    Raises:
      ValueError: eps is negative.

    Source: Schlör, Ring and Hotho 2020, "iNALU: Improved Neural Arithmetic Logic Unit", arXiv 2003.07629.
    """
    share = jnp.abs(w_mul)
    sign = jnp.clip(jnp.prod(jnp.sign(x)[:, None] * share + (1 - share), axis=0), -1.0, 1.0)
    exponent = jnp.log(at_least(x, eps)) @ w_mul
    m = bounded_exp(exponent if clip is None else jnp.minimum(exponent, clip))
    gate = jax.nn.sigmoid(g)
    return gate * (x @ w_add) + (1 - gate) * sign * m


def to_saturation(p: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns how far a parameter is from where tanh and sigmoid are saturated, `max(20 - |p|, 0)`."""
    return jnp.maximum(20 - jnp.abs(p), 0)


def normal_around(mean: float, deviation: float) -> nn.initializers.Initializer:
    """Returns the initialiser that draws from N(mean, deviation)."""
    return lambda key, shape, dtype=jnp.float32: mean + deviation * jax.random.normal(key, shape, dtype)


SAYS = "max(20 - |p|, 0)"
W_HAT_INIT, M_HAT_INIT, G_INIT = normal_around(1.0, 0.1), normal_around(-1.0, 0.1), normal_around(0.0, 0.1)


class INALU(Cell):
    """`inalu` with weights of their own for each path, iNALU (iw).

    Its parameters are `w_hat_add`, `m_hat_add`, `w_hat_mul` and `m_hat_mul`, all `[I, features]`, and `g_inalu`,
    `[features]`. Its authors train weights and gates in turn and start again where that stalls; this is the cell alone.

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

    facts = Facts(
        title="improved neural arithmetic logic unit, independent weights",
        equation="y = g a + (1 - g) s m, a = x W_add, m = exp(min(log(max(|x|, eps)) W_mul, 20)), "
        "s_o = prod_i (sgn(x_i) |W_mul,io| + 1 - |W_mul,io|), g = sigmoid(G), W = tanh(w_hat) sigmoid(m_hat)",
        exact=("a", "-a", "a + b", "a - b", "a * b", "a / b", "1 / a", "sqrt(a)"),
        exact_signed=("a", "-a", "a + b", "a - b", "a * b", "a / b", "1 / a"),
        fails="no product beyond exp(20) = 4.9e8; quotients in some ranges only; training alternates and starts again",
        start="w_hat ~ N(1, 0.1), m_hat ~ N(-1, 0.1), G ~ N(0, 0.1)",
        source="Schlör, Ring and Hotho 2020, arXiv 2003.07629",
    )
    published = Recipe(
        "rmsprop",
        1e-2,
        100_000,
        clip_value=0.1,
        penalty=0.05,
        penalty_from=9_999,
        penalty_to=10_000,
        penalty_below=1.0,
        source="Schlör, Ring and Hotho 2020, arXiv 2003.07629, experiment 1; eight of ten batches train the weights, "
        "two the gates, and a training that stalls starts again",
    )
    rules = FrozenDict(
        {
            **{
                name: Rule(axes=2, penalty=to_saturation, says=SAYS)
                for name in ("w_hat_add", "m_hat_add", "w_hat_mul", "m_hat_mul")
            },
            "g_inalu": Rule(axes=1, penalty=to_saturation, says=SAYS),
        }
    )

    @nn.nowrap
    def starts(self, inputs):
        shape = (inputs, self.features)
        return {
            "w_hat_add": (self.w_hat_init, shape),
            "m_hat_add": (self.m_hat_init, shape),
            "w_hat_mul": (self.w_hat_init, shape),
            "m_hat_mul": (self.m_hat_init, shape),
            "g_inalu": (self.g_init, (self.features,)),
        }

    @nn.nowrap
    def compute(self, params, x, key):
        w_add = nac_weights(params["w_hat_add"], params["m_hat_add"])
        w_mul = nac_weights(params["w_hat_mul"], params["m_hat_mul"])
        return inalu(x, w_add, w_mul, params["g_inalu"], eps=self.eps, clip=self.clip)

    @nn.nowrap
    def snapped(self, params, x):
        w_add = nac_weights(params["w_hat_add"], params["m_hat_add"])
        w_mul = nac_weights(params["w_hat_mul"], params["m_hat_mul"])
        gate = jax.nn.sigmoid(params["g_inalu"])
        opened = switch(gate)[None] == 1
        nearest = {"W_add": whole(w_add), "W_mul": half(w_mul), "gate": switch(gate)}
        weights = {
            "W_add": jnp.where(opened, w_add, nearest["W_add"]),  # only the weights of the path that is open matter
            "W_mul": jnp.where(opened, nearest["W_mul"], w_mul),
            "gate": gate,
        }
        (w_hat_add, m_hat_add), (w_hat_mul, m_hat_mul) = hats(nearest["W_add"]), hats(nearest["W_mul"])
        exact = {"w_hat_add": w_hat_add, "m_hat_add": m_hat_add, "w_hat_mul": w_hat_mul, "m_hat_mul": m_hat_mul}
        return Snapped({**exact, "g_inalu": logit(nearest["gate"])}, weights, nearest)

    @nn.nowrap
    def formulas(self, nearest, x):
        added, multiplied = sums(nearest["W_add"], x), products(nearest["W_mul"], x)
        return [added[o] if opened else multiplied[o] for o, opened in enumerate(nearest["gate"].tolist())]
