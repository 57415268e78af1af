"""Trains networks of one number to give it back, one after the other in one program.

Axes: A networks (nonlinearities), X points of the test range, B batch, S seeds.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ..lib.networks import mlp
from ..lib.training import loop, optimisers
from ..lib.training.train import Train


class Learner(NamedTuple):
    """Networks that start alike: `init` (key) -> parameters; each of `applies` (parameters, x `[B, 1]`, rngs) -> y."""

    init: Callable[[jax.Array], Any]
    applies: Sequence[Callable[..., jax.Array]]


def perceptrons(names: Sequence[str]) -> list[Callable[..., jax.Array]]:
    """Returns what perceptrons with these nonlinearities compute; see `Learner`."""
    activations = [mlp.nonlinearity(name) for name in names]
    return [lambda params, x, _, activate=activate: mlp.mlp(params, x, activate) for activate in activations]


def uniform(key: jax.Array, batch: int, limit: float) -> jax.Array:
    """Returns fresh points `[B, 1]` from U[-limit, limit]."""
    return jax.random.uniform(key, (batch, 1), minval=-limit, maxval=limit)


def make_train(
    learner: Learner,
    *,
    transform: optax.GradientTransformation,
    batches: Callable[[jax.Array], jax.Array],
    points_X: np.ndarray,
    cfg: Any,
    regulariser: Callable[..., jax.Array] | None = None,
) -> Train:
    """Returns the training of one seed, whose lanes are the networks: squared error, the last step counts.

    Args:
      batches: key -> the points of a step, `[B, 1]`.
      points_X: where the absolute error is measured after every leg.
      cfg: an experiment's settings: `steps`, `legs`, `learning_rate`, `seeds`.
    """
    applies = learner.applies

    def init(key: jax.Array) -> loop.TrainState:
        def init_lane(lane: jax.Array) -> loop.TrainState:
            key_init, key_data = jax.random.split(jax.random.fold_in(key, lane))
            return loop.start(loop.as_lane(learner.init(key_init)), transform, key_data)

        return jax.lax.map(init_lane, jnp.arange(len(applies)))

    def sample(key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        return batches(key), loop.noise(key)

    def leg_of_lane(lane_and_state: tuple[jax.Array, loop.TrainState]) -> tuple[loop.TrainState, Any]:
        lane, state = lane_and_state

        def apply(params: Any, x: jax.Array, rngs: Any = None) -> jax.Array:
            return jax.lax.switch(lane, applies, params, x, rngs)

        def loss(params: Any, batch: tuple[jax.Array, dict[str, jax.Array]]) -> jax.Array:
            x, rngs = batch
            return jnp.mean((apply(params, x, rngs) - x) ** 2)

        state = loop.take_steps(
            state,
            steps=cfg.steps // cfg.legs,
            sample=sample,
            losses=loop.of_one(loss),
            transform=transform,
            learning_rate=optimisers.constant(cfg.learning_rate),
            regulariser=regulariser,
        )
        x_X1 = jnp.asarray(points_X)[:, None]
        error_X = jnp.abs(apply(loop.alone(state.params), x_X1) - x_X1)[:, 0]
        return state, {"error_X": error_X, "nonfinite_steps": state.nonfinite_L[0]}

    def leg(state: loop.TrainState) -> tuple[loop.TrainState, dict[str, jax.Array]]:
        return jax.lax.map(leg_of_lane, (jnp.arange(len(applies)), state))

    return Train(
        init=init,
        leg=leg,
        legs=cfg.legs,
        network_steps=len(applies) * cfg.steps // cfg.legs,
        last=("error_X",),
        group=cfg.seeds,
    )
