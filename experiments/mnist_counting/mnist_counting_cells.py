"""Which cells of the field count and add what a convolutional network sees? (beside Table 2)

Every cell of `nalu.CELLS` stands where the NAC of Table 2 stands, on the same images and from the same seeds: it makes
numbers of each image's ten features, and these add up over the series. Each can be trained at several rates of its own;
then a seed counts at the one of less error on validation digits. A third of Table 2's steps must do.

    python -m experiments run table2_cells --profile full

Axes: S seeds, E evaluations.
"""

import dataclasses
import itertools
from typing import Annotated, Any

import numpy as np

import nalu

from ..lib import cells
from ..lib.config import DISTINCT, Count, Positive, Size, selects
from ..lib.data import digits
from ..lib.report import Curve, Figure, Panel, Table
from ..lib.store.records import Finished, best_of, grouped
from ..lib.training.train import Train
from . import mnist_counting, report

VERSION = 1
PLACE = (4, 2, 2)  # in the paper: section, subsection, part
ARTEFACTS = ("table2_cells",)


@dataclasses.dataclass(frozen=True)
class Config(mnist_counting.Config):
    """Settings of Table 2 with every cell: those of Table 2, shorter, and on fewer seeds."""

    seeds: Count = 3
    models: tuple[str, ...] = selects(tuple(nalu.CELLS), among=nalu.CELLS)
    steps: Count = 2000
    evaluations: Size = 2
    factors: Annotated[tuple[Positive, ...], DISTINCT] = selects((1.0, 0.1))  # ours: of the cell's own rate


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each task, cell and rate."""
    return [
        {"task": task, "model": model, "factor": factor}
        for task, model, factor in itertools.product(cfg.tasks, cfg.models, cfg.factors)
    ]


def make_train(cfg: Config, *, task: str, model: str, factor: float) -> Train:
    """Returns the training of one seed: Table 2's, with the rate of the cell times a factor."""
    of_cell = dataclasses.replace(cfg, cell_rate=factor * cfg.cell_rate)
    return mnist_counting.make_train(of_cell, task=task, model=model)


def chosen(results: list[Finished]) -> dict[tuple[str, str], Finished]:
    """Returns the run of each task and cell, every seed at the rate of less error on validation digits."""
    return {
        place: best_of(its, lambda run: run.arrays["validation_error"][:, -1])
        for place, its in grouped(results, "task", "model").items()
    }


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the columns of Table 2, cells by lengths."""
    found = chosen(results)
    if not found:
        return []
    quantities = [
        line
        for (task, model), run in found.items()
        for line in report.errors(cfg, run, task, cells.title_of(model), "table2_cells")
    ]
    rows = tuple(dict.fromkeys(cells.title_of(model) for _, model in found))
    columns = ("length 1", *(f"length {length}" for length in cfg.lengths))
    title = f"Table 2 with every cell{digits.suffix(cfg.digits)}"
    blocks = tuple(dict.fromkeys(task for task, _ in found))
    table = Table("table2_cells", title, blocks, rows, columns, tuple(quantities), _notes(cfg))
    return [table._replace(decimals=2, cap=9999.0, headline="median")]


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns errors over the length of a series, by cell."""
    found = chosen(results)
    x = np.array(cfg.lengths, np.float64)
    panels = []
    for task in dict.fromkeys(task for task, _ in found):
        curves = []
        for (its_task, model), run in found.items():
            if its_task == task:
                error_XS = np.stack([run.arrays[f"error_{length}"][:, -1] for length in cfg.lengths])
                middle_X = np.median(np.where(np.isfinite(error_XS), error_XS, np.inf), axis=1)
                curves.append(Curve(cells.title_of(model), x, middle_X))
        names = task, "length of the series", "mean absolute error of an answer"
        panels.append(Panel(*names, tuple(curves), x_scale="log", y_scale="log"))
    title = f"Series longer than the {cfg.length} of training, by cell ({cfg.seeds} seeds){digits.suffix(cfg.digits)}"
    return [Figure("table2_cells", "table2_cells", title, tuple(panels), ("Medians over seeds.",))] if panels else []


def _notes(cfg: Config) -> tuple[str, ...]:
    rates = " or ".join(f"{factor * cfg.cell_rate:g}" for factor in cfg.factors)
    which = "; every seed counts at the one with the smaller error on validation digits" if len(cfg.factors) > 1 else ""
    return (
        "Network, images and measures are Table 2's: h = h + cell(f) on features "
        f"sigmoid({cfg.feature_scale:g} f), {cfg.steps:,} steps of {cfg.batch} series. A cell's weights learn at "
        f"{rates} times the rate of the rest ({cfg.learning_rate:g}){which}. Solved: what the paper prints for the "
        "NAC, of an error its half.",
        "NAC and NALU start as in Table 2, for addition with no weight below zero; the others as published, with their "
        "published penalties and projections. A cell that only multiplies multiplies what it sees in one image; series "
        "are added up outside of it.",
    )
