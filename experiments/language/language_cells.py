"""Which cells of the field read number words on the state of an LSTM? (beside Table 3)

Every cell of `nalu.CELLS` stands where the NALU of Table 3 stands, and a linear layer beside them: one layer on the
LSTM's state that answers 334 after "three hundred and thirty four". Each is trained with the settings that were found
for the NALU at two rates, and a seed counts at the one of less error on validation numbers; half the steps must do.

    python -m experiments run table3_cells --profile full

Axes: S seeds, E evaluations, U output units, D splits.
"""

import dataclasses
import itertools
from typing import Annotated, Any

import nalu

from ..lib.config import DISTINCT, Count, Natural, Positive, selects
from ..lib.report import Table
from ..lib.store.records import Finished, best_of, grouped
from ..lib.training.train import Train
from . import language_to_numbers, recipes, report

VERSION = 1
PLACE = (4, 3, 4)  # in the paper: section, subsection, part
ARTEFACTS = ("table3_cells",)

LAYERS = ("linear", *nalu.CELLS)


@dataclasses.dataclass(frozen=True)
class Config(language_to_numbers.Config):
    """Settings of Table 3 with every cell: those of Table 3, shorter, on fewer seeds and one split."""

    seeds: Count = 10
    models: tuple[str, ...] = selects(LAYERS, among=LAYERS)
    splits: Annotated[tuple[Natural, ...], DISTINCT] = (1,)
    steps: Count = 8000
    factors: Annotated[tuple[Positive, ...], DISTINCT] = selects((1.0, 0.25))  # ours: of the learning rate


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each layer and rate; units and splits are lanes of it."""
    return [{"model": model, "factor": factor} for model, factor in itertools.product(cfg.models, cfg.factors)]


def make_train(cfg: Config, *, model: str, factor: float) -> Train:
    """Returns the training of one seed: Table 3's of a NALU, with the learning rate times a factor."""
    settings = recipes.settings("nalu", cfg.units, len(cfg.splits))
    return language_to_numbers.train_with(cfg, model, settings._replace(learning_rate=factor * settings.learning_rate))


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the columns of Table 3, layers by units; every seed at the rate of less validation error."""
    by_model = grouped(results, "model")
    quantities = []
    for ((model,), its), (u, unit) in itertools.product(by_model.items(), enumerate(cfg.units)):
        run = best_of(its, lambda run, u=u: run.arrays["validation"][:, -1, u].mean(axis=1))
        quantities += report.errors(cfg, run, recipes.row_of(model), units=(unit,), artefact="table3_cells")
    if not quantities:
        return []
    columns = tuple(dict.fromkeys(q.column for q in quantities))
    rows = tuple(recipes.row_of(model) for (model,) in by_model)
    grid = tuple(recipes.BLOCKS[unit] for unit in cfg.units), rows, columns
    title = "Table 3 with every cell"
    return [Table("table3_cells", title, *grid, tuple(quantities), _notes(cfg), 2, 9999.0, headline="median")]


def _notes(cfg: Config) -> tuple[str, ...]:
    rates = " or ".join(f"{factor:g}" for factor in cfg.factors)
    return (
        f"Network, numbers and measures are Table 3's: an LSTM of {cfg.hidden} on an embedding of {cfg.embedding}, one "
        "layer on its state. All have the settings that the search of Table 3 found for the NALU in that unit, with "
        f"the learning rate times {rates}: every seed counts at the one with the smaller error on validation numbers. "
        f"{cfg.steps:,} steps, each on all training numbers. Linear, NAC and NALU have other settings, and twice the "
        "steps, in Table 3.",
        f"The cells start as published, with their published penalties and projections. The {cfg.hidden} numbers of "
        "the LSTM's state lie in (-1, 1), and a NAC's or a NAU's weights, too: they cannot answer more than "
        f"{cfg.hidden} in units of 1.",
    )
