"""Levenberg-Marquardt least squares for small networks: the last digits that gradient descent leaves.

The targets of section 4.1 can be met exactly and are free of noise, so near a solution the loss is a sum of squares
that goes to zero, and steps that solve the linearised problem converge quadratically. float32 is enough: damping and
the refusal of steps that raise the cost make up for the squared condition number.

Axes: N items, P parameters.

Source: Levenberg 1944, Marquardt 1963.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Fit(NamedTuple):
    """The parameters `[P]` reached and their cost, the sum of squared residuals."""

    params_P: jax.Array
    cost: jax.Array


def levenberg_marquardt(
    residual: Callable[[jax.Array, Any], jax.Array],
    start_P: jax.Array,
    items: Any,
    *,
    steps: int,
    damping: float = 1e-3,
) -> Fit:
    """Minimises the sum of squared residuals; a step that would raise it, or is not finite, is not taken.

    Args:
      residual: (`[P]`, one item) -> scalar.
      start_P: where to begin.
      items: arrays that lead with N.
      steps: steps tried; the damping falls by 3 after one that is taken and rises by 4 after one that is not.
    """
    identity_PP = jnp.eye(start_P.shape[0], dtype=start_P.dtype)
    residuals = jax.vmap(residual, in_axes=(None, 0))
    jacobian = jax.vmap(jax.grad(residual), in_axes=(None, 0))

    def step(carry: tuple[Fit, jax.Array], _: None) -> tuple[tuple[Fit, jax.Array], None]:
        fit, damping = carry
        j_NP = jacobian(fit.params_P, items)
        normal_PP = j_NP.T @ j_NP
        scale_P = jnp.diagonal(normal_PP)
        # Parameters without influence would make the matrix singular: a trace of the identity keeps it regular.
        floor = jnp.finfo(start_P.dtype).eps ** 2 * scale_P.sum() + jnp.finfo(start_P.dtype).tiny
        system_PP = normal_PP + jnp.diag(damping * scale_P) + floor * identity_PP
        move_P = jnp.linalg.solve(system_PP, j_NP.T @ residuals(fit.params_P, items))
        tried_P = fit.params_P - move_P
        cost = jnp.sum(residuals(tried_P, items) ** 2)
        better = jnp.isfinite(cost) & (cost < fit.cost)
        fit = Fit(jnp.where(better, tried_P, fit.params_P), jnp.where(better, cost, fit.cost))
        return (fit, jnp.clip(jnp.where(better, damping / 3, damping * 4), 1e-12, 1e8)), None

    first = Fit(start_P, jnp.sum(residuals(start_P, items) ** 2))
    (fit, _), _ = jax.lax.scan(step, (first, jnp.asarray(damping, start_P.dtype)), length=steps)
    return fit
