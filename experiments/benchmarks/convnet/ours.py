"""The project's own engine on this `work`: nothing here is made for the benchmark.

The network is `convnet.DIGIT_NET`, as in Table 2. On a CPU core the seeds follow one another. `eight` trains eight
seeds; `convolution` has XLA's own convolution instead of ours by tiles, to show what the tiles give.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from ...lib.engine import machine
from ...lib.networks import convnet
from ...lib.training import loop, optimisers
from ...lib.training.train import Train
from .. import engine
from ..timing import print_rate
from . import work

Batch = tuple[jax.Array, jax.Array]
WITHOUT_TILES = convnet.DIGIT_NET._replace(
    convolutions=tuple(layer._replace(tile=None) for layer in convnet.DIGIT_NET.convolutions)
)


def sample(key: jax.Array, images: jax.Array, labels: jax.Array) -> Batch:
    """Returns a batch: images [B, 28, 28] as they are stored, and labels [B]."""
    chosen_B = jax.random.randint(key, (work.BATCH,), 0, len(labels))
    return images[chosen_B], labels[chosen_B]


def loss(net: convnet.Convnet, params: Any, batch: Batch) -> jax.Array:
    images_BHW, labels_B = batch
    x_BHW = (images_BHW.astype(jnp.float32) / 255 - work.MEAN) / work.DEVIATION
    logits_BF = convnet.apply(net, params, x_BHW)
    return optax.softmax_cross_entropy_with_integer_labels(logits_BF, labels_B).mean()


def make_train(
    data: tuple[Any, Any],
    net: convnet.Convnet = convnet.DIGIT_NET,
    transform: optax.GradientTransformation | None = None,
    learning_rate: float = work.LEARNING_RATE,
    steps: int = work.STEPS,
) -> Train:
    """Returns the training of one seed, as an experiment would; without a transform by Adam."""
    scale = transform or optax.scale_by_adam()

    def init(key: jax.Array, *data: jax.Array) -> loop.TrainState:
        key_init, key_data = jax.random.split(key)
        params = convnet.init(net, key_init)
        return loop.start(loop.as_lane(params), scale, key_data)

    def leg(state: loop.TrainState, *data: jax.Array) -> tuple[loop.TrainState, dict[str, jax.Array]]:
        state = loop.take_steps(
            state,
            steps=steps,
            sample=lambda key: sample(key, *data),
            losses=loop.of_one(functools.partial(loss, net)),
            transform=scale,
            learning_rate=optimisers.constant(learning_rate),
        )
        return state, {}

    return Train(init=init, leg=leg, legs=1, network_steps=steps, data=data)


def images_trained_on(seeds: int, net: convnet.Convnet) -> Callable[[], int]:
    """Returns the function that trains all seeds for one leg and returns how many images that were."""
    images, labels = work.data()
    run = engine.first_leg(make_train((images, labels.astype("int32")), net), seeds)
    return lambda: run() * work.BATCH


if __name__ == "__main__":
    machine.prepare(cores=1)
    net = WITHOUT_TILES if "convolution" in sys.argv else convnet.DIGIT_NET
    print_rate(images_trained_on(work.SEEDS if "eight" in sys.argv else 1, net))
