"""What the single module of two inputs and that of ten have in common: the training of a seed, and what is shown."""

from typing import Any

import numpy as np

import nalu

from ..lib.report.artefacts import Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import entrants, networks, published, report, tasks, training
from .entrants import Entrant
from .report import Result

TEN, STEPS_OF_TEN, PENALTY_FROM, PENALTY_TO = 10, 100_000, 50_000, 75_000
RATES_OF_TEN = {"nru": 1e-3}


def recipe_of_ten(cell: str, operation: str) -> nalu.Recipe:
    """Returns how a cell is trained with ten inputs.

    Source: the code of Mistry, Farrahi and Hare 2021, arXiv 2110.05177, and of their benchmark, arXiv 2101.09530.
    """
    recipe = entrants.entrant(cell).recipe_of(operation)
    if ":" in cell:  # the user's own says for how many steps it is
        return recipe
    recipe = recipe._replace(steps=STEPS_OF_TEN)
    recipe = recipe._replace(learning_rate=RATES_OF_TEN.get(cell, recipe.learning_rate))
    if recipe.penalty and recipe.penalty_below == float("inf"):  # iNALU's begins with its loss
        recipe = recipe._replace(penalty_from=PENALTY_FROM, penalty_to=PENALTY_TO)
    return recipe


def make_train(
    cfg: Any,
    entrant: Entrant,
    operation: str,
    recipe: nalu.Recipe,
    *,
    inputs: int = 2,
    learning_rate: float | None = None,
    start: float = 1.0,
    **further: Any,
) -> Train:
    """Returns the training of one seed in all ranges.

    Args:
      learning_rate, start: in place of the recipe's; what the published start is multiplied by.
      further: see `training.make_train`.
    """
    lanes = len(tasks.RANGES)
    return training.make_train(
        networks.network(entrant.module(1, inputs), inputs, pads=inputs > 2),  # records of two were made without
        tasks.single_module(operation, inputs=inputs),
        recipe,
        training.length(cfg),
        learning_rate_L=np.full(lanes, recipe.learning_rate if learning_rate is None else learning_rate),
        start_L=np.full(lanes, start),
        wide=inputs == 2,
        **further,
    )


def results_of(results: list[Finished]) -> list[Result]:
    """Returns what records say, as the board shows it."""
    ranges = tuple(its.name for its in tasks.RANGES)
    return [
        report.result(run, entrants.entrant(run.variant["cell"]).title, run.variant["operation"], ranges)
        for run in results
    ]


def tables(
    artefact: str,
    protocol: str,
    its: list[Result],
    note: str,
    *,
    beside: str | None,
    short: str,
    front: bool = False,
    settings: str = "published",
) -> list[Table]:
    """Returns the board, our rates beside those published of the protocol `beside`, every range, and the curve.

    Args:
      short: what the protocol is called where all are seen at a glance.
      front: whether the README shows the board.
      settings: see `report.by_range`.
    """
    return [
        *report.board(protocol, its, entrants.ALL, note, glance=("one layer", short), front=front),
        *(published.beside(beside, its) if beside else ()),
        *report.by_range(artefact, f"{protocol}, range by range", its, settings=settings),
        *report.over_tolerance("arena", protocol, its),
    ]
