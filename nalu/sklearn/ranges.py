"""How far a row lies outside of the range of training, and what may be said of it there.

Axes: R rows, I inputs, T targets.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SHOWN = 5  # columns that the warning names


class ExtrapolationWarning(UserWarning):
    """Rows lie outside of the range that a model was trained in, where nothing was checked."""


class Ranges(NamedTuple):
    """The smallest and largest value of each input and each target in training."""

    x_low_I: np.ndarray
    x_high_I: np.ndarray
    y_low_T: np.ndarray
    y_high_T: np.ndarray

    def beyond(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns `[R, I]` by how much each value lies outside, in widths of the column's range; 0 inside.

        Of a column that was constant in training the width is its size, or 1.
        """
        width_I = self.x_high_I - self.x_low_I
        size_I = np.where(self.x_high_I != 0, np.abs(self.x_high_I), 1.0)
        width_I = np.where(width_I > 0, width_I, size_I)
        return np.maximum(np.maximum(self.x_low_I - x_RI, x_RI - self.x_high_I), 0.0) / width_I

    def bound(self, y_RT: np.ndarray, x_RI: np.ndarray) -> np.ndarray:
        """Returns predictions no further from the targets of training than is credible.

        Inside, a prediction leaves the range of the targets by one width of it at most. Beyond the range of an input by
        d of its width it may leave it by (1 + d)^3 widths, as a product of three inputs does, but by no more than 10.
        """
        reach_R = np.minimum((1.0 + self.beyond(x_RI).max(axis=1)) ** 3, 10.0)
        room_RT = reach_R[:, None] * (self.y_high_T - self.y_low_T)
        return np.clip(y_RT, self.y_low_T - room_RT, self.y_high_T + room_RT)

    def warn(self, x_RI: np.ndarray, names: Sequence[str]) -> None:
        """Warns once of all rows that lie outside: how many, of which columns, and by how much at most."""
        beyond_RI = self.beyond(x_RI)
        outside_I = (beyond_RI > 0).sum(axis=0)
        if not outside_I.any():
            return
        rows = int((beyond_RI > 0).any(axis=1).sum())
        worst = np.argsort(-outside_I, kind="stable")[: min(SHOWN, int((outside_I > 0).sum()))]
        told = ", ".join(
            f"{names[i]} ({outside_I[i]} rows, by up to {beyond_RI[:, i].max():.2g} of its range)" for i in worst
        )
        more = int((outside_I > 0).sum()) - len(worst)
        others = f" and {more} more columns" if more else ""
        warnings.warn(
            f"{rows} of {len(x_RI)} rows are outside of the range of training: {told}{others}. "
            "What is predicted there was not checked by any data.",
            ExtrapolationWarning,
            stacklevel=3,
        )


def of(x_RI: np.ndarray, y_RT: np.ndarray) -> Ranges:
    """Returns the ranges of a table."""
    return Ranges(x_RI.min(axis=0), x_RI.max(axis=0), y_RT.min(axis=0), y_RT.max(axis=0))
