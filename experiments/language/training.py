"""Trains a network of section 4.3 on the numbers in words: output units, splits and settings are lanes of one program.

Axes: S seeds, E evaluations, L = U * D lanes of U output units and D splits (divisions), N numbers, Q queries, T words.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from ..lib.training import loop, optimisers
from ..lib.training.train import Train
from . import networks, trie
from .words import NUMBERS, Split, Words, encode, in_words

FULL_DECAY = 0.15  # share of the steps with the whole weight decay; then it falls to 0 in a line


class Settings(NamedTuple):
    """How a lane is trained; every leaf `[L]`.

    Attributes:
      learning_rate: Adam's, which falls to 0 along half a cosine.
      decay: weight decay of the embedding and of the LSTM's weights for it, times the learning rate.
      recurrent_decay: of the LSTM's weights for its own state.
      read_out_decay: of the layers on the LSTM's state.
      leniency: the error on a number n counts as |error| / (n + 1)^leniency.
    """

    learning_rate: jax.Array
    decay: jax.Array
    recurrent_decay: jax.Array
    read_out_decay: jax.Array
    leniency: jax.Array


class Task(NamedTuple):
    """What there is to learn, the same for all seeds; leaves of D splits, or of all numbers."""

    training: trie.Trie
    targets_DN: jax.Array
    parts_D3N: jax.Array  # which of all numbers are for training, validation and test
    words_NT: jax.Array  # of all numbers, then of the queries


class WordState(NamedTuple):
    """The state of one seed."""

    settings: Settings
    training: loop.TrainState


def task(splits: Sequence[Split], queries: Sequence[Words], conjunction: bool = True) -> Task:
    """Returns the task of some splits, with queries that are asked at the end; numbers with or without "and"."""
    numbers = np.arange(NUMBERS)
    everything = [*(in_words(number, conjunction) for number in numbers.tolist()), *queries]
    return Task(
        training=trie.of_numbers([split.training for split in splits], conjunction),
        targets_DN=np.stack([split.training for split in splits]).astype(np.float32),
        parts_D3N=np.array([[np.isin(numbers, part) for part in split] for split in splits], np.float32),
        words_NT=np.stack([encode(words) for words in everything]),
    )


def make_train(
    module: nn.Module,
    words: Task,
    *,
    units: Sequence[float],
    settings: Callable[[jax.Array], Settings],
    steps: int,
    evaluations: int,
    squared: bool = False,
    scaling: optax.GradientTransformation | None = None,
    cosine: bool = True,
) -> Train:
    """Returns the training of one seed: a lane for each unit and split, units first.

    Metrics, each `[S, E, U, D]`: mean absolute errors `training`, `validation` and `test`, the percentage of test
    numbers that round to the right one, `exact`, and `nonfinite_steps`; `queries` `[S, 1, U, D, Q, T]`, the answers
    after every word of every query (the last stands after its end); and the settings by their names, `[S, 1, U, D]`.

    Args:
      settings: key -> settings of the lanes; the key is the seed's own.
      squared: the loss is of squared errors in place of absolute ones.
      scaling: what the optimiser makes of gradients, Adam's unless it is given.
      cosine: whether the learning rate falls.
    """
    divisions = len(words.targets_DN)
    lanes = len(units) * divisions
    unit_L = jnp.repeat(jnp.array(units, jnp.float32), divisions)
    per_leg = steps // evaluations

    def transform(chosen: Settings) -> optax.GradientTransformation:
        def rates(path: tuple[str, ...]) -> jax.Array | None:
            if path[-1] in ("bias", "log_values"):
                return None
            if path[0] == "lstm":
                return chosen.recurrent_decay if path[1].startswith("h") else chosen.decay
            return chosen.decay if path[0] == "embedding" else chosen.read_out_decay

        def share(step: jax.Array) -> jax.Array:
            return jnp.clip((1 - step / steps) / (1 - FULL_DECAY), 0, 1)

        return optax.chain(
            optimisers.clip_by_lane_norm(1.0),
            optax.scale_by_adam() if scaling is None else scaling,
            optimisers.decayed(rates, share),
            optimisers.scaled(chosen.learning_rate),
        )

    def init(key: jax.Array, _: Task) -> WordState:
        key_init, key_settings, key_unused = jax.random.split(key, 3)
        chosen = settings(key_settings)
        keys_L = jax.random.split(key_init, lanes)
        params = loop.init_lanes(functools.partial(networks.init, module), keys_L)
        return WordState(chosen, loop.start(params, transform(chosen), key_unused))

    def leg(state: WordState, words: Task) -> tuple[WordState, dict[str, jax.Array]]:
        chosen, targets_LN = state.settings, jnp.tile(words.targets_DN, (len(units), 1))
        tries_L = jax.tree.map(lambda leaf: jnp.tile(leaf, (len(units),) + (1,) * (leaf.ndim - 1)), words.training)
        weights_LN = (targets_LN + 1) ** -chosen.leniency[:, None]

        def loss(params: Any, lane: tuple[trie.Trie, jax.Array, jax.Array, jax.Array], rngs: Any) -> jax.Array:
            sequences, targets_N, weights_N, unit = lane
            off_N = jnp.abs(unit * networks.answers(module, params, sequences, rngs) - targets_N)
            return (weights_N * (off_N**2 if squared else off_N)).mean()

        lanes_L = (tries_L, targets_LN, weights_LN, unit_L)
        trained = loop.take_steps(
            state.training,
            steps=per_leg,
            sample=lambda key: (lanes_L, loop.noise(key)),
            losses=lambda params_L, batch: jax.vmap(loss, in_axes=(0, 0, None))(params_L, *batch),
            transform=transform(chosen),
            learning_rate=optimisers.cosine(1.0, steps) if cosine else optimisers.constant(1.0),
            regulariser=loop.regulariser(getattr(module, "layer", "configured"), steps),
        )
        running_LNT = jax.vmap(lambda params: networks.running_answers(module, params, words.words_NT))(trained.params)
        running_UDNT = (unit_L[:, None, None] * running_LNT).reshape(len(units), divisions, *running_LNT.shape[1:])
        measured = measure(running_UDNT, words.parts_D3N)
        by_lane = {"nonfinite_steps": trained.nonfinite_L, **chosen._asdict()}
        by_lane = {name: values_L.reshape(len(units), divisions) for name, values_L in by_lane.items()}
        return WordState(chosen, trained), measured | by_lane

    return Train(
        init=init,
        leg=leg,
        legs=evaluations,
        network_steps=per_leg * lanes,
        last=("queries", *Settings._fields),
        data=(words,),
    )


def measure(running_UDNT: jax.Array, parts_D3N: jax.Array) -> dict[str, jax.Array]:
    """Returns the errors `[U, D]` on each part, the percentage of exact test answers, and the queries' answers."""
    numbers = parts_D3N.shape[-1]
    off_UDN = jnp.abs(running_UDNT[:, :, :numbers, -1] - jnp.arange(numbers)[None, None])
    share_D3N = parts_D3N / parts_D3N.sum(axis=2, keepdims=True)
    errors_3UD = jnp.einsum("udn,dpn->pud", off_UDN, share_D3N)
    exact_UD = 100 * jnp.einsum("udn,dn->ud", (off_UDN < 0.5).astype(jnp.float32), share_D3N[:, -1])
    named = dict(zip(Split._fields, errors_3UD, strict=True))
    return named | {"exact": exact_UD, "queries": running_UDNT[:, :, numbers:]}
