"""What the paper claims of its tables and figures, and whether our seeds bear it out.

The claims are data (`paper/claims.csv`, `arena/published/claims.csv`); this module is the one piece of code that tests
them.
A line names quantities by block, row, column and metric (each a `|` list, or `*` for whatever there is), a
relation, and what they are held against: a value, or the same quantity in other columns or rows (a `|` list: the
relation must hold against each). A seed bears a claim out if all its quantities do so in that seed; a
diverged seed counts as infinitely bad. Quantities with unequal numbers of seeds are compared over those they share.

Axes: S seeds.
"""

import functools
import itertools
import math
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from ..places import FOLDER, PAPER
from . import paper, statistics
from .artefacts import Quantity

HOLDS, PARTLY = 0.9, 0.1
RULE = (
    "A claim `holds` if it is true in at least 90 % of the seeds; `partly` if in at least 10 %, or if it is true of "
    "every selected seed; else it `fails`. It is `open` while runs that it needs are missing."
)


class Marks(NamedTuple):
    """How a verdict is marked on the page, in Markdown and in a terminal; `plural`: as a verb of several claims."""

    page: str
    markdown: str
    terminal: str
    plural: str


MARKS = {
    "holds": Marks("✓", "✅", "+", "hold"),
    "partly": Marks("◐", "🟡", "~", "partly"),
    "fails": Marks("✗", "❌", "-", "fail"),
    "open": Marks("○", "⚪", "?", "open"),
}
VERDICTS = tuple(MARKS)
RELATIONS = {"<": np.less, ">": np.greater}
NAMES = ("block", "row", "column", "metric")
COLUMNS = (
    *("artefact", "claim", "section", "seen", *NAMES, "relation"),
    *("reference_value", "reference_row", "reference_column", "note"),
)


class Claim(NamedTuple):
    """One claim and its test. Names are tuples; `("*",)` means whatever there is, an empty reference "the same"."""

    artefact: str
    claim: str
    section: str
    seen: str
    block: tuple[str, ...]
    row: tuple[str, ...]
    column: tuple[str, ...]
    metric: tuple[str, ...]
    relation: str
    reference_value: float | None
    reference_row: tuple[str, ...]
    reference_column: tuple[str, ...]
    note: str

    @property
    def doubt(self) -> str:
        """How we know of the claim, where it was not seen for sure."""
        return "" if self.seen == "sure" else f" ({self.seen})"

    @property
    def test(self) -> str:
        """The test in words that a reader can check against the tables."""
        block, row, column, metric = (
            ", ".join("all" if name == "*" else name for name in names)
            for names in (self.block, self.row, self.column, self.metric)
        )
        if self.reference_value is not None:
            against = f"{self.reference_value:g}"
        else:
            against = f"that of each of {', '.join((*self.reference_column, *self.reference_row))}"
        return f"{metric} of {column} ({block}; {row}) {self.relation} {against}"


class Verdict(NamedTuple):
    """What the seeds say of a claim.

    Attributes:
      verdict: one of `VERDICTS`, by `RULE`.
      share, low, high: share of seeds for which it holds with its 95 % Wilson interval; None while open.
      selected: whether the selected seeds bear it out; None where a quantity selects none.
      seeds: number of seeds it was tested on.
      records: digests of the runs that decide it; profiles: theirs.
      missing: the cells whose runs are not there.
    """

    claim: Claim
    verdict: str
    share: float | None = None
    low: float | None = None
    high: float | None = None
    selected: bool | None = None
    seeds: int = 0
    profiles: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def share_in_words(self) -> str:
        """In how many seeds it is true, "92 % [85, 96] of 100"; while it is open, how much is missing."""
        if self.verdict == "open":
            return f"missing: {len(self.missing)}" if self.missing else "not run"
        return f"{100 * self.share:.0f} % [{100 * self.low:.0f}, {100 * self.high:.0f}] of {self.seeds}"

    @property
    def selected_in_words(self) -> str:
        """Whether the selected seeds bear it out; nothing where none are."""
        return {True: "holds", False: "fails", None: ""}[self.selected]


def tally(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Returns how many of each verdict there are, in the order of `VERDICTS`, without those of which there is none."""
    counts = Counter(verdict.verdict for verdict in verdicts)
    return {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]}


def tally_in_words(verdicts: Iterable[Verdict]) -> str:
    """Returns the tally as a list of words, "3 hold, 1 fails"."""
    counts = tally(verdicts).items()
    return ", ".join(f"{count} {verdict if count == 1 else MARKS[verdict].plural}" for verdict, count in counts)


@functools.cache
def all_claims() -> tuple[Claim, ...]:
    """Returns the paper's claims in the order of the file, then those of others that a section keeps with its data."""
    kept = [PAPER / "claims.csv", *sorted(FOLDER.glob("*/published/claims.csv"))]
    return tuple(claim for path in kept for claim in parse(path.read_text(encoding="utf-8")))


def parse(text: str, *, name: str = "claims.csv") -> tuple[Claim, ...]:
    """Returns the claims in the text of a file called `name`.

    Raises:
      UserError: a line cannot be a claim; the sentence names the line and what is wrong with it.
    """
    return tuple(_claim(f"{name} line {line}", fields) for line, fields in paper.read_lines(text, COLUMNS, name=name))


def _claim(place: str, fields: dict[str, str]) -> Claim:
    for field in ("artefact", "claim", *NAMES):
        if not fields[field]:
            raise UserError(f"{place}: {field} is empty.")
    if fields["seen"] not in paper.SEEN:
        raise UserError(f"{place}: seen is {fields['seen']!r} but must be one of {', '.join(paper.SEEN)}.")
    if fields["relation"] not in RELATIONS:
        raise UserError(f"{place}: relation is {fields['relation']!r} but must be one of {', '.join(RELATIONS)}.")
    names = {field: tuple(fields[field].split("|")) for field in NAMES}
    references = {
        field: tuple(filter(None, fields[field].split("|"))) for field in ("reference_row", "reference_column")
    }
    if bool(fields["reference_value"]) == any(references.values()):
        raise UserError(f"{place}: give either a reference_value or a reference_row or reference_column.")
    try:
        value = float(fields["reference_value"]) if fields["reference_value"] else None
    except ValueError:
        value = math.nan
    if value is not None and not math.isfinite(value):
        raise UserError(f"{place}: reference_value is {fields['reference_value']!r}, which is not a number.")
    return Claim(**{**fields, **names, **references, "reference_value": value})


def evaluate(claims: tuple[Claim, ...], quantities: list[Quantity]) -> tuple[Verdict, ...]:
    """Returns the verdict on each claim; claims whose runs are not all among `quantities` are open."""
    return tuple(_evaluate(claim, [q for q in quantities if q.artefact == claim.artefact]) for claim in claims)


def _evaluate(claim: Claim, quantities: list[Quantity]) -> Verdict:
    by_name = {_names(quantity): quantity for quantity in quantities}
    wanted = [getattr(claim, field) for field in NAMES]
    matched = [q for names, q in by_name.items() if all(_fits(n, w) for n, w in zip(names, wanted, strict=True))]
    missing = [
        combination
        for combination in itertools.product(*wanted)
        if not any(all(_fits(n, (w,)) for n, w in zip(_names(q), combination, strict=True)) for q in matched)
    ]
    pairs = []  # (quantity, what it is held against: a quantity, or None for the value)
    for quantity in matched:
        if claim.reference_value is not None:
            pairs.append((quantity, None))
            continue
        rows, columns = claim.reference_row or (quantity.row,), claim.reference_column or (quantity.column,)
        for names in itertools.product((quantity.block,), rows, columns, (quantity.metric,)):
            if names in by_name:
                pairs.append((quantity, by_name[names]))
            else:
                missing.append(names)
    if missing or not pairs:
        return Verdict(claim, "open", missing=tuple(dict.fromkeys(" / ".join(names) for names in missing)))

    involved = [quantity for pair in pairs for quantity in pair if quantity is not None]
    seeds = min(len(quantity.values_S) for quantity in involved)
    relation = RELATIONS[claim.relation]
    holds_S = np.ones(seeds, bool)
    for quantity, reference in pairs:
        against = claim.reference_value if reference is None else statistics.values(reference)[:seeds]
        holds_S &= relation(statistics.values(quantity)[:seeds], against)
    selected = None
    if all(quantity.selected is not None for quantity in involved):
        selected = all(
            bool(relation(_selected(quantity), claim.reference_value if reference is None else _selected(reference)))
            for quantity, reference in pairs
        )
    share = float(holds_S.mean())
    return Verdict(
        claim,
        "holds" if share >= HOLDS else "partly" if share >= PARTLY or selected else "fails",
        share,
        *statistics.wilson(int(holds_S.sum()), seeds),
        selected=selected,
        seeds=seeds,
        profiles=tuple(sorted({quantity.profile for quantity in involved})),
        records=tuple(sorted({quantity.record for quantity in involved})),
    )


def _names(quantity: Quantity) -> tuple[str, ...]:
    return tuple(getattr(quantity, field) for field in NAMES)


def _fits(name: str, wanted: tuple[str, ...]) -> bool:
    return name in wanted or "*" in wanted


def _selected(quantity: Quantity) -> float:
    return statistics.values(quantity)[quantity.selected]
