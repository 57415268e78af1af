"""The regressor: plain models and cells, believed by how they extrapolate, and trees on what they leave.

Axes: R rows, I inputs, T targets, C candidates, J splits, S starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

import nalu
from nalu.sklearn import cells, choice, columns, formulas, plain, ranges
from nalu.sklearn.rows import Rows, distinct

PLAIN = {"linear": plain.linear, "power law": plain.power_law}
AUTO_CELLS = ("nalu", "real_npu")
TREES = {"n_estimators": 100, "min_samples_leaf": 3}


class NALURegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """A regressor for tables of numbers that is made to extrapolate.

    With `cell="auto"` the candidates are a linear model, a power law, the formula where one can be read off, and if not
    cells of this library. Each is judged where
    the rows of training end (see `nalu.sklearn.choice`), and the prediction is their mean, weighted by how little they
    err there. Trees then learn what is left, where that helps: a tree is constant beyond the rows that it knows, so it
    adds detail inside and a bounded correction outside.

    The result depends on the set of rows and their weights alone, not on their order; a row of weight 2 is a row given
    twice.

    Args:
      cell: "auto", or a name in `nalu.CELLS`: that cell alone, with an affine output.
      terms: outputs of the cell for each target, which an affine output adds up; None: 1 of NAC and NALU, 8 of others.
      trees: whether trees learn what is left: True, False, or "auto", which asks the inner splits.
      restarts: starts of each cell; their mean predicts, their spread is told.
      learning_rates: rates that each start is trained with side by side; the best in validation counts.
      steps: of Adam, at most; the rate falls as a cosine.
      batch_size: rows of a step.
      validation_fraction: share of the rows that each start holds back to choose rate and step by.
      patience: of 20 evaluations, how many may pass without an improvement of any start before all stop.
      random_state: seeds everything.

    Attributes:
      weights_: `{candidate: [T]}`, how far each candidate is believed.
      inner_errors_: `{candidate: [J, T]}`, mean absolute errors in the inner splits, of which the last is inside.
      trees_: whether trees learn what is left.
      n_features_in_, feature_names_in_: of the table it was fitted to.

    Source: Trask et al. 2018, arXiv 1808.00508, for the NALU; the affine output, the choice and the trees are ours.
    """

    def __init__(
        self,
        cell: str = "auto",
        *,
        terms: int | None = None,
        trees: bool | str = "auto",
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
        self._ranges = ranges.of(rows.x_RI, rows.y_RT)
        self._fit_candidates(rows, seed)
        self._fit_trees(rows, seed)
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
        mean_RT, spread_RT = self._mix(self._models, X, self._ranges)
        if self.trees_:
            mean_RT = mean_RT + self._forest.predict(X).reshape(mean_RT.shape)
        mean_RT = self._ranges.bound(mean_RT, X)
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
        if self.trees not in (True, False, "auto"):
            raise ValueError(f'trees is {self.trees!r}, but must be True, False or "auto".')
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
        splits = choice.inner_splits(rows, seed) if auto or self.trees == "auto" else []
        parts = [everything, *(split.trained for split in splits)]
        found: dict[str, list[Any]] = {}
        if auto:
            for name, solve in PLAIN.items():
                solved = [solve(rows.take(part)) for part in parts]
                if all(model is not None for model in solved):
                    found[name] = solved
            read = formulas.read_each(rows, seed=seed) if splits else None
            if read is not None:
                found["formula"] = [read.refitted(rows.take(part)) for part in parts]
        padded = parts
        if auto and splits:  # always as many trainings, so that they are one compiled program
            padded = parts + [everything] * (1 + choice.MOST_EDGES - len(splits))
        # Too few rows to say whether a cell is to be believed; or what a cell would have to learn was read.
        needless = not splits or ("formula" in found and None not in found["formula"][0].of_targets)
        for cell in (() if needless else AUTO_CELLS) if auto else (self.cell,):
            found[cell] = cells.fit(
                rows, padded, [self.restarts, *[1] * (len(padded) - 1)], cell=cell, terms=self.terms,
                learning_rates=tuple(map(float, self.learning_rates)), steps=int(self.steps),
                batch=int(self.batch_size), patience=int(self.patience),
                validation_fraction=float(self.validation_fraction), seed=seed,
            )  # fmt: skip
        targets = rows.y_RT.shape[1]
        error_CJT = np.empty((len(found), len(splits), targets))
        for j, split in enumerate(splits):
            its_ranges = ranges.of(rows.x_RI[split.trained], rows.y_RT[split.trained])
            judged = rows.take(split.judged)
            for c, models in enumerate(found.values()):
                bounded = its_ranges.bound(models[1 + j].predict(judged.x_RI), judged.x_RI)
                error_CJT[c, j] = choice.errors(bounded, judged)
        even_CT = np.full((len(found), targets), 1 / len(found))
        weight_CT = choice.weights(error_CJT) if splits else even_CT
        self.weights_ = dict(zip(found, weight_CT, strict=True))
        self.inner_errors_ = dict(zip(found, error_CJT, strict=True))
        self._models = {name: models[0] for name, models in found.items()}
        self._inner = [
            (split, {name: models[j] for name, models in found.items()}) for j, split in enumerate(splits, 1)
        ]

    def _mix(
        self, models: dict[str, Any], x_RI: np.ndarray, its_ranges: ranges.Ranges
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the weighted mean and deviation over candidates and their starts, `[R, T]` each."""
        voices, shares = [], []
        for name, model in models.items():
            each_SRT = model.each(x_RI) if hasattr(model, "each") else model.predict(x_RI)[None]
            for y_RT in each_SRT:
                voices.append(its_ranges.bound(y_RT, x_RI))
                shares.append(self.weights_[name] / len(each_SRT))
        voice_VRT, share_VT = np.array(voices), np.array(shares)
        mean_RT = np.einsum("vrt,vt->rt", voice_VRT, share_VT)
        variance_RT = np.einsum("vrt,vt->rt", (voice_VRT - mean_RT) ** 2, share_VT)
        return mean_RT, np.sqrt(variance_RT)

    def _fit_trees(self, rows: Rows, seed: int) -> None:
        """Fits trees to what the candidates leave, where they help the inner splits, inside and outside alike."""
        inner = self._inner
        del self._inner
        self.trees_ = bool(self.trees) and (self.trees != "auto" or self._trees_help(rows, inner, seed))
        if self.trees_:
            self._forest = self._grow(rows, self._models, self._ranges, seed)

    def _trees_help(self, rows: Rows, inner: list[Any], seed: int) -> bool:
        logs = []
        for split, models in inner:
            trained, judged = rows.take(split.trained), rows.take(split.judged)
            its_ranges = ranges.of(trained.x_RI, trained.y_RT)
            mean_RT, _ = self._mix(models, judged.x_RI, its_ranges)
            forest = self._grow(trained, models, its_ranges, seed)
            corrected_RT = its_ranges.bound(mean_RT + forest.predict(judged.x_RI).reshape(mean_RT.shape), judged.x_RI)
            without_T, with_T = choice.errors(mean_RT, judged), choice.errors(corrected_RT, judged)
            logs.append(np.mean(np.log((with_T + 1e-300) / (without_T + 1e-300))))
        return bool(logs) and float(np.mean(logs)) < 0

    def _grow(self, rows: Rows, models: dict[str, Any], its_ranges: ranges.Ranges, seed: int) -> ExtraTreesRegressor:
        mean_RT, _ = self._mix(models, rows.x_RI, its_ranges)
        left_RT = rows.y_RT - mean_RT
        forest = ExtraTreesRegressor(**TREES, random_state=seed)
        return forest.fit(rows.x_RI, left_RT[:, 0] if left_RT.shape[1] == 1 else left_RT, sample_weight=rows.weight_R)
