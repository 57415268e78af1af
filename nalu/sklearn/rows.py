"""What training sees of a table: its distinct rows in an order of their own, with weights and units.

Axes: R rows, I inputs, T targets.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Rows(NamedTuple):
    """Distinct rows, sorted, and what each counts; the weights have a mean of 1."""

    x_RI: np.ndarray
    y_RT: np.ndarray
    weight_R: np.ndarray

    def take(self, chosen: np.ndarray) -> Rows:
        """Returns some of the rows."""
        return Rows(self.x_RI[chosen], self.y_RT[chosen], self.weight_R[chosen])

    def of_target(self, target: int) -> Rows:
        """Returns the rows with one target alone."""
        return self._replace(y_RT=self.y_RT[:, target : target + 1])


def distinct(x_RI: np.ndarray, y_RT: np.ndarray, weight_R: np.ndarray) -> Rows:
    """Returns the rows without repeats, whose weights add up, and without those of no weight.

    So a row that is given twice is one that counts double, to the last bit; the order in which rows come decides
    nothing; and a row never lies on both sides of a split.

    Raises:
      ValueError: a weight is negative, or all are zero.
    """
    if (weight_R < 0).any() or not weight_R.any():
        raise ValueError("Sample weights must not be negative, and one at least must be above zero.")
    kept = weight_R > 0
    together = np.column_stack([x_RI, y_RT])[kept] + 0.0  # no negative zero
    unique, place = np.unique(together, axis=0, return_inverse=True)
    total = np.bincount(place.ravel(), weight_R[kept], len(unique))
    inputs = x_RI.shape[1]
    return Rows(unique[:, :inputs], unique[:, inputs:], total / total.mean())


def unit(values: np.ndarray, weight_R: np.ndarray) -> np.ndarray:
    """Returns the unit of each column: the weighted mean of its magnitudes that are not zero; 1 where all are.

    Dividing by it keeps zero where it is and ratios as they are. The mean of magnitudes is less moved by single large
    values than their root mean square is.
    """
    counted = weight_R[:, None] * (values != 0)
    total = counted.sum(axis=0)
    mean = (counted * np.abs(values)).sum(axis=0) / np.where(total > 0, total, 1.0)
    return np.where(mean > 0, mean, 1.0)
