"""Trains the networks of one seed on the static task of section 4.1: every operation, model and start a lane.

Axes: S seeds, E evaluations, M models or starts, O operations, L = M * O lanes, N items, I inputs.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from experiments.lib import reading, training
from experiments.lib.operations import OPERATIONS
from experiments.lib.program import Train
from experiments.lib.two_layers import Network


class Recipe(NamedTuple):
    """How M networks an operation are trained; `alike`: they differ only in where they start."""

    networks: tuple[Network, ...]
    transform: optax.GradientTransformation
    learning_rate: float
    steps: int
    cosine: bool = True
    alike: bool = True


RMSPROP = optax.scale_by_rms(decay=0.9, eps=1e-16)  # so small an eps never slows the last digits down
ADAM = optax.scale_by_adam()


class State(NamedTuple):
    """One seed: its task, the key of the items it is measured on, and its networks."""

    task: reading.Task
    key_items: jax.Array
    learning_rate: jax.Array
    training: training.TrainState


def make_train(recipe: Recipe, read: reading.Reading, *, inputs: int, batch: int, items: int, evaluations: int) -> Train:
    """Returns the training of one seed; the lanes share its batches.

    Metrics, `[S, E, M, O]` or without M where it is 1: the relative mean squared errors `validation`, `interpolation`
    (`items` items each) and `extrapolation` (four times as many candidates), and `nonfinite_steps`, the updates that
    were skipped so far; `<range>_scale` `[S, 1, O]` is the mean square that an error is relative to.
    """
    models, operations = len(recipe.networks), len(OPERATIONS)
    shape = (models, operations) if models > 1 else (operations,)

    def init(key: jax.Array) -> State:
        key_task, key_items, key_init, key_data = jax.random.split(key, 4)
        keys_MO = jax.random.split(key_init, (models, operations))
        params_by_model = [
            jax.vmap(network.init)(keys_O) for network, keys_O in zip(recipe.networks, keys_MO, strict=True)
        ]
        params_L = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *params_by_model)
        return State(
            task=reading.draw_task(key_task, read, inputs),
            key_items=key_items,
            learning_rate=jnp.float32(recipe.learning_rate),
            training=training.start(params_L, recipe.transform, key_data),
        )

    def predict(params_L: Any, x_IN: jax.Array) -> jax.Array:
        """Returns `[M, O, N]`."""
        groups = 1 if recipe.alike else models
        params_by_group = jax.tree.map(lambda leaf: leaf.reshape(groups, -1, *leaf.shape[1:]), params_L)
        predicted = [
            network.apply(jax.tree.map(lambda leaf, m=m: leaf[m], params_by_group), x_IN)
            for m, network in enumerate(recipe.networks[:groups])
        ]
        return jnp.concatenate(predicted).reshape(models, operations, -1)

    def measure(state: State) -> dict[str, jax.Array]:
        key_validation, key_interpolation, key_extrapolation = jax.random.split(state.key_items, 3)
        sets = {
            "validation": reading.inside(key_validation, state.task, items),
            "interpolation": reading.inside(key_interpolation, state.task, items),
            "extrapolation": reading.outside(key_extrapolation, state.task, 4 * items),
        }
        metrics = {"nonfinite_steps": state.training.nonfinite_L.reshape(shape)}
        for name, chosen in sets.items():
            predicted_MON = predict(state.training.params, chosen.x_IN)
            relative_MO, metrics[f"{name}_scale"] = reading.relative_error(predicted_MON, chosen)
            metrics[name] = relative_MO.reshape(shape)
        return metrics

    def leg(state: State) -> tuple[State, dict[str, jax.Array]]:
        def losses(params_L: Any, batch: reading.Items) -> jax.Array:
            return jnp.mean((predict(params_L, batch.x_IN) - batch.y_ON) ** 2, axis=-1).reshape(-1)

        fall = training.cosine(1.0, recipe.steps) if recipe.cosine else training.constant(1.0)
        trained = training.take_steps(
            state.training,
            steps=recipe.steps // evaluations,
            sample=lambda key: reading.inside(key, state.task, batch),
            losses=losses,
            transform=recipe.transform,
            learning_rate=lambda step: state.learning_rate * fall(step),
        )
        state = state._replace(training=trained)
        return state, measure(state)

    return Train(
        init=init,
        leg=leg,
        legs=evaluations if recipe.steps else 1,
        network_steps=models * operations * recipe.steps // evaluations,
        last=("validation_scale", "interpolation_scale", "extrapolation_scale"),
    )
