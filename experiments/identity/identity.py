"""Do networks learn the identity outside the range they were trained on? (section 1.1, Figure 1)

A scalar goes in, through three hidden layers of 8, and should come out unchanged. Trained on [-5, 5] and tested on
[-20, 20], networks of all common nonlinearities fit the training range and fail outside, the more nonlinear the worse.
Beside the paper's fifteen stand the same network without a nonlinearity and with every layer replaced by a NAC or a
NALU, which a reviewer of the paper asked for.

    python -m experiments run figure1 --profile full     # 75 CPU-s on two cores of an AMD EPYC, and compiling

Axes: A activations, X points of the test range, B batch, S seeds, E legs.
"""

import dataclasses
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import nalu

from ..lib import cells
from ..lib.config import Count, Positive, Root, Size, at_most, check, require_divides, selects
from ..lib.networks import mlp
from ..lib.report import Curve, Figure, Panel, Table, paper, quantities_of
from ..lib.store.records import Finished, find
from ..lib.training import loop
from ..lib.training.train import Train
from . import training

VERSION = 1
PLACE = (1, 1)  # in the paper: section, subsection, part
ARTEFACTS = ("figure1",)

PAPER = (  # in the paper's legend order
    *("Hardtanh", "Sigmoid", "ReLU6", "Tanh", "Tanhshrink", "Hardshrink", "LeakyReLU", "Softshrink"),
    *("Softsign", "Threshold", "ReLU", "PReLU", "Softplus", "ELU", "SELU"),
)
GROUPS = ("nonlinearities", "nac", "nalu")
OURS = ("None (linear)", "NAC", "NALU")
POINTS_X = np.arange(-20.0, 20.5, 0.5, dtype=np.float32)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of Figure 1."""

    seeds: Count = 100  # paper 1.1: 100 models a point
    root: Root = 1808  # ours: the root of the reported keys
    models: tuple[str, ...] = selects(GROUPS, among=("nonlinearities", *nalu.CELLS))  # ours: what to train
    hidden: Size = 8  # paper 1.1
    hidden_layers: Annotated[int, at_most(100)] = 3  # paper 1.1
    steps: Count = 10_000  # paper 1.1
    legs: Size = 5  # ours: how often a run can be stopped
    learning_rate: Positive = 1e-2  # paper 1.1; the optimiser is unstated: Adam, as Zakka's reproduction
    batch: Size = 64  # unstated; ours: fresh points from U[-5, 5]
    train_limit: Positive = 5.0  # paper 1.1

    def __post_init__(self) -> None:
        check(self)
        require_divides(self, "legs", "steps")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns the compiled programs: all nonlinearities are one, each cell another."""
    return [{"model": model} for model in cfg.models]


def make_train(cfg: Config, *, model: str) -> Train:
    """Returns the training of one seed; its lanes are the nonlinearities, or the one cell."""
    sizes = (1, *[cfg.hidden] * cfg.hidden_layers, 1)
    if model == "nonlinearities":
        init_one = lambda key: mlp.mlp_init(key, sizes)  # noqa: E731
        applies = training.perceptrons((*PAPER, "None"))
    else:
        layers = [nalu.CELLS[model](features) for features in sizes[1:]]

        def init_one(key: jax.Array) -> Any:
            keys = jax.random.split(key, len(layers))
            return [
                layer.init(key_layer, jnp.zeros((1, inputs)))
                for layer, key_layer, inputs in zip(layers, keys, sizes[:-1], strict=True)
            ]

        def apply_cell(params: Any, x: jax.Array, rngs: Any) -> jax.Array:
            for layer, variables in zip(layers, params, strict=True):
                x = layer.apply(variables, x, rngs=rngs)
            return x

        applies = [apply_cell]

    return training.make_train(
        training.Learner(init_one, applies),
        transform=optax.scale_by_adam(),
        batches=lambda key: training.uniform(key, cfg.batch, cfg.train_limit),
        points_X=POINTS_X,
        cfg=cfg,
        regulariser=loop.regulariser(model, cfg.steps),
    )


def errors(results: list[Finished]) -> dict[str, tuple[np.ndarray, np.ndarray, Finished]]:
    """Returns `{column: (absolute error [S, X], skipped steps [S], run)}` for every column that has been run."""
    columns = {}
    groups = (("nonlinearities", (*PAPER, OURS[0])), ("nac", (OURS[1],)), ("nalu", (OURS[2],)))
    known = {model for model, _ in groups}
    others = tuple((name, (cells.title_of(name),)) for name in nalu.CELLS if name not in known)
    for model, names in groups + others:
        run = find(results, model=model)
        for lane, name in enumerate(names if run else ()):
            columns[name] = (run.arrays["error_X"][:, -1, lane], run.arrays["nonfinite_steps"][:, -1, lane], run)
    return columns


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the errors at both ends, inside and outside of the training range."""
    inside_X = np.abs(POINTS_X) <= cfg.train_limit
    rows = {
        "x=-20": POINTS_X == -20,
        "x=20": POINTS_X == 20,
        f"inside [-{cfg.train_limit:g}, {cfg.train_limit:g}]": inside_X,
        "outside": ~inside_X,
    }
    columns = errors(results)
    quantities = []
    for row, within_X in rows.items():
        for column, (error_SX, skipped_S, run) in columns.items():
            of = quantities_of(run, "figure1", diverged_S=skipped_S > 0)
            # In float64: some cells' products end at the largest number of float32, whose sum it does not hold.
            mean_S = error_SX[:, within_X].mean(axis=1, dtype=np.float64)
            quantities.append(of("identity", row, column, "mean absolute error", mean_S))
    limit = f"{cfg.train_limit:g}"
    title = f"Figure 1 in numbers: mean absolute error of the identity, trained on [-{limit}, {limit}]"
    notes = (
        "The paper's heights are read off its plot; colours repeat in its legend, so which curve bears which name is "
        "likely, not sure.",
        "Unstated in the paper, ours: Adam, batches of fresh points, PyTorch's default start, Threshold(1, 0).",
    )
    grid = ("identity",), tuple(rows), tuple(columns)
    return [Table("figure1", title, *grid, tuple(quantities), notes, decimals=2, headline="median")]


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns the paper's picture, beside it the same with our own columns, and one of the field's other cells."""
    columns = errors(results)
    printed = paper.numbers("figure1")

    def mean(name: str) -> Curve:
        return Curve(name, POINTS_X, _mean_over_seeds(columns[name][0]))

    def quartiles(name: str) -> np.ndarray:
        return np.percentile(np.nan_to_num(columns[name][0], nan=np.inf), (25, 50, 75), axis=0)

    def median(name: str) -> Curve:
        low_X, middle_X, high_X = quartiles(name)
        return Curve(name, POINTS_X, middle_X, low_X, high_X, style="extra")

    def median_alone(name: str) -> Curve:
        return Curve(name, POINTS_X, quartiles(name)[1])

    def heights(name: str) -> Curve:
        rows = (("x=-20", -20.0), ("x=20", 20.0))
        read = [printed["identity", row, name, "mean absolute error"].number for row, _ in rows]
        return Curve(name, np.array([x for _, x in rows]), np.array(read), style="paper")

    ours = tuple(name for name in OURS if name in columns)
    others = tuple(name for name in columns if name not in (*PAPER, *OURS))
    seeds = max((run.provenance["seeds"] for _, _, run in columns.values()), default=0)
    frame = {
        "x_label": "x",
        "y_label": "mean absolute error |f(x) - x|",
        "training_range": (-cfg.train_limit, cfg.train_limit),
        "x_limits": (-20.0, 20.0),
        "y_limits": (0.0, 20.0),
    }
    theirs = tuple(name for name in PAPER if name in columns)
    panels = (
        Panel("the paper's nonlinearities (mean)", curves=(*map(mean, theirs), *map(heights, theirs)), **frame),
        Panel("our columns (median, band: quartiles)", curves=tuple(map(median, ours)), **frame),
    )
    title = f"Learning the identity on [-{cfg.train_limit:g}, {cfg.train_limit:g}] ({seeds} seeds)"
    lost = {name: int(np.sum(~np.isfinite(error_SX).all(axis=1))) for name, (error_SX, _, _) in columns.items()}
    notes = [
        "Hollow marks: the paper's heights at the ends, read off its plot; which mark bears which name is likely only."
    ]
    notes += [f"{name}: without {count} seeds that ended non-finite." for name, count in lost.items() if count]
    made = [Figure("figure1", "figure1", title, panels, tuple(notes))]
    if others:
        panel = Panel("median over the seeds", curves=tuple(map(median_alone, others)), **frame)
        made.append(Figure("figure1", "figure1_cells", f"{title}: the field's other cells", (panel,)))
    return made


def _mean_over_seeds(error_SX: np.ndarray) -> np.ndarray:
    """The paper averages over its models; a seed whose network ended non-finite would hide all others, so it is left
    out of the curve, and counted in the table."""
    return np.nanmean(np.where(np.isfinite(error_SX), error_SX, np.nan), axis=0)
