"""Can a cell count and add what a convolutional network sees, in series longer than any it has seen? (4.2, Table 2)

A recurrent cell is shown MNIST digits one by one and answers at the end of the series: how many there were of each
class (counting), or their sum (addition). It learns from series of 10, by the squared error of that answer alone,
convolutional network included, and is tested on series of 1, 10, 100 and 1000 test digits.

    python -m experiments run table2 --profile full     # 84 CPU-min on two cores of an AMD EPYC

Axes: S seeds, E evaluations, B images of a batch, N series, T images of a series, O outputs, L = 1 lane.
"""

import dataclasses
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax

import nalu

from ..lib.config import (
    DISTINCT,
    Count,
    Finite,
    NotNegative,
    Positive,
    Root,
    Size,
    check,
    one_of,
    require,
    require_divides,
    selects,
    share,
)
from ..lib.data import digits
from ..lib.training import loop, optimisers
from ..lib.training.train import Train
from . import networks, series
from .report import figures as figures
from .report import tables as tables

VERSION = 1
PLACE = (4, 2)  # in the paper: section, subsection, part
ARTEFACTS = ("table2",)

TASKS = {"counting": 10, "addition": 1}  # outputs
MODELS = ("lstm", "gru", "rnn-tanh", "rnn-relu", "nac", "nalu", "nac-plain")
EXAMPLES = 4  # series that are shown


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of Table 2."""

    seeds: Count = 10  # ours
    root: Root = 4201  # ours: the root of the reported keys; tuning used others
    tasks: tuple[str, ...] = selects(TASKS, among=TASKS)  # paper 4.2: what to train
    models: tuple[str, ...] = selects(MODELS, among=(*MODELS, *nalu.CELLS))  # paper 4.2, and ours: what to train
    digits: str = one_of(digits.MNIST, (digits.MNIST, digits.STAND_IN))  # paper 4.2; the stand-in if it cannot be had
    length: Size = 10  # paper 4.2: of a series in training
    lengths: Annotated[tuple[Size, Size, Size], DISTINCT] = (10, 100, 1000)  # paper 4.2: of test series
    test_series: tuple[Size, Size, Size] = (2000, 1000, 300)  # unstated; ours: of each length
    batch: Size = 8  # unstated; ours, as all that follows: series of a step
    steps: Count = 6000
    evaluations: Size = 5
    learning_rate: Positive = 3e-3  # of Muon and Adam
    weight_decay: NotNegative = 0.2  # of the convolutional network's matrices, times the learning rate
    cell_rate: Positive = 10.0  # times the learning rate: of an accumulating cell's weights, so that they saturate
    feature_scale: Positive = 3.0
    weight_start: Finite = 1.0  # for addition, added to the Glorot start of W_hat and M_hat: no weight starts negative
    plain_learning_rate: Positive = 3e-3  # of the row NAC (plain): Adam for everything, linear features
    hidden: Size = 64  # of the usual cells
    hold_out: Annotated[float, share(0.001, 0.999)] = 1 / 12  # share of the training digits that is kept for validation

    def __post_init__(self) -> None:
        check(self)
        require_divides(self, "evaluations", "steps")
        most = max(length * number for length, number in zip(self.lengths, self.test_series, strict=True))
        require(most <= 10**8, f"lengths and test_series make {most} images a test, but may make {10**8} at most.")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each task and model, and the series that are shown."""
    return [{"task": "none", "model": "examples"}] + [
        {"task": task, "model": model} for task in cfg.tasks for model in cfg.models
    ]


def network(cfg: Config, task: str, model: str) -> series.SeriesNetwork:
    """Returns the network of a row."""
    outputs = TASKS[task]
    if model in networks.USUAL:
        unit = 1.0 if task == "counting" else cfg.length * 4.5
        return networks.usual(model, hidden=cfg.hidden, outputs=outputs, unit=unit)
    if model == "nac-plain":
        return networks.accumulator(nalu.NAC(outputs), squash="none", scale=1.0)
    start = {}
    if model in ("nac", "nalu"):
        init = networks.shifted_glorot(cfg.weight_start if task == "addition" else 0.0)
        start = {"w_hat_init": init, "m_hat_init": init}
    return networks.accumulator(nalu.CELLS[model](outputs, **start), squash="sigmoid", scale=cfg.feature_scale)


def transform(cfg: Config, model: str) -> optax.GradientTransformation:
    """Returns how gradients become updates, without the learning rate."""
    if model == "nac-plain":
        return optax.scale_by_adam()
    steps = [
        optimisers.clip_by_lane_norm(1.0),
        optimisers.muon_and_adam(beta=0.95, adam_b2=0.95, weight_decay=cfg.weight_decay),
    ]
    if model not in networks.USUAL:
        steps.append(optimisers.at_own_rate("cell", cfg.cell_rate))
    return optax.chain(*steps)


def make_train(cfg: Config, *, task: str, model: str) -> Train:
    """Returns the training of one seed."""
    parts = digits.split(cfg.digits, cfg.hold_out)
    validation_labels, (test_images, test_labels) = parts[1][1], parts[2]
    tests = series.draw_tests(
        cfg.root,
        images=len(test_labels),
        validation_images=len(validation_labels),
        lengths=cfg.lengths,
        numbers=cfg.test_series,
        examples=EXAMPLES,
    )
    if model == "examples":
        return series.show(test_images, test_labels, tests.examples_NT)
    outputs = TASKS[task]
    net, scale = network(cfg, task, model), transform(cfg, model)
    plain = model == "nac-plain"
    rate = optimisers.cosine(cfg.plain_learning_rate if plain else cfg.learning_rate, cfg.steps)
    per_leg = cfg.steps // cfg.evaluations

    def init(key: jax.Array, *data: Any) -> loop.TrainState:
        key_init, key_data = jax.random.split(key)
        return loop.start(loop.as_lane(net.init(key_init)), scale, key_data)

    def leg(state: loop.TrainState, train: Any, validation: Any, test: Any) -> tuple[loop.TrainState, Any]:
        images, labels = train

        def sample(key: jax.Array) -> tuple[jax.Array, jax.Array, dict[str, jax.Array]]:
            chosen_NT = jax.random.randint(key, (cfg.batch, cfg.length), 0, len(labels))
            return images[chosen_NT.reshape(-1)], series.totals(labels, chosen_NT, outputs), loop.noise(key)

        def loss(params: Any, batch: tuple[jax.Array, jax.Array, dict[str, jax.Array]]) -> jax.Array:
            images_BHW, totals_NO, rngs = batch
            features_BF = net.features(params, images_BHW, rngs)
            answers_NO = net.answer(params, features_BF.reshape(cfg.batch, cfg.length, -1))
            return jnp.square(answers_NO - totals_NO).sum(axis=1).mean()

        state = loop.take_steps(
            state,
            steps=per_leg,
            sample=sample,
            losses=loop.of_one(loss),
            transform=scale,
            learning_rate=rate,
            regulariser=loop.regulariser(model, cfg.steps),
        )
        measured = series.measure(net, loop.alone(state.params), test, validation, tests, outputs)
        return state, {**measured, "nonfinite_steps": state.nonfinite_L[0]}

    return Train(
        init=init,
        leg=leg,
        legs=cfg.evaluations,
        network_steps=per_leg,
        last=("examples_NO",),
        data=parts,
    )
