"""A strip of dots, one for each seed of a quantity: what the page draws within a cell, and where.

Equal places are stacked. Seeds that diverged or lie beyond what the table prints stand at the edge, outside of the
scale, whose ends are written below it.
"""

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from .. import paper, statistics
from ..artefacts import Quantity

WIDTH, HEIGHT = 132, 26
LEFT, RIGHT, EDGE = 14, 118, 4  # the scale's ends, and how far from the border the edge is
_TALLEST = 14  # the greatest height of a stack
_COLUMN, _STEP = 3, 2.8  # between dots: along the scale, and at most upwards
_DECADES = 100  # errors that span so large a factor are on a logarithmic scale


class Scale(NamedTuple):
    """What the strip spans: from `low` to `high`; both NaN where no seed has a place on it."""

    low: float
    high: float
    logarithmic: bool

    def place(self, value: float) -> float:
        """Returns where a value stands; beyond the scale it is the edge."""
        if value < self.low or (math.isnan(self.low) and value < 0):
            return EDGE
        if not value <= self.high:
            return WIDTH - EDGE
        if self.low == self.high:
            return (LEFT + RIGHT) / 2
        along = math.log if self.logarithmic else float
        low, high = along(self.low), along(self.high)
        return LEFT + (RIGHT - LEFT) * (along(value) - low) / (high - low)


def scale(values_S: np.ndarray, reference: float, *, cap: float, higher_is_better: bool) -> Scale:
    """Returns the scale of seeds and a reference (the paper's value, or NaN): all of them that are up to the cap."""
    both = np.append(values_S, reference)
    shown = both[np.isfinite(both) & (np.abs(both) <= cap)]
    if not len(shown):
        return Scale(math.nan, math.nan, False)
    positive = shown[shown > 0]
    if not higher_is_better and shown.min() >= 0 and len(positive) and positive.max() >= _DECADES * positive.min():
        return Scale(float(positive.min()), float(positive.max()), True)
    return Scale(float(shown.min()), float(shown.max()), False)


class Strip(NamedTuple):
    """What is drawn of a quantity, in the coordinates of the drawing, whose box is `WIDTH` by `HEIGHT`.

    Attributes:
      words: the same for those who do not see it.
      median, paper: where our median and the paper's value stand; None where the paper has none.
      dots, beyond: how many seeds are stacked at each place, on the scale and at its edges, from left to right.
      step: between the dots of a stack.
      ends: what is written below the scale, from left to right; nothing where no seed has a place on it.
    """

    words: str
    median: int
    paper: int | None
    dots: dict[int, int]
    beyond: dict[int, int]
    step: float
    ends: tuple[str, ...]

    def height(self, dots: int) -> str:
        """A stack is drawn as one dotted line, so that a hundred dots are a few characters: a little above its last."""
        return f"{(dots - 1) * self.step + 0.1:.3g}"


def strip(quantity: Quantity, *, cap: float = math.inf) -> Strip:
    """Returns the strip of a quantity; seeds above `cap` stand at the edge."""
    values_S = statistics.values(quantity)
    printed = paper.printed(quantity)
    reference = printed.number if printed else math.nan
    its = scale(values_S, reference, cap=cap, higher_is_better=quantity.higher_is_better)
    median = statistics.middle(np.sort(values_S))
    at_S = [its.place(value) for value in values_S.tolist()]
    inside = Counter(LEFT + _COLUMN * round((x - LEFT) / _COLUMN) for x in at_S if EDGE < x < WIDTH - EDGE)
    beyond = Counter(round(x) for x in at_S if not EDGE < x < WIDTH - EDGE)
    step = min(_STEP, _TALLEST / max(1, *inside.values(), *beyond.values()))
    return Strip(
        words=_words(its, values_S, median, printed, sum(beyond.values())),
        median=round(its.place(median)),
        paper=round(its.place(reference)) if printed else None,
        dots=dict(sorted(inside.items())),
        beyond=dict(sorted(beyond.items())),
        step=step,
        ends=_ends(its),
    )


def _ends(its: Scale) -> tuple[str, ...]:
    if math.isnan(its.low):
        return ()
    middle = "log" if its.logarithmic else ""
    return (number(its.low), middle, number(its.high)) if its.low < its.high else ("", number(its.low), "")


def _words(its: Scale, values_S: np.ndarray, median: float, printed: paper.Printed | None, beyond: int) -> str:
    spans = "" if math.isnan(its.low) else f", scale from {number(its.low)} to {number(its.high)}"
    kind = " (logarithmic)" if its.logarithmic else ""
    edge = f", {beyond} at the edge" if beyond else ""
    theirs = f", the paper {printed.value}" if printed else ""
    return f"{len(values_S)} seeds: median {number(median)}{theirs}{spans}{kind}{edge}"


def number(value: float) -> str:
    """Returns a number with three digits, or all digits of a whole part of up to five."""
    return f"{value:.0f}" if 1000 <= abs(value) < 100_000 else f"{value:.3g}"
