"""Plain models, solved in closed form: the mean, a linear model, a power law, and those of x and log x together.

Each is a tuple of arrays with `predict(x_RI) -> [R, T]`, so that it can be stored.

Axes: R rows, I inputs, T targets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import RidgeCV

from nalu.sklearn.rows import Rows, unit

PENALTIES = np.logspace(-6, 4, 21)  # of standardised inputs; chosen by leaving rows out one by one
SMALLEST = 1e-2  # in the column's unit: what is smaller, zero included, counts as this much in logs
LARGEST = 40.0  # exponent of e
TOLERATED = 0.01  # share of rows whose target is not positive


class Mean(NamedTuple):
    """y = the weighted mean of the targets in training."""

    mean_T: np.ndarray

    def predict(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns `[R, T]`."""
        return np.tile(self.mean_T, (len(x_RI), 1))


class Linear(NamedTuple):
    """y = b + (x - centre) / scale W, with a ridge penalty."""

    centre_I: np.ndarray
    scale_I: np.ndarray
    w_IT: np.ndarray
    b_T: np.ndarray

    def predict(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns `[R, T]`."""
        return (x_RI - self.centre_I) / self.scale_I @ self.w_IT + self.b_T


class InLogs(NamedTuple):
    """y = exp(model of log x for the inputs that are never negative, and of x for the others).

    Of a linear model that is a power law. Of a target that is not positive there is none; the linear model stands in.
    With `both`, x stands beside log x: of a linear model that is a product of powers and exponentials.
    """

    unit_I: np.ndarray
    in_logs_I: np.ndarray
    positive_T: np.ndarray
    logs: tuple[Any, ...]
    linear: Linear
    both: bool = False

    def predict(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns `[R, T]`."""
        y_RT = self.linear.predict(x_RI)
        features_RI = features(x_RI, self.unit_I, self.in_logs_I, self.both)
        for target in np.flatnonzero(self.positive_T):
            y_RT[:, target] = np.exp(np.clip(self.logs[target].predict(features_RI)[:, 0], -LARGEST, LARGEST))
        return y_RT


class OnBoth(NamedTuple):
    """y = a linear model of x and log x: a sum of lines and logarithms."""

    unit_I: np.ndarray
    in_logs_I: np.ndarray
    linear: Linear

    def predict(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns `[R, T]`."""
        return self.linear.predict(features(x_RI, self.unit_I, self.in_logs_I, both=True))


def features(x_RI: np.ndarray, unit_I: np.ndarray, in_logs_I: np.ndarray, both: bool = False) -> np.ndarray:
    """Returns log |x / unit| of the inputs that are never negative, and x / unit of the others, `[R, I]`.

    With `both` x / unit of the former follows, too.
    """
    scaled_RI = x_RI / unit_I
    logs_RI = np.where(in_logs_I, np.log(np.maximum(np.abs(scaled_RI), SMALLEST)), scaled_RI)
    return np.hstack([logs_RI, scaled_RI[:, in_logs_I]]) if both else logs_RI


def mean(rows: Rows) -> Mean:
    """Returns the mean of the targets."""
    return Mean(np.average(rows.y_RT, axis=0, weights=rows.weight_R))


def linear(rows: Rows) -> Linear:
    """Returns the ridge regression whose penalty is chosen, for each target, by leaving rows out."""
    return _ridge(rows.x_RI, rows.y_RT, rows.weight_R)


def power_law(rows: Rows) -> InLogs | None:
    """Returns the ridge regression of log y on log x; None where no target is positive."""
    return in_logs(rows, linear)


def on_both(rows: Rows) -> OnBoth:
    """Returns the ridge regression of y on x and log x."""
    unit_I, in_logs_I = unit(rows.x_RI, rows.weight_R), (rows.x_RI >= 0).all(axis=0)
    features_RI = features(rows.x_RI, unit_I, in_logs_I, both=True)
    return OnBoth(unit_I, in_logs_I, linear(rows._replace(x_RI=features_RI)))


def powers_and_exponentials(rows: Rows) -> InLogs | None:
    """Returns the ridge regression of log y on x and log x; None where no target is positive."""
    return in_logs(rows, linear, both=True)


def in_logs(rows: Rows, solve: Callable[[Rows], Any], both: bool = False) -> InLogs | None:
    """Returns a model of log y on log x (with `both` also on x), one a target; None where no target is positive.

    Up to 1 % of the rows may have a target of zero or below, for instance one that was not measured: it is left out.
    """
    kept_RT = rows.y_RT > 0
    positive_T = (rows.weight_R @ ~kept_RT) <= TOLERATED * rows.weight_R.sum()
    if not positive_T.any():
        return None
    unit_I, in_logs_I = unit(rows.x_RI, rows.weight_R), (rows.x_RI >= 0).all(axis=0)
    features_RI = features(rows.x_RI, unit_I, in_logs_I, both)
    logs: list[Any] = []
    for target, positive in enumerate(positive_T):
        kept = kept_RT[:, target]
        log_R1 = np.log(rows.y_RT[kept, target : target + 1]) if positive else None
        logs.append(solve(Rows(features_RI[kept], log_R1, rows.weight_R[kept])) if positive else None)
    return InLogs(unit_I, in_logs_I, positive_T, tuple(logs), linear(rows), both)


def standards(x_RI: np.ndarray, weight_R: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the weighted mean and deviation of each input; an infinite deviation of a constant one."""
    centre_I = np.average(x_RI, axis=0, weights=weight_R)
    scale_I = np.sqrt(np.average((x_RI - centre_I) ** 2, axis=0, weights=weight_R))
    return centre_I, np.where(scale_I > 1e-12 * (np.abs(centre_I) + 1e-300), scale_I, np.inf)  # constant: no weight


def _ridge(x_RI: np.ndarray, y_RT: np.ndarray, weight_R: np.ndarray) -> Linear:
    centre_I, scale_I = standards(x_RI, weight_R)
    if len(x_RI) < 3 or not np.isfinite(scale_I).any():
        b_T = np.average(y_RT, axis=0, weights=weight_R)
        return Linear(centre_I, scale_I, np.zeros((x_RI.shape[1], y_RT.shape[1])), b_T)
    solver = RidgeCV(alphas=PENALTIES, alpha_per_target=y_RT.shape[1] > 1)
    solver.fit((x_RI - centre_I) / scale_I, y_RT, sample_weight=weight_R)
    w_IT = np.reshape(solver.coef_, (y_RT.shape[1], x_RI.shape[1])).T
    return Linear(centre_I, scale_I, w_IT, np.reshape(solver.intercept_, -1))
