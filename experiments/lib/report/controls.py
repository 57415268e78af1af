"""Does the multiplicative path of the NALU help where the paper uses it beyond section 4.1?

A NALU is a NAC and a multiplicative path with a gate. Where a section has both, the NAC is the control: the same
network, training and data without that path. `paper/controls.csv` names the pairs; this module compares them seed by
seed.

Axes: S seeds.
"""

import functools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..places import PAPER
from . import paper, statistics
from .artefacts import Artefact, Quantity, Table

NAME = "multiplicative_path"
COLUMNS = ("artefact", "section", "block", "column", "metric", "multiplies", "adds")
GAIN, WITH, WITHOUT = "gain", "with", "without"
WORST = 1e12  # what a seed that diverged counts as
VERDICTS = ("helps", "hurts", "makes no difference that these seeds can show")
NOTES = (
    "Gain: how much better a seed does with the path than without it, in the units of the metric (points of an "
    "accuracy or a reward, or how much smaller an error is); the two networks of a seed see the same data. In bold the "
    "median over seeds with its 95 % bootstrap interval.",
    "Helps, hurts: the interval of the gain lies on one side of 0. With several dozen comparisons at 95 % one or two "
    "are expected to do so by chance.",
    "In units of 1 the NAC of Table 3 cannot answer at all: the state of an LSTM is below 1 and so are a NAC's "
    "weights, so its answer stays below the number of hidden units, and a product is the only way out. In units of "
    "1000 there is no such bound, and the path does harm.",
)


class Control(NamedTuple):
    """One pair of rows, by the names that they have in their artefact, in several columns and metrics."""

    artefact: str
    section: str
    block: str
    column: tuple[str, ...]
    metric: tuple[str, ...]
    multiplies: str
    adds: str


@functools.cache
def all_controls() -> tuple[Control, ...]:
    """Returns the pairs in the order of the file."""
    name = "controls.csv"
    lines = paper.read_lines((PAPER / name).read_text(encoding="utf-8"), COLUMNS, name=name)
    many = ("column", "metric")
    return tuple(Control(**{**line, **{field: tuple(line[field].split("|")) for field in many}}) for _, line in lines)


def artefact(collected: Mapping[str, Artefact]) -> Artefact | None:
    """Returns the comparison of all pairs of which both have been run, as an artefact; None where there is none."""
    found = {(q.artefact, q.block, q.row, q.column, q.metric): q for a in collected.values() for q in a.quantities}
    quantities: list[Quantity] = []
    for its in all_controls():
        for column in its.column:
            for metric in its.metric:
                pair = [found.get((its.artefact, its.block, row, column, metric)) for row in (its.multiplies, its.adds)]
                if None not in pair:
                    quantities += compared(its, *pair)
    if not quantities:
        return None
    blocks, rows = (tuple(dict.fromkeys(getattr(q, field) for q in quantities)) for field in ("block", "row"))
    title = "Does the multiplicative path help beyond section 4.1?"
    notes = (in_words(quantities), *NOTES)
    table = Table(NAME, title, blocks, rows, (GAIN, WITH, WITHOUT), tuple(quantities), notes, 2, headline="median")
    return Artefact(NAME, [table], [], [])


def compared(control: Control, with_it: Quantity, without: Quantity) -> list[Quantity]:
    """Returns the gain of every seed, and the two that it is taken of; of unequal numbers of seeds those they share."""
    seeds = min(len(with_it.values_S), len(without.values_S))
    sign = 1.0 if better_when_higher(with_it) else -1.0
    pair = [sign * statistics.values(q)[:seeds] for q in (with_it, without)]
    bounded = [np.clip(values_S, -WORST, WORST) for values_S in pair]  # two that diverged: neither is better
    gain_S = bounded[0] - bounded[1]
    block = f"{control.section} {control.artefact}: {control.multiplies} against {control.adds}"
    place = {"artefact": NAME, "block": block, "row": f"{control.block}, {with_it.column}"}
    plain = {"selected": None, "selected_by": "", "threshold": None}
    gain = with_it._replace(**place, **plain, column=GAIN, metric=f"gain in {with_it.metric}", values_S=gain_S)
    return [
        gain._replace(higher_is_better=True, diverged=0),
        with_it._replace(**place, **plain, column=WITH),
        without._replace(**place, **plain, column=WITHOUT),
    ]


def better_when_higher(quantity: Quantity) -> bool:
    """Says whether more of a quantity is better: of an accuracy, and of a reward."""
    return quantity.higher_is_better or quantity.metric == "reward"


def in_words(quantities: list[Quantity]) -> str:
    """Returns in how many comparisons the path helps, hurts, or neither, and in which."""
    of: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
    gains = [q for q in quantities if q.column == GAIN]
    for quantity in gains:
        estimate = statistics.summarise(quantity)
        verdict = VERDICTS[0] if estimate.low > 0 else VERDICTS[1] if estimate.high < 0 else VERDICTS[2]
        of[verdict].append(f"{quantity.block.partition(':')[0]} {quantity.row}")
    counts = [f"{verdict} in {len(where)}" for verdict, where in of.items() if where]
    named = [f"It {verdict}: {'; '.join(where)}." for verdict, where in of.items() if where and verdict != VERDICTS[2]]
    return " ".join([f"Of {len(gains)} comparisons the path {', '.join(counts)}.", *named])
