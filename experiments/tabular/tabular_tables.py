"""Beyond the edges of real tables: whose error grows least? (ours, not in the paper)

Seven public tables, each cut at the 70 % quantile of its target and of one or two inputs: trained below, tested above.
The regressor's settings were chosen on other tables; docs/tabular.md says how often these have been looked at.

    python -m experiments run tabular_tables --profile full

Expected: no model is best on all; the regressor's error is below the MLP's and the linear model's in the mean, and
nowhere much worse.

Axes: R rows, S seeds.
"""

import dataclasses
from typing import Annotated, Any

import numpy as np

from ..lib.config import Count, Root, Size, check, selects, share
from ..lib.report import Curve, Figure, Panel, Quantity, Table, quantities_of
from ..lib.store.records import Finished
from ..lib.training.train import Measured
from . import models, report, scores, shipped, splits
from .models import STEPS

VERSION = 3
PLACE = (9, 3)  # after the paper's
ARTEFACTS = ("tabular_tables",)

MODELS = ("linear", "power law", "boosted trees", "extra trees", models.MLP, "NALU", "NPU", models.OURS)
BLOCK, MEAN, WORST, BELOW = "beyond the edge", "geometric mean", "worst", "share better than the MLP"
RATIO = "error over the MLP's"


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the comparison on several tables; all ours."""

    seeds: Count = 1  # of starts, draws and validation shares
    root: Root = 9301
    models: tuple[str, ...] = selects(MODELS, among=MODELS)
    tables: tuple[str, ...] = selects(tuple(shipped.TASKS), among=tuple(shipped.TASKS))
    quantile: Annotated[float, share(0.05, 0.95)] = 0.7
    steps: Size = STEPS  # of a cell's training

    def __post_init__(self) -> None:
        check(self)


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each table and model."""
    return [{"table": table, "model": model} for table in cfg.tables for model in cfg.models]


def make_train(cfg: Config, *, table: str, model: str) -> Measured:
    """Returns the measurement of one model on all edges of one table."""
    task = shipped.TASKS[table]

    def measure(seed: int) -> dict[str, np.ndarray]:
        data, number = shipped.load(table, (task.target,)), (cfg.root + 7919 * seed) % 2**31
        arrays = {}
        for edge, column in enumerate(task.edges):
            part = splits.above(data, column, cfg.quantile)
            its = report.measured(data, [part], model, seed=number, steps=cfg.steps)
            arrays |= {f"{name}_{edge}": array for name, array in its.items()}
        return arrays

    return Measured(measure, network_steps=len(task.edges))


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns every error as a share of the MLP's on the same rows, and their geometric mean."""
    found = {(run.variant["table"], run.variant["model"]): run for run in results}
    shown = tuple(model for model in MODELS if any(place[1] == model for place in found))
    quantities: list[Quantity] = []
    ratios: dict[str, list[np.ndarray]] = {model: [] for model in shown}
    last: dict[str, Finished] = {}
    rows = []
    for name, task in shipped.TASKS.items():
        for edge, column in enumerate(task.edges):
            other = found.get((name, models.MLP))
            row = (
                f"{name}: {task.target} above {column}" if column != task.target else f"{name}: {column} above its own"
            )
            its = {model: found[name, model] for model in shown if (name, model) in found}
            if other is None or not its:
                continue
            rows.append(row)
            for model, run in its.items():
                mine_SR, theirs_SR = _errors(run, edge), _errors(other, edge)
                mae_S = np.abs(mine_SR).mean(axis=1)
                ratio_S = mae_S / np.abs(theirs_SR).mean(axis=1)
                gain = scores.gain(mine_SR, theirs_SR)
                of = quantities_of(run, "tabular_tables", diverged_S=~np.isfinite(mae_S))
                line = of(BLOCK, row, model, RATIO, ratio_S)
                quantities.append(line._replace(interval=(1 - gain.high / 100, 1 - gain.low / 100)))
                quantities.append(of(BLOCK, row, model, report.MAE, mae_S))
                ratios[model].append(ratio_S)
                last[model] = run
    for model, each in ratios.items():
        if not each:
            continue
        ratio_WS = np.array(each)
        of = quantities_of(last[model], "tabular_tables", diverged_S=~np.isfinite(ratio_WS).all(axis=0))
        mean_S = np.exp(np.log(ratio_WS).mean(axis=0))
        quantities.append(of(BLOCK, MEAN, model, RATIO, mean_S)._replace(interval=_of_mean(ratio_WS)))
        quantities.append(of(BLOCK, WORST, model, RATIO, ratio_WS.max(axis=0)))
        quantities.append(of(BLOCK, BELOW, model, RATIO, (ratio_WS < 1).mean(axis=0)))
    if not quantities:
        return []
    title = "Beyond the edges of real tables: mean absolute error over the MLP's"
    return [
        Table(
            "tabular_tables", title, (BLOCK,), (*rows, MEAN, WORST, BELOW), shown, tuple(quantities), _notes(cfg),
            2, 1e6, "median",
        )
    ]  # fmt: skip


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns each model's ratios to the MLP, from its best edge to its worst."""
    drawn = tables(cfg, results)
    if not drawn:
        return []
    curves = []
    for model in drawn[0].columns:
        ratio = sorted(
            float(np.median(line.values_S))
            for line in drawn[0].quantities
            if line.column == model and line.metric == RATIO and line.row not in (MEAN, WORST, BELOW)
        )
        x = np.arange(1, len(ratio) + 1, dtype=float)
        curves.append(Curve(model, x, np.array(ratio), style="extra" if model == models.OURS else "ours"))
    panel = Panel("", "edges, from the model's best to its worst", RATIO, tuple(curves), y_scale="log")
    return [Figure("tabular_tables", "tabular_tables", "Beyond the edges of real tables, beside the MLP", (panel,))]


def _errors(run: Finished, edge: int) -> np.ndarray:
    """Returns the errors beyond an edge, `[S, R]`."""
    error = run.arrays[f"prediction_RT_{edge}"][:, 0, :, 0] - run.arrays[f"truth_RT_{edge}"][:, 0, :, 0]
    return error.astype(np.float64)


def _of_mean(ratio_WS: np.ndarray) -> tuple[float, float]:
    """Returns the 95 % interval of the geometric mean, by resampling edges (which are not independent), of any seed."""
    drawn_BW = np.random.default_rng(0).integers(len(ratio_WS), size=(scores.RESAMPLES, len(ratio_WS)))
    low, high = np.percentile(np.exp(np.log(ratio_WS)[drawn_BW].mean(axis=1)), scores.PERCENT)
    return float(low), float(high)


def _notes(cfg: Config) -> tuple[str, ...]:
    return (
        f"Each row is one edge: trained on the rows up to the {100 * cfg.quantile:g} % quantile of the column, tested "
        "on those above. Below 1 is better than the MLP on the same rows. Intervals: 95 %, of the test rows resampled; "
        "of the geometric mean by resampling the edges, which are not independent.",
        "The tables and where they are from: `experiments/tabular/data/SOURCES.md`. Which columns are cut was settled "
        "by their meaning. The regressor's settings were developed on other tables.",
    )
