"""The iNALU of positive inputs: what `nalu.INALU` computes of them, without the product of their signs.

That product has a factor for every item, input and output. With a hundred inputs, fifty networks and a batch of 128 it
takes nearly all of a step's time, and of positive inputs every factor is |W| + 1 - |W| = 1.

Axes: I inputs, O outputs.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu


class INALUOfPositive(nalu.INALU):
    """`nalu.INALU` of positive inputs, with the same parameters, and the same rules for them.

    `eps` must be above 0, and there must be a `clip`, as there are unless it is said otherwise.
    """

    @nn.nowrap
    def compute(self, params: dict[str, jax.Array], x: jax.Array, key: jax.Array | None) -> jax.Array:
        w_add_IO = nalu.nac_weights(params["w_hat_add"], params["m_hat_add"])
        w_mul_IO = nalu.nac_weights(params["w_hat_mul"], params["m_hat_mul"])
        exponent_O = jnp.log(jnp.maximum(x, self.eps)) @ w_mul_IO
        gate_O = jax.nn.sigmoid(params["g_inalu"])
        return gate_O * (x @ w_add_IO) + (1 - gate_O) * jnp.exp(jnp.minimum(exponent_O, self.clip))
