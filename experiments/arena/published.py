"""Our rates beside those that others published: data in `published/rates.csv` and `published/numbers.csv`."""

import csv
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..lib.places import PUBLISHED
from ..lib.report.artefacts import Table
from ..lib.store import records
from ..lib.store.records import Finished
from .report import PROTOCOL, Result, told

NOTE = (
    "p: how often two rates differ by as much or more if they are the same in truth, by Fisher's exact test; above "
    "0.05 the claim holds. Sources and how sure they are: `experiments/arena/published/rates.csv`."
)
NOTE_ERRORS = (
    "Medians of the mean squared error on the test range of what cannot be solved, where luck plays no part. Sources: "
    "`experiments/arena/published/numbers.csv`."
)


class Rate(NamedTuple):
    """A rate that somebody published: a line of `rates.csv`; `range` may be several, or `*` for all.

    `rule`: what they call solved. Nothing: the tolerance of 1e-5 at the chosen log; "first": the same at any log; a
    number: the mean squared error below which a seed must be.
    """

    protocol: str
    cell: str
    operation: str
    range: str
    seeds: int
    solved: int
    seen: str
    source: str
    rule: str = ""

    def solved_by(self, its: Result) -> np.ndarray:
        """Returns which of ours are solved by this rule, `[S, R]`."""
        if self.rule == "first":
            return its.solved_at_SR > 0
        return its.squared_SR < float(self.rule) if self.rule else its.test_SR < PROTOCOL

    @property
    def name(self) -> str:
        many = self.range.count("|") + 1
        where = "all ranges" if self.range == "*" else self.range if many == 1 else f"{many} ranges"
        return f"{self.cell}: {self.operation} in {where}"


@functools.cache
def rates(protocol: str) -> tuple[Rate, ...]:
    """Returns the published rates of a protocol."""
    made = []
    for line in read("rates"):
        numbers = {"seeds": int(line["seeds"]), "solved": int(line["solved"])}
        made.append(Rate(**{**line, **numbers}))
    return tuple(rate for rate in made if rate.protocol == protocol)


def with_published(experiment: str, results: list[Finished]) -> list[Finished]:
    """Returns finished runs and, where a cell of the user's own is among them, those that are published, after them."""
    if not any(":" in run.variant["cell"] for run in results):
        return results
    found = [records.read(path) for path in sorted((PUBLISHED / experiment).glob("*.json"))]
    variants = [run.variant for run in results]
    return [*results, *(run for run in found if run.variant not in variants)]


def read(name: str) -> list[dict[str, str]]:
    """Returns the lines of `published/<name>.csv`."""
    with open(Path(__file__).parent / "published" / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def beside_errors(protocol: str, results: Sequence[Result]) -> list[Table]:
    """Returns our median mean squared errors beside the published ones of a protocol, where there are both."""
    block, quantities = f"{protocol}, errors beside the published", []
    theirs = {(line["cell"], line["output"]): line for line in read("numbers") if line["protocol"] == protocol}
    for its in results:
        line = theirs.get((its.title, its.operation))
        if line is None or its.squared_SR is None:
            continue
        ours, published = float(np.median(its.squared_SR)), float(line["mean"])
        values = {"ours": ours, "published": published, "apart %": 100 * abs(ours / published - 1)}
        quantities += [
            told(its.run, ("arena", block, f"{its.title}: {its.operation}", name), name, np.array([value]))
            for name, value in values.items()
        ]
    if not quantities:
        return []
    rows = tuple(dict.fromkeys(q.row for q in quantities))
    title = f"The arena beside what others published: errors, {protocol}"
    columns, notes = ("ours", "published", "apart %"), (NOTE_ERRORS,)
    made = Table("arena", title, (block,), rows, columns, tuple(quantities), notes, decimals=2, headline="median")
    return [made._replace(cap=1e12)]


def beside(protocol: str, results: Sequence[Result]) -> list[Table]:
    """Returns our rates beside the published ones of a protocol, where there are both."""
    import scipy.stats  # takes half a second

    block, quantities = f"{protocol} beside the published", []
    for rate in rates(protocol):
        for its in results:
            if (its.title, its.operation) != (rate.cell, rate.operation):
                continue
            chosen = [r for r, name in enumerate(its.ranges) if rate.range == "*" or name in rate.range.split("|")]
            if not chosen:  # a record of other ranges
                continue
            solved_N = rate.solved_by(its)[:, chosen].ravel()
            ours, theirs = int(solved_N.sum()), rate.solved
            p = scipy.stats.fisher_exact([[ours, solved_N.size - ours], [theirs, rate.seeds - theirs]]).pvalue
            found = {"ours %": 100 * ours / solved_N.size, "published %": 100 * theirs / rate.seeds, "p": p}
            quantities += [
                told(its.run, ("arena", block, rate.name, name), name, np.array([value]))
                for name, value in found.items()
            ]
    if not quantities:
        return []
    rows = tuple(dict.fromkeys(q.row for q in quantities))
    columns = ("ours %", "published %", "p")
    title = f"The arena beside what others published: {protocol}"
    return [Table("arena", title, (block,), rows, columns, tuple(quantities), (NOTE,), decimals=2, headline="median")]
