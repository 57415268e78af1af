"""Which reading of section 4.1 makes both halves of Table 1 come out? (a study beside Table 1)

The paper gives neither its inputs, nor the slices, nor the error that it scores. What a linear model and a NAC leave
of a product, a quotient or a power depends on little else, so their errors say which reading the paper's numbers can
come from. Its four columns are trained under seven readings.

    python -m experiments run table1_readings

Axes: S seeds, E evaluations, R readings, M models, O operations.
"""

import dataclasses
import itertools
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..lib.config import Count, Positive, Root, Size, at_most, check, require, require_divides, selects
from ..lib.report import Quantity, Table, paper, quantities_of
from ..lib.store.records import Finished, find
from ..lib.training.train import Train
from . import recipes, scores, training
from .tasks import OPERATIONS, Reading

VERSION = 1
PLACE = (4, 1, 3)  # in the paper: section, subsection, part
ARTEFACTS = ("table1_readings",)

MODELS = ("perceptrons", "nac", "nalu")
TITLE = "Which reading of section 4.1 makes both halves of Table 1 come out?"
WIDEN = 1.35
READINGS = {
    "A": Reading(0.0, 0.5, (5, 20), (5, 20), 0.5, 1.0, rule=False),
    "B": Reading(0.0, 0.5, (5, 20), (5, 20), 0.0, WIDEN * 0.5),
    "C": Reading(0.0, 0.5, (9, 11), (3, 3), 0.0, WIDEN * 0.5),
    "D": Reading(0.05, 0.95, (7, 9), (2, 2), 0.05, WIDEN * 0.95),
    "E": Reading(0.05, 0.95, (7, 9), (2, 2), 0.05, 2 * 0.95),
    "F": Reading(0.05, 0.95, (6, 10), (4, 4), 0.05, WIDEN * 0.95),
    "G": Reading(0.2, 1.2, (5, 7), (3, 3), 0.2, WIDEN * 1.2),
}
COLUMNS = ("None (linear)", "NAC", "ReLU6", "NALU")
FITTED = COLUMNS[:2]
PERCEPTRONS = ("ReLU6", "None (linear)")
KEPT = "F"  # Table 1's
FITTED_OPERATIONS = ("a*b", "a/b", "a^2", "sqrt(a)")  # of a+b and a-b every reading gives the paper's 0
HALF = 0.5  # added to both scores, so that those near 0 need not have the same ratio
FITS = {
    "both halves": ("score", scores.RANGES),
    "interpolation": ("score", ("interpolation",)),
    "extrapolation": ("score", ("extrapolation",)),
    "both halves, MSE": ("MSE score", scores.RANGES),
}
BLOCKS = ("fit", *scores.RANGES)
NOTES = (
    "A reading says what each of the 100 inputs is drawn from; how many of them a and b sum (two contiguous slices, "
    "drawn for each seed, that may overlap); and what the inputs are drawn from in extrapolation, where all items "
    "count or only those whose a, b or y exceeds its largest value in training. Table 1 uses the one that is kept.",
    "Score: 100 * RMSE / RMSE of random networks under the same reading. Fit: the mean of |log10((score + 0.5) / "
    "(paper + 0.5))| over product, quotient, square and square root of the linear model and the NAC, seed by seed; 0 "
    "would be the paper's table, 0.1 is a factor of 1.26 an entry. `MSE`: the same with 100 * MSE / MSE.",
    "The fit is in-sample: D is among the best of 800,000 combinations of inputs, slices, ranges and errors searched "
    "in closed form for just these numbers, so a few hundredths between readings are no evidence. F is kept "
    "because a NALU can learn to divide under it, as it hardly does under C, D and E.",
    "What brings the numbers close: the root mean squared error, a mild extrapolation (A to B; E to D) and a b "
    "shorter than a (B to C). Not explained by any reading tried: the linear model's 20.9 for a product inside, "
    "beside 4.3 for a square; the size of ReLU6's errors outside; a NALU that divides better outside than inside.",
    "The networks are trained as in Table 1, all but the NALU for half the steps. MSE scores are in the CSV file.",
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the study of readings; unless said otherwise as in the static half of Table 1."""

    seeds: Count = 10  # ours
    root: Root = 4111  # ours: other keys than Table 1's
    models: tuple[str, ...] = selects(MODELS, among=MODELS)  # ours: what to train
    inputs: Size = 100  # unstated; every public reproduction
    hidden: Size = 2  # unstated; every public reproduction
    perceptron_hidden: Size = 8  # ours
    nalu_steps: Count = 60_000  # ours
    nalu_learning_rate: Positive = 4e-2  # ours
    baseline_steps: Count = 10_000  # ours: half of Table 1's
    nac_learning_rate: Positive = 1e-2  # ours
    perceptron_learning_rate: Positive = 2e-3  # ours
    evaluations: Size = 5  # ours: checkpoints among which validation chooses
    items: Size = 1000  # ours: of validation and interpolation each, four times as many for extrapolation
    batch: Size = 32  # ours
    random_networks: Annotated[int, at_most(1000)] = 10  # ours: for each seed, to measure what the score calls 100

    def __post_init__(self) -> None:
        check(self)
        longest = max(reading.a_lengths[1] for reading in READINGS.values())
        require(self.inputs > longest, f"inputs is {self.inputs}, but must be above {longest}, the longest slice.")
        require_divides(self, "evaluations", "nalu_steps", "baseline_steps")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns the compiled programs; in each the readings follow one another."""
    return [{"model": model} for model in ("random", *cfg.models)]


def make_train(cfg: Config, *, model: str) -> Train:
    """Returns the training of one seed under all readings.

    They share its randomness, so that they differ in nothing but the reading, and one compiled program, since a
    reading is data. Metrics are those of `training` with a reading axis: `[S, E, R, ...]`.
    """

    def train_on(reading: Reading) -> Train:
        return training.make_train(
            recipes.static(cfg, model, PERCEPTRONS),
            reading,
            inputs=cfg.inputs,
            batch=cfg.batch,
            items=cfg.items,
            outside_items=4 * cfg.items,
            evaluations=cfg.evaluations,
        )

    readings_R = jax.tree.map(lambda *values: jnp.array(values), *READINGS.values())
    one = train_on(READINGS["A"])  # only where it starts does a training know its reading

    def init(key: jax.Array) -> Any:
        return jax.lax.map(lambda reading: train_on(reading).init(key), readings_R)

    def under_each(leg: Any) -> Any:
        return leg and (lambda state_R: jax.lax.map(leg, state_R))

    steps = len(READINGS) * one.network_steps
    return one._replace(init=init, leg=under_each(one.leg), finish=under_each(one.finish), network_steps=steps)


class Entry(NamedTuple):
    """What one entry of the paper's table becomes under one reading."""

    column: str
    range: str
    operation: str
    run: Finished
    values_S: dict[str, np.ndarray]  # by metric
    diverged_S: np.ndarray
    selected: int


def entries(results: list[Finished], r: int) -> list[Entry]:
    """Returns every entry that has been run, under reading `r`; the random networks must be among the results."""
    under = {
        run.variant["model"]: run._replace(arrays={name: array[:, :, r] for name, array in run.arrays.items()})
        for run in results
    }
    reference = scores.reference(under.pop("random"))
    lanes = {name: lane for lane, name in enumerate(PERCEPTRONS)} if "perceptrons" in under else {}
    found = {name: scores.errors_of(under["perceptrons"], lane) for name, lane in lanes.items()}
    found |= {model.upper(): scores.errors_of(run) for model, run in under.items() if model != "perceptrons"}
    listed = []
    for column, errors in found.items():
        relative, selected_O = scores.validated(errors)
        for name, (o, operation) in itertools.product(scores.RANGES, enumerate(OPERATIONS)):
            ratio_S = relative[name][:, o] / reference[name][o]
            values_S = {"score": 100 * np.sqrt(ratio_S), "MSE score": 100 * ratio_S}
            skipped_S = errors.nonfinite_SO[:, o] > 0
            listed.append(Entry(column, name, operation, errors.run, values_S, skipped_S, int(selected_O[o])))
    return listed


def fits(listed: list[Entry], row: str) -> list[Quantity]:
    """Returns how far from the paper's the entries of the linear model and the NAC are; each seed is a whole table."""
    fitted = [entry for entry in listed if entry.column in FITTED and entry.operation in FITTED_OPERATIONS]
    if {entry.column for entry in fitted} != set(FITTED):
        return []

    def away_S(entry: Entry, metric: str) -> np.ndarray:
        theirs = printed(entry.column, entry.range, entry.operation).number
        return np.abs(np.log10((entry.values_S[metric] + HALF) / (theirs + HALF)))

    diverged_S = np.any([entry.diverged_S for entry in fitted], axis=0)
    of = quantities_of(fitted[-1].run, "table1_readings", diverged_S=diverged_S)
    lines = []
    for column, (metric, ranges) in FITS.items():
        mean_S = np.mean([away_S(entry, metric) for entry in fitted if entry.range in ranges], axis=0)
        lines.append(of("fit", row, column, "fit", mean_S))
    return lines


def scored(entry: Entry, row: str) -> list[Quantity]:
    """Returns both scores of an entry; that of the squared error is in the file for programs alone."""
    selection = {"selected": entry.selected, "selected_by": "validation error"}
    of = quantities_of(entry.run, "table1_readings", diverged_S=entry.diverged_S, **selection)
    column = heading(entry.column, entry.range, entry.operation)
    success = scores.SUCCESS if entry.column == "NALU" else None
    return [
        of(block, row, column, metric, entry.values_S[metric], threshold=success)
        for metric, block in (("score", entry.range), ("MSE score", f"{entry.range}, MSE"))
    ]


def row_of(letter: str) -> str:
    """Returns a reading in short, e.g. "C: U[0, 0.5], a 9-11, b 3; outside U[0, 0.675]"."""
    low, high, a_lengths, b_lengths, outside_low, outside_high, rule = READINGS[letter]
    a, b = ("-".join(map(str, dict.fromkeys(lengths))) for lengths in (a_lengths, b_lengths))
    outside = f"U[{outside_low:g}, {outside_high:.4g}]{'' if rule else ', all'}"
    return f"{letter}{' (kept)' if letter == KEPT else ''}: U[{low:g}, {high:g}], a {a}, b {b}; outside {outside}"


def printed(column: str, range_: str, operation: str) -> paper.Printed:
    """Returns the paper's entry."""
    return paper.numbers("table1")[f"static {range_}", operation, column, "score"]


def heading(column: str, range_: str, operation: str) -> str:
    """Returns the column of this study that an entry of the paper's table becomes, with what the paper prints."""
    return f"{column.split()[0]} {operation} (paper {printed(column, range_, operation).value})"


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the study, or nothing until the random networks have been measured."""
    if find(results, model="random") is None:
        return []
    quantities = []
    for r, letter in enumerate(READINGS):
        listed = entries(results, r)
        quantities += fits(listed, row_of(letter))
        quantities += [line for entry in listed for line in scored(entry, row_of(letter))]
    shown = [
        heading(column, name, operation)
        for column, operation, name in itertools.product(COLUMNS, OPERATIONS, scores.RANGES)
        if column not in FITTED or operation in FITTED_OPERATIONS
    ]
    rows, columns = tuple(map(row_of, READINGS)), tuple(dict.fromkeys((*FITS, *shown)))
    return [Table("table1_readings", TITLE, BLOCKS, rows, columns, tuple(quantities), NOTES, 2, headline="median")]
