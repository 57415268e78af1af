"""Series of images: what they should be answered with, and measuring answers on series of any length.

A network answers for a series in two parts, so that no image is seen twice: `features` of each image, then `answer`
from the features of a series. What grows with the length of a series is therefore the features alone.

Axes: B images, N series, T images of a series, F features, O outputs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..lib.training.train import Train

CHUNK = 500  # images whose features are computed at a time


class SeriesNetwork(NamedTuple):
    """Pure functions over one network.

    Attributes:
      init: key -> params.
      features: (params, images [B, H, W]) -> [B, F]; in training with `loop.noise` as a third argument.
      answer: (params, features [N, T, F]) -> [N, O], whatever T.
    """

    init: Callable[[jax.Array], Any]
    features: Callable[..., jax.Array]
    answer: Callable[[Any, jax.Array], jax.Array]


def totals(labels_B: jax.Array, series_NT: jax.Array, outputs: int) -> jax.Array:
    """Returns what a series should be answered with, `[N, O]`: its sum (one output), or how often each class occurs."""
    labels_NT = labels_B[series_NT]
    if outputs == 1:
        return labels_NT.sum(axis=1, keepdims=True).astype(jnp.float32)
    return (labels_NT[..., None] == jnp.arange(outputs)[None, None]).sum(axis=1).astype(jnp.float32)


def all_features(network: SeriesNetwork, params: Any, images_BHW: jax.Array) -> jax.Array:
    """Returns the features of a whole data set `[B, F]`, a chunk of images at a time."""
    return jax.lax.map(lambda image_HW: network.features(params, image_HW[None])[0], images_BHW, batch_size=CHUNK)


def answers(network: SeriesNetwork, params: Any, features_BF: jax.Array, series_NT: jax.Array) -> jax.Array:
    """Returns the network's answers `[N, O]` to series of images whose features are known."""
    return network.answer(params, features_BF[series_NT])


def accuracy(answers_BO: jax.Array, labels_B: jax.Array) -> jax.Array:
    """Returns the percentage of series of one image that are answered rightly.

    Right is the paper's reading as its own numbers imply: the largest of ten counts, or the sum rounded.
    """
    guess_B = answers_BO.argmax(axis=1) if answers_BO.shape[1] > 1 else jnp.round(answers_BO[:, 0])
    return 100 * jnp.mean(guess_B == labels_B)


def mean_absolute_error(answers_NO: jax.Array, totals_NO: jax.Array) -> jax.Array:
    """Returns the mean over series and outputs."""
    return jnp.mean(jnp.abs(answers_NO - totals_NO))


class Tests(NamedTuple):
    """Test series as indices of images, the same for every seed and model, and some of training's length to show."""

    series: dict[int, jax.Array]  # by length T: [N, T]
    validation_NT: jax.Array
    examples_NT: jax.Array


def draw_tests(
    root: int, *, images: int, validation_images: int, lengths: tuple[int, ...], numbers: tuple[int, ...], examples: int
) -> Tests:
    """Returns series of images drawn independently; the first length and number serve for validation, too."""
    key = jax.random.fold_in(jax.random.key(root), 0xD161)

    def draw(i: int, number: int, length: int, images: int) -> jax.Array:
        return jax.random.randint(jax.random.fold_in(key, i), (number, length), 0, images)

    return Tests(
        series={
            length: draw(i, number, length, images)
            for i, (length, number) in enumerate(zip(lengths, numbers, strict=True))
        },
        validation_NT=draw(len(lengths), numbers[0], lengths[0], validation_images),
        examples_NT=draw(len(lengths) + 1, examples, lengths[0], images),
    )


def measure(
    network: SeriesNetwork,
    params: Any,
    test: tuple[jax.Array, ...],
    validation: tuple[jax.Array, ...],
    tests: Tests,
    outputs: int,
) -> dict[str, jax.Array]:
    """Returns accuracy and errors on test series, the error on validation series, and the answers to the examples.

    Args:
      test, validation: (images [B, H, W], labels [B]) of digits that training never sees.
    """

    def error(features_BF: jax.Array, labels_B: jax.Array, series_NT: jax.Array) -> jax.Array:
        found_NO = answers(network, params, features_BF, series_NT)
        return mean_absolute_error(found_NO, totals(labels_B, series_NT, outputs))

    features_BF, labels_B = all_features(network, params, test[0]), test[1]
    alone_B1 = jnp.arange(len(labels_B))[:, None]
    return {
        "accuracy": accuracy(answers(network, params, features_BF, alone_B1), labels_B),
        **{f"error_{length}": error(features_BF, labels_B, series_NT) for length, series_NT in tests.series.items()},
        "validation_error": error(all_features(network, params, validation[0]), validation[1], tests.validation_NT),
        "examples_NO": answers(network, params, features_BF, tests.examples_NT),
    }


def show(images_BHW: np.ndarray, labels_B: np.ndarray, series_NT: jax.Array) -> Train:
    """Returns a run without training that stores the images `[N, T, H, W]` and labels `[N, T]` of some series."""
    chosen_NT = np.asarray(series_NT)
    arrays = (images_BHW[chosen_NT], labels_B[chosen_NT])

    def leg(state: jax.Array, images: jax.Array, labels: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        return state, {"images": images, "labels": labels}

    return Train(init=lambda key, *_: jnp.int32(0), leg=leg, legs=1, network_steps=0, data=arrays)
