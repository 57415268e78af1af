"""The stochastic NMU (sNMU): an NMU trained under noise that only wrong weights let through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
from flax import linen as nn

from nalu._src.arrays import equation
from nalu._src.bounded import bounded_product, clipped
from nalu._src.cell import Facts
from nalu._src.nmu import NMU, nmu

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


@equation("I O", "... I")
def snmu(x: Float[Array, " I"], w: Float[Array, "I O"], noise: Float[Array, " I"]) -> Float[Array, " O"]:
    """The NMU of noisy inputs, divided by the NMU of the noise: equal to the NMU where every weight is 0 or 1.

        y_o = prod_i (x_i n_i W_io + 1 - W_io) / (n_i W_io + 1 - W_io)

    Args:
      x: `[..., I]` inputs.
      w: `[I, O]` weights, clipped to [0, 1]. Led by x's leading axes: those of each item.
      noise: n, positive, of x's shape.

    Returns:
      `[..., O]`, at most the largest float.

    Source: Mistry, Farrahi and Hare 2022, arXiv 2211.05624 (stochastic NMU).
    """
    w = clipped(w, 0.0, 1.0)
    n = noise[:, None]
    return bounded_product((x[:, None] * n * w + (1 - w)) / (n * w + (1 - w)))


class SNMU(NMU):
    """An `NMU`, and in training, which is where an rng called "noise" is given, `snmu` of noise from U[noise].

    Attributes:
      features, w_init, dtype, param_dtype: as the NMU's.
      noise: least and largest factor; the source's.
    """

    noise: tuple[float, float] = (1.0, 5.0)
    trained_otherwise = True

    facts = Facts(
        title="stochastic neural multiplication unit",
        equation="the NMU; in training y_o = prod_i (x_i n_i W_io + 1 - W_io) / (n_i W_io + 1 - W_io), n ~ U[1, 5]",
        exact=("a", "a * b"),
        exact_signed=("a", "a * b"),
        fails="no quotient, no sum; needs its noise in training, without the rng it is the NMU",
        start="U[1/4, 3/4]",
        source="Mistry, Farrahi and Hare 2022, arXiv 2211.05624",
    )
    published = NMU.published._replace(source="Mistry, Farrahi and Hare 2022, arXiv 2211.05624, single module")

    @nn.nowrap
    def compute(self, params, x, key):
        if key is None:
            return nmu(x, params["w_nmu"])
        low, high = self.noise
        return snmu(x, params["w_nmu"], jax.random.uniform(key, x.shape, x.dtype, minval=low, maxval=high))
