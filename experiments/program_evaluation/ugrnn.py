"""The update-gate recurrent network, UGRNN (Collins, Sohl-Dickstein and Sussillo 2016, arXiv 1611.09913).

Axes: I inputs, H hidden units.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn


class UGRNNCell(nn.RNNCellBase):
    """A tanh layer, and one gate per unit that says how much of the old state stays.

        c = tanh(h W_ch + x W_cx + b_c)
        g = sigmoid(h W_gh + x W_gx + b_g)
        h' = g h + (1 - g) c

    One gate both forgets and lets in.

    Attributes:
      features: H.
      gate_bias: where b_g starts; 1 as in TensorFlow's UGRNNCell, so that the state stays for a while at first.
    """

    features: int
    gate_bias: float = 1.0

    @nn.compact
    def __call__(self, h: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns h' `[..., H]` twice, as state and as output, from h `[..., H]` and x `[..., I]`."""

        def layer(name: str, bias: float) -> jax.Array:
            """Returns h W_h + x W_x + b; the names are those of Flax's LSTM."""
            start = {"kernel_init": nn.initializers.orthogonal(), "bias_init": nn.initializers.constant(bias)}
            from_h = nn.Dense(self.features, name=f"h{name}", **start)(h)
            return from_h + nn.Dense(self.features, use_bias=False, name=f"i{name}")(x)

        c, g = jnp.tanh(layer("c", 0.0)), jax.nn.sigmoid(layer("g", self.gate_bias))
        h = g * h + (1 - g) * c
        return h, h

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> jax.Array:
        """Returns the state zero; `rng` is not used."""
        return jnp.zeros((*input_shape[:-1], self.features))

    @property
    def num_feature_axes(self) -> int:
        return 1
