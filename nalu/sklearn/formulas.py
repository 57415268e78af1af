"""Reads a formula off a table: a sum of products of powers whose exponents the rows determine.

    y = b + sum over terms of c prod over inputs of x^e,   every e a multiple of 1/2

Terms are added one at a time. Each sum is fitted by Levenberg and Marquardt's method from several starts, with free
exponents; then exponents are fixed one after the other to the multiple of 1/2 that the fit says, the surest first, and
the rest is fitted again. Only where all of them can be fixed without an error that the noise does not explain is there
a formula; of several it is the one of the least Bayesian information criterion.

Axes: R rows, I inputs, K terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares

from nalu.sklearn import plain
from nalu.sklearn.rows import Rows, unit

MOST_TERMS = 3
MOST_INPUTS = 12
MOST_ROWS = 400  # that exponents are sought on, drawn at random; coefficients are fitted to all
FEWEST_ROWS = 20
STARTS = 5  # of each new term
GRID = 0.5
LARGEST = 6.0  # exponent
SURE = 0.1  # a standard error of an exponent above this does not tell multiples of 1/2 apart
DEVIATIONS = 4.0  # standard errors that an exponent may be off
LOOSE = 0.03  # and this much where there is no noise, before the rest is fitted again
ALIKE = 0.98  # correlation of two inputs' logs above which their exponents cannot be told apart
EXPLAINED = 0.9  # share of the variance, at least
DECISIVE = 10.0  # difference of two Bayesian information criteria that decides between them


class Formula(NamedTuple):
    """A formula for one target."""

    offset: float
    coefficient_K: np.ndarray
    exponent_KI: np.ndarray

    def predict(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns `[R, 1]`; where an input is not positive, of magnitudes."""
        return (self.offset + _products(x_RI, self.exponent_KI) @ self.coefficient_K)[:, None]

    def text(self, names: Sequence[str], target: str, digits: int = 4) -> str:
        """Returns the formula in the names of the columns, e.g. "F = 6.674e-11 * m1 * m2 / r^2"."""
        parts = [
            _term(coefficient, exponent_I, names, digits)
            for coefficient, exponent_I in zip(self.coefficient_K, self.exponent_KI, strict=True)
        ]
        if self.offset:
            parts.append(f"{self.offset:.{digits}g}")
        joined = " + ".join(parts).replace("+ -", "- ")
        return f"{target} = {joined}"

    def refitted(self, rows: Rows) -> Formula:
        """Returns the formula of the same exponents with coefficients fitted to other rows of one target."""
        features_RK = _products(rows.x_RI, self.exponent_KI)
        if self.offset:
            features_RK = np.column_stack([features_RK, np.ones(len(features_RK))])
        size_K = np.abs(features_RK).max(axis=0)
        root_R = np.sqrt(rows.weight_R)
        solved, *_ = np.linalg.lstsq(features_RK / size_K * root_R[:, None], rows.y_RT[:, 0] * root_R, rcond=None)
        solved = solved / size_K
        terms = len(self.coefficient_K)
        return Formula(float(solved[terms]) if self.offset else 0.0, solved[:terms], self.exponent_KI)


class Formulas(NamedTuple):
    """A formula for each target that has one, and a linear model for the others."""

    of_targets: tuple[Formula | None, ...]
    others: plain.Linear

    def predict(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns `[R, T]`."""
        y_RT = self.others.predict(x_RI)
        for target, formula in enumerate(self.of_targets):
            if formula is not None:
                y_RT[:, target] = formula.predict(x_RI)[:, 0]
        return y_RT

    def refitted(self, rows: Rows) -> Formulas:
        """Returns the same exponents with coefficients fitted to other rows."""
        each = tuple(f if f is None else f.refitted(rows.of_target(target)) for target, f in enumerate(self.of_targets))
        return Formulas(each, plain.linear(rows))


def read_each(rows: Rows, *, seed: int) -> Formulas | None:
    """Returns the formulas of the targets, or None where no target has one."""
    each = tuple(read(rows.of_target(target), seed=seed) for target in range(rows.y_RT.shape[1]))
    return None if all(formula is None for formula in each) else Formulas(each, plain.linear(rows))


def read(rows: Rows, *, seed: int) -> Formula | None:
    """Returns the formula that the rows of one target determine, or None where they determine none."""
    used = (rows.x_RI > 0).all(axis=0) & (np.ptp(rows.x_RI, axis=0) > 0)
    if len(rows.x_RI) < FEWEST_ROWS or not 0 < used.sum() <= MOST_INPUTS or np.ptp(rows.y_RT) == 0:
        return None
    logs = np.log(rows.x_RI[:, used])
    alike = np.abs(np.corrcoef(logs, rowvar=False)) if used.sum() > 1 else np.ones((1, 1))
    generator = np.random.default_rng(seed)
    drawn = generator.permutation(len(rows.x_RI))[:MOST_ROWS]
    fitting = _Fitting(rows.take(drawn), used)
    best, best_criterion, free_criterion, fitted = None, np.inf, np.inf, None
    for terms in range(1, MOST_TERMS + 2):
        fitted = fitting.with_another_term(fitted, generator)
        free_criterion = min(free_criterion, fitting.criterion(fitted))
        if terms > MOST_TERMS:
            break  # it was only asked whether another term is missing
        snapped = fitting.snapped(fitted)
        if snapped is not None and not _confused(snapped.exponent_KI, alike):
            criterion = fitting.criterion(snapped)
            if criterion < best_criterion - 2:
                best, best_criterion = snapped, criterion
        share = fitting.unexplained(fitted)
        if share < 1e-12 or (share > 1 - EXPLAINED and terms > 1):
            break
    if best is None or fitting.unexplained(best) > 1 - EXPLAINED or best_criterion > free_criterion + DECISIVE:
        return None  # or free exponents, or more terms, say clearly that the formula is wrong
    exponent_KI = np.zeros((len(best.coefficient_K), rows.x_RI.shape[1]))
    exponent_KI[:, used] = best.exponent_KI
    return Formula(best.offset, best.coefficient_K, exponent_KI).refitted(rows)


class _Sum(NamedTuple):
    """A fit in units: exponents that are fixed, and whether the offset is there."""

    offset: float
    coefficient_K: np.ndarray
    exponent_KI: np.ndarray
    fixed_KI: np.ndarray
    has_offset: bool


class _Fitting:
    """The rows in units, and what is done with them."""

    def __init__(self, rows: Rows, used: np.ndarray) -> None:
        x_RI = rows.x_RI[:, used]
        self.logs_RI = np.log(x_RI / unit(x_RI, rows.weight_R))
        self.y_R = rows.y_RT[:, 0] / unit(rows.y_RT, rows.weight_R)[0]
        self.root_R = np.sqrt(rows.weight_R)
        self.total = float(np.sum((self.root_R * (self.y_R - np.average(self.y_R, weights=rows.weight_R))) ** 2))

    def with_another_term(self, fitted: _Sum | None, generator: np.random.Generator) -> _Sum:
        """Returns the best fit with one term more, from several starts."""
        inputs = self.logs_RI.shape[1]
        starts = [np.zeros(inputs), *(generator.integers(-2, 3, inputs) * 1.0 for _ in range(STARTS - 1))]
        if fitted is None and (self.y_R > 0).all():
            design = np.column_stack([self.logs_RI, np.ones(len(self.y_R))])
            starts[0] = np.linalg.lstsq(design, np.log(self.y_R), rcond=None)[0][:-1]
        elif fitted is not None:
            starts[0] = fitted.exponent_KI[-1] / 2
        best, least = None, np.inf
        for start_I in starts:
            before_KI = fitted.exponent_KI if fitted else np.zeros((0, inputs))
            exponent_KI = np.vstack([before_KI, start_I[None] + 1e-3])
            tried = self.fit(_Sum(0.0, np.zeros(len(exponent_KI)), exponent_KI, np.zeros_like(exponent_KI, bool), True))
            if (size := self.unexplained(tried)) < least:
                best, least = tried, size
            if least < 1e-13:
                break
        return best

    def fit(self, start: _Sum) -> _Sum:
        """Returns the least-squares fit over everything that is not fixed."""
        free_KI = ~start.fixed_KI
        start = self.solved(start)
        if not free_KI.any():
            return start
        terms = len(start.coefficient_K)

        def unpack(parameters: np.ndarray) -> _Sum:
            exponent_KI = start.exponent_KI.copy()
            exponent_KI[free_KI] = parameters[terms + 1 :]
            offset = float(parameters[terms]) if start.has_offset else 0.0
            return start._replace(offset=offset, coefficient_K=parameters[:terms], exponent_KI=exponent_KI)

        first = np.concatenate([start.coefficient_K, [start.offset], start.exponent_KI[free_KI]])
        try:
            found = least_squares(
                lambda p: self.residuals(unpack(p)), first, lambda p: self.slopes(unpack(p)), method="lm", max_nfev=60
            )
        except (ValueError, np.linalg.LinAlgError):  # not finite
            return start
        return self.solved(unpack(found.x))

    def solved(self, fitted: _Sum) -> _Sum:
        """Returns the fit with the best coefficients for its exponents."""
        design = np.exp(self.exponents(fitted))
        if fitted.has_offset:
            design = np.column_stack([design, np.ones(len(design))])
        size = np.abs(design).max(axis=0)
        solution, *_ = np.linalg.lstsq(design / size * self.root_R[:, None], self.y_R * self.root_R, rcond=1e-12)
        solution = solution / size
        terms = len(fitted.coefficient_K)
        offset = float(solution[terms]) if fitted.has_offset else 0.0
        return fitted._replace(offset=offset, coefficient_K=solution[:terms])

    def exponents(self, fitted: _Sum) -> np.ndarray:
        return np.clip(self.logs_RI @ np.clip(fitted.exponent_KI, -LARGEST, LARGEST).T, -50, 50)

    def residuals(self, fitted: _Sum) -> np.ndarray:
        return self.root_R * (fitted.offset + np.exp(self.exponents(fitted)) @ fitted.coefficient_K - self.y_R)

    def slopes(self, fitted: _Sum) -> np.ndarray:
        """Returns the Jacobian by coefficients, offset and free exponents."""
        products_RK = np.exp(self.exponents(fitted))
        by_exponent = (products_RK * fitted.coefficient_K)[:, :, None] * self.logs_RI[:, None, :]
        offset_R1 = np.full((len(self.y_R), 1), float(fitted.has_offset))
        return self.root_R[:, None] * np.hstack([products_RK, offset_R1, by_exponent[:, ~fitted.fixed_KI]])

    def unexplained(self, fitted: _Sum) -> float:
        """Returns the share of the variance that is left."""
        share = float(np.sum(self.residuals(fitted) ** 2)) / self.total
        return share if np.isfinite(share) else np.inf

    def criterion(self, fitted: _Sum) -> float:
        count = len(self.y_R)
        parameters = len(fitted.coefficient_K) + fitted.has_offset + np.count_nonzero(fitted.exponent_KI)
        return count * np.log(max(self.unexplained(fitted), 1e-10)) + parameters * np.log(count)

    def errors(self, fitted: _Sum) -> tuple[np.ndarray, float]:
        """Returns the standard errors of the free exponents, and of the offset."""
        slopes = self.slopes(fitted)
        size = np.linalg.norm(slopes, axis=0)
        size = np.where(size > 0, size, 1.0)
        spare = max(len(self.y_R) - slopes.shape[1], 1)
        variance = float(np.sum(self.residuals(fitted) ** 2)) / spare
        covariance = np.linalg.pinv((slopes / size).T @ (slopes / size), rcond=1e-14) * variance
        deviations = np.sqrt(np.maximum(np.diag(covariance), 0)) / size
        terms = len(fitted.coefficient_K)
        return deviations[terms + 1 :], float(deviations[terms])

    def snapped(self, fitted: _Sum) -> _Sum | None:
        """Returns the fit with every exponent fixed to a multiple of 1/2, or None where one cannot be."""
        while not fitted.fixed_KI.all():
            error, offset_error = self.errors(fitted)
            if fitted.has_offset and abs(fitted.offset) <= DEVIATIONS * offset_error + 1e-9:
                without = self.fit(fitted._replace(offset=0.0, has_offset=False))
                if self.explains_as_well(without, fitted):
                    fitted = without
                    continue
            free = np.argwhere(~fitted.fixed_KI)
            value = fitted.exponent_KI[~fitted.fixed_KI]
            nearest = np.round(value / GRID) * GRID
            off = np.abs(value - nearest)
            possible = (error < SURE) & (off <= np.maximum(DEVIATIONS * error, LOOSE))
            if not possible.any():
                return None
            surest = int(np.argmin(np.where(possible, off + error, np.inf)))
            fixed_KI, exponent_KI = fitted.fixed_KI.copy(), fitted.exponent_KI.copy()
            fixed_KI[tuple(free[surest])], exponent_KI[tuple(free[surest])] = True, nearest[surest]
            tried = self.fit(fitted._replace(fixed_KI=fixed_KI, exponent_KI=exponent_KI))
            if not self.explains_as_well(tried, fitted):
                return None
            fitted = tried
        constant = ~fitted.exponent_KI.any(axis=1)
        if constant.any() and fitted.has_offset:  # a term without inputs is the offset
            if constant.all():
                return None
            kept = ~constant
            fitted = _Sum(
                fitted.offset, fitted.coefficient_K[kept], fitted.exponent_KI[kept], fitted.fixed_KI[kept], True
            )
            fitted = self.solved(fitted)
        elif constant.any():
            return None
        return fitted

    def explains_as_well(self, fixed: _Sum, free: _Sum) -> bool:
        """Whether fixing one parameter left no more than noise explains."""
        spare = max(len(self.y_R) - self.slopes(free).shape[1], 1)
        return self.unexplained(fixed) <= self.unexplained(free) * (1 + DEVIATIONS**2 / spare) + 1e-12


def _products(x_RI: np.ndarray, exponent_KI: np.ndarray) -> np.ndarray:
    logs_RI = np.log(np.maximum(np.abs(x_RI), 1e-300))
    return np.exp(np.clip(logs_RI @ exponent_KI.T, -700, 700))


def _confused(exponent_KI: np.ndarray, alike: np.ndarray) -> bool:
    inputs = np.flatnonzero(exponent_KI.any(axis=0))
    among = np.abs(alike[np.ix_(inputs, inputs)]) - np.eye(len(inputs))
    return bool((among > ALIKE).any())


def _term(coefficient: float, exponent_I: Any, names: Sequence[str], digits: int) -> str:
    def power(name: str, exponent: float) -> str:
        if exponent == 0.5:
            return f"sqrt({name})"
        return name if exponent == 1 else f"{name}^{exponent:g}"

    above = [power(name, e) for name, e in zip(names, exponent_I, strict=True) if e > 0]
    below = [power(name, -e) for name, e in zip(names, exponent_I, strict=True) if e < 0]
    product = " * ".join([f"{coefficient:.{digits}g}", *above])
    return "".join([product, *(f" / {factor}" for factor in below)])
