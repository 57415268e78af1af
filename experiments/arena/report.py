"""What the arena shows: the board, success over the tolerance, how far it holds.

Axes: S seeds, R ranges, N networks (seeds times ranges), F distances, T tolerances.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..lib.report.artefacts import Curve, Figure, Panel, Quantity, Table, View, quantities_of
from ..lib.report.how_far import far_curve, far_panel
from ..lib.store.records import Finished

PROTOCOL = 1e-5  # the tolerance at which the protocols call a seed solved
EXACT = 1e-6  # the error of the true program is below: float32's rounding
FLOOR = 1e-9  # the least relative error that is told: float32 knows no smaller one
TOLERANCES = np.logspace(-7, 0, 57)
SNAPPED = "relative error at exact weights"
READ = (
    "Read exactly: the error after every weight is replaced by the exact one that it is nearest to (`nalu.snap`); if "
    "that is the true program, only rounding is left, below 1e-6."
)
FAR_SAYS = "Medians over the networks below 1e-5 on the test range, where there are five; 1e-9 is 1e-9 or less."
COUNTED = "A seed in one range counts as one: these are what the key calls seeds."


class Rule(NamedTuple):
    """What a protocol calls solved: the error that it goes by, below which it must be, and both in a sentence."""

    error: str
    below: float
    sentence: str


RELATIVE = Rule(
    "relative error",
    PROTOCOL,
    "Relative error: on the test range, the tolerance at which weights that are off by as much have this mean squared "
    "error; told as 1e-9 at least. Solved: below 1e-5, the protocols' tolerance. The parameters are those of the log "
    "with the least error inside the training range.",
)
SQUARED = Rule(
    "mean squared error",
    1e-5,
    "Mean squared error: on the test range, after the last step. Solved: below 1e-5, as the protocol has it.",
)


class Result(NamedTuple):
    """What one cell does at one operation, as one record says: errors `[S, R]`, and where they come from."""

    title: str
    operation: str
    ranges: tuple[str, ...]
    test_SR: np.ndarray
    snapped_SR: np.ndarray | None  # at exact weights
    solved_at_SR: np.ndarray  # steps to the protocol's tolerance; 0: never
    far_SRF: np.ndarray
    sparsity_SR: np.ndarray
    diverged_SR: np.ndarray
    run: Finished
    squared_SR: np.ndarray | None = None  # the mean squared error that a protocol goes by

    def errors_SR(self, rule: Rule) -> np.ndarray:
        """The errors that a rule goes by."""
        return self.squared_SR if rule.error == SQUARED.error else self.test_SR


def result(run: Finished, title: str, operation: str, ranges: Sequence[str]) -> Result:
    """Returns what a record of `training.make_train` says."""
    arrays = run.arrays
    return Result(
        title=title,
        operation=operation,
        ranges=tuple(ranges),
        test_SR=np.asarray(arrays["test"][:, -1], np.float64),
        snapped_SR=np.asarray(arrays["snapped"][:, -1], np.float64) if "snapped" in arrays else None,
        solved_at_SR=arrays["solved_at"][:, -1, :, 0],
        far_SRF=np.asarray(arrays["far"][:, -1], np.float64),
        sparsity_SR=sparsity(arrays),
        diverged_SR=arrays["diverged"][:, -1],
        run=run,
        squared_SR=np.asarray(arrays["squared"][:, -1], np.float64) if "squared" in arrays else None,
    )


def sparsity(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Returns the sparsity error `[S, R]`: how far the weight farthest from -1, 0 and 1 is from them; NaN without any.

    Weights are the parameters whose name begins with w, and kernels; tanh(w_hat) sigmoid(m_hat) where there are both.
    """
    params = {name: np.asarray(array[:, -1], np.float64) for name, array in arrays.items() if "/" in name}
    errors = [np.full(arrays["test"][:, -1].shape, np.nan)]
    for name, values in params.items():
        last = name.rpartition("/")[2]
        if not last.startswith(("w", "kernel")) or last.endswith("mc_fc"):  # those are behind a sigmoid of their own
            continue
        if last.startswith("w_hat"):
            other = name.replace("/w_hat", "/m_hat")
            values = np.tanh(values) * _sigmoid(params[other]) if other in params else _sigmoid(values)
        off = np.minimum(np.abs(values), np.abs(1 - np.abs(values)))
        errors.append(off.reshape(*off.shape[:2], -1).max(axis=2))
    return np.fmax.reduce(errors)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))


def floored(errors: np.ndarray) -> np.ndarray:
    """Returns errors, `FLOOR` at least; inf where one is not finite."""
    errors = np.asarray(errors, np.float64)
    return np.where(np.isfinite(errors), np.maximum(errors, FLOOR), np.inf)


def told(
    run: Finished,
    place: tuple[str, str, str, str],
    metric: str,
    values_N: np.ndarray,
    *,
    diverged_N: np.ndarray | None = None,
    below: float | None = None,
) -> Quantity:
    """Returns a quantity at (artefact, block, row, column).

    Args:
      below: of errors: what counts as solved.
    """
    values_N = np.asarray(values_N, np.float64)
    diverged_N = np.zeros(len(values_N), bool) if diverged_N is None else diverged_N
    artefact, block, row, column = place
    of = quantities_of(run, artefact, diverged_S=diverged_N)
    return of(block, row, column, metric, values_N, threshold=below)


def _steps(its: Result, chosen: np.ndarray) -> np.ndarray:
    return its.solved_at_SR[chosen & (its.test_SR < PROTOCOL) & (its.solved_at_SR > 0)]


def board(
    protocol: str,
    results: Sequence[Result],
    operations: Sequence[str],
    *notes: str,
    rule: Rule = RELATIVE,
    glance: tuple[str, str],
    front: bool = False,
) -> list[Table]:
    """Returns the board of one protocol: cells by operations, over all seeds and ranges; then what is read exactly.

    Args:
      glance: see `Table`.
      front: whether the README shows it.
    """
    quantities: list[Quantity] = []
    exact: list[Quantity] = []
    for its in results:
        everywhere = np.ones(its.test_SR.shape, bool)
        place, diverged_N = ("arena", protocol, its.title, its.operation), its.diverged_SR.ravel()
        quantities.append(_solved(its, place, rule, slice(None), diverged_N))
        if len(_steps(its, everywhere)):
            quantities.append(told(its.run, place, "steps of the solved", _steps(its, everywhere)))
        if not np.isnan(its.sparsity_SR).all():
            quantities.append(told(its.run, place, "sparsity error", its.sparsity_SR.ravel()))
        cost = float(its.run.provenance.get("cpu_seconds", 0.0)) / its.test_SR.size
        quantities.append(told(its.run, place, "CPU-seconds a network", np.array([cost])))
        if its.snapped_SR is not None:
            place = ("arena", f"{protocol}, read exactly", its.title, its.operation)
            exact.append(told(its.run, place, SNAPPED, floored(its.snapped_SR).ravel(), below=EXACT))
    view = View(protocol, tuple((protocol, operation) for operation in operations))
    made = _table("arena", f"The arena: {protocol}", quantities, rule.sentence, COUNTED, *notes, headline="share")
    made = [table._replace(columns=tuple(operations), front=(view,) if front else (), glance=glance) for table in made]
    read = _table("arena", f"The arena: {protocol}, read exactly", exact, READ, COUNTED, headline="share")
    return made + [table._replace(columns=tuple(operations)) for table in read]


def _solved(
    its: Result, place: tuple[str, str, str, str], rule: Rule, ranges: slice | int, diverged_N: np.ndarray
) -> Quantity:
    errors_N = floored(its.errors_SR(rule)[:, ranges]).ravel()
    return told(its.run, place, rule.error, errors_N, diverged_N=diverged_N, below=rule.below)


def by_range(
    artefact: str,
    title: str,
    results: Sequence[Result],
    *notes: str,
    rule: Rule = RELATIVE,
    settings: str = "published",
) -> list[Table]:
    """Returns the errors of every cell in every range, a block for each operation.

    Args:
      settings: of what column; blocks of another than the published say so, since an artefact's file has both.
    """
    said = "" if settings == "published" else f"{settings}, "
    quantities: list[Quantity] = []
    for its, r, name in ((each, r, name) for each in results for r, name in enumerate(each.ranges)):
        place = (artefact, f"{said}{its.operation}", name, its.title)
        quantities.append(_solved(its, place, rule, r, its.diverged_SR[:, r]))
        here = np.zeros(its.test_SR.shape, bool)
        here[:, r] = True
        if len(_steps(its, here)):
            quantities.append(told(its.run, place, "steps of the solved", _steps(its, here)))
    return _table(artefact, title, quantities, rule.sentence, *notes, headline="share")


def over_tolerance(artefact: str, protocol: str, results: Sequence[Result]) -> list[Table]:
    """Returns how the verdict on each cell and operation turns with the tolerance, in percent of seeds and ranges."""
    block, quantities = f"{protocol}, over the tolerance", []
    for its, tolerance in itertools.product(results, (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)):
        place = (artefact, block, f"{its.title}: {its.operation}", f"{tolerance:g}")
        quantities.append(told(its.run, place, "solved %", np.array([100 * (its.test_SR < tolerance).mean()])))
    title = "Success is a curve: solved as the tolerance grows"
    note = "In percent of seeds and ranges; the protocols call solved what is below 1e-05."
    return _table(artefact, title, quantities, note, decimals=0)


def _table(
    artefact: str,
    title: str,
    quantities: list[Quantity],
    *notes: str,
    decimals: int = 1,
    headline: str = "median",
) -> list[Table]:
    if not quantities:
        return []
    names = [tuple(dict.fromkeys(getattr(q, kind) for q in quantities)) for kind in ("block", "row", "column")]
    return [Table(artefact, title, *names, tuple(quantities), notes, decimals, headline=headline)]


def figures(
    artefact: str,
    protocol: str,
    results: Sequence[Result],
    operations: Sequence[str],
    *far_says: str,
    name: str | None = None,
) -> list[Figure]:
    """Returns the figures of a protocol: success over the tolerance, and how far the solved networks hold.

    Args:
      far_says: notes under the second.
      name: of the first file, if not the artefact's; the second's has `_far` added.
    """
    name = name or artefact
    of = {operation: [its for its in results if its.operation == operation] for operation in operations}
    shown = [
        (name, "success over the tolerance", _panels(of, success), ()),
        (f"{name}_far", "how far the solved networks hold", _panels(of, far), (FAR_SAYS, *far_says)),
    ]
    return [
        Figure(artefact, file, f"{protocol}: {title}", panels, notes) for file, title, panels, notes in shown if panels
    ]


def _panels(of: dict[str, list[Result]], panel: Callable[[str, list[Result]], Panel | None]) -> tuple[Panel, ...]:
    return tuple(made for operation, results in of.items() if (made := panel(operation, results)) is not None)


def success(operation: str, results: list[Result]) -> Panel | None:
    """Returns the share of networks whose error is below a tolerance, with the protocols' own marked."""
    if not results:
        return None
    curves = [Curve(its.title, TOLERANCES, (its.test_SR.ravel()[:, None] < TOLERANCES).mean(axis=0)) for its in results]
    mark = Curve("the protocols'", np.array([PROTOCOL, PROTOCOL]), np.array([0.0, 1.0]), style="extra")
    x_label, y_label = "tolerance (relative error)", "share of seeds and ranges"
    return Panel(operation, x_label, y_label, (*curves, mark), x_scale="log", y_limits=(-0.03, 1.03))


def far(operation: str, results: list[Result]) -> Panel | None:
    """Returns the median error of the solved networks on numbers so many times those of training."""
    solved = [(its.title, floored(its.far_SRF[its.test_SR < PROTOCOL])) for its in results]
    return far_panel(operation, [far_curve(title, error_NF) for title, error_NF in solved], (FLOOR / 3, 1e3))
