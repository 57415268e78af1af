"""Rows to train on and rows to test on: folds, and what lies above a quantile of a column.

Axes: R rows.
"""

from typing import NamedTuple

import numpy as np

from .columns import Table

FEWEST = 10  # rows on either side of an edge
FOLDS = "folds"


class Split(NamedTuple):
    """One training and its test; no row is on both sides."""

    train: np.ndarray
    test: np.ndarray


def folds(rows: int, number: int, seed: int, group_R: np.ndarray | None = None) -> list[Split]:
    """Returns `number` splits whose tests are all rows, each once; of groups, whole ones."""
    its = np.arange(rows) if group_R is None else group_R
    shuffled = np.random.default_rng((seed, 5)).permutation(its.max() + 1)
    parts = [np.flatnonzero(np.isin(its, part)) for part in np.array_split(shuffled, number)]
    return [Split(np.setdiff1d(np.arange(rows), part), part) for part in parts]


def above(table: Table, column: str, quantile: float) -> Split | None:
    """Returns the rows up to a quantile of a column and those above it; None where one side has too few.

    A row below whose group has one above is on neither side.
    """
    value_R = table.column(column)
    edge = np.nanquantile(value_R, quantile)
    below_R, beyond_R = value_R <= edge, value_R > edge
    if table.group_R is not None:
        below_R &= ~np.isin(table.group_R, table.group_R[beyond_R])
    if min(beyond_R.sum(), below_R.sum()) < FEWEST:
        return None
    return Split(np.flatnonzero(below_R), np.flatnonzero(beyond_R))


def edges(table: Table, quantile: float, most: int = 3) -> tuple[str, ...]:
    """Returns the columns that make sense to extrapolate: every target, and the inputs that go with the first most."""
    from scipy.stats import spearmanr

    strength = {}
    for name in table.inputs:
        value_R = table.column(name)
        there_R = np.isfinite(value_R)
        if len(np.unique(value_R[there_R])) >= FEWEST and above(table, name, quantile) is not None:
            strength[name] = abs(float(spearmanr(value_R[there_R], table.y_RT[there_R, 0]).statistic))
    strongest = sorted(strength, key=lambda name: -strength[name])[:most]
    own = [name for name in table.targets if above(table, name, quantile) is not None]
    return (*own, *strongest)
