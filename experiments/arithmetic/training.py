"""Trains the networks of one seed on a task of section 4.1: every operation, model and start a lane.

Axes: S seeds, E evaluations, M models or starts, O operations, L = M * O lanes, N items, I inputs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from ..lib.training import loop, optimisers
from ..lib.training.train import Train
from .least_squares import levenberg_marquardt
from .networks import Network
from .tasks import DISTANCES, OPERATIONS, Items, Reading, Sequences, relative_error


class Recipe(NamedTuple):
    """How M networks an operation are trained.

    Attributes:
      alike: they differ only in where they start.
      in_units: outputs are in units of the targets' root mean square, for networks that could not reach large ones.
      polish_steps: steps of Levenberg-Marquardt at the end.
      polish_from: where a polish begins, each (params of a network -> params); the end of least cost is kept.
      regulariser: see `loop.take_steps`.
    """

    networks: tuple[Network, ...]
    transform: optax.GradientTransformation
    learning_rate: float
    steps: int
    cosine: bool = True
    alike: bool = True
    in_units: bool = False
    polish_steps: int = 0
    polish_from: tuple[Callable[[Any], Any], ...] = (lambda params: params,)
    regulariser: Callable[[Any, jax.Array, jax.Array], jax.Array] | None = None


POLISH_ITEMS = 1024
RMSPROP = optax.scale_by_rms(decay=0.9, eps=1e-16)  # so small an eps never slows the last digits down
ADAM = optax.scale_by_adam()


class State(NamedTuple):
    """One seed: its task, the key of the items it is measured on, and its networks."""

    task: Any
    key_items: jax.Array
    scale_O: jax.Array  # mean square of the training targets, the unit of the loss
    training: loop.TrainState


def make_train(
    recipe: Recipe,
    source: Reading | Sequences,
    *,
    inputs: int,
    batch: int,
    items: int,
    outside_items: int,
    evaluations: int,
    how_far: bool = False,
) -> Train:
    """Returns the training of one seed; the lanes share its batches.

    Metrics, `[S, E, M, O]` or without M where it is 1: the relative mean squared errors `validation`, `interpolation`
    and `extrapolation`, with `how_far` by the names of `DISTANCES`, too, and `nonfinite_steps`, the updates that were
    skipped so far; `<range>_scale` `[S, 1, O]` is the mean square that an error is relative to. With a polish there is
    one evaluation more, after it.

    Args:
      source: where tasks and items come from.
      items, outside_items: of an evaluation: of validation and interpolation each, and of extrapolation.
      how_far: measure the relative error on inputs of `DISTANCES` times the training range, too.
    """
    models, operations = len(recipe.networks), len(OPERATIONS)
    shape = (models, operations) if models > 1 else (operations,)
    relative_errors = jax.vmap(relative_error, in_axes=(0, None), out_axes=(0, None))

    def init(key: jax.Array) -> State:
        key_task, key_items, key_init, key_data = jax.random.split(key, 4)
        keys_MO = jax.random.split(key_init, (models, operations))
        params_by_model = [
            loop.init_lanes(network.init, keys_O) for network, keys_O in zip(recipe.networks, keys_MO, strict=True)
        ]
        params_L = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *params_by_model)
        task = source.draw(key_task, inputs)
        return State(
            task=task,
            key_items=key_items,
            scale_O=jnp.mean(source.inside(jax.random.fold_in(key_items, 4), task, items).y_ON ** 2, axis=1),
            training=loop.start(params_L, recipe.transform, key_data),
        )

    def predict(state: State, params_L: Any, x: jax.Array, rngs: Any = None) -> jax.Array:
        """Returns `[M, O, N]`, in training where there are `rngs`."""
        groups = 1 if recipe.alike else models
        params_by_group = jax.tree.map(lambda leaf: leaf.reshape(groups, -1, *leaf.shape[1:]), params_L)
        predicted = [
            network.apply(jax.tree.map(lambda leaf, m=m: leaf[m], params_by_group), x, rngs)
            for m, network in enumerate(recipe.networks[:groups])
        ]
        predicted_MON = jnp.concatenate(predicted).reshape(models, operations, -1)
        return predicted_MON * jnp.sqrt(state.scale_O)[None, :, None] if recipe.in_units else predicted_MON

    def measure(state: State) -> dict[str, jax.Array]:
        key_validation, key_interpolation, key_extrapolation = jax.random.split(state.key_items, 3)
        sets = {
            "validation": source.inside(key_validation, state.task, items),
            "interpolation": source.inside(key_interpolation, state.task, items),
            "extrapolation": source.outside(key_extrapolation, state.task, outside_items),
        }
        metrics = {"nonfinite_steps": state.training.nonfinite_L.reshape(shape)}
        if how_far:
            key_far = jax.random.fold_in(state.key_items, 5)
            sets |= {name: source.far(key_far, state.task, items, times) for name, times in DISTANCES.items()}
        for name, chosen in sets.items():
            predicted_MON = predict(state, state.training.params, chosen.inputs)
            relative_MO, scale_O = relative_errors(predicted_MON, chosen)
            metrics[name] = relative_MO.reshape(shape)
            metrics |= {f"{name}_scale": scale_O} if name not in DISTANCES else {}
        return metrics

    def finish(state: State) -> tuple[State, dict[str, jax.Array]]:
        """Polishes every lane on a fixed set of fresh training items."""
        chosen = source.training_items(jax.random.fold_in(state.key_items, 3), state.task, POLISH_ITEMS)
        scale_O = jnp.sqrt(jnp.mean(chosen.y_ON**2, axis=1) * POLISH_ITEMS)
        _, unravel = ravel_pytree(loop.alone(state.training.params))

        def polish(params: Any, o: jax.Array) -> Any:
            def residual(params_P: jax.Array, item: tuple[jax.Array, jax.Array]) -> jax.Array:
                params_L = loop.as_lane(unravel(params_P))
                return (recipe.networks[0].apply(params_L, item[0][..., None])[0, 0] - item[1]) / scale_O[o]

            items = (jnp.moveaxis(chosen.inputs, -1, 0), chosen.y_ON[o])
            fits = jax.lax.map(
                lambda start_P: levenberg_marquardt(residual, start_P, items, steps=recipe.polish_steps),
                jnp.stack([ravel_pytree(begin(params))[0] for begin in recipe.polish_from]),
            )
            best = jnp.argmin(jnp.where(jnp.isfinite(fits.cost), fits.cost, jnp.inf))
            return unravel(fits.params_P[best])

        polished = jax.lax.map(
            lambda lane: polish(*lane), (state.training.params, jnp.arange(models * operations) % operations)
        )
        state = state._replace(training=state.training._replace(params=polished))
        return state, measure(state)

    def leg(state: State) -> tuple[State, dict[str, jax.Array]]:
        def sample(key: jax.Array) -> tuple[Items, dict[str, jax.Array]]:
            return source.training_items(key, state.task, batch), loop.noise(key)

        def losses(params_L: Any, drawn: tuple[Items, dict[str, jax.Array]]) -> jax.Array:
            chosen, rngs = drawn
            squares_MON = (predict(state, params_L, chosen.inputs, rngs) - chosen.y_ON[None]) ** 2
            return (jnp.mean(squares_MON, axis=-1) / state.scale_O[None]).reshape(-1)

        falls, stays = optimisers.cosine(recipe.learning_rate, recipe.steps), optimisers.constant(recipe.learning_rate)
        trained = loop.take_steps(
            state.training,
            steps=recipe.steps // evaluations,
            sample=sample,
            losses=losses,
            transform=recipe.transform,
            learning_rate=falls if recipe.cosine else stays,
            regulariser=recipe.regulariser,
        )
        state = state._replace(training=trained)
        return state, measure(state)

    return Train(
        init=init,
        leg=leg,
        legs=evaluations if recipe.steps else 1,
        network_steps=models * operations * recipe.steps // evaluations,
        last=("validation_scale", "interpolation_scale", "extrapolation_scale"),
        finish=finish if recipe.polish_steps else None,
    )
