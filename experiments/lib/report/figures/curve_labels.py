"""Writes the names of curves beside their ends.

With `drawing` and `pictures`, what knows matplotlib.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..artefacts import Curve, Panel

GREY = "#8a8a8a"
_MARKERS_UP_TO = 5  # a curve of the paper's with so few points is drawn as hollow markers
_LABEL_GAP = 0.036  # of a panel's height, from one label to the next


def is_markers(curve: Curve) -> bool:
    """Says whether a curve is drawn as hollow markers: one of the paper's with few points."""
    return curve.style == "paper" and len(curve.x) <= _MARKERS_UP_TO


def write(axes: Axes, panel: Panel, looks: dict[str, dict[str, Any]]) -> None:
    """Writes each curve's name beside its right end, in the order of the ends, moved apart where they would overlap.

    Where the paper gives a height for that end, the name carries it, since colours and dashes repeat.
    """
    axes.autoscale_view()  # settles the limits that the transforms below need
    paper = {curve.label: f" (paper {curve.y[np.argmax(curve.x)]:.3g})" for curve in panel.curves if is_markers(curve)}
    ends = []  # (height of the end and its x in fractions of the axes, label, look, weight)
    for curve in panel.curves:
        seen = np.flatnonzero(np.isfinite(curve.x) & np.isfinite(curve.y))
        if is_markers(curve) or curve.style == "truth" or not len(seen):
            continue
        i = seen[np.argmax(np.asarray(curve.x)[seen])]
        x, y = axes.transAxes.inverted().transform(axes.transData.transform((curve.x[i], curve.y[i])))
        at = (float(np.clip(np.nan_to_num(y), 0, 1)), float(np.clip(x, 0, 1)))
        if curve.style == "paper":
            ends.append((*at, f"{curve.label} (paper)", {"color": GREY, "linewidth": 0.9}, "normal"))
        else:
            weight = "bold" if curve.style == "extra" else "normal"
            ends.append((*at, curve.label + paper.get(curve.label, ""), looks[curve.label], weight))
    ends.sort(key=lambda end: (end[0], end[2]))
    heights = _spread(np.array([end[0] for end in ends]))
    frame = {"transform": axes.transAxes, "clip_on": False}
    for (y, x, label, look, weight), height in zip(ends, heights, strict=True):
        axes.add_line(Line2D([x, 1.025], [y, height], color=look["color"], linewidth=0.6, **frame))
        axes.add_line(Line2D([1.025, 1.085], [height, height], **look, **frame))
        colour = GREY if look["color"] == GREY else "#222222"
        axes.text(1.095, height, label, va="center", fontsize=8.5, color=colour, fontweight=weight, **frame)


def _spread(heights: np.ndarray) -> np.ndarray:
    """Returns sorted heights moved apart as little as needed, kept within the axes."""
    if not len(heights):
        return heights
    gap = min(_LABEL_GAP, 1 / max(len(heights) - 1, 1))
    offsets = gap * np.arange(len(heights))
    return np.clip(_rising(heights - offsets), 0, 1 - offsets[-1]) + offsets


def _rising(values_N: np.ndarray) -> np.ndarray:
    """Returns the isotonic regression: what never falls and is nearest to the values by least squares.

    At i it is the greatest over j <= i of the least over k >= i of the mean of the values from j to k (Barlow 1972).
    """
    number = len(values_N)
    sums, places = np.concatenate([[0.0], np.cumsum(values_N)]), np.arange(number)
    lengths_JK = places[None] - places[:, None] + 1
    mean_JK = np.where(lengths_JK > 0, sums[1:][None] - sums[:-1][:, None], np.inf) / np.maximum(lengths_JK, 1)
    least_JI = np.minimum.accumulate(mean_JK[:, ::-1], axis=1)[:, ::-1]
    return np.where(lengths_JK > 0, least_JI, -np.inf).max(axis=0)
