"""Which candidates to believe, by what they err beyond an edge of the training rows.

Validation on rows drawn at random says nothing of extrapolation. So the rows of training are split where they end: the
upper quarter by each target, and by the inputs that go with the targets most, is held out, and with them a quarter at
random. What errs least over all of these splits is believed most.

Axes: R rows, I inputs, T targets, J splits, C candidates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from nalu.sklearn.rows import Rows

SHARE = 0.25  # of the rows, held out
FEWEST = 8  # rows held out, for a split to say anything
MOST_TARGETS, MOST_EDGES = 2, 4  # by targets, and by targets and inputs together; each costs a training
DISTINCT = 6  # values that an input must have to be split by
SHARPNESS = 8.0  # a candidate with twice the error of another gets 1/256 of its weight


class Split(NamedTuple):
    """Rows to train on and rows to be judged by; `outside`: those lie beyond the edge of a column."""

    trained: np.ndarray
    judged: np.ndarray
    outside: bool


def inner_splits(rows: Rows, seed: int) -> list[Split]:
    """Returns the splits; none where there are too few rows for any."""
    splits = []
    columns = [*rows.y_RT.T[:MOST_TARGETS], *(rows.x_RI[:, i] for i in strongest(rows, MOST_EDGES))][:MOST_EDGES]
    for column_R in columns:
        above = column_R > np.quantile(column_R, 1 - SHARE)
        if FEWEST <= above.sum() <= len(column_R) / 2:
            splits.append(Split(np.flatnonzero(~above), np.flatnonzero(above), True))
    held = int(SHARE * len(rows.x_RI))
    if held >= FEWEST:
        shuffled = np.random.default_rng((seed, 1)).permutation(len(rows.x_RI))
        splits.append(Split(np.sort(shuffled[held:]), np.sort(shuffled[:held]), False))
    return splits


def strongest(rows: Rows, most: int) -> list[int]:
    """Returns the inputs that go with the targets most, by rank correlation."""
    ranks_RT = np.apply_along_axis(rankdata, 0, rows.y_RT)
    strength = {}
    for i, column_R in enumerate(rows.x_RI.T):
        if len(np.unique(column_R)) >= DISTINCT:
            together = np.column_stack([rankdata(column_R), ranks_RT])
            varying = together.std(axis=0) > 0
            strength[i] = float(np.abs(np.corrcoef(together[:, varying], rowvar=False)[0, 1:]).max(initial=0.0))
    return sorted(strength, key=lambda i: -strength[i])[:most]


def errors(predicted_RT: np.ndarray, rows: Rows) -> np.ndarray:
    """Returns the weighted mean absolute error of each target, `[T]`."""
    return np.average(np.abs(predicted_RT - rows.y_RT), axis=0, weights=rows.weight_R)


def weights(error_CJT: np.ndarray) -> np.ndarray:
    """Returns how far each candidate is believed for each target, `[C, T]`, adding up to 1.

    They fall with a power of the error, in the geometric mean over the splits.
    """
    size_JT = np.max(error_CJT, axis=0)
    relative_CJT = np.where(size_JT > 0, error_CJT / np.where(size_JT > 0, size_JT, 1.0), 1.0)
    log_CT = np.mean(np.log(np.maximum(relative_CJT, 1e-6)), axis=1)
    believed_CT = np.exp(-SHARPNESS * (log_CT - log_CT.min(axis=0)))
    return believed_CT / believed_CT.sum(axis=0)
