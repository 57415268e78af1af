"""Does a NAC as the last layer help a network to count even digits in an image? (section 4.6, Table 4)

Images hold up to five MNIST digits; the network of Segui, Pujol and Vitria (2015) says how many of them are even, by a
softmax over 0..5. Only its last layer varies, from affine to NAC, so each constraint of the NAC is tested by itself.
Everything runs twice: on fresh images throughout, and on a finite set of images that training goes through many times,
where constraints could help by fitting less. Two layers also run longer, to see how far the network can go.

    python -m experiments run table4 --profile full     # 200 CPU-min on two cores of an AMD EPYC

Axes: S seeds, E evaluations, B images of a batch, L = 1 lane.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax

import nalu

from ..lib.config import Count, Limit, Positive, Root, Size, check, one_of, require, require_divides, selects, share
from ..lib.data import digits
from ..lib.training import loop, optimisers
from ..lib.training.train import Train
from . import networks, scenes
from .report import figures as figures
from .report import tables as tables

VERSION = 1
PLACE = (4, 6)  # in the paper: section, subsection
ARTEFACTS = ("table4",)

CLASSES = scenes.MOST + 1
LAYERS = (*networks.LAYERS, *(name for name in nalu.CELLS if name not in ("nac", *networks.LAYERS)))
IMAGES = ("fresh", "finite", "long")
EXAMPLES = 8  # scenes that are shown


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of Table 4."""

    seeds: Count = 6  # ours
    root: Root = 4601  # ours: the root of the reported keys; tuning used others
    layers: tuple[str, ...] = selects(networks.LAYERS, among=LAYERS)  # paper 4.6: what to train
    images: tuple[str, ...] = selects(IMAGES, among=IMAGES)  # ours: the regimes
    digits: str = one_of(digits.MNIST, (digits.MNIST, digits.STAND_IN))  # paper 4.6; the stand-in if it cannot be had
    batch: Size = 16  # unstated; ours, as all that follows
    steps: Count = 5000  # on fresh images
    finite_steps: Count = 1500
    finite_images: Size = 2000
    long_steps: Count = 24_000  # on fresh images, too
    long_layers: tuple[str, ...] = selects(("Wx + b", "NAC"))
    evaluations: Size = 5
    learning_rate: Positive = 7e-3  # of Muon and Adam
    warm_up: Annotated[float, Limit(lambda share: 0 <= share < 1, "a share from 0 to below 1")] = 0.02  # of the steps
    test_images: Size = 10_000
    glance: Size = 1000  # test images of the evaluations before the last; and training images of each
    hold_out: Annotated[float, share(0.001, 0.999)] = 1 / 12  # share of the training digits that is kept for validation

    def __post_init__(self) -> None:
        check(self)
        require_divides(self, "evaluations", "steps", "finite_steps", "long_steps")
        require(
            set(self.long_layers) <= set(LAYERS), f"long_layers names what is no layer; there are {', '.join(LAYERS)}."
        )


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each regime and last layer, and the scenes that are shown."""
    return [{"images": "none", "layer": "examples"}] + [
        {"images": images, "layer": layer}
        for images in cfg.images
        for layer in cfg.layers
        if images != "long" or layer in cfg.long_layers
    ]


def make_train(cfg: Config, *, images: str, layer: str, layer_rate: float = 1.0) -> Train:
    """Returns the training of one seed.

    Args:
      layer_rate: times the learning rate: of the last layer's weights.
    """
    if layer == "examples":
        return scenes.show(key_of_tests(cfg), EXAMPLES, digits.split(cfg.digits, cfg.hold_out)[2])
    scale = optax.chain(optimisers.clip_by_lane_norm(1.0), optimisers.muon_and_adam(beta=0.95, adam_b2=0.999))
    if layer_rate != 1:
        scale = optax.chain(scale, optimisers.at_own_rate("layer", layer_rate))
    steps = {"fresh": cfg.steps, "finite": cfg.finite_steps, "long": cfg.long_steps}[images]
    rate = optimisers.warmed(optimisers.cosine(cfg.learning_rate, steps), round(cfg.warm_up * steps))
    net = networks.with_last_layer({**nalu.CELLS, **networks.LAYERS}[layer](CLASSES))
    return train_with(cfg, net, layer, finite=images == "finite", steps=steps, scale=scale, rate=rate)


def key_of_tests(cfg: Config) -> jax.Array:
    """Returns the key of the test scenes, the same for every seed and layer."""
    return jax.random.fold_in(jax.random.key(cfg.root), 0x5CE0E)


def train_with(
    cfg: Config,
    net: networks.SceneNetwork,
    layer: str,
    *,
    finite: bool,
    steps: int,
    scale: optax.GradientTransformation,
    rate: Callable[[jax.Array], jax.Array | float],
) -> Train:
    """Returns the training of one seed of a network, whose last layer's penalty is that of a cell of this name.

    Args:
      finite: whether there is a finite set of images.
      scale: what the optimiser makes of gradients, without the learning rate.
      rate: step -> learning rate.
    """
    parts = digits.split(cfg.digits, cfg.hold_out)
    key_tests = key_of_tests(cfg)
    per_leg = steps // cfg.evaluations

    def init(key: jax.Array, *_: Any) -> tuple[loop.TrainState, jax.Array]:
        key_init, key_data, key_set = jax.random.split(key, 3)
        return loop.start(loop.as_lane(net.init(key_init)), scale, key_data), key_set

    def leg(carry: Any, train: Any, validation: Any, test: Any) -> tuple[Any, dict[str, jax.Array]]:
        state, key_set = carry

        def sample(key: jax.Array) -> tuple[tuple[jax.Array, jax.Array], dict[str, jax.Array]]:
            if finite:
                indices_B = jax.random.randint(key, (cfg.batch,), 0, cfg.finite_images)
                return scenes.draw_many(key_set, indices_B, train), loop.noise(key)
            return scenes.draw_many(key, jnp.arange(cfg.batch), train), loop.noise(key)

        def loss(params: Any, batch: tuple[tuple[jax.Array, jax.Array], dict[str, jax.Array]]) -> jax.Array:
            (scenes_BHW, labels_B), rngs = batch
            logits_BO = net.apply(params, scenes_BHW, rngs)
            return optax.softmax_cross_entropy_with_integer_labels(logits_BO, labels_B).mean()

        state = loop.take_steps(
            state,
            steps=per_leg,
            sample=sample,
            losses=loop.of_one(loss),
            transform=scale,
            learning_rate=rate,
            regulariser=loop.regulariser(layer, steps),
        )
        params = loop.alone(state.params)
        number = jnp.where(state.step == steps, cfg.test_images, cfg.glance)
        key_fresh, key_validation = jax.random.split(key_set)
        key_train = key_set if finite else key_fresh
        seen = min(cfg.glance, cfg.finite_images) if finite else cfg.glance
        accuracy = functools.partial(networks.accuracy, net, params, most=max(cfg.test_images, cfg.glance))
        return (state, key_set), {
            "accuracy": accuracy(key_tests, number, test),
            "training_accuracy": accuracy(key_train, seen, train),
            "validation_accuracy": accuracy(key_validation, cfg.glance, validation),
            "examples_N": networks.guesses(net, params, key_tests, EXAMPLES, test),
            "nonfinite_steps": state.nonfinite_L[0],
        }

    return Train(
        init=init,
        leg=leg,
        legs=cfg.evaluations,
        network_steps=per_leg,
        last=("examples_N",),
        data=parts,
    )
