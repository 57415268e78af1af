"""Can a network run a little program on integers larger than any it has seen? (section 4.4, Figures 4 and 6)

A program enters one symbol or one whole integer a step, and the answer is an integer: additions of two (Figure 6), and
programs with if, + and - (Figure 4). Training has integers below 100; the tests go to six digits, the paper's to four.
The NALU's weights are set anew at every step by an LSTM that sees the symbols; the others are usual cells and a DNC.

    python -m experiments run figure4 --profile full     # both: 45 CPU-min on two cores of an AMD EPYC
    python -m experiments run figure6 --profile full

Axes: S seeds, E evaluations, L networks side by side, D sizes of the integers in digits.
"""

import dataclasses
from typing import Annotated, Any

import jax

from ..lib.config import Count, Root, Size, at_most, check, require, selects
from ..lib.training.train import Train
from . import recipes, training
from .programs import LANGUAGES, MOST_DIGITS, TRAINING_DIGITS
from .recipes import MODELS
from .report import figures as figures
from .report import tables as tables

VERSION = 1
PLACE = (4, 4)  # in the paper: section, subsection
ARTEFACTS = ("figure4", "figure6")


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of Figures 4 and 6."""

    seeds: Count = 10  # paper 4.4, from memory
    root: Root = 4401  # ours: the root of the reported keys; tuning used others
    languages: tuple[str, ...] = selects(LANGUAGES, among=LANGUAGES)  # paper 4.4: what to train
    models: tuple[str, ...] = selects(MODELS, among=MODELS)  # paper 4.4, and ours: what to train
    digits: tuple[Count, ...] = (2, 3, 4, 5, 6)  # paper 4.4 to four: of the integers in the tests
    programs: Size = 1000  # unstated; ours: of each test
    networks: Size = 6  # ours: a seed's configured networks, side by side
    length: Annotated[float, at_most(1000)] = 1.0  # ours: of training, times the steps of the recipes
    evaluations: Size = 10  # ours

    def __post_init__(self) -> None:
        check(self)
        rising = self.digits == tuple(sorted(set(self.digits)))
        require(
            rising and self.digits[:1] == (TRAINING_DIGITS,) and self.digits[-1] <= MOST_DIGITS,
            f"digits is '{' '.join(map(str, self.digits))}', but must rise from {TRAINING_DIGITS} up to {MOST_DIGITS}.",
        )


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each language and model."""
    return [{"language": language, "model": model} for language in cfg.languages for model in cfg.models]


def make_train(cfg: Config, *, language: str, model: str) -> Train:
    """Returns the training of one seed."""
    return training.make_train(
        recipes.recipe(model, language, networks=cfg.networks, length=cfg.length, evaluations=cfg.evaluations),
        language,
        digits=cfg.digits,
        programs=cfg.programs,
        evaluations=cfg.evaluations,
        key_tests=jax.random.fold_in(jax.random.key(cfg.root), 0x7E575),
    )
