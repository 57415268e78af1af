"""The paper's layers on arrays whose features come first, for many networks that share their input.

The same functions as `nalu.nac` and `nalu.nalu` (a test holds them together), laid out for speed: with the items along
the last axis XLA's CPU backend trains the NALU on batches of 128 1.4 times as fast, and the first layers of all
networks are one product.

Axes: L networks, I inputs, H hidden units or outputs, N items.
"""

import jax
import jax.numpy as jnp

import nalu


def nac_layer(variables: dict, x_IN: jax.Array) -> jax.Array:
    """Returns `[H, N]`, the NAC of a layer's `w_hat` and `m_hat` `[I, H]`."""
    params = variables["params"]
    return nalu.nac_weights(params["w_hat"], params["m_hat"]).T @ x_IN


def nalu_layer(variables: dict, x_IN: jax.Array, *, clip: float, eps: float = 1e-7) -> jax.Array:
    """Returns `[H, N]`, the NALU of a layer's `w_hat`, `m_hat` and `g` `[I, H]`."""
    params = variables["params"]
    w_HI = nalu.nac_weights(params["w_hat"], params["m_hat"]).T
    gate_HN = jax.nn.sigmoid(params["g"].T @ x_IN)
    m_HN = jnp.exp(jnp.minimum(w_HI @ jnp.log(jnp.abs(x_IN) + eps), clip))
    return gate_HN * (w_HI @ x_IN) + (1 - gate_HN) * m_HN


def shared_input(layer, variables_L: dict, x_IN: jax.Array) -> jax.Array:
    """Returns `[L, H, N]`: one layer of L networks on the same input, as one layer of L * H outputs."""
    networks, inputs, hidden = variables_L["params"]["w_hat"].shape
    folded = jax.tree.map(lambda leaf: leaf.transpose(1, 0, 2).reshape(inputs, networks * hidden), variables_L)
    return layer(folded, x_IN).reshape(networks, hidden, -1)
