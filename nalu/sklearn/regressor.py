"""The regressor: plain models and cells, believed by how they extrapolate, and trees on what they leave.

Axes: R rows, I inputs, T targets, C candidates, J splits, S starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

import nalu
from nalu.sklearn import cells, choice, columns, formulas, plain, ranges, trees, truncation, wide
from nalu.sklearn.rows import Rows, distinct

IN_LOGS = {"power law": False, "powers and exponentials": True}  # and whether they are of x beside log x
PLAIN = {
    "linear": plain.linear,
    "lines and logarithms": plain.on_both,
    "power law": plain.power_law,
    "powers and exponentials": plain.powers_and_exponentials,
}
AUTO_CELLS = ("nalu", "real_npu")
TREES = " + trees"


class NALURegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """A regressor for tables of numbers that is made to extrapolate.

    With `cell="auto"` the candidates are a power law, one with exponentials, a sum of lines and logarithms, and cells
    of this library, each with trees on what it leaves (of those in logs as factors), trees alone, and an infinitely
    wide network, as it is and in logs; of targets that are not positive, and have no power law, a linear model with
    trees, too. A tree is constant beyond the rows that it knows, so it adds detail inside and a bounded correction
    outside. Where a formula can be read off, it stands in for cells and trees. Targets that were cut off above are
    mended before (`nalu.sklearn.truncation`). Each candidate is judged where the rows of training end, and the
    prediction is their mean, weighted for each row by how little they err there (`nalu.sklearn.choice`).

    The result depends on the set of rows and their weights alone, not on their order; a row of weight 2 is a row given
    twice.

    Args:
      cell: "auto", or a name in `nalu.CELLS`: that cell alone, with an affine output.
      terms: outputs of the cell for each target, which an affine output adds up; None: 1 of NAC and NALU, 8 of others.
      trees: whether trees learn what each candidate leaves.
      truncation: whether a target that ends abruptly is taken to be cut off there, and new rows not to be; then what
        the cut took from the targets below it is put back. With a cell alone nothing is.
      restarts: starts of each cell; their mean predicts, their spread is told.
      learning_rates: rates that each start is trained with side by side; the best in validation counts.
      steps: of Adam, at most; the rate falls as a cosine.
      batch_size: rows of a step.
      validation_fraction: share of the rows that each start holds back to choose rate and step by.
      patience: of 20 evaluations, how many may pass without an improvement of any start before all stop.
      random_state: seeds everything.

    Attributes:
      weights_: `{candidate: [T]}`, how far each candidate is believed, all inner splits taken alike.
      inner_errors_: `{candidate: [J, T]}`, mean absolute errors in the inner splits, of which the last is inside.
      cut_by_: which target was found to be cut off above, by its number; None where none was.
      n_features_in_, feature_names_in_: of the table it was fitted to.

    Source: Trask et al. 2018, arXiv 1808.00508, for the NALU; the affine output, the choice and the trees are ours.
    """

    def __init__(
        self,
        cell: str = "auto",
        *,
        terms: int | None = None,
        trees: bool = True,
        truncation: bool = True,
        restarts: int = 2,
        learning_rates: Sequence[float] = (3e-3, 1e-2),
        steps: int = 1200,
        batch_size: int = 128,
        validation_fraction: float = 0.15,
        patience: int = 8,
        random_state: Any = None,
    ) -> None:
        self.cell = cell
        self.terms = terms
        self.trees = trees
        self.truncation = truncation
        self.restarts = restarts
        self.learning_rates = learning_rates
        self.steps = steps
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NALURegressor:
        """Trains on a table.

        Args:
          X: `[R, I]` numbers, a DataFrame or an array.
          y: `[R]` or `[R, T]`.
          sample_weight: `[R]`, not negative; a row of weight 0 is not there.

        Raises:
          ValueError: a setting is impossible, or a column has missing values, infinite ones or text; it is named.
        """
        self._check_settings()
        columns.check(X)
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2)
        weight_R = _check_sample_weight(sample_weight, X, dtype=np.float64)
        self._flat = np.ndim(y) == 1
        rows = distinct(X, np.asarray(y, np.float64).reshape(len(X), -1), weight_R)
        seed = self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._rows = rows
        self._fit_candidates(rows, seed)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Returns predictions, and warns of rows beyond the range of training.

        Beyond it a prediction is bounded (`nalu.sklearn.ranges.Ranges.bound`).

        Args:
          X: `[R, I]`.
          return_std: also return how far the candidates and their starts disagree, `[R]` or `[R, T]`.

        Raises:
          ValueError: as `fit`.
        """
        check_is_fitted(self, "weights_")
        columns.check(X)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        self._ranges.warn(X, self._names())
        mean_RT, spread_RT = self._mix(X)
        shaped = (mean_RT[:, 0], spread_RT[:, 0]) if self._flat else (mean_RT, spread_RT)
        return shaped if return_std else shaped[0]

    def formula(self, target: int = 0, name: str = "y") -> str | None:
        """Returns the formula that the rows of training determine, in the units and names of the columns, or None.

        A sum of at most three products of powers is fitted; an exponent counts as read if the rows tell it apart from
        all but one multiple of 1/2, and a formula if all of its exponents are (see `nalu.sklearn.formulas`).

        Args:
          target: which of several targets.
          name: of the target.
        """
        check_is_fitted(self, "weights_")
        found = formulas.read(self._rows.of_target(target), seed=self._seed)
        return None if found is None else found.text(self._names(), name)

    def _names(self) -> list[str]:
        return list(getattr(self, "feature_names_in_", [f"x{i}" for i in range(self.n_features_in_)]))

    def _check_settings(self) -> None:
        known = ("auto", *nalu.CELLS)
        if self.cell not in known:
            raise ValueError(f"cell is {self.cell!r}, but must be one of {', '.join(known)}.")
        for setting in ("trees", "truncation"):
            if getattr(self, setting) not in (True, False):
                raise ValueError(f"{setting} is {getattr(self, setting)!r}, but must be True or False.")
        for setting in ("restarts", "steps", "batch_size", "patience"):
            value = getattr(self, setting)
            if not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{setting} is {value!r}, but must be a whole number above zero.")
        if self.terms is not None and (not isinstance(self.terms, Integral) or self.terms < 1):
            raise ValueError(f"terms is {self.terms!r}, but must be None or a whole number above zero.")
        rates = self.learning_rates
        if np.ndim(rates) != 1 or not len(rates) or not all(isinstance(rate, Real) and rate > 0 for rate in rates):
            raise ValueError(f"learning_rates is {rates!r}, but must be a list of numbers above zero.")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(f"validation_fraction is {self.validation_fraction!r}, but must lie between 0 and 1.")

    def _fit_candidates(self, rows: Rows, seed: int) -> None:
        """Fits every candidate to the rows and to the inner splits, and weighs them."""
        everything = np.arange(len(rows.x_RI))
        auto = self.cell == "auto"
        read = formulas.read_each(rows, seed=seed) if auto else None
        self.cut_by_ = None
        if auto and self.truncation and (read is None or None in read.of_targets):  # a formula needs no mending
            rows, self.cut_by_ = truncation.mended(rows, seed)
        self._ranges = ranges.of(rows.x_RI, rows.y_RT)
        splits = self._splits = choice.inner_splits(rows, seed) if auto else []
        parts = [everything, *(split.trained for split in splits)]
        taken = [rows, *(rows.take(split.trained) for split in splits)]
        if self.cut_by_ is not None:  # and what lies below the edge of an inner split by a target is cut there
            for j, split in enumerate(splits):
                if split.target is not None:
                    taken[1 + j] = truncation.explained(taken[1 + j], split.target, seed).put_back(taken[1 + j])
        found: dict[str, list[Any]] = {}
        if auto:
            found |= _solved(PLAIN, taken)
            if read is not None and splits:
                found["formula"] = [read.refitted(each) for each in taken]
        # Too few rows to say what is to be believed; or what a cell and trees would have to learn was read.
        needless = auto and (not splits or ("formula" in found and None not in found["formula"][0].of_targets))
        if not needless:
            if auto:
                found |= _solved(_wide(seed), taken)
            found |= self._trained(rows, parts, taken, seed)
            if self.trees:
                found = self._with_trees(found, taken, seed)
        targets = rows.y_RT.shape[1]
        error_CJT = np.empty((len(found), len(splits), targets))
        for j, split in enumerate(splits):
            its_ranges = ranges.of(taken[1 + j].x_RI, taken[1 + j].y_RT)
            judged = rows.take(split.judged)
            counted = choice.counted(judged, its_ranges, split)
            for c, models in enumerate(found.values()):
                bounded = its_ranges.bound(models[1 + j].predict(judged.x_RI), judged.x_RI)
                error_CJT[c, j] = choice.errors(bounded, counted)
        self._error_CJT = error_CJT
        self.inner_errors_ = dict(zip(found, error_CJT, strict=True))
        self.weights_ = dict(zip(found, self._believed(self._evenly(1))[:, 0], strict=True))
        self._models = {name: models[0] for name, models in found.items()}
        self._high_T = np.quantile(rows.y_RT, 1 - choice.SHARE, axis=0)

    def _evenly(self, rows: int) -> np.ndarray:
        return np.full((rows, len(self._splits)), 1 / max(len(self._splits), 1))

    def _believed(self, say_RJ: np.ndarray) -> np.ndarray:
        """Returns how far each candidate is believed for each row and target, `[C, R, T]`."""
        return choice.weights(self._error_CJT, say_RJ)

    def _trained(self, rows: Rows, parts: list[np.ndarray], taken: list[Rows], seed: int) -> dict[str, list[Any]]:
        """Returns the cells, trained on each part of the rows."""
        padded = list(zip(parts, (its.y_RT for its in taken), strict=True))
        if self.cell == "auto":  # always as many trainings, so that they are one compiled program
            padded += [padded[0]] * (1 + choice.MOST_EDGES + 1 - len(parts))
        return {
            cell: cells.fit(
                rows, padded, [self.restarts, *[1] * (len(padded) - 1)], cell=cell, terms=self.terms,
                learning_rates=tuple(map(float, self.learning_rates)), steps=int(self.steps),
                batch=int(self.batch_size), patience=int(self.patience),
                validation_fraction=float(self.validation_fraction), seed=seed,
            )
            for cell in (AUTO_CELLS if self.cell == "auto" else (self.cell,))
        }  # fmt: skip

    def _with_trees(self, found: dict[str, list[Any]], taken: list[Rows], seed: int) -> dict[str, list[Any]]:
        """Returns the candidates with trees on what they leave, and with `cell="auto"` trees alone, too."""
        each = list(zip(taken, [trees.MANY, *[trees.FEW] * (len(taken) - 1)], strict=True))
        more = {}
        for name, models in found.items():
            if name == "linear" and "power law" in found and found["power law"][0].positive_T.all():
                continue  # a straight line through what is positive errs by much beyond the range of an input
            if name in IN_LOGS:  # of which trees are factors

                def multiplied(logs: Rows, number: int) -> Any:
                    return trees.on_what_is_left(plain.linear(logs), logs, seed, number)

                more[name + TREES] = [
                    plain.in_logs(rows, lambda logs, number=number: multiplied(logs, number), IN_LOGS[name])
                    for rows, number in each
                ]
            elif name in PLAIN or name in nalu.CELLS:
                pairs = zip(models, each, strict=False)
                more[name + TREES] = [trees.on_what_is_left(model, rows, seed, n) for model, (rows, n) in pairs]
            else:
                more[name] = models
        if self.cell == "auto":
            more["trees"] = [trees.alone(rows, seed, number) for rows, number in each]
        return more

    def _mix(self, x_RI: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the weighted mean and deviation over candidates and their starts, `[R, T]` each."""
        of_each = [
            np.array([self._ranges.bound(y_RT, x_RI) for y_RT in trees.voices(model, x_RI)])
            for model in self._models.values()
        ]
        mean_CRT = np.array([y_SRT.mean(axis=0) for y_SRT in of_each])
        believed_CRT = self._believed(self._evenly(len(x_RI)))
        if self._splits:
            room_T = self._ranges.y_high_T - self._high_T
            above_RT = (believed_CRT * mean_CRT).sum(axis=0) - self._high_T
            high_RT = np.clip(above_RT / np.where(room_T > 0, room_T, np.inf), 0.0, 1.0)
            believed_CRT = self._believed(choice.say(self._splits, self._ranges.beyond(x_RI), high_RT))
        mean_RT = (believed_CRT * mean_CRT).sum(axis=0)
        apart_CRT = np.array([((y_SRT - mean_RT) ** 2).mean(axis=0) for y_SRT in of_each])
        return mean_RT, np.sqrt((believed_CRT * apart_CRT).sum(axis=0))


def _wide(seed: int) -> dict[str, Any]:
    """Returns what solves an infinitely wide network, as it is and in logs."""
    return {
        "wide network": lambda rows: wide.wide(rows, seed),
        "wide network in logs": lambda rows: plain.in_logs(rows, lambda logs: wide.wide(logs, seed)),
    }


def _solved(solvers: dict[str, Any], taken: list[Rows]) -> dict[str, list[Any]]:
    """Returns the models that could be solved for every part of the rows."""
    each = {name: [solve(rows) for rows in taken] for name, solve in solvers.items()}
    return {name: models for name, models in each.items() if all(model is not None for model in models)}
