"""Targets that were cut off above, and what is put back.

Where only rows with y below c were kept, a model does not see f(x) = E[y | x] but less, and ever less towards c:

    E[y | x, y < c] = f(x) - s h((c - f(x)) / s),   h = (normal density) / (normal distribution function),

for deviations from f that are normal with deviation s. So every model flattens out towards the edge and errs low beyond
it. Targets to which s h is added have the mean f(x) again, and any model may learn them. f and s are found by turns:
f by ridge regression of y + s h, s by how far y lies from f; each row is held against what the others say of it. f is a
linear model or an infinitely wide network, of y on x or of log y on log x, whichever makes the kept rows most likely:
so a bend is no cut. Other targets of the same rows are raised by what goes with s h, the regression of their residuals
on the cut one's, which a cut leaves as it is.

A target may also end because it runs against a bound B of its own, as shares, marks and lengths of life do, and nothing
was cut off: then log(B - y) is f and normal noise, or log(y / (B - y)) of a positive target that has nearly reached
it. A cut is told only if it explains the rows better than every bound that is tried, and than f without either.

Source: Hausman and Wise 1977, "Social experimentation, truncated distributions, and efficient estimation",
Econometrica 45; Heckman 1979, "Sample selection bias as a specification error", Econometrica 47, for other targets.

Axes: R rows, K the rows of them that f is learnt from, I inputs, T targets.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from nalu.sklearn import plain, wide
from nalu.sklearn.rows import Rows, unit

UPPER = 0.25  # share of the rows whose tail is looked at
ENDS = -0.5  # the shape of a tail that falls to zero in a line; one of a lower shape ends before
HEAP = 0.2  # share of the tail that its largest value may have: more is a bound of the target, not a cut
SURE = 10.0  # units of the Bayesian information criterion that a cut must gain
FEWEST = 40  # rows, for a cut to be told
TURNS = 60  # for f and s
BOUNDS = (0.02, 0.1, 0.3)  # how far above the largest target a bound of its own is tried, in widths of their range
WIDEST = 3.0  # s at most, in deviations of what was kept
FURTHEST = 1.0  # a target is raised by at most so many widths of the targets' range


class Kept(NamedTuple):
    """What explains rows that were kept: by how much to raise their targets, and how likely a row is."""

    raised_RT: np.ndarray
    log_likelihood: float
    gain: float  # of the log-likelihood of all rows over the best without a cut

    def put_back(self, rows: Rows) -> Rows:
        """Returns the rows with their targets raised.

        A target of zero in a column without negative ones stays zero: it often means that nothing was measured.
        """
        most_T = FURTHEST * np.ptp(rows.y_RT, axis=0)
        zeros_RT = (rows.y_RT == 0) & (rows.y_RT >= 0).all(axis=0)
        return rows._replace(y_RT=rows.y_RT + np.where(zeros_RT, 0.0, np.clip(self.raised_RT, -most_T, most_T)))


def shape(y_R: np.ndarray) -> float:
    """Returns the shape of the generalised Pareto distribution of the upper quarter, by its moments; 0 of a heap.

    Source: Hosking and Wallis 1987, "Parameter and quantile estimation for the generalized Pareto distribution",
    Technometrics 29.
    """
    low = np.quantile(y_R, 1 - UPPER)
    excess_R = y_R[y_R > low] - low
    if len(excess_R) < 2 or excess_R.var() == 0 or np.mean(excess_R == excess_R.max()) > HEAP:
        return 0.0
    return float((1 - excess_R.mean() ** 2 / excess_R.var()) / 2)


def mended(rows: Rows, seed: int) -> tuple[Rows, int | None]:
    """Returns rows with what a cut took put back, and the target that they were cut by; others as they are, and None.

    They were cut if the upper tail of a target ends abruptly, and a model with a cut explains the rows better than any
    without by ten units of the Bayesian information criterion. Of several such targets it is the one that a cut
    explains most.
    """
    told = []
    if len(rows.x_RI) >= FEWEST:
        for target, y_R in enumerate(rows.y_RT.T):
            if shape(y_R) < ENDS:
                kept = explained(rows, target, seed)
                if 2 * kept.gain - np.log(len(rows.x_RI)) > SURE:
                    told.append((kept.gain, target, kept))
    if not told:
        return rows, None
    _, target, kept = max(told)
    return kept.put_back(rows), target


def explained(rows: Rows, target: int, seed: int) -> Kept:
    """Returns the likeliest explanation of rows that were cut by a target, and its gain over the likeliest without."""
    y_R, weight_R = rows.y_RT[:, target], rows.weight_R
    known_K = np.sort(np.random.default_rng((seed, 4)).permutation(len(y_R))[: wide.MOST_ROWS])
    y_K, weight_K = y_R[known_K], weight_R[known_K]
    positive = bool((y_R > 0).all())
    spaces = [(rows.x_RI, y_R, 0.0)]  # inputs, what is explained by them, and the logarithm of its slope by y
    if positive:
        logs_RI = plain.features(rows.x_RI, unit(rows.x_RI, weight_R), (rows.x_RI >= 0).all(axis=0))
        spaces.append((logs_RI, np.log(y_R), -float(np.average(np.log(y_K), weights=weight_K))))
    others = [(transformed_K, float(np.average(slope_K, weights=weight_K))) for transformed_K, slope_K in _bounded(y_K)]
    tried, without = [], []
    for number, (x_RI, its_R, slope) in enumerate(spaces):
        x_RI = _standardised(x_RI, weight_R)
        for kernel in (_linear, wide.kernel):
            ridge = _Ridge(kernel(x_RI, x_RI[known_K]), known_K, weight_K)
            its = _kept(ridge, rows, target, its_R)
            if number:  # in logs
                its.raised_RT[:, target] = y_R * np.expm1(np.minimum(its.raised_RT[:, target], plain.LARGEST))
            tried.append(its._replace(log_likelihood=its.log_likelihood + slope))
            without.append(ridge.log_likelihood(its_R[known_K]) + slope)
            without += [ridge.log_likelihood(transformed_K) + its_slope for transformed_K, its_slope in others]
    best = max(tried, key=lambda kept: kept.log_likelihood)
    gain = len(y_R) * (best.log_likelihood - max(without)) if np.isfinite(best.log_likelihood) else 0.0
    return best._replace(gain=gain)


def _bounded(y_K: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns what is f and normal noise of a target below each bound, and the logarithm of its slope by y."""
    each = []
    for width in BOUNDS:
        room_K = y_K.max() + width * np.ptp(y_K) - y_K
        if not (room_K > 0).all():
            return []  # all targets alike
        each.append((-np.log(room_K), -np.log(room_K)))
        if width == BOUNDS[0] and (y_K > 0).all():
            each.append((np.log(y_K / room_K), np.log(1 / y_K + 1 / room_K)))
    return each


class _Ridge:
    """Kernel ridge regression of any target on the same rows, with what the others say of each row."""

    def __init__(self, kernel_RK: np.ndarray, known_K: np.ndarray, weight_K: np.ndarray) -> None:
        self.kernel_RK, self.known_K, self.weight_K, self.root_K = kernel_RK, known_K, weight_K, np.sqrt(weight_K)
        size_Q, self.vectors_KQ = np.linalg.eigh(self.root_K[:, None] * kernel_RK[known_K] * self.root_K)
        self.size_Q = np.maximum(size_Q, 0.0)
        self.penalties = wide.PENALTIES * self.size_Q.mean()
        self.own_PK = 1 / (self.size_Q + self.penalties[:, None]) @ (self.vectors_KQ**2).T

    def solved(self, target_K: np.ndarray, penalty: int) -> tuple[float, np.ndarray, np.ndarray]:
        """Returns the mean, the coefficients, and by how far each row lies from what the others say of it."""
        mean = np.average(target_K, weights=self.weight_K)
        along_Q = self.vectors_KQ.T @ (self.root_K * (target_K - mean))
        solved_K = self.vectors_KQ @ (along_Q / (self.size_Q + self.penalties[penalty]))
        return mean, self.root_K * solved_K, solved_K / self.own_PK[penalty] / self.root_K

    def penalty(self, target_K: np.ndarray) -> int:
        """Returns the penalty with which the others say most of each row, by its number."""
        each = [self.spread(self.solved(target_K, penalty)[2]) for penalty in range(len(self.penalties))]
        return int(np.argmin(each))

    def spread(self, residual_K: np.ndarray) -> float:
        return float(np.sqrt(np.average(residual_K**2, weights=self.weight_K)))

    def log_likelihood(self, target_K: np.ndarray) -> float:
        """Returns how likely a row is, if targets are what the others say of them and normal noise."""
        deviation = self.spread(self.solved(target_K, self.penalty(target_K))[2])
        return -0.5 - np.log(deviation) if deviation > 0 else np.inf


def _kept(ridge: _Ridge, rows: Rows, target: int, y_R: np.ndarray) -> Kept:
    """Explains rows that were kept because y is at most the largest there is."""
    edge, y_K, weight_K = y_R.max(), y_R[ridge.known_K], ridge.weight_K
    penalty = ridge.penalty(y_K)
    left_K = ridge.solved(y_K, penalty)[2]
    first = deviation = ridge.spread(left_K)
    if not first > 1e-9 * np.ptp(y_R):  # known exactly
        return Kept(np.zeros_like(rows.y_RT), np.inf, 0.0)
    f_K = y_K - left_K
    for _ in range(TURNS):
        target_K = y_K + deviation * _hazard((edge - f_K) / deviation)
        mean, a_K, its_left_K = ridge.solved(target_K, penalty)
        f_K = (f_K + target_K - its_left_K) / 2  # half way, lest the turns swing
        room_K = (edge - f_K) / deviation
        kept = np.average(np.maximum(1 - room_K * _hazard(room_K), 1e-3), weights=weight_K)  # of the variance
        deviation = min(ridge.spread(y_K - f_K) / kept**0.5, WIDEST * first)
    f_R = mean + ridge.kernel_RK @ a_K
    f_R[ridge.known_K] = f_K
    room_K = (edge - f_K) / deviation
    likely_K = -(((y_K - f_K) / deviation) ** 2) / 2 - np.log(deviation) - log_ndtr(room_K)
    others_KT = np.column_stack([ridge.solved(other_R[ridge.known_K], penalty)[2] for other_R in rows.y_RT.T])
    along_T = (weight_K * left_K) @ others_KT / (weight_K @ left_K**2)
    along_T[target] = 1.0
    raised_R = deviation * _hazard((edge - f_R) / deviation)
    return Kept(raised_R[:, None] * along_T, float(np.average(likely_K, weights=weight_K)), 0.0)


def _hazard(room: np.ndarray) -> np.ndarray:
    """Returns the normal density over the normal distribution function."""
    return np.exp(-(room**2) / 2 - np.log(2 * np.pi) / 2 - log_ndtr(room))


def _linear(x_RI: np.ndarray, other_KI: np.ndarray) -> np.ndarray:
    return x_RI @ other_KI.T


def _standardised(x_RI: np.ndarray, weight_R: np.ndarray) -> np.ndarray:
    return wide.standardised(x_RI, *plain.standards(x_RI, weight_R))
