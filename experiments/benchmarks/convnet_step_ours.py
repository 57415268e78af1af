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

from experiments.benchmarks import convnet_step_work as work
from experiments.benchmarks import engine
from experiments.benchmarks.timing import tell_rate
from experiments.lib.engine import numerics
from experiments.lib.networks import convnet, convolution
from experiments.lib.training import loop as training
from experiments.lib.training.program import Train

Batch = tuple[jax.Array, jax.Array]


def sample(key: jax.Array, images: jax.Array, labels: jax.Array) -> Batch:
    """Returns a batch: images [B, 28, 28] as they are stored, and labels [B]."""
    chosen_B = jax.random.randint(key, (work.BATCH,), 0, len(labels))
    return images[chosen_B], labels[chosen_B]


def loss(params: Any, batch: Batch) -> jax.Array:
    images_BHW, labels_B = batch
    x_BHW = (images_BHW.astype(jnp.float32) / 255 - work.MEAN) / work.DEVIATION
    logits_BF = convnet.apply(convnet.DIGIT_NET, params, x_BHW)
    return optax.softmax_cross_entropy_with_integer_labels(logits_BF, labels_B).mean()


def make_train(
    data: tuple[Any, Any],
    transform: optax.GradientTransformation | None = None,
    learning_rate: float = work.LEARNING_RATE,
    steps: int = work.STEPS,
) -> Train:
    """Returns the training of one seed, as an experiment would; without a transform by Adam."""
    scale = transform or optax.scale_by_adam()

    def init(key: jax.Array, *data: jax.Array) -> training.TrainState:
        key_init, key_data = jax.random.split(key)
        params = convnet.init(convnet.DIGIT_NET, key_init)
        return training.start(jax.tree.map(lambda leaf: leaf[None], params), scale, key_data)

    def leg(state: training.TrainState, *data: jax.Array) -> tuple[training.TrainState, dict[str, jax.Array]]:
        state = training.take_steps(
            state,
            steps=steps,
            sample=lambda key: sample(key, *data),
            losses=lambda params, batch: loss(jax.tree.map(lambda leaf: leaf[0], params), batch)[None],
            transform=scale,
            learning_rate=training.constant(learning_rate),
        )
        return state, {}

    return Train(init=init, leg=leg, legs=1, network_steps=steps, data=data)


def images_trained_on(seeds: int) -> Callable[[], int]:
    """Returns the function that trains all seeds for one leg and returns how many images that were."""
    images, labels = work.data()
    run = engine.first_leg(make_train((images, labels.astype("int32"))), seeds)
    return lambda: run() * work.BATCH


def convolve(x_BHWC: jax.Array, kernel_KKCO: jax.Array, tile: int, filled: float) -> jax.Array:
    """Stands in for the convolution by tiles, whose speed-ups it ignores."""
    return convolution._by_convolution(x_BHWC, kernel_KKCO)


if __name__ == "__main__":
    numerics.prepare(cores=1)
    if "convolution" in sys.argv:
        convolution._by_tiles = convolve
    tell_rate(images_trained_on(work.SEEDS if "eight" in sys.argv else 1))
