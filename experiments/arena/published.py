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


class Rate(NamedTuple):
    """A rate that somebody published: a line of `rates.csv`; `range` may be several, or `*` for all."""

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
    lines = [Rate(**{**line, "seeds": int(line["seeds"]), "solved": int(line["solved"])}) for line in read("rates")]
    return tuple(line for line in lines if line.protocol == protocol)


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


def beside(protocol: str, results: Sequence[Result]) -> list[Table]:
    """Returns our rates beside the published ones of a protocol, where there are both."""
    import scipy.stats  # takes half a second

    block, quantities = f"{protocol} beside the published", []
    for rate in rates(protocol):
        for its in results:
            if (its.title, its.operation) != (rate.cell, rate.operation):
                continue
            chosen = [r for r, name in enumerate(its.ranges) if rate.range == "*" or name in rate.range.split("|")]
            solved_N = (its.test_SR[:, chosen] < PROTOCOL).ravel()
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
