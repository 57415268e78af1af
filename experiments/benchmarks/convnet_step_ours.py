"""The project's own engine on the work of `convnet_step_work`: nothing here is made for the benchmark.

The network is `convnet.DIGIT_NET`, as in Table 2. On a CPU core the seeds follow one another. `eight` trains eight
seeds; `convolution` replaces our convolution by XLA's own, to show what the tiles give.
"""

import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from ..lib.engine import machine
from ..lib.networks import convnet, convolution
from ..lib.training import loop, optimisers
from ..lib.training.train import Train
from . import convnet_step_work, engine
from .timing import tell_rate

Batch = tuple[jax.Array, jax.Array]


def sample(key: jax.Array, images: jax.Array, labels: jax.Array) -> Batch:
    """Returns a batch: images [B, 28, 28] as they are stored, and labels [B]."""
    chosen_B = jax.random.randint(key, (convnet_step_work.BATCH,), 0, len(labels))
    return images[chosen_B], labels[chosen_B]


def loss(params: Any, batch: Batch) -> jax.Array:
    images_BHW, labels_B = batch
    x_BHW = (images_BHW.astype(jnp.float32) / 255 - convnet_step_work.MEAN) / convnet_step_work.DEVIATION
    logits_BF = convnet.apply(convnet.DIGIT_NET, params, x_BHW)
    return optax.softmax_cross_entropy_with_integer_labels(logits_BF, labels_B).mean()


def make_train(
    data: tuple[Any, Any],
    transform: optax.GradientTransformation | None = None,
    learning_rate: float = convnet_step_work.LEARNING_RATE,
    steps: int = convnet_step_work.STEPS,
) -> Train:
    """Returns the training of one seed, as an experiment would; without a transform by Adam."""
    scale = transform or optax.scale_by_adam()

    def init(key: jax.Array, *data: jax.Array) -> loop.TrainState:
        key_init, key_data = jax.random.split(key)
        params = convnet.init(convnet.DIGIT_NET, key_init)
        return loop.start(loop.as_lane(params), scale, key_data)

    def leg(state: loop.TrainState, *data: jax.Array) -> tuple[loop.TrainState, dict[str, jax.Array]]:
        state = loop.take_steps(
            state,
            steps=steps,
            sample=lambda key: sample(key, *data),
            losses=loop.of_one(loss),
            transform=scale,
            learning_rate=optimisers.constant(learning_rate),
        )
        return state, {}

    return Train(init=init, leg=leg, legs=1, network_steps=steps, data=data)


def images_trained_on(seeds: int) -> Callable[[], int]:
    """Returns the function that trains all seeds for one leg and returns how many images that were."""
    images, labels = convnet_step_work.data()
    run = engine.first_leg(make_train((images, labels.astype("int32"))), seeds)
    return lambda: run() * convnet_step_work.BATCH


def convolve(x_BHWC: jax.Array, kernel_KKCO: jax.Array, tile: int, filled: float) -> jax.Array:
    """Stands in for the convolution by tiles, whose speed-ups it ignores."""
    return convolution._by_convolution(x_BHWC, kernel_KKCO)


if __name__ == "__main__":
    machine.prepare(cores=1)
    if "convolution" in sys.argv:
        convolution._by_tiles = convolve
    tell_rate(images_trained_on(convnet_step_work.SEEDS if "eight" in sys.argv else 1))
