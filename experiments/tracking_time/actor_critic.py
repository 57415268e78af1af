"""Advantage actor-critic: the returns and the losses of whole episodes.

Axes: T steps, B episodes side by side, A actions.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Weights(NamedTuple):
    """What the parts of the loss count; `discount` and `trace` are gamma and lambda of the advantages."""

    value: float
    entropy: jax.Array | float
    discount: float = 1.0
    trace: float = 0.95


def advantages(rewards_TB: jax.Array, values_TB: jax.Array, running_TB: jax.Array, weights: Weights) -> jax.Array:
    """Returns generalised advantage estimates `[T, B]` (Schulman et al. 2016) of episodes that end within T steps.

        d_t = r_t + gamma V(s_{t+1}) - V(s_t),    A_t = d_t + gamma lambda A_{t+1},

    both without what follows where the episode ends. With lambda = 1 they are returns less values, as in A3C.

    Args:
      rewards_TB, values_TB: the reward of the step from s_t, and V(s_t).
      running_TB: 1 before steps of the episode, 0 after its end; the step that ends it is the last with 1.
    """
    follows_TB = jnp.concatenate([running_TB[1:], jnp.zeros_like(running_TB[:1])])
    next_TB = follows_TB * jnp.concatenate([values_TB[1:], jnp.zeros_like(values_TB[:1])])
    surprise_TB = rewards_TB + weights.discount * next_TB - values_TB

    def step(later_B: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        surprise_B, follows_B = now
        advantage_B = surprise_B + weights.discount * weights.trace * follows_B * later_B
        return advantage_B, advantage_B

    zeros_B = jnp.zeros_like(rewards_TB[0])
    return running_TB * jax.lax.scan(step, zeros_B, (surprise_TB, follows_TB), reverse=True)[1]


def loss(
    logits_TBA: jax.Array,
    actions_TB: jax.Array,
    values_TB: jax.Array,
    rewards_TB: jax.Array,
    running_TB: jax.Array,
    weights: Weights,
) -> jax.Array:
    """Returns the loss, a mean over all steps of episodes that were running.

    L = - log p(a) A  +  value (V - (V + A))^2  -  entropy H(p),    A and the target V + A taken as constants.
    """
    advantage_TB = jax.lax.stop_gradient(advantages(rewards_TB, values_TB, running_TB, weights))
    target_TB = jax.lax.stop_gradient(values_TB) + advantage_TB
    log_p_TBA = jax.nn.log_softmax(logits_TBA)
    chosen_TB = jnp.take_along_axis(log_p_TBA, actions_TB[..., None], axis=-1)[..., 0]
    entropy_TB = -(jnp.exp(log_p_TBA) * log_p_TBA).sum(axis=-1)
    each_TB = -chosen_TB * advantage_TB + weights.value * (values_TB - target_TB) ** 2 - weights.entropy * entropy_TB
    return (running_TB * each_TB).sum() / running_TB.sum()
