"""What the single module of two inputs and that of ten have in common: the training of a seed, and what is shown."""

from typing import Any

import numpy as np

import nalu

from ..lib.report.artefacts import Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import columns, entrants, networks, published, report, tasks, training
from .entrants import Entrant
from .networks import Network
from .report import Result


def network_of(entrant: Entrant, inputs: int) -> Network:
    """Returns the network of one layer that is trained on so many inputs."""
    return networks.network(entrant.module(1, inputs), inputs, pads=inputs > 2)  # records of two were made without


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
        network_of(entrant, inputs),
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
      settings: of the column, which decide its grid at a glance and the names of its blocks by range.
    """
    return [
        *report.board(
            protocol, its, entrants.ALL, note, glance=(columns.grid("one layer", settings), short), front=front
        ),
        *(published.beside(beside, its) if beside else ()),
        *report.by_range(artefact, f"{protocol}, range by range", its, settings=settings),
        *report.over_tolerance("arena", protocol, its),
    ]
