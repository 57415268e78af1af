"""The paper's score of section 4.1, from stored errors: 100 is a randomly initialised model, 0 is perfect.

The paper does not say which error it scores; the root mean squared error is what makes its table come out (see the
study of readings), and the same score of the mean squared error stands beside it.

The reference is one number a task and range: the median over many keys of the relative error of a plain
Glorot-initialised NALU-shaped network, whatever the model that is scored, for some models' own start already nearly
solves a task. Which checkpoint of a seed counts, and which seed is `selected`, is chosen by the error on validation
items from the training distribution, never by what is reported.

Axes: S seeds, E evaluations, O operations.
"""

from typing import NamedTuple

import numpy as np

from ..lib.report import Curve, Panel, Quantity, Table, quantities_of
from ..lib.report.how_far import far_curve, far_panel
from ..lib.store.records import Finished
from .tasks import DISTANCES, OPERATIONS

RANGES = ("interpolation", "extrapolation")
SUCCESS = 0.05  # ours: the score prints as 0.0 in the paper's table
SAID = "0.05 and below prints as 0.0; 100 is a randomly initialised network."


class Errors(NamedTuple):
    """What a run's evaluations measured for one column: relative mean squared errors, mean (f - y)^2 / mean y^2."""

    run: Finished
    validation_SEO: np.ndarray
    relative_SEO: dict[str, np.ndarray]  # by range, and as far beyond as was measured
    scale_SO: dict[str, np.ndarray]  # mean y^2, by range
    nonfinite_SO: np.ndarray  # optimiser steps skipped


def best_of_lanes(run: Finished) -> Errors:
    """Returns the errors of a run whose lanes M are starts that compete: each counts as a further evaluation."""

    def flat(name: str) -> np.ndarray:
        array_SEMO = run.arrays[name]
        return array_SEMO.reshape(array_SEMO.shape[0], -1, array_SEMO.shape[-1])

    return Errors(
        run=run,
        validation_SEO=flat("validation"),
        relative_SEO={name: flat(name) for name in _measured(run)},
        scale_SO={name: run.arrays[f"{name}_scale"][:, -1] for name in RANGES},
        nonfinite_SO=run.arrays["nonfinite_steps"][:, -1].sum(axis=1),
    )


def errors_of(run: Finished, lane: int | None = None) -> Errors:
    """Returns the errors of a run, or of one lane of a run that trains several models."""

    def pick(name: str) -> np.ndarray:
        return run.arrays[name] if lane is None else run.arrays[name][:, :, lane]

    return Errors(
        run=run,
        validation_SEO=pick("validation"),
        relative_SEO={name: pick(name) for name in _measured(run)},
        scale_SO={name: run.arrays[f"{name}_scale"][:, -1] for name in RANGES},
        nonfinite_SO=pick("nonfinite_steps")[:, -1],
    )


def _measured(run: Finished) -> tuple[str, ...]:
    return (*RANGES, *(name for name in DISTANCES if name in run.arrays))


def reference(run: Finished) -> dict[str, np.ndarray]:
    """Returns `{range: [O]}`: the median relative mean squared error of random networks `[S, 1, K, O]`."""
    return {name: np.median(run.arrays[name].reshape(-1, len(OPERATIONS)), axis=0) for name in RANGES}


def validated(errors: Errors) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns errors at the checkpoint of least validation error, and the seed of least `[O]`.

    The errors are `{range: [S, O]}`, with those of `DISTANCES` where they were measured.
    """
    validation_SEO = np.where(np.isfinite(errors.validation_SEO), errors.validation_SEO, np.inf)
    step_S1O = validation_SEO.argmin(axis=1)[:, None]
    relative = {
        name: np.take_along_axis(relative_SEO, step_S1O, axis=1)[:, 0].astype(np.float64)
        for name, relative_SEO in errors.relative_SEO.items()
    }
    return relative, np.take_along_axis(validation_SEO, step_S1O, axis=1)[:, 0].argmin(axis=0)


def quantities(half: str, columns: dict[str, Errors], random: dict[str, np.ndarray]) -> tuple[Quantity, ...]:
    """Returns score and raw error of every column, range and operation; `half` is "static" or "recurrent"."""
    lines = []
    for column, errors in columns.items():
        relative, selected_O = validated(errors)
        for name in RANGES:
            for o, operation in enumerate(OPERATIONS):
                selection = {"selected": int(selected_O[o]), "selected_by": "validation error"}
                of = quantities_of(errors.run, "table1", diverged_S=errors.nonfinite_SO[:, o] > 0, **selection)
                relative_S = relative[name][:, o]
                metrics = {
                    "score": 100 * np.sqrt(relative_S / random[name][o]),
                    "MSE score": 100 * relative_S / random[name][o],
                    "MSE": relative_S * errors.scale_SO[name][:, o],
                }
                for metric, values_S in metrics.items():
                    success = None if metric == "MSE" else SUCCESS
                    lines.append(of(f"{half} {name}", operation, column, metric, values_S, threshold=success))
    return tuple(lines)


def profile_panels(
    columns: dict[str, Errors], random: dict[str, np.ndarray], coloured: tuple[str, ...]
) -> tuple[Panel, ...]:
    """Returns, for every operation, the share of seeds whose extrapolation score is below x; some columns in colour."""
    grid_X = np.logspace(-5, 3, 161)
    relative = {column: validated(errors)[0]["extrapolation"] for column, errors in columns.items()}
    panels = []
    for o, operation in enumerate(OPERATIONS):
        reference = random["extrapolation"][o]
        curves = tuple(
            Curve(
                column,
                grid_X,
                np.mean(100 * np.sqrt(relative_SO[:, o, None] / reference) <= grid_X, axis=0),
                style="ours" if column in coloured else "extra",
            )
            for column, relative_SO in relative.items()
        )
        label = "extrapolation score"
        panels.append(Panel(operation, label, "share of seeds below", curves, None, (1e-5, 1e3), (0, 1), "log"))
    return tuple(panels) if columns else ()


def of_cells(half: str, cells: dict[str, Errors], random: dict[str, np.ndarray], *notes: str) -> list[Table]:
    """Returns the shares of seeds that solve, cells by operations, inside and outside; nothing without cells."""
    blocks, lines = {name: f"{half} {name}, every cell" for name in RANGES}, []
    for cell, errors in cells.items():
        relative, _ = validated(errors)
        for o, operation in enumerate(OPERATIONS):
            of = quantities_of(errors.run, "table1", diverged_S=errors.nonfinite_SO[:, o] > 0)
            for name, block in blocks.items():
                score_S = 100 * np.sqrt(relative[name][:, o] / random[name][o])
                lines.append(of(block, cell, operation, "score", score_S, threshold=SUCCESS))
    title = f"Table 1, {half}: every cell of the field"
    grid = tuple(blocks.values()), tuple(cells), tuple(OPERATIONS)
    return [Table("table1", title, *grid, tuple(lines), notes, headline="share")] if lines else []


def far_panels(columns: dict[str, Errors], random: dict[str, np.ndarray]) -> tuple[Panel, ...]:
    """Returns, for every operation, the median relative error of the seeds that extrapolate, the farther the inputs."""
    panels = []
    for o, operation in enumerate(OPERATIONS):
        curves = []
        for column, errors in columns.items():
            relative, _ = validated(errors)
            score_S = 100 * np.sqrt(relative["extrapolation"][:, o] / random["extrapolation"][o])
            if all(name in relative for name in DISTANCES):
                far_NF = np.sqrt([relative[name][score_S < SUCCESS, o] for name in DISTANCES]).T
                curves.append(far_curve(column, far_NF))
        panels.append(far_panel(operation, curves, (1e-8, 1.0)))
    return tuple(panel for panel in panels if panel is not None)
