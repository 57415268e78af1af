"""Which cells of the field let an agent keep a time longer than any it has learnt? (beside Figure 5)

Every cell of `nalu.CELLS` stands where the NAC of Figure 5 stands, between instruction, state and LSTM, where what it
makes adds up over time; the usual agent is beside them. All are trained alike, with two fifths of Figure 5's updates.

    python -m experiments run figure5_cells --profile full

Axes: S seeds, E evaluations, I instructions.
"""

import dataclasses
from typing import Any

import numpy as np

import nalu

from ..lib.config import Count, Size, selects
from ..lib.report import Curve, Figure, Panel, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import report, tracking_time
from .agent import USUAL, WIRINGS
from .training import INSTRUCTIONS

VERSION = 1
PLACE = (4, 5, 2)  # in the paper: section, subsection, part
ARTEFACTS = ("figure5_cells",)

AGENTS = (USUAL, *nalu.CELLS)


@dataclasses.dataclass(frozen=True)
class Config(tracking_time.Config):
    """Settings of Figure 5 with every cell: those of Figure 5, shorter, and on fewer seeds."""

    seeds: Count = 3
    models: tuple[str, ...] = selects(AGENTS, among=AGENTS)
    updates: Count = 2000
    evaluations: Size = 2


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each agent."""
    return [{"model": model} for model in cfg.models]


def make_train(cfg: Config, *, model: str) -> Train:
    """Returns the training of one seed: Figure 5's."""
    return tracking_time.make_train(cfg, model=model)


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns rewards by instruction, and in the same cells when and how often the agents arrive."""
    quantities = [line for run in results for line in report.rewards(run, run.variant["model"], "figure5_cells")]
    if not quantities:
        return []
    columns = tuple(f"T = {told}" for told in INSTRUCTIONS)
    rows = tuple(report.row_of(run.variant["model"]) for run in results)
    table = Table(
        "figure5_cells",
        "Figure 5 with every cell",
        (report.BLOCK,),
        rows,
        columns,
        tuple(quantities),
        _notes(cfg, rows),
    )
    return [table._replace(decimals=2, headline="median")]


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns rewards and times of arrival by instruction."""
    x = np.array(INSTRUCTIONS, np.float64)
    panels = []
    for name, y_label in (("reward", "mean reward"), ("time", "mean time of arrival")):
        curves = [
            Curve(report.row_of(run.variant["model"]), x, np.median(run.arrays[name][:, -1], axis=0)) for run in results
        ]
        exactly = (Curve("exactly in time", x, x, style="truth"),) if name == "time" else ()
        trained = (x[0], float(cfg.instructed[1]))
        panels.append(Panel("", "T, the time that the agent was told", y_label, (*curves, *exactly), trained))
    title = f"Arriving exactly when told to, by cell ({cfg.seeds} seeds)"
    notes = ("Medians over seeds of the mean over the episodes of the greedy policy.",)
    return [Figure("figure5_cells", "figure5_cells", title, tuple(panels), notes)] if results else []


def _notes(cfg: Config, rows: tuple[str, ...]) -> tuple[str, ...]:
    missing = [row for row in map(report.row_of, AGENTS) if row not in rows]
    return (
        f"World, agents and measures are Figure 5's, and the same settings for every cell, those chosen for the NAC: "
        f"{WIRINGS[cfg.wiring].format('cell')}, {cfg.counts} outputs. {cfg.updates:,} updates of "
        f"{cfg.episodes} episodes, against 5,000 there. The cells start as published, with their published "
        "penalties and projections; none was given settings of its own.",
        f"Mean reward over {cfg.test_episodes} episodes of the greedy policy for each T; in training T is uniform from "
        f"{cfg.instructed[0]} to {cfg.instructed[1]}. The last update counts; nothing is selected."
        + (f" Not run: {', '.join(missing)}." if missing else ""),
    )
