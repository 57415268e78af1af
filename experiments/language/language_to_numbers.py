"""Can a network learn what number words mean from 169 of them? (section 4.3, Table 3 and Figure 3)

"three hundred and thirty four" enters word by word, an embedding and an LSTM read it, and one layer on the last state
answers 334. The layer is linear, a NAC or a NALU; a column of ours lets the LSTM configure a recurrent NALU instead. It
is trained on 0 to 19 and 149 others, by the answer after the last word alone, and tested on 631 numbers not seen.

    python -m experiments run table3 --profile full     # 64 CPU-min on two cores of an AMD EPYC

Axes: S seeds, E evaluations, U output units, D splits, N numbers.
"""

import dataclasses
from typing import Annotated, Any

import nalu

from ..lib.config import DISTINCT, Count, Natural, Root, Size, check, require_divides, selects, some_of
from ..lib.training.train import Train
from . import networks, recipes, training, words
from .report import figures as figures
from .report import tables as tables

VERSION = 1
PLACE = (4, 3)  # in the paper: section, subsection
ARTEFACTS = ("figure3", "table3")


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of Table 3."""

    seeds: Count = 100  # ours
    root: Root = 4301  # ours: the root of the reported keys; the search used another
    models: tuple[str, ...] = selects(recipes.MODELS, among=(*recipes.MODELS, *nalu.CELLS))  # paper 4.3, and ours
    units: tuple[str, ...] = some_of(recipes.UNITS, among=recipes.UNITS)  # unstated; ours: of the answers
    splits: Annotated[tuple[Natural, ...], DISTINCT] = (1, 2, 3)  # ours: the splits' seeds; the search used others
    hidden: Size = 32  # of the LSTM; ours; Trask remembers 10 (Madsen and Johansen's correspondence with him)
    configured_hidden: Size = 8  # of the LSTM that configures a NALU; ours
    embedding: Size = 16  # ours; Trask remembers 256
    steps: Count = 16_000  # ours: each on all training numbers
    evaluations: Size = 8  # ours

    def __post_init__(self) -> None:
        check(self)
        require_divides(self, "evaluations", "steps")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each model; units and splits are lanes of it."""
    return [{"model": model} for model in cfg.models]


def make_train(cfg: Config, *, model: str) -> Train:
    """Returns the training of one seed."""
    return train_with(cfg, model, recipes.settings(model, cfg.units, len(cfg.splits)))


def train_with(cfg: Config, model: str, settings: training.Settings) -> Train:
    """Returns the training of one seed with these settings of all lanes, units first."""
    hidden = cfg.configured_hidden if model in networks.CONFIGURED else cfg.hidden
    splits = [words.split(seed) for seed in cfg.splits]
    return training.make_train(
        networks.network(model, hidden, cfg.embedding),
        training.task(splits, words.queries(cfg.splits)),
        units=[recipes.UNITS[unit] for unit in cfg.units],
        settings=lambda _: settings,
        steps=cfg.steps,
        evaluations=cfg.evaluations,
    )
