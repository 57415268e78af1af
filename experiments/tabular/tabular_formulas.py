"""Closed formulas, learnt in a corner of their box and asked for the rest of it (ours, not in the paper)

Twenty-four formulas of physics and engineering. A table of rows from the lower half of every input trains; rows of the
same corner, and rows from the rest of the box, test. Does a model follow the formula out of the corner, and does the
formula itself come back?

    python -m experiments run tabular_formulas --profile full

Expected: trees stay where they are; a power law is exact for products; the regressor reads the formula where it is a
sum of products of powers, and is then exact; ratios of sums, roots of sums and exponentials are no such sums.

Axes: W formulas, S seeds, T tables, R rows.
"""

import dataclasses
from typing import Annotated, Any

import numpy as np

from ..lib.config import DISTINCT, Count, NotNegative, Root, Size, at_most, check, selects
from ..lib.report import Curve, Figure, Panel, Quantity, Table, quantities_of
from ..lib.store.records import Finished
from ..lib.training.train import Measured
from . import models, physics
from .models import STEPS

VERSION = 3
PLACE = (9, 4)  # after the paper's
ARTEFACTS = ("tabular_formulas",)

MODELS = ("power law", "quadratic", "boosted trees", "Gaussian process", models.MLP, "NPU", models.OURS)
READING = "formula"
INSIDE, OUTSIDE, READ = "in the corner", "outside of the corner", "formula read"
ERROR = "median relative error in %"
ALL, BELOW_ONE = "all: median", "all: number below 1 %"
SOLVED = 1.0  # per cent


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the study of formulas; all ours."""

    seeds: Count = 1  # tables that every model learns
    readings: Size = 3  # tables that the formula is read off, for each seed
    root: Root = 9401
    models: tuple[str, ...] = selects(MODELS, among=MODELS)
    noises: Annotated[tuple[NotNegative, ...], DISTINCT] = selects((0.0, 0.05))  # of the target's deviation
    laws: Annotated[int, at_most(len(physics.LAWS))] = 24  # the first so many
    rows: Size = 300  # of training, and as many of each test
    steps: Size = STEPS  # of a cell's training

    def __post_init__(self) -> None:
        check(self)


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each noise and model, and one for reading the formula."""
    return [{"noise": noise, "model": model} for noise in cfg.noises for model in (*cfg.models, READING)]


def make_train(cfg: Config, *, noise: float, model: str) -> Measured:
    """Returns the measurement of one model on all formulas."""

    def measure(seed: int) -> dict[str, np.ndarray]:
        laws = physics.LAWS[: cfg.laws]
        if model == READING:
            return {
                "read_WT": np.array(
                    [
                        [_read(law, *_draw(cfg, seed, number, table, noise)[:2], seed) for table in range(cfg.readings)]
                        for number, law in enumerate(laws)
                    ]
                )
            }
        errors = [_errors(model, _draw(cfg, seed, number, 0, noise), cfg, seed) for number in range(len(laws))]
        inside_W, outside_W = np.array(errors).T
        return {"error_inside_W": inside_W, "error_outside_W": outside_W}

    return Measured(measure, network_steps=cfg.laws)


def _draw(cfg: Config, seed: int, number: int, table: int, noise: float) -> tuple:
    """Returns a table of a formula; the first is the one that models learn."""
    return draw(physics.LAWS[number], np.random.default_rng((cfg.root, seed, number, table)), cfg.rows, noise)


def draw(
    law: physics.Law, generator: np.random.Generator, rows: int, noise: float
) -> tuple[np.ndarray, np.ndarray, tuple, tuple]:
    """Returns rows to train on from the corner; and (x, y) without noise, from the corner and the rest of the box."""
    middle = (physics.LOW + physics.HIGH) / 2
    inputs = len(law.inputs)
    x_RI = generator.uniform(physics.LOW, middle, (rows, inputs))
    inside_RI = generator.uniform(physics.LOW, middle, (rows, inputs))
    outside_RI = generator.uniform(physics.LOW, physics.HIGH, (rows * 2**inputs, inputs))
    outside_RI = outside_RI[(outside_RI > middle).any(axis=1)][:rows]
    y_R = law.value(*x_RI.T)
    y_R = y_R + noise * y_R.std() * generator.standard_normal(rows)
    return x_RI, y_R, (inside_RI, law.value(*inside_RI.T)), (outside_RI, law.value(*outside_RI.T))


def _errors(model: str, drawn: tuple, cfg: Config, seed: int) -> list[float]:
    """Returns the median relative errors in per cent, in the corner and outside of it."""
    x_RI, y_R, *tests = drawn
    both_RI = np.concatenate([test_RI for test_RI, _ in tests])
    truth_R = np.concatenate([test_R for _, test_R in tests])
    predicted_R = models.predict(model, x_RI, y_R[:, None], both_RI, seed=cfg.root + seed, steps=cfg.steps)[:, 0]
    relative_R = 100 * np.abs(predicted_R - truth_R) / np.abs(truth_R)
    inside = len(tests[0][1])
    return [float(np.median(relative_R[:inside])), float(np.median(relative_R[inside:]))]


def _read(law: physics.Law, x_RI: np.ndarray, y_R: np.ndarray, seed: int) -> int:
    """Returns 1 for the true formula, -1 for another one, 0 for none."""
    from nalu.sklearn import formulas
    from nalu.sklearn.rows import distinct

    found = formulas.read(distinct(x_RI, y_R[:, None], np.ones(len(y_R))), seed=seed)
    if found is None:
        return 0
    return 1 if physics.same(law, found.exponent_KI) and found.offset == 0 else -1


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns errors inside and outside by formula and model, and how often the formula was read."""
    quantities: list[Quantity] = []
    laws = physics.LAWS[: cfg.laws]
    shown = tuple(m for m in (*MODELS, READING) if any(run.variant["model"] == m for run in results))
    blocks = []
    for noise in cfg.noises:
        its = [run for run in results if run.variant["noise"] == noise]
        for metric, name in ((OUTSIDE, "error_outside_W"), (INSIDE, "error_inside_W")):
            block = f"{metric}, {_noise(noise)}"
            blocks.append(block)
            for run in its:
                model = run.variant["model"]
                if model == READING:
                    continue
                error_SW = run.arrays[name][:, 0].astype(np.float64)
                of = quantities_of(run, "tabular_formulas", diverged_S=~np.isfinite(error_SW).all(axis=1))
                quantities += [of(block, law.name, model, ERROR, error_SW[:, i]) for i, law in enumerate(laws)]
                quantities.append(of(block, ALL, model, ERROR, np.median(error_SW, axis=1)))
                solved_S = (error_SW < SOLVED).sum(axis=1).astype(float)
                quantities.append(of(block, BELOW_ONE, model, ERROR, solved_S))
        block = f"{READ}, {_noise(noise)}"
        blocks.append(block)
        for run in its:
            if run.variant["model"] != READING:
                continue
            read_SWT = run.arrays["read_WT"][:, 0]
            of = quantities_of(run, "tabular_formulas", diverged_S=np.zeros(len(read_SWT), bool))
            for metric, meant in (("share of tables", 1), ("share read wrongly", -1)):
                share_SW = (read_SWT == meant).mean(axis=2)
                quantities += [of(block, law.name, READING, metric, share_SW[:, i]) for i, law in enumerate(laws)]
    if not quantities:
        return []
    rows = (*(law.name for law in laws), ALL, BELOW_ONE)
    title = "Formulas learnt in a corner of their box: median relative error in %"
    return [
        Table("tabular_formulas", title, tuple(blocks), rows, shown, tuple(quantities), _notes(cfg), 2, 1e4, "median")
    ]


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns the errors outside of the corner, from each model's best formula to its worst."""
    panels = []
    for noise in cfg.noises:
        curves = []
        for model in MODELS:
            run = next((r for r in results if r.variant == {"noise": noise, "model": model}), None)
            if run is not None:
                error_W = np.sort(np.median(run.arrays["error_outside_W"][:, 0], axis=0))
                style = "extra" if model == models.OURS else "ours"
                curves.append(Curve(model, np.arange(1.0, len(error_W) + 1), np.maximum(error_W, 1e-6), style=style))
        if curves:
            axis = "formulas, from the model's best to its worst"
            panels.append(Panel(_noise(noise), axis, ERROR, tuple(curves), y_scale="log"))
    title = "Outside of the corner"
    return [Figure("tabular_formulas", "tabular_formulas", title, tuple(panels))] if panels else []


def _noise(noise: float) -> str:
    return f"{100 * noise:g} % noise" if noise else "no noise"


def _notes(cfg: Config) -> tuple[str, ...]:
    return (
        f"Every input from {physics.LOW:g} to {physics.HIGH:g}; {cfg.rows} rows from the lower half of each train; "
        "as many of the same corner, and of the rest of the box, test. The noise is a share of the target's deviation; "
        "tests are without.",
        "A formula is read if all exponents are the true ones and there is no offset; ratios of sums, roots of sums, "
        "exponentials and sums of four terms are no formulas of the kind that is read.",
    )
