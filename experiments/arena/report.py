"""What the arena shows: the board, success over the tolerance, how far it holds, and the numbers that others published.

Axes: S seeds, R ranges, F distances, T tolerances.
"""

import csv
import functools
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..lib.report.artefacts import Curve, Figure, Panel, Quantity, Table, quantity
from ..lib.store.records import Finished
from .tasks import FAR

PROTOCOL = 1e-5  # the tolerance at which the protocols call a seed solved
FLOOR = 1e-9  # the least relative error that is told: float32 knows no smaller one
TOLERANCES = np.logspace(-7, 0, 57)
SOLVED = "log10 of the error"
RULE = (
    "Error: the relative error on the test range, the tolerance at which weights that are off by as much have this mean "
    "squared error; its logarithm, -9 at least. Solved: below 1e-5, the protocols' tolerance. The parameters are those "
    "of the log with the least error inside the training range."
)


class Result(NamedTuple):
    """What one cell does at one operation, as one training says: errors `[S, R]`, and where they come from."""

    title: str
    operation: str
    ranges: tuple[str, ...]
    test_SR: np.ndarray
    solved_at_SR: np.ndarray  # steps to the protocol's tolerance; 0: never
    far_SRF: np.ndarray
    sparsity_SR: np.ndarray
    diverged_SR: np.ndarray
    run: Finished


def result(run: Finished, title: str, operation: str, ranges: Sequence[str]) -> Result:
    """Returns what a record of `training.make_train` says."""
    arrays = run.arrays
    return Result(
        title=title,
        operation=operation,
        ranges=tuple(ranges),
        test_SR=np.asarray(arrays["test"][:, -1], np.float64),
        solved_at_SR=arrays["solved_at"][:, -1, :, 0],
        far_SRF=np.asarray(arrays["far"][:, -1], np.float64),
        sparsity_SR=sparsity(arrays),
        diverged_SR=arrays["diverged"][:, -1],
        run=run,
    )


def sparsity(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Returns the sparsity error `[S, R]`: how far the weight that is farthest from -1, 0 and 1 is from them.

    Weights are the parameters whose name begins with w, of NAC's kind where there are those of a sign and a size.
    """
    params = {name.removeprefix("params/"): array[:, -1] for name, array in arrays.items() if "/" in name}
    errors = []
    for name, values in params.items():
        last = name.rpartition("/")[2]
        other = name[: -len(last)] + last.replace("w_hat", "m_hat", 1)
        if last.startswith("w_hat") and other in params:
            values = np.tanh(values) * _sigmoid(params[other])
        elif last.startswith("w_hat"):
            values = _sigmoid(values)
        elif not last.startswith(("w", "kernel")):
            continue
        size = np.abs(np.asarray(values, np.float64))
        off = np.minimum(size, np.abs(1 - size))
        errors.append(off.reshape(*off.shape[:2], -1).max(axis=2))
    return np.max(errors, axis=0) if errors else np.full(arrays["test"][:, -1].shape, np.nan)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


def logs(errors: np.ndarray) -> np.ndarray:
    """Returns log10 of errors, of `FLOOR` at least; inf where the error is not finite."""
    errors = np.asarray(errors, np.float64)
    return np.log10(np.where(np.isfinite(errors), np.maximum(errors, FLOOR), np.inf))


def board(
    artefact: str, protocol: str, results: Iterable[Result], notes: tuple[str, ...] = (), *, operations: Sequence[str]
) -> list[Table]:
    """Returns the board of one protocol: cells by operations, over all seeds and ranges."""
    quantities = []
    for its in results:
        place = (artefact, protocol, its.title, its.operation)
        errors_N, diverged_N = logs(its.test_SR).ravel(), its.diverged_SR.ravel()
        quantities.append(
            quantity(its.run, *place, SOLVED, errors_N, diverged_S=diverged_N, threshold=np.log10(PROTOCOL))
        )
        solved_SR = its.test_SR < PROTOCOL
        if solved_SR.any():
            steps_N = its.solved_at_SR[solved_SR & (its.solved_at_SR > 0)].astype(float)
            quantities.append(
                quantity(its.run, *place, "steps of the solved", steps_N, diverged_S=np.zeros(len(steps_N), bool))
            )
        if np.isfinite(its.sparsity_SR).any():
            quantities.append(
                quantity(
                    its.run,
                    *place,
                    "sparsity error",
                    its.sparsity_SR.ravel(),
                    diverged_S=np.zeros(its.test_SR.size, bool),
                )
            )
        cost = float(its.run.provenance.get("cpu_seconds", 0.0)) / its.test_SR.size
        quantities.append(
            quantity(its.run, *place, "CPU-seconds a network", np.array([cost]), diverged_S=np.zeros(1, bool))
        )
    if not quantities:
        return []
    rows = tuple(dict.fromkeys(q.row for q in quantities))
    title = f"The arena: {protocol}"
    counted = "A seed in one range counts as one; what the key calls seeds are these."
    return [
        Table(
            artefact, title, (protocol,), rows, tuple(operations), tuple(quantities), (RULE, counted, *notes),
            headline="median",
        )
    ]  # fmt: skip


def by_range(artefact: str, title: str, results: Iterable[Result], notes: tuple[str, ...] = ()) -> list[Table]:
    """Returns the errors of every cell in every range, a block for each operation."""
    quantities: list[Quantity] = []
    for its in results:
        for r, name in enumerate(its.ranges):
            place = (artefact, its.operation, name, its.title)
            quantities.append(
                quantity(
                    its.run, *place, SOLVED, logs(its.test_SR[:, r]), diverged_S=its.diverged_SR[:, r],
                    threshold=np.log10(PROTOCOL),
                )
            )  # fmt: skip
            steps_S = its.solved_at_SR[:, r][(its.test_SR[:, r] < PROTOCOL) & (its.solved_at_SR[:, r] > 0)]
            if len(steps_S):
                quantities.append(
                    quantity(
                        its.run, *place, "steps of the solved", steps_S.astype(float),
                        diverged_S=np.zeros(len(steps_S), bool),
                    )
                )  # fmt: skip
    if not quantities:
        return []
    blocks, rows, columns = (
        tuple(dict.fromkeys(getattr(q, name) for q in quantities)) for name in ("block", "row", "column")
    )
    return [Table(artefact, title, blocks, rows, columns, tuple(quantities), (RULE, *notes), headline="median")]


def success(results: Sequence[Result], operations: Sequence[str]) -> tuple[Panel, ...]:
    """Returns, for each operation, the share of networks whose error is below a tolerance."""
    panels = []
    for operation in operations:
        curves = []
        for its in results:
            if its.operation == operation:
                share_T = (its.test_SR.ravel()[:, None] < TOLERANCES).mean(axis=0)
                curves.append(Curve(its.title, TOLERANCES, share_T))
        if curves:
            mark = Curve(
                "the protocols' tolerance", np.array([PROTOCOL, PROTOCOL]), np.array([0.0, 1.0]), style="truth"
            )
            panels.append(
                Panel(
                    operation, "tolerance (relative error)", "share of seeds and ranges below it", (*curves, mark),
                    x_scale="log", y_limits=(-0.03, 1.03),
                )
            )  # fmt: skip
    return tuple(panels)


def far(results: Sequence[Result], operations: Sequence[str]) -> tuple[Panel, ...]:
    """Returns, for each operation, the error of the solved networks on numbers so many times those of training."""
    panels = []
    for operation in operations:
        curves = []
        for its in results:
            solved_SR = its.test_SR < PROTOCOL
            if its.operation == operation and solved_SR.sum() >= 5:
                errors_NF = 10 ** logs(its.far_SRF[solved_SR])
                low_F, median_F, high_F = np.percentile(errors_NF, (25, 50, 75), axis=0, method="nearest")
                shown = np.isfinite(median_F)
                curves.append(Curve(its.title, np.array(FAR)[shown], median_F[shown]))
        if curves:
            panels.append(
                Panel(
                    operation, "times the training range", "relative error of the solved, median", tuple(curves),
                    x_scale="log", y_scale="log",
                )
            )  # fmt: skip
    return tuple(panels)


def tolerance_table(artefact: str, protocol: str, results: Sequence[Result]) -> list[Table]:
    """Returns how the verdict on each cell and operation turns with the tolerance: percent of seeds and ranges."""
    tolerances = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    quantities = []
    for its, tolerance in itertools.product(results, tolerances):
        share_S = 100 * (its.test_SR < tolerance).mean(axis=1)
        quantities.append(
            quantity(
                its.run, artefact, f"{protocol}, over the tolerance", f"{its.title}: {its.operation}", f"{tolerance:g}",
                "solved %", np.array([share_S.mean()]), diverged_S=np.zeros(1, bool),
            )
        )  # fmt: skip
    if not quantities:
        return []
    rows = tuple(dict.fromkeys(q.row for q in quantities))
    notes = ("In percent of seeds and ranges; the protocols call solved what is below 1e-05.",)
    return [
        Table(
            artefact, "Success is a curve: solved as the tolerance grows", (f"{protocol}, over the tolerance",), rows,
            tuple(f"{tolerance:g}" for tolerance in tolerances), tuple(quantities), notes, decimals=0, headline="median",
        )
    ]  # fmt: skip


class Rate(NamedTuple):
    """A rate that somebody published: a line of `published/rates.csv`; `range` may be several, or `*` for all."""

    protocol: str
    cell: str
    operation: str
    range: str
    seeds: int
    solved: int
    seen: str
    source: str

    @property
    def name(self) -> str:
        many = self.range.count("|") + 1
        where = "all ranges" if self.range == "*" else self.range if many == 1 else f"{many} ranges"
        return f"{self.cell}: {self.operation} in {where}"


@functools.cache
def rates(protocol: str) -> tuple[Rate, ...]:
    """Returns the published rates of a protocol."""
    with open(Path(__file__).parent / "published" / "rates.csv", encoding="utf-8", newline="") as file:
        lines = [
            Rate(**{**line, "seeds": int(line["seeds"]), "solved": int(line["solved"])})
            for line in csv.DictReader(file)
        ]
    return tuple(line for line in lines if line.protocol == protocol)


def beside_published(artefact: str, protocol: str, results: Sequence[Result]) -> list[Table]:
    """Returns our rates beside the published ones, with the p of no difference by Fisher's exact test, two-sided."""
    import scipy.stats  # takes half a second

    block, quantities = f"{protocol} beside the published", []
    for rate in rates(protocol):
        for its in results:
            if (its.title, its.operation) == (rate.cell, rate.operation):
                chosen = [r for r, name in enumerate(its.ranges) if rate.range == "*" or name in rate.range.split("|")]
                solved_N = (its.test_SR[:, chosen] < PROTOCOL).ravel()
                ours, theirs = int(solved_N.sum()), rate.solved
                p = scipy.stats.fisher_exact([[ours, solved_N.size - ours], [theirs, rate.seeds - theirs]]).pvalue
                values = {"ours %": 100 * ours / solved_N.size, "published %": 100 * theirs / rate.seeds, "p": p}
                quantities += [
                    quantity(
                        its.run, artefact, block, rate.name, name, name, np.array([value]), diverged_S=np.zeros(1, bool)
                    )
                    for name, value in values.items()
                ]
    if not quantities:
        return []
    rows = tuple(dict.fromkeys(q.row for q in quantities))
    notes = (
        "p: of two rates that differ as much if they are the same in truth, by Fisher's exact test; above 0.05 the claim "
        "holds. Sources and how sure they are: `experiments/arena/published/rates.csv`.",
    )
    columns = ("ours %", "published %", "p")
    title = f"The arena beside what others published: {protocol}"
    return [Table(artefact, title, (block,), rows, columns, tuple(quantities), notes, decimals=2, headline="median")]


def figure(artefact: str, name: str, title: str, panels: tuple[Panel, ...], *notes: str) -> list[Figure]:
    """Returns a figure of panels, or none where there are none."""
    return [Figure(artefact, name, title, panels, tuple(notes))] if panels else []


def as_figures(protocol: str, results: Sequence[Result], operations: Sequence[str], name: str) -> list[Figure]:
    """Returns the figures of a protocol: success over the tolerance, and how far the solved networks hold."""
    note = "Each step of the curve is one network of a seed in one range."
    return [
        *figure(name, name, f"{protocol}: success over the tolerance", success(results, operations), note),
        *figure(name, f"{name}_far", f"{protocol}: how far the solved networks hold", far(results, operations)),
    ]


def none_diverged(values: Any) -> np.ndarray:
    """Returns that no seed diverged."""
    return np.zeros(len(values), bool)
