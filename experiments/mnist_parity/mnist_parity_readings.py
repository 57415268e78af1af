"""Does a plain training bring the order of the last layers that the paper has? (a study beside Table 4)

The paper's affine layer with sigmoid weights stays at 60 %, thirty points below the others; trained as in Table 4, no
two layers differ by more than one. The paper says nothing of its training, so the layers are trained under readings of
it that were usual: a plain optimiser, a short training, PyTorch's start, weights that start at N(0, 1). Paired seeds
also tell small differences between the layers.

    python -m experiments run table4_readings --profile full

Axes: S seeds, E evaluations.
"""

import dataclasses
import itertools
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np
import optax
from flax import linen as nn

import nalu

from ..lib.config import Count, Root, Size, selects
from ..lib.data import digits
from ..lib.report import Quantity, Table, paper, quantities_of
from ..lib.store.records import Finished
from ..lib.training import optimisers
from ..lib.training.train import Train
from . import mnist_parity, networks, report

VERSION = 1
PLACE = (4, 6, 3)  # in the paper: section, subsection, part
ARTEFACTS = ("table4_readings",)


class Reading(NamedTuple):
    """What the paper does not state.

    Attributes:
      optimiser: a name of `OPTIMISERS`.
      learning_rate: constant, but for Table 4's, which rises and falls.
      start: of the network: He's with a common part of the dense kernel, as in Table 4, or PyTorch's.
      layer_start: of the last layer's W (of a NAC's W_hat and M_hat).
    """

    optimiser: str = "Adam"
    learning_rate: float = 1e-3
    start: str = "PyTorch's"
    layer_start: str = "Glorot's"


OURS = "Muon and Adam"
OPTIMISERS: dict[str, Callable[[], optax.GradientTransformation]] = {
    OURS: lambda: optax.chain(optimisers.clip_by_lane_norm(1.0), optimisers.muon_and_adam(beta=0.95, adam_b2=0.999)),
    "Adam": optax.scale_by_adam,
    "SGD, momentum 0.9": lambda: optax.trace(decay=0.9),
    "RMSprop": lambda: optax.scale_by_rms(decay=0.99, eps=1e-8, eps_in_sqrt=False),  # PyTorch's
}
LAYER_STARTS = {"Glorot's": nn.initializers.glorot_uniform(), "N(0, 1)": nn.initializers.normal(1.0)}
READINGS = {
    "A": Reading(OURS, 7e-3, "He's"),
    "B": Reading(),
    "C": Reading("SGD, momentum 0.9", 1e-2),
    "D": Reading(layer_start="N(0, 1)"),
    "E": Reading("RMSprop"),
}
LAYERS = tuple(name for name in networks.LAYERS if name != "NAC + b")  # the paper's
ACCURACY, GAIN = report.ACCURACY, report.GAIN


@dataclasses.dataclass(frozen=True)
class Config(mnist_parity.Config):
    """Settings of the study of readings: those of Table 4 unless said otherwise."""

    seeds: Count = 10  # ours
    root: Root = 4611  # ours: other keys than Table 4's
    readings: tuple[str, ...] = selects(tuple(READINGS), among=READINGS)  # ours: what to train
    layers: tuple[str, ...] = selects(LAYERS, among=networks.LAYERS)  # paper 4.6
    images: tuple[str, ...] = selects(("fresh",), among=("fresh",))
    steps: Count = 1000  # ours: short
    evaluations: Size = 2
    test_images: Size = 4000


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each reading and last layer."""
    return [
        {"reading": letter, "layer": layer, **READINGS[letter]._asdict()}
        for letter, layer in itertools.product(cfg.readings, cfg.layers)
    ]


def make_train(cfg: Config, *, reading: str, layer: str, **settings: Any) -> Train:
    """Returns the training of one seed under a reading, whose letter says nothing more."""
    read = Reading(**settings)
    start = LAYER_STARTS[read.layer_start]
    cell = (
        nalu.NAC(mnist_parity.CLASSES, w_hat_init=start, m_hat_init=start)
        if layer == "NAC"
        else networks.LAYERS[layer](mnist_parity.CLASSES).clone(start=start)
    )
    ours = networks.SCENE_NET
    net = networks.with_last_layer(cell, ours if read.start == "He's" else ours._replace(gain=1.0, common=False))
    rate = optimisers.constant(read.learning_rate)
    if read.optimiser == OURS:
        rate = optimisers.warmed(optimisers.cosine(read.learning_rate, cfg.steps), round(cfg.warm_up * cfg.steps))
    scale = OPTIMISERS[read.optimiser]()
    return mnist_parity.train_with(cfg, net, layer, finite=False, steps=cfg.steps, scale=scale, rate=rate)


def row_of(letter: str) -> str:
    """Returns a reading in short."""
    its = READINGS[letter]
    said = f"{letter}: {its.optimiser}, {its.learning_rate:g}, {its.start} start"
    return said if its.layer_start == "Glorot's" else f"{said}, last layer {its.layer_start}"


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns readings by layers: the accuracy, and by how much it is above that of the affine layer, seed by seed."""
    under: dict[str, dict[str, Finished]] = {}
    for run in results:
        under.setdefault(run.variant["reading"], {})[run.variant["layer"]] = run
    quantities: list[Quantity] = []
    for letter, found in under.items():
        for layer, run in found.items():
            diverged_S = run.arrays["nonfinite_steps"][:, -1] > 0
            of = quantities_of(run, "table4_readings", diverged_S=diverged_S)
            values = {ACCURACY: np.asarray(run.arrays["accuracy"][:, -1], np.float64)}
            if layer != report.AFFINE and report.AFFINE in found:
                values[GAIN] = values[ACCURACY] - found[report.AFFINE].arrays["accuracy"][:, -1]
            for metric, values_S in values.items():
                lines = of(metric, row_of(letter), _column(layer), metric, values_S, higher_is_better=True)
                quantities.append(lines)
    if not quantities:
        return []
    columns = tuple(_column(layer) for layer in LAYERS)
    blocks = tuple(dict.fromkeys(q.block for q in quantities))
    title = f"Does a plain training bring the order of Table 4?{digits.suffix(cfg.digits)}"
    grid = blocks, tuple(map(row_of, under)), columns
    return [Table("table4_readings", title, *grid, tuple(quantities), _notes(cfg, under), headline="median")]


def _column(layer: str) -> str:
    number = paper.numbers("table4").get(("fresh images", layer, ACCURACY, ACCURACY))
    return f"{layer} (paper {number.value})" if number else layer


def _notes(cfg: Config, letters: Collection[str]) -> tuple[str, ...]:
    but = ", but for A, which is Table 4's training, shorter" if "A" in letters else ""
    return (
        f"Percentage of {cfg.test_images:,} test images whose even digits are counted rightly, after {cfg.steps:,} "
        f"steps of {cfg.batch} fresh images; always answering 0 gives about 33 %. Constant rates{but}.",
        "Gain: seed by seed, on the same images and the same start of the rest of the network; an interval that holds "
        "0 shows no difference.",
    )
