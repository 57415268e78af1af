"""Trains a network of section 4.4 on little programs, some networks of a seed side by side on the same ones.

Axes: S seeds, E evaluations, L networks side by side, N programs, D sizes of the integers in digits.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from ..lib.networks import configured_nalu
from ..lib.training import loop, optimisers
from ..lib.training.train import Train
from .digit_match import digit_match
from .programs import LANGUAGES, TRAINING_DIGITS, Program, integers_of

SHARPENING = (0.6, 0.95)  # shares of the steps between which the sharpness rises
KNOWN = 0.5  # root mean squared error of validation below which most answers are rounded rightly
TINY = 1e-12  # keeps the root of the squared error differentiable at an error of 0


class Recipe(NamedTuple):
    """How a network is trained.

    Attributes:
      transform: scales gradients, without the learning rate, which rises over `warm_up` steps and falls to 0 along half
        a cosine; it is divided by the sharpness.
      networks: how many a seed trains side by side, from starts of their own.
      sharpness: at the end, of what a `ConfiguredNalu` emits; it rises from 1 in `stages` equal numbers of steps.
      keeps: whether a network that knows the training range goes on from the start of a stage that it ends worse.
    """

    network: nn.Module
    transform: optax.GradientTransformation
    learning_rate: float
    steps: int
    batch: int
    warm_up: int = 100
    networks: int = 1
    sharpness: float = 1.0
    stages: int = 1
    keeps: bool = False


def make_train(
    recipe: Recipe, language: str, *, digits: Sequence[int], programs: int, evaluations: int, key_tests: jax.Array
) -> Train:
    """Returns the training of one seed.

    Metrics: the percentage of digits that `match` `[S, E, L, D]` on `programs` test programs of each size, the same
    for all seeds; the root mean squared error on other two-digit programs, `validation` `[S, E, L]`; the largest error
    on them, `largest`; and `nonfinite_steps`, the updates skipped so far.
    """
    batch, network = functools.partial(_batch, language), recipe.network
    assert recipe.steps % recipe.stages == recipe.stages % evaluations == 0, "see `recipes`"
    per_stage = recipe.steps // recipe.stages
    stages_per_leg = recipe.stages // evaluations
    rate = optimisers.warmed(optimisers.cosine(recipe.learning_rate, recipe.steps), recipe.warm_up)

    def sharpness(step: jax.Array) -> jax.Array:
        """Constant within a stage: what the losses of a stage are made of."""
        first, last = SHARPENING
        share = jnp.clip((step // per_stage * per_stage / recipe.steps - first) / (last - first), 0, 1)
        return recipe.sharpness**share

    def answers(params: Any, factor: jax.Array, asked: Program) -> jax.Array:
        if recipe.sharpness != 1:
            params = {**params, "cell": configured_nalu.sharpened(params["cell"], factor)}
        return network.apply({"params": params}, asked)

    def init(key: jax.Array, *_: Any) -> loop.TrainState:
        key_init, key_data = jax.random.split(key)
        example = batch(key_tests, 1, TRAINING_DIGITS)  # for its shapes
        keys_L = jax.random.split(key_init, recipe.networks)
        params = loop.init_lanes(lambda key: network.init(key, example)["params"], keys_L)
        return loop.start(params, recipe.transform, key_data)

    def leg(
        state: loop.TrainState, validation: Program, by_size: Program
    ) -> tuple[loop.TrainState, dict[str, jax.Array]]:
        def stage(begun: loop.TrainState, _: None) -> tuple[loop.TrainState, None]:
            factor = sharpness(begun.step)

            def loss(params: Any, asked: Program) -> jax.Array:
                return jnp.sqrt(jnp.square(answers(params, factor, asked) - asked.answer).mean() + TINY)

            ended = loop.take_steps(
                begun,
                steps=per_stage,
                sample=lambda key: batch(key, recipe.batch, TRAINING_DIGITS),
                losses=loop.lane_by_lane(loss),
                transform=recipe.transform,
                learning_rate=lambda step: rate(step) / sharpness(step),
            )
            return (better(begun, ended, sharpness(ended.step)) if recipe.keeps else ended), None

        def better(begun: loop.TrainState, ended: loop.TrainState, factor: jax.Array) -> loop.TrainState:
            """Returns the end of a stage or, of networks that knew the training range and know it less, the start."""
            was_L, is_L = (errors(state.params, factor) for state in (begun, ended))
            back_L = (was_L < KNOWN) & ~(is_L <= was_L)

            def chosen(old: jax.Array, new: jax.Array) -> jax.Array:
                return jnp.where(loop.lanes_over(back_L, new), old, new) if new.ndim else new

            params, optimiser = (
                jax.tree.map(chosen, old, new)
                for old, new in ((begun.params, ended.params), (begun.optimiser, ended.optimiser))
            )
            return ended._replace(params=params, optimiser=optimiser)

        def errors(params: Any, factor: jax.Array) -> jax.Array:
            off_LN = of_all(params, factor, validation) - validation.answer[None]
            return jnp.sqrt(jnp.square(off_LN).mean(axis=1))

        of_all = jax.vmap(answers, in_axes=(0, None, None))
        state, _ = jax.lax.scan(stage, state, length=stages_per_leg)
        factor = sharpness(state.step)
        off_LN = jnp.abs(of_all(state.params, factor, validation) - validation.answer[None])
        answers_DLN = jax.lax.map(lambda asked: of_all(state.params, factor, asked), by_size)
        matches_DLN = digit_match(answers_DLN, jnp.broadcast_to(by_size.answer[:, None], answers_DLN.shape))
        return state, {
            "match": matches_DLN.mean(axis=-1).T,
            "validation": jnp.sqrt(jnp.square(off_LN).mean(axis=1)),
            "largest": off_LN.max(axis=1),
            "nonfinite_steps": state.nonfinite_L,
        }

    return Train(
        init=init,
        leg=leg,
        legs=evaluations,
        network_steps=recipe.steps // evaluations * recipe.networks,
        data=_tests(language, tuple(digits), programs, tuple(jax.random.key_data(key_tests).tolist())),
    )


def _batch(language: str, key: jax.Array, number: int, of_digits: int) -> Program:
    low, high = integers_of(of_digits)
    return jax.vmap(lambda key: LANGUAGES[language](key, low, high))(jax.random.split(key, number))


@functools.cache  # all models of a language are tested by the same
def _tests(language: str, digits: tuple[int, ...], programs: int, key_data: tuple[int, ...]) -> tuple[Program, Program]:
    """Returns the programs of validation, and those of the tests, led by D."""
    batch = functools.partial(_batch, language)

    def draw(key: jax.Array) -> tuple[Program, Program]:
        by_size = [batch(jax.random.fold_in(key, size), programs, size) for size in digits]
        return batch(key, programs, TRAINING_DIGITS), jax.tree.map(lambda *leaves: jnp.stack(leaves), *by_size)

    return jax.jit(draw)(jax.random.wrap_key_data(jnp.array(key_data, jnp.uint32)))
