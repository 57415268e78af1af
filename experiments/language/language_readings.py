"""Which reading of section 4.3 brings the nine numbers of Table 3? (a study beside Table 3)

The paper gives neither sizes, nor the loss, nor the unit of an answer, nor how it is trained. Its LSTM learns the
training numbers by heart and fails on others, its LSTM + NAC fails on both, and its LSTM + NALU does well on both. An
author remembers an embedding of 256 and an LSTM of 10; from there each reading changes one thing.

    python -m experiments run table3_readings --profile full

Axes: S seeds, E evaluations, U = 1 unit, D = 1 split.
"""

import dataclasses
import itertools
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import optax

from ..lib.config import Count, Natural, Root, check, require_divides, selects
from ..lib.report import Quantity, Table, paper, quantities_of
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import networks, training, words
from .recipes import MODELS, UNITS
from .report import ERROR, PARTS, PRINTED

VERSION = 1
PLACE = (4, 3, 3)  # in the paper: section, subsection, part
ARTEFACTS = ("table3_readings",)

ROWS = {model: MODELS[model] for model in ("linear", "nac", "nalu")}  # the paper's
OPTIMISERS = {
    "Adam": optax.scale_by_adam,
    "RMSprop": lambda: optax.scale_by_rms(decay=0.9, eps=1e-10),
    "SGD, momentum 0.9": lambda: optax.trace(decay=0.9),
}


class Reading(NamedTuple):
    """What the paper does not state.

    Attributes:
      embedding, hidden: sizes of the embedding and of the LSTM.
      squared: whether the loss is of squared errors or of absolute ones.
      unit: what an output of 1 is worth.
      conjunction: whether numbers have an "and".
      optimiser, learning_rate: a name of `OPTIMISERS` and its constant rate.
      decay: of all weights, times the learning rate.
      share: of the study's steps.
    """

    embedding: int = 256
    hidden: int = 10
    squared: bool = True
    unit: str = "1"
    conjunction: bool = True
    optimiser: str = "Adam"
    learning_rate: float = 1e-2
    decay: float = 0.0
    share: float = 1.0


READINGS = {
    "A": Reading(),
    "B": Reading(squared=False),
    "C": Reading(unit="1000"),
    "D": Reading(unit="1000", squared=False),
    "E": Reading(conjunction=False),
    "F": Reading(optimiser="RMSprop"),
    "G": Reading(optimiser="SGD, momentum 0.9"),
    "H": Reading(learning_rate=1e-3),
    "I": Reading(learning_rate=5e-2),
    "J": Reading(share=0.1),
    "K": Reading(decay=0.1),
    "L": Reading(embedding=16, hidden=32),
    "M": Reading(embedding=16, hidden=128),
    "N": Reading(embedding=16, hidden=32, unit="1000", squared=False, learning_rate=1e-3),
}
KNOWN = {
    "squared": {True: "squared error", False: "absolute error"},
    "conjunction": {True: "with 'and'", False: "without 'and'"},
    "share": {1.0: "all steps", 0.1: "a tenth of the steps"},
}
ADDED = 0.005  # to both errors, so that those near 0 need not have the same ratio: half of what the paper prints last
NOTES = (
    "A has what an author remembers (an embedding of 256, an LSTM of 10) and otherwise what was usual: squared error, "
    "answers in ones, 'and' as a word, Adam with a constant rate of 1e-2 on all training numbers at once, no "
    "regularisation. Every other reading changes what its name says. Split 1 of Table 3.",
    "Fit: the mean of |log10((ours + 0.005) / (paper + 0.005))| over the paper's nine numbers, or a row's three, seed "
    "by seed; 0 would be the paper's table, 0.3 is a factor of two a number.",
    "Mean absolute errors after the last step, in ones. A seed is below the paper's LSTM + NALU if its test error is "
    "below 0.415.",
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the study of readings."""

    seeds: Count = 10  # ours
    root: Root = 4311  # ours: other keys than Table 3's
    readings: tuple[str, ...] = selects(tuple(READINGS), among=READINGS)  # ours: what to train
    models: tuple[str, ...] = selects(tuple(ROWS), among=ROWS)  # ours: the paper's rows
    split: Natural = 1  # ours: Table 3's first
    steps: Count = 6000  # ours: each on all training numbers
    evaluations: Count = 4  # ours: how often a run can be stopped

    def __post_init__(self) -> None:
        check(self)
        require_divides(self, "evaluations", "steps")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each reading and row of the paper."""
    return [
        {"reading": letter, "model": model, **READINGS[letter]._asdict()}
        for letter, model in itertools.product(cfg.readings, cfg.models)
    ]


def make_train(cfg: Config, *, reading: str, model: str, **settings: Any) -> Train:
    """Returns the training of one seed under a reading, whose letter says nothing more."""
    read = Reading(**settings)
    steps = max(cfg.evaluations, int(cfg.steps * read.share) // cfg.evaluations * cfg.evaluations)
    decays = dict.fromkeys(("decay", "recurrent_decay", "read_out_decay"), read.decay)
    values = {"learning_rate": read.learning_rate, **decays, "leniency": 0.0}
    chosen = training.Settings(**{name: jnp.full(1, value, jnp.float32) for name, value in values.items()})
    return training.make_train(
        networks.network(model, read.hidden, read.embedding),
        training.task([words.split(cfg.split)], (), read.conjunction),
        units=[UNITS[read.unit]],
        settings=lambda _: chosen,
        steps=steps,
        evaluations=cfg.evaluations,
        squared=read.squared,
        scaling=OPTIMISERS[read.optimiser](),
        cosine=False,
    )


def row_of(letter: str) -> str:
    """Returns a reading in short: what it changes of A, e.g. "C: unit 1000"."""
    usual, its = READINGS["A"]._asdict(), READINGS[letter]._asdict()
    changed = {name: value for name, value in its.items() if value != usual[name]}
    if letter == "A":
        return "A: embedding 256, LSTM 10, squared error, unit 1, Adam"
    told = [
        KNOWN[name][value] if name in KNOWN else f"{name.replace('_', ' ')} {value}" for name, value in changed.items()
    ]
    return f"{letter}: {', '.join(told)}"


def printed(model: str, part: str) -> paper.Printed:
    """Returns the paper's number."""
    return paper.numbers("table3")["in units of 1000", ROWS[model], part, ERROR]


def away(run: Finished) -> np.ndarray:
    """Returns how many decades each seed's three errors are from the paper's, in the mean `[S]`; inf without one."""
    model = run.variant["model"]
    theirs = np.array([[printed(model, part).number] for part in PARTS])
    ours = np.array([_last(run, part) for part in PARTS])
    away_S = np.abs(np.log10((ours + ADDED) / (theirs + ADDED))).mean(axis=0)
    return np.where(np.isfinite(away_S), away_S, np.inf)


def _last(run: Finished, name: str) -> np.ndarray:
    return np.asarray(run.arrays[name][:, -1, 0, 0], np.float64)


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the fit of each reading and its nine errors."""
    under: dict[str, dict[str, Finished]] = {}
    for run in results:
        under.setdefault(run.variant["reading"], {})[run.variant["model"]] = run
    quantities: list[Quantity] = []
    for letter, found in under.items():
        for model, run in found.items():
            of = quantities_of(run, "table3_readings", diverged_S=_last(run, "nonfinite_steps") > 0)
            quantities.append(of("fit", row_of(letter), ROWS[model], "fit", away(run)))
            for part in PARTS:
                solved = printed(model, part).number + PRINTED if (model, part) == ("nalu", "test") else None
                column = f"{ROWS[model]}, {part} (paper {printed(model, part).value})"
                quantities.append(of("errors", row_of(letter), column, ERROR, _last(run, part), threshold=solved))
        if set(found) == set(ROWS):
            diverged_S = np.any([_last(run, "nonfinite_steps") > 0 for run in found.values()], axis=0)
            of = quantities_of(found["nalu"], "table3_readings", diverged_S=diverged_S)
            mean_S = np.mean([away(run) for run in found.values()], axis=0)
            quantities.append(of("fit", row_of(letter), "all nine", "fit", mean_S))
    if not quantities:
        return []
    headings = [f"{ROWS[m]}, {part} (paper {printed(m, part).value})" for m, part in itertools.product(ROWS, PARTS)]
    rows, columns = tuple(map(row_of, under)), ("all nine", *ROWS.values(), *headings)
    title = "Which reading of section 4.3 brings the nine numbers of Table 3?"
    blocks = ("fit", "errors")
    return [
        Table("table3_readings", title, blocks, rows, columns, tuple(quantities), NOTES, 2, 9999.0, headline="median")
    ]
