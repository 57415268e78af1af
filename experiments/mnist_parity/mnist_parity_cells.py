"""Which cells of the field help as the last layer of a network that counts even digits? (beside Table 4)

Every cell of `nalu.CELLS` stands where the NAC of Table 4 stands, on a finite set of images, where constraints could
help by fitting less, from the same seeds, with the affine layer beside them. Each can be trained at several rates of
its own; then a seed counts at the one of higher accuracy on validation images. Two thirds of Table 4's steps must do.

    python -m experiments run table4_cells --profile full

Axes: S seeds, E evaluations.
"""

import dataclasses
import itertools
from typing import Annotated, Any

import nalu

from ..lib.config import DISTINCT, Count, Positive, selects
from ..lib.data import digits
from ..lib.report import Table
from ..lib.store.records import Finished, best_of, grouped
from ..lib.training.train import Train
from . import mnist_parity, report

VERSION = 1
PLACE = (4, 6, 2)  # in the paper: section, subsection, part
ARTEFACTS = ("table4_cells",)

CELLS = tuple(name for name in mnist_parity.LAYERS if name == "NAC" or name in nalu.CELLS)
IMAGES = "finite"


@dataclasses.dataclass(frozen=True)
class Config(mnist_parity.Config):
    """Settings of Table 4 with every cell: those of Table 4, shorter, on fewer seeds and the finite set alone."""

    seeds: Count = 3
    layers: tuple[str, ...] = selects((report.AFFINE, *CELLS), among=mnist_parity.LAYERS)
    images: tuple[str, ...] = selects((IMAGES,), among=(IMAGES,))
    finite_steps: Count = 1000
    factors: Annotated[tuple[Positive, ...], DISTINCT] = selects((1.0, 0.1))  # ours: of the last layer's own rate


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each last layer and rate."""
    return [
        {"images": images, "layer": layer, "factor": factor}
        for images, layer, factor in itertools.product(cfg.images, cfg.layers, cfg.factors)
    ]


def make_train(cfg: Config, *, images: str, layer: str, factor: float) -> Train:
    """Returns the training of one seed: Table 4's, with the rate of the last layer times a factor."""
    return mnist_parity.make_train(cfg, images=images, layer=layer, layer_rate=factor)


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the columns of Table 4, cells by measures; every seed at the rate of higher validation accuracy."""
    found = {
        (IMAGES, layer): best_of(its, lambda run: -run.arrays["validation_accuracy"][:, -1])
        for (layer,), its in grouped(results, "layer").items()
    }
    quantities = [line for _, layer in found for line in report.accuracies(found, IMAGES, layer, "table4_cells")]
    if not quantities:
        return []
    rows = tuple(report.row_of(layer) for _, layer in found)
    grid = (report.BLOCKS[IMAGES],), rows, (report.ACCURACY, report.GAIN, report.FITTED)
    title = f"Table 4 with every cell{digits.suffix(cfg.digits)}"
    return [Table("table4_cells", title, *grid, tuple(quantities), _notes(cfg), headline="median")]


def _notes(cfg: Config) -> tuple[str, ...]:
    rates = " or ".join(f"{factor * cfg.learning_rate:g}" for factor in cfg.factors)
    which = (
        ": every seed counts at the one with the higher accuracy on validation images" if len(cfg.factors) > 1 else ""
    )
    return (
        f"Network, images and measures are Table 4's, on its finite set of {cfg.finite_images:,} images; "
        f"{cfg.finite_steps:,} steps of {cfg.batch}. The last layer learns at a rate of {rates}{which}.",
        "Gain: the accuracy less that of Wx + b from the same seed; an interval that holds 0 shows no difference.",
        "The cells start as published, with their published penalties and projections, on the 32 features of the "
        "network, which are zero or more. A cell that only multiplies makes a product of powers of them into each "
        "class's score.",
    )
