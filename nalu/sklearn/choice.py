"""Which candidates to believe, for which row, by what they err beyond edges of the training rows.

Validation on rows drawn at random says nothing of extrapolation. So the rows of training are split where they end: the
upper quarter by each target, and by the inputs that go with the targets most, is held out, and with them a quarter at
random; beyond the edge of an input rows count by how far out they lie. A row that lies beyond the range of an input is
predicted by what erred least where that input ended; one that lies inside, by what erred least on rows drawn at random;
one that is predicted to be high, by what erred least above.

Axes: R rows, I inputs, T targets, J splits, C candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from nalu.sklearn.ranges import Ranges
from nalu.sklearn.rows import Rows

SHARE = 0.25  # of the rows, held out
FEWEST = 8  # rows held out, for a split to say anything
MOST_TARGETS, MOST_EDGES = 2, 4  # by targets, and by targets and inputs together; each costs a training
DISTINCT = 6  # values that an input must have to be split by
SHARPNESS = 8.0  # a candidate with twice the error of another gets 1/256 of its weight


EVEN = 0.3  # of each split's say, the same for every row
ITS_OWN, OF_TARGET = 4.0, 12.0  # on top: of the split that a row is like; of a target's, where it is predicted high
NEAR = 0.1  # widths of a range: beyond it by as much, a row is outside altogether


class Split(NamedTuple):
    """Rows to train on and rows to be judged by; those lie beyond the edge of a target, of an input, or anywhere."""

    trained: np.ndarray
    judged: np.ndarray
    target: int | None = None
    input: int | None = None


def inner_splits(rows: Rows, seed: int) -> list[Split]:
    """Returns the splits; none where there are too few rows for any."""
    targets = range(min(rows.y_RT.shape[1], MOST_TARGETS))
    places = [(target, None) for target in targets] + [(None, i) for i in strongest(rows, MOST_EDGES)]
    splits = []
    for target, place in places[:MOST_EDGES]:
        column_R = rows.x_RI[:, place] if target is None else rows.y_RT[:, target]
        above = column_R > np.quantile(column_R, 1 - SHARE)
        if FEWEST <= above.sum() <= len(column_R) / 2:
            splits.append(Split(np.flatnonzero(~above), np.flatnonzero(above), target, place))
    held = int(SHARE * len(rows.x_RI))
    if held >= FEWEST:
        shuffled = np.random.default_rng((seed, 1)).permutation(len(rows.x_RI))
        splits.append(Split(np.sort(shuffled[held:]), np.sort(shuffled[:held])))
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


def counted(judged: Rows, trained: Ranges, split: Split) -> Rows:
    """Returns the judged rows with what each counts: beyond the edge of an input as much as it lies beyond.

    What matters there is how a candidate goes on, and a row just beyond the edge says little of it.
    """
    if split.input is None:
        return judged
    return judged._replace(weight_R=judged.weight_R * trained.beyond(judged.x_RI)[:, split.input])


def errors(predicted_RT: np.ndarray, rows: Rows) -> np.ndarray:
    """Returns the weighted mean absolute error of each target, `[T]`."""
    return np.average(np.abs(predicted_RT - rows.y_RT), axis=0, weights=rows.weight_R)


def losses(error_CJT: np.ndarray) -> np.ndarray:
    """Returns the logarithms of the errors over the largest of each split and target, `[C, J, T]`."""
    size_JT = np.max(error_CJT, axis=0)
    relative_CJT = np.where(size_JT > 0, error_CJT / np.where(size_JT > 0, size_JT, 1.0), 1.0)
    return np.log(np.maximum(relative_CJT, 1e-6))


def weights(error_CJT: np.ndarray, say_RJ: np.ndarray) -> np.ndarray:
    """Returns how far each candidate is believed for each row and target, `[C, R, T]`, adding up to 1.

    They fall with a power of the error, in the geometric mean over the splits.

    Args:
      say_RJ: what each split has to say of a row, adding up to 1.
    """
    loss_CRT = np.einsum("cjt,rj->crt", losses(error_CJT), say_RJ)
    believed_CRT = np.exp(-SHARPNESS * (loss_CRT - loss_CRT.min(axis=0)))
    return believed_CRT / believed_CRT.sum(axis=0)


def say(splits: Sequence[Split], beyond_RI: np.ndarray, high_RT: np.ndarray) -> np.ndarray:
    """Returns what each split has to say of a row, `[R, J]`, adding up to 1.

    Args:
      beyond_RI: how far a row lies outside of the range of each input, in its widths.
      high_RT: how far up in the highest quarter of a target's range a row is predicted, 0 to 1.
    """
    outside_RI = np.minimum(beyond_RI / NEAR, 1.0)
    inside_R = 1 - np.minimum(beyond_RI.sum(axis=1) / NEAR, 1.0)
    each = []
    for split in splits:
        if split.target is not None:
            each.append(EVEN + OF_TARGET * high_RT[:, split.target])
        else:
            each.append(EVEN + ITS_OWN * (inside_R if split.input is None else outside_RI[:, split.input]))
    say_RJ = np.stack(each, axis=1)
    return say_RJ / say_RJ.sum(axis=1, keepdims=True)
