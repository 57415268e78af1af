"""Trees, alone and on what a model leaves.

A tree is constant beyond the rows that it knows: it adds detail inside and a bounded correction outside.

Axes: R rows, I inputs, T targets, S starts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from nalu.sklearn import ranges
from nalu.sklearn.rows import Rows

MANY, FEW = 100, 40  # trees: of a prediction, and of what is only judged
SMALLEST_LEAF = 3


class Trees(NamedTuple):
    """y = the mean over extremely randomised trees."""

    forest: ExtraTreesRegressor

    def predict(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns `[R, T]`."""
        return np.reshape(self.forest.predict(x_RI), (len(x_RI), -1))


class WithTrees(NamedTuple):
    """y = model(x), bounded, + trees(x)."""

    model: Any
    bound: ranges.Ranges
    trees: Trees

    def each(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns what each start of the model predicts with the trees, `[S, R, T]`."""
        return np.array([self.bound.bound(y_RT, x_RI) for y_RT in voices(self.model, x_RI)]) + self.trees.predict(x_RI)

    def predict(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns the mean over the starts, `[R, T]`."""
        return self.each(x_RI).mean(axis=0)


def voices(model: Any, x_RI: np.ndarray) -> np.ndarray:
    """Returns what each start of a model predicts, `[S, R, T]`; one of a model without starts."""
    return model.each(x_RI) if hasattr(model, "each") else model.predict(x_RI)[None]


def alone(rows: Rows, seed: int, number: int = MANY) -> Trees:
    """Grows trees on the targets.

    Source: Geurts, Ernst and Wehenkel 2006, "Extremely randomized trees", Machine Learning 63.
    """
    y = rows.y_RT[:, 0] if rows.y_RT.shape[1] == 1 else rows.y_RT
    forest = ExtraTreesRegressor(number, min_samples_leaf=SMALLEST_LEAF, random_state=seed)
    return Trees(forest.fit(rows.x_RI, y, sample_weight=rows.weight_R))


def on_what_is_left(model: Any, rows: Rows, seed: int, number: int = MANY) -> WithTrees:
    """Grows trees on what a model leaves of the targets of the rows that it was fitted to."""
    its = ranges.of(rows.x_RI, rows.y_RT)
    mean_RT = np.mean([its.bound(y_RT, rows.x_RI) for y_RT in voices(model, rows.x_RI)], axis=0)
    return WithTrees(model, its, alone(rows._replace(y_RT=rows.y_RT - mean_RT), seed, number))
