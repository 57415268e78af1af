"""Which model for a table of numbers: inside of what is known, and beyond? (ours, not in the paper)

The question of people who have such a table: does a NALU predict it better than an MLP? Beside both stand a mean, a
linear model, a power law, two kinds of trees, other cells, and the regressor of `nalu.sklearn`, which weighs models by
how they extrapolate. All are tuned inside the rows that they train on, and tested twice: on folds, where every row has
neighbours in training, and beyond an edge, where none has.

    python -m experiments run tabular                                    # the shipped table of steels
    python -m experiments run tabular forging.csv --targets strength impact
    python -m experiments run tabular forging.csv --targets strength --outside-of thickness --without heat date

Without a file it is the shipped table: hot-rolled steel, 1000 rows, 26 inputs that vary, 3 targets. Of a user's file
the address of a run holds a digest of the content, so that a run is found again as long as the file is the same.

Expected: inside trees are best, the regressor beside them; beyond an edge trees fail, and a power law, a linear model
or a cell is best, which one differs from table to table.

Axes: R rows, T targets, S seeds.
"""

import dataclasses
import hashlib
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..lib.config import Count, Natural, Root, Size, check, require, selects, share
from ..lib.errors import usage_error
from ..lib.report import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Measured
from . import columns, report, shipped, splits, table_file
from .models import NAMES, STEPS

VERSION = 4
PLACE = (9, 2)  # after the paper's
ARTEFACTS = ("tabular",)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the comparison on one table; all ours."""

    seeds: Count = 1  # of starts, draws and validation shares; more take as many times as long
    root: Root = 9201
    models: tuple[str, ...] = selects(NAMES, among=NAMES)
    table: str = shipped.STEEL  # or the digest of a user's file
    file: str = dataclasses.field(default="", metadata={"selects": True})  # where that file is
    targets: tuple[str, ...] = shipped.STEEL_TARGETS
    without: tuple[str, ...] = ()  # columns to leave out
    outside_of: tuple[str, ...] = shipped.STEEL_EDGES  # columns beyond whose quantile it is tested
    quantile: Annotated[float, share(0.05, 0.95)] = 0.7
    folds: Count = 5
    steps: Size = STEPS  # of a cell's training
    rows: Natural = dataclasses.field(default=0, metadata={"selects": True})  # so many of a file's; 0: all
    groups: str = dataclasses.field(default="", metadata={"selects": True})  # the column whose rows keep together
    separator: str = dataclasses.field(default="", metadata={"selects": True})  # these five are in the digest
    decimal: str = dataclasses.field(default="", metadata={"selects": True})
    encoding: str = dataclasses.field(default="", metadata={"selects": True})

    def __post_init__(self) -> None:
        check(self)
        require(len(set(self.targets)) == len(self.targets), "targets names a column twice.")
        require(len(self.targets) > 0, "targets is empty: name the columns to predict.")
        require(self.folds >= 2, f"folds is {self.folds}, but rows must be trained on and tested on: 2 at least.")
        both = sorted(set(self.targets) & set(self.without))
        require(not both, f"{both[0] if both else ''} is a target and is left out: name it once.")
        require(self.groups not in (*self.targets, *self.without), f"groups is {self.groups!r}, a target or left out.")


def with_file(cfg: Config, path: Path) -> Config:
    """Returns the settings for a user's file; what was left open is settled by what the file holds.

    Raises:
      UserError: the file cannot be read, or the settings do not fit it.
    """
    file = _read(cfg, path)
    if cfg.targets == shipped.STEEL_TARGETS and not set(cfg.targets) <= set(file.frame.columns):
        names = ", ".join(map(str, file.frame.columns))
        raise usage_error(f"Say with --targets which columns of {path} to predict: {names}.")
    table = columns.examine(file.frame, cfg.targets, cfg.without, cfg.groups)
    groups = len(table.y_RT) if table.group_R is None else int(table.group_R.max()) + 1
    require(groups >= cfg.folds, f"groups names {cfg.groups!r}, but its {groups} groups are fewer than the folds.")
    known = (*table.targets, *table.inputs)
    chosen = cfg.outside_of
    if chosen == shipped.STEEL_EDGES:
        chosen = splits.edges(table, cfg.quantile)
    for name in chosen:
        require(name in known, f"outside_of names {name!r}, which is no column that is used: {', '.join(known)}.")
        apart = splits.above(table, name, cfg.quantile)
        require(
            apart is not None, f"outside_of names {name!r}, but too few rows lie above its quantile {cfg.quantile}."
        )
    return dataclasses.replace(cfg, table=file.digest, file=str(path.absolute()), outside_of=chosen)


def load(cfg: Config) -> tuple[columns.Table, tuple[str, ...]]:
    """Returns the table and what was found out while it was read.

    Raises:
      UserError: the user's file is gone, or is not what it was.
    """
    if not cfg.file:
        require(cfg.table == shipped.STEEL, f"There is no table {cfg.table!r}: name a file after `run tabular`.")
        require(not cfg.rows and not cfg.groups, "rows and groups are of a file: name one after `run tabular`.")
        return shipped.load(cfg.table, cfg.targets), ()
    file = _read(cfg, Path(cfg.file))
    if file.digest != cfg.table:
        raise usage_error(f"{cfg.file} has changed since this command began: repeat the command.")
    return columns.examine(file.frame, cfg.targets, cfg.without, cfg.groups), file.remarks


def _read(cfg: Config, path: Path) -> table_file.File:
    """Returns a user's file; its digest holds the settings that decide what is read of it, and the groups."""
    file = table_file.read(path, separator=cfg.separator, decimal=cfg.decimal, encoding=cfg.encoding, rows=cfg.rows)
    if not cfg.groups:
        return file
    return file._replace(digest=hashlib.sha256(f"{file.digest} by {cfg.groups}".encode()).hexdigest()[:32])


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each model and split, and one for the formula."""
    parts = (splits.FOLDS, *cfg.outside_of)
    return [{"split": part, "model": model} for part in parts for model in cfg.models] + [
        {"split": report.WHOLE, "model": report.FORMULA}
    ]


def make_train(cfg: Config, *, split: str, model: str) -> Measured:
    """Returns the measurement of one model on one split."""

    def measure(seed: int) -> dict[str, np.ndarray]:
        table, _ = load(cfg)
        number = (cfg.root + 7919 * seed) % 2**31
        if split == report.WHOLE:
            return report.formulas(table, number)
        parts = splits.folds(len(table.x_RI), cfg.folds, number, table.group_R) if split == splits.FOLDS else None
        parts = parts or [splits.above(table, split, cfg.quantile)]
        return report.measured(table, parts, model, seed=number, steps=cfg.steps)

    return Measured(measure)


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the errors inside and beyond, and what they say in words."""
    table, remarks = load(cfg)
    return report.tables(cfg, results, table, remarks)


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns predicted against true, and the error against the distance from training."""
    return report.figures(cfg, results)
