"""What the records of a table say: errors with intervals, figures, the formula, and one paragraph in words.

Axes: R rows, T targets, I inputs, D distances.
"""

from typing import Any

import numpy as np

from ..lib.report import Curve, Figure, Panel, Quantity, Table, quantities_of
from ..lib.store.records import Finished
from . import columns, models, scores, splits

WHOLE, FORMULA = "all rows", "formula"
LONGEST = 400  # characters of a formula
MAE, RMSE, R2 = "mean absolute error", "root mean squared error", "R2"
GAIN = "gain over the MLP in %"
INSIDE = "inside: folds"
DRAWN = 2000  # points of a figure's panel
BINS = 8


def measured(
    table: columns.Table, parts: list[splits.Split], model: str, *, seed: int, steps: int
) -> dict[str, np.ndarray]:
    """Returns predictions of a model for the test rows of the parts, in their order, beside what is true of them.

    `distance_R` says how far a row lies beyond the range of training, added up over its inputs in widths of the ranges;
    0 inside.
    """
    predicted, distance = [], []
    for part in parts:
        train_RI, test_RI = table.x_RI[part.train], table.x_RI[part.test]
        predicted.append(models.predict(model, train_RI, table.y_RT[part.train], test_RI, seed=seed, steps=steps))
        distance.append(beyond(train_RI, test_RI))
    test = np.concatenate([part.test for part in parts])
    return {
        "prediction_RT": np.concatenate(predicted).astype(np.float32),
        "truth_RT": table.y_RT[test].astype(np.float32),
        "distance_R": np.concatenate(distance).astype(np.float32),
    }


def beyond(train_RI: np.ndarray, test_RI: np.ndarray) -> np.ndarray:
    """Returns how far test rows lie beyond the range of training, `[R]`; see `measured`. A missing value is inside."""
    low_I, high_I = np.nanmin(train_RI, axis=0), np.nanmax(train_RI, axis=0)
    width_I = np.where(high_I > low_I, high_I - low_I, 1.0)
    return np.nansum(np.maximum(np.maximum(low_I - test_RI, test_RI - high_I), 0.0) / width_I, axis=1)


def formulas(table: columns.Table, seed: int) -> dict[str, np.ndarray]:
    """Returns the formula of each target, as characters of a text that is empty where there is none."""
    from nalu.sklearn import formulas as reading
    from nalu.sklearn.rows import distinct

    there_R = np.isfinite(table.x_RI).all(axis=1)
    texts_T = np.zeros((len(table.targets), LONGEST), np.uint8)
    if there_R.any():
        rows = distinct(table.x_RI[there_R], table.y_RT[there_R], np.ones(int(there_R.sum())))
        for target, name in enumerate(table.targets):
            found = reading.read(rows.of_target(target), seed=seed)
            text = "" if found is None else found.text(table.inputs, name)
            code = np.frombuffer(text.encode()[:LONGEST], np.uint8)
            texts_T[target, : len(code)] = code
    return {"formula_T": texts_T}


def text_of(codes: np.ndarray) -> str:
    """Returns the text of characters as they are stored."""
    return bytes(codes[codes > 0].tolist()).decode(errors="ignore")


def block_of(split: str, quantile: float) -> str:
    """Returns how a split is called in tables."""
    return INSIDE if split == splits.FOLDS else f"beyond: above the {100 * quantile:g} % quantile of {split}"


def tables(cfg: Any, results: list[Finished], table: columns.Table, remarks: tuple[str, ...]) -> list[Table]:
    """Returns the table of errors; its notes begin with what it says in words."""
    found = _by_place(results)
    if not found:
        return []
    quantities: list[Quantity] = []
    for (split, model), run in found.items():
        other = found.get((split, models.MLP))
        for target, name in enumerate(table.targets):
            quantities += _quantities(run, other, block_of(split, cfg.quantile), name, model, target)
    parts = [split for split in (splits.FOLDS, *cfg.outside_of) if any(place[0] == split for place in found)]
    shown = tuple(model for model in models.NAMES if any(place[1] == model for place in found))
    title = f"{_name(cfg)}: errors inside of what is known, and beyond"
    notes = (*words(cfg, found, table), *_notes(cfg, results, table, remarks))
    blocks = tuple(block_of(split, cfg.quantile) for split in parts)
    return [Table("tabular", title, blocks, table.targets, shown, tuple(quantities), notes, 3, 1e6, "median")]


def _by_place(results: list[Finished]) -> dict[tuple[str, str], Finished]:
    return {(r.variant["split"], r.variant["model"]): r for r in results if r.variant["split"] != WHOLE}


def _errors(run: Finished, target: int) -> np.ndarray:
    """Returns the errors for one target, `[S, R]`."""
    return run.arrays["prediction_RT"][:, 0, :, target] - run.arrays["truth_RT"][:, 0, :, target]


def _quantities(
    run: Finished, other: Finished | None, block: str, row: str, column: str, target: int
) -> list[Quantity]:
    error_SR = _errors(run, target).astype(np.float64)
    truth_SR = run.arrays["truth_RT"][:, 0, :, target].astype(np.float64)
    of = quantities_of(run, "tabular", diverged_S=~np.isfinite(error_SR).all(axis=1))
    lines = []

    def add(metric: str, score: scores.Score) -> None:
        lines.append(of(block, row, column, metric, score.value_S)._replace(interval=(score.low, score.high)))

    add(MAE, scores.mean_absolute_error(error_SR))
    add(RMSE, scores.root_mean_squared_error(error_SR))
    explained = [scores.r2(truth_R, error_R) for truth_R, error_R in zip(truth_SR, error_SR, strict=True)]
    lines.append(of(block, row, column, R2, np.array(explained)))
    if other is not None and column != models.MLP:
        add(GAIN, scores.gain(error_SR, _errors(other, target)))
    return lines


def words(cfg: Any, found: dict[tuple[str, str], Finished], table: columns.Table) -> tuple[str, ...]:
    """Returns sentences: which model inside, which beyond, and whether that is more than noise."""
    said = []
    for split in (splits.FOLDS, *cfg.outside_of):
        its = {model: run for (part, model), run in found.items() if part == split}
        if not its:
            continue
        where = (
            "Inside (folds)" if split == splits.FOLDS else f"Beyond the {100 * cfg.quantile:g} % quantile of {split}"
        )
        clauses = []
        for target, name in enumerate(table.targets):
            error = {model: _errors(run, target).astype(np.float64) for model, run in its.items()}
            size = {model: float(np.median(np.abs(each_SR).mean(axis=1))) for model, each_SR in error.items()}
            best = min(size, key=lambda model: size[model])
            alike = [m for m in size if m != best and scores.gain(error[best], error[m]).low <= 0]
            clause = f"{name}: {best} errs least ({size[best]:.4g})"
            if alike:
                clause += f", no more than noise ahead of {', '.join(sorted(alike, key=lambda m: size[m]))}"
            if models.MLP in size and best != models.MLP and models.MLP not in alike:
                clause += f"; {scores.gain(error[best], error[models.MLP]).value:.0f} % less than the MLP"
            clauses.append(clause)
        said.append(f"{where}: {'; '.join(clauses)}.")
    return tuple(said)


def _notes(cfg: Any, results: list[Finished], table: columns.Table, remarks: tuple[str, ...]) -> tuple[str, ...]:
    read = [run for run in results if run.variant["split"] == WHOLE]
    notes = []
    if read:
        texts = [text_of(codes) for codes in read[0].arrays["formula_T"][0, 0]]
        each = [text or f"{name}: none" for text, name in zip(texts, table.targets, strict=True)]
        notes.append(f"Formula, where the rows determine one: {'; '.join(each)}.")
    rows, inputs = table.x_RI.shape
    told = "; ".join((*remarks, *table.remarks))
    notes.append(f"{rows:,} rows, {inputs} inputs{f'; {told}' if told else ''}.")
    notes.append(
        f"Intervals: 95 %, by resampling the test rows; {cfg.folds} folds; beyond an edge the rows up to the quantile "
        "train and those above it test. Every model is tuned inside its training rows. The gain compares mean absolute "
        "errors on the same rows; an interval without 0 is more than noise of the rows."
    )
    return tuple(notes)


def figures(cfg: Any, results: list[Finished]) -> list[Figure]:
    """Returns predicted against true of the regressor, and everybody's error against the distance from training."""
    found = _by_place(results)
    if not found:
        return []
    return [figure for figure in (_parity(cfg, found), _by_distance(cfg, found)) if figure is not None]


def _parity(cfg: Any, found: dict[tuple[str, str], Finished]) -> Figure | None:
    models_there = [model for model in (models.OURS, models.MLP) if (splits.FOLDS, model) in found]
    edge = next((split for split in cfg.outside_of if any(place[0] == split for place in found)), None)
    panels = []
    for model in models_there[:1]:
        for target, name in enumerate(cfg.targets):
            curves = []
            for split, label in ((splits.FOLDS, "inside: folds"), (edge, f"beyond: above {edge}")):
                run = found.get((split, model))
                if run is None:
                    continue
                truth_R = run.arrays["truth_RT"][0, 0, :DRAWN, target]
                curves.append(Curve(label, truth_R, run.arrays["prediction_RT"][0, 0, :DRAWN, target], style="points"))
            if not curves:
                continue
            values = np.concatenate([curve.x for curve in curves])
            line = np.linspace(values.min(), values.max(), 20)
            panels.append(
                Panel(name, "true", f"predicted by {model}", (*curves, Curve("exact", line, line, style="truth")))
            )
    if not panels:
        return None
    return Figure("tabular", "tabular_parity", f"{_name(cfg)}: predicted against true", tuple(panels))


def _by_distance(cfg: Any, found: dict[tuple[str, str], Finished]) -> Figure | None:
    shown = [m for m in ("linear", "power law", "boosted trees", models.MLP, "NALU", models.OURS) if _has(found, m)]
    panels = []
    for target, name in enumerate(cfg.targets):
        curves = []
        for model in shown:
            runs = [run for (_, its), run in found.items() if its == model]
            distance_R = np.concatenate([run.arrays["distance_R"].ravel() for run in runs])
            error_R = np.concatenate([np.abs(_errors(run, target)).ravel() for run in runs])
            order = np.argsort(distance_R, kind="stable")
            inside = int((distance_R == 0).sum())
            bins = [part for part in (order[:inside], *np.array_split(order[inside:], BINS)) if len(part)]
            x_D = np.array([np.median(distance_R[part]) for part in bins])
            y_D = np.array([np.median(error_R[part]) for part in bins])
            curves.append(Curve(model, x_D, y_D, style="extra" if model == models.OURS else "ours"))
        panels.append(Panel(name, "widths beyond the range of training, 0: inside", "absolute error", tuple(curves)))
    if not shown:
        return None
    note = "Medians over test rows of all splits: those inside, and those beyond in parts of equally many rows."
    return Figure("tabular", "tabular_distance", f"{_name(cfg)}: error by distance", tuple(panels), (note,))


def _has(found: dict[tuple[str, str], Finished], model: str) -> bool:
    return any(its == model for _, its in found)


def _name(cfg: Any) -> str:
    return "Steel" if not cfg.file else cfg.file.replace("\\", "/").rpartition("/")[2]
