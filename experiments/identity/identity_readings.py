"""Which unstated setting brings the heights, and which the labels, of Figure 1? (a study beside Figure 1)

The paper states the network, the steps and the learning rate, and neither the optimiser, nor what a step is trained on,
nor the start. Its fifteen nonlinearities are trained under ten readings. The heights of its curves at both ends can be
read off its plot; which curve bears which name is less sure, since colours repeat in the legend.

    python -m experiments run figure1_readings

Axes: S seeds, N nonlinearities, E ends, B resamples.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ..lib.config import Count, Positive, Root, Size, at_most, check, require_divides, selects
from ..lib.networks import mlp
from ..lib.report import Curve, Figure, Panel, Quantity, Table, paper, quantities_of
from ..lib.report.statistics import PERCENT
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import training
from .identity import PAPER, POINTS_X

VERSION = 1
PLACE = (1, 1, 2)  # in the paper: section, subsection, part
ARTEFACTS = ("figure1_readings",)

OPTIMISERS: dict[str, Callable[[], optax.GradientTransformation]] = {
    "Adam": optax.scale_by_adam,
    "SGD": optax.identity,
    "SGD, momentum 0.9": lambda: optax.trace(decay=0.9),
    "RMSprop": lambda: optax.scale_by_rms(decay=0.99, eps=1e-8, eps_in_sqrt=False),  # PyTorch's
}
FRESH, INTEGERS, SINGLE = "fresh points", "the 11 integers", "one fresh point"


class Reading(NamedTuple):
    """What the paper does not state: the optimiser, the points of a step, the start of the weights."""

    optimiser: str
    points: str = FRESH
    start: str = "PyTorch's"

    @property
    def name(self) -> str:
        return f"{self.optimiser}; {self.points}; {self.start} start"


READINGS = {
    "A": Reading("Adam"),
    "B": Reading("SGD"),
    "C": Reading("SGD, momentum 0.9"),
    "D": Reading("RMSprop"),
    "E": Reading("Adam", INTEGERS),
    "F": Reading("SGD", INTEGERS),
    "G": Reading("Adam", SINGLE),
    "H": Reading("SGD", SINGLE),
    "I": Reading("Adam", start="Glorot's"),
    "J": Reading("SGD", start="Glorot's"),
}
KEPT = "A"  # Figure 1's
ENDS = {"x=-20": -20.0, "x=20": 20.0}
METRIC = "mean absolute error"
FITS = ("sorted", "by name")
RESAMPLES = 1000
NOTES = (
    "Heights: the mean over the seeds of |f(x) - x| at x = -20 and x = 20; the paper averages over its models, so "
    "means are held against its means. A seed that ended non-finite is left out of a mean, and counted as diverged.",
    "Sorted: the mean of |log10(ours / paper)| over the fifteen heights of an end, each in its order, the least with "
    "the least; 0.1 is a factor of 1.26 a curve. By name: the same, each with the one that the paper's legend gives "
    "the name. Intervals: bootstrap over seeds.",
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the study of readings; as in Figure 1 unless said otherwise."""

    seeds: Count = 100  # paper 1.1
    root: Root = 1809  # ours: other keys than Figure 1's
    readings: tuple[str, ...] = selects(tuple(READINGS), among=READINGS)  # ours: what to train
    hidden: Size = 8  # paper 1.1
    hidden_layers: Annotated[int, at_most(100)] = 3  # paper 1.1
    steps: Count = 10_000  # paper 1.1
    legs: Size = 5  # ours: how often a run can be stopped
    learning_rate: Positive = 1e-2  # paper 1.1
    batch: Size = 64  # ours: of fresh points
    train_limit: Positive = 5.0  # paper 1.1

    def __post_init__(self) -> None:
        check(self)
        require_divides(self, "legs", "steps")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each reading; nonlinearities are its lanes."""
    return [{"reading": letter, **READINGS[letter]._asdict()} for letter in cfg.readings]


def make_train(cfg: Config, *, reading: str, optimiser: str, points: str, start: str) -> Train:
    """Returns the training of one seed; its lanes are the nonlinearities."""
    sizes = (1, *[cfg.hidden] * cfg.hidden_layers, 1)
    limit = cfg.train_limit
    integers = jnp.arange(-np.floor(limit), np.floor(limit) + 1, dtype=jnp.float32)[:, None]
    batches = {
        FRESH: lambda key: training.uniform(key, cfg.batch, limit),
        INTEGERS: lambda key: integers,
        SINGLE: lambda key: training.uniform(key, 1, limit),
    }

    def init(key: jax.Array) -> Any:
        return mlp.mlp_init(key, sizes) if start == "PyTorch's" else glorot(key, sizes)

    return training.make_train(
        training.Learner(init, training.perceptrons(PAPER)),
        transform=OPTIMISERS[optimiser](),
        batches=batches[points],
        points_X=POINTS_X,
        cfg=cfg,
    )


def glorot(key: jax.Array, sizes: tuple[int, ...]) -> list[dict[str, jax.Array]]:
    """Returns the layers of `mlp.mlp_init` with w from U(-r, r), r = sqrt(6 / (I + O)), and b = 0 (Glorot 2010)."""
    layers = mlp.mlp_init(key, sizes)
    for layer in layers:
        inputs, outputs = layer["w"].shape
        layer["w"] = layer["w"] * (inputs**0.5) * (6 / (inputs + outputs)) ** 0.5  # which was U(-1, 1) / sqrt(I)
        layer["b"] = jnp.zeros_like(layer["b"])
    return layers


def heights(run: Finished) -> np.ndarray:
    """Returns |f(x) - x| at both ends, `[S, N, E]`; NaN where a seed's network ended non-finite."""
    error_SNX = np.asarray(run.arrays["error_X"][:, -1], np.float64)
    error_SNE = error_SNX[:, :, [int(np.flatnonzero(x == POINTS_X)[0]) for x in ENDS.values()]]
    return np.where(np.isfinite(error_SNE), error_SNE, np.nan)


def means(height_SNE: np.ndarray) -> np.ndarray:
    """Returns the mean over the seeds that ended finite, `[N, E]`; NaN where none did."""
    finite_SNE = np.isfinite(height_SNE)
    counts_NE = finite_SNE.sum(axis=0)
    totals_NE = np.where(finite_SNE, height_SNE, 0.0).sum(axis=0)
    return np.where(counts_NE > 0, totals_NE / np.maximum(counts_NE, 1), np.nan)


@functools.cache
def printed() -> np.ndarray:
    """Returns the heights of the paper's curves, `[N, E]`."""
    numbers = paper.numbers("figure1")
    return np.array([[numbers["identity", end, name, METRIC].number for end in ENDS] for name in PAPER])


def away(mean_NE: np.ndarray, *, by_name: bool) -> np.ndarray:
    """Returns how many decades heights are from the paper's in the mean, for each end `[E]`."""
    theirs_NE = printed()
    if not by_name:
        mean_NE, theirs_NE = np.sort(mean_NE, axis=0), np.sort(theirs_NE, axis=0)
    return np.nanmean(np.abs(np.log10(mean_NE / theirs_NE)), axis=0)


def row_of(letter: str) -> str:
    """Returns a reading's row, e.g. "A (kept): Adam; fresh points; PyTorch's start"."""
    return f"{letter}{' (kept)' if letter == KEPT else ''}: {READINGS[letter].name}"


def fits(run: Finished) -> list[Quantity]:
    """Returns how far a reading's heights are from the paper's, sorted and by name."""
    height_SNE = heights(run)
    seeds = len(height_SNE)
    drawn_BS = np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds))
    means_BNE = np.array([means(height_SNE[chosen_S]) for chosen_S in drawn_BS])
    of = quantities_of(run, "figure1_readings", diverged_S=np.zeros(1, bool))
    found = []
    for e, end in enumerate(ENDS):
        for fit in FITS:
            by_name = fit == "by name"
            value = away(means(height_SNE), by_name=by_name)[e]
            spread_B = [away(mean_NE, by_name=by_name)[e] for mean_NE in means_BNE]
            low, high = np.percentile(spread_B, PERCENT)
            made = of(
                "decades from the paper", row_of(run.variant["reading"]), f"{end}, {fit}", "fit", np.array([value])
            )
            found.append(made._replace(interval=(float(low), float(high))))
    return found


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns how far each reading is from the paper, and the height of every curve at x = 20."""
    quantities = [line for run in results for line in fits(run)]
    for run in results:
        height_SNE = heights(run)
        for n, name in enumerate(PAPER):
            diverged_S = run.arrays["nonfinite_steps"][:, -1, n] > 0
            of = quantities_of(run, "figure1_readings", diverged_S=diverged_S | np.isnan(height_SNE[:, n, 1]))
            quantities.append(of("height at x=20", row_of(run.variant["reading"]), name, METRIC, height_SNE[:, n, 1]))
    if not quantities:
        return []
    rows = tuple(row_of(run.variant["reading"]) for run in results)
    columns = tuple(dict.fromkeys(q.column for q in quantities))
    blocks = tuple(dict.fromkeys(q.block for q in quantities))
    title = "Which reading of section 1.1 brings the heights and the labels of Figure 1?"
    return [Table("figure1_readings", title, blocks, rows, columns, tuple(quantities), NOTES, 2, headline="median")]


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns the fifteen heights of each reading in their order, the highest first, over the paper's."""
    if not results:
        return []
    ranks_N = np.arange(1.0, len(PAPER) + 1)
    panels = []
    for e, end in enumerate(ENDS):
        curves = [Curve("the paper", ranks_N, np.sort(printed()[:, e])[::-1], style="truth")]
        for run in results:
            letter, mean_N = run.variant["reading"], means(heights(run))[:, e]
            curves.append(Curve(f"{letter}: {READINGS[letter].optimiser}", ranks_N, np.sort(mean_N)[::-1]))
        panels.append(Panel(end, "curve, the highest first", METRIC, tuple(curves), y_limits=(0.0, 20.0)))
    title = f"The heights of Figure 1 in their order, under {len(results)} readings (means of {cfg.seeds} seeds)"
    notes = ("Dotted: the paper's heights.", *(row_of(run.variant["reading"]) for run in results))
    return [Figure("figure1_readings", "figure1_readings", title, tuple(panels), notes)]
