"""Draws figures; with `pictures` and `curve_labels`, what knows matplotlib. The same figure gives the same bytes."""

import io
from collections.abc import Iterable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .. import printing
from ..artefacts import Curve, Figure, Gallery, Panel
from . import curve_labels, pictures
from .curve_labels import GREY, is_markers

COLUMNS = ("panel", "curve", "style", "x", "y", "low", "high")
# Okabe and Ito's colours for all kinds of sight, less yellow (pale on white) and black (ours besides the paper's).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
_TRUTH = {"color": GREY, "linestyle": "", "marker": "_", "markersize": 26, "markeredgewidth": 1.2, "zorder": 1.7}
_TRUTH_KEY = {**_TRUTH, "markersize": 14}
_MARKER = {"linestyle": "", "marker": "o", "markersize": 5, "markerfacecolor": "white"}
_TRUTH_POINTS = 12  # up to so many points are bars; more are a line
_ABREAST, _LEGEND_ROW = 6, 0.2  # names side by side in a legend, and the inches of a further row of them
_BELOW_ROW = 0.45  # inches between a row of pictures and the panels
_SHORT = 20  # the longest axis that keeps to whole numbers
_SETTINGS = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 10,
    "svg.hashsalt": "nalu",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444444",
    "axes.axisbelow": True,
}


def draw(figure: Figure | Gallery) -> dict[str, bytes]:
    """Returns the files of a figure by suffix: its pictures ("png", "svg") and exactly what they show ("csv").

    A gallery that moves is also an animation ("gif").
    """
    gallery = isinstance(figure, Gallery)
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, "backend": "agg", **_SETTINGS}):
        canvas = pictures.canvas(figure) if gallery else _canvas(figure)
        canvas.draw_without_rendering()
        drawn = canvas.get_tightbbox().padded(0.15)  # once for both: "tight" would lay the figure out again for each
        png, svg = io.BytesIO(), io.BytesIO()
        canvas.savefig(png, format="png", dpi=160, bbox_inches=drawn, metadata={"Software": None})
        canvas.savefig(svg, format="svg", bbox_inches=drawn, metadata={"Date": None, "Creator": None})
    lines = (pictures.COLUMNS, pictures.captions(figure)) if gallery else (COLUMNS, _points(figure))
    files = {"png": png.getvalue(), "svg": svg.getvalue(), "csv": printing.csv_bytes(*lines)}
    return files | ({"gif": pictures.gif(figure.pictures)} if gallery and figure.moving else {})


def _points(figure: Figure) -> Iterable[list[Any]]:
    for panel in figure.panels:
        for curve in panel.curves:
            bands = [np.full(len(curve.x), np.nan) if band is None else band for band in (curve.low, curve.high)]
            for point in zip(curve.x, curve.y, *bands, strict=True):
                yield [panel.title, curve.label, curve.style, *map(printing.drawn, point)]
            for s, line_X in enumerate([] if curve.each is None else curve.each):
                for x, y in zip(curve.x, line_X, strict=True):
                    yield [
                        panel.title,
                        f"{curve.label}, seed {s}",
                        "seed",
                        printing.drawn(x),
                        printing.drawn(y),
                        "",
                        "",
                    ]


def _canvas(figure: Figure) -> Canvas:
    """One or two panels stand side by side, their curves named at their ends; more make a grid with one legend."""
    n = len(figure.panels)
    grid = n > 2
    columns = 4 if n == 8 else min(n, 3)
    rows = -(-n // columns)
    size = (4.4 * columns, 3.6 * rows + 0.6) if grid else (7.2 * n + 2.6 * (n - 1), 5.4)
    canvas = Canvas(figsize=size)
    FigureCanvasAgg(canvas)
    looks = _looks(figure)
    spaces = {"wspace": 0.36, "hspace": 0.5} if grid else {"wspace": 0.55}
    places = canvas.subplots(rows, columns, squeeze=False, gridspec_kw=spaces).flatten()
    for axes, panel in zip(places, figure.panels, strict=False):
        _draw_panel(axes, panel, looks, name_curves=not grid)
    for axes in places[n:]:
        axes.remove()
    left = canvas.axes[0].get_position().x0
    top = 0.96 if grid else 1.0
    if figure.above:
        top = pictures.draw_row(canvas, figure.above, left, top + _BELOW_ROW / size[1])
    canvas.text(left, top, figure.title, fontsize=13, fontweight="bold", va="bottom")
    if grid:
        lines = {label: Line2D([], [], **look) for label, look in looks.items()}
        lines |= {c.label: Line2D([], [], **_TRUTH_KEY) for p in figure.panels for c in p.curves if c.style == "truth"}
        below = 0.04 if rows > 1 else -0.02
        place = {"loc": "upper center", "bbox_to_anchor": (0.5, below)}
        canvas.legend(lines.values(), lines, ncol=_ABREAST, frameon=False, **place)
        further = (-(-len(lines) // _ABREAST) - 1) * _LEGEND_ROW / size[1]
    if figure.notes:
        canvas.text(
            left,
            (-0.03 if rows > 1 else -0.09) - further if grid else -0.005,
            "\n".join(figure.notes),
            fontsize=8,
            color="#555555",
            va="top",
            linespacing=1.4,
        )
    return canvas


def _looks(figure: Figure) -> dict[str, dict[str, Any]]:
    """Returns colour and dashes by label; a label looks the same in all panels, our own columns are black."""
    looks: dict[str, dict[str, Any]] = {}
    for style, colours, width in (("ours", _COLOURS, 1.6), ("extra", ("#000000",), 2.2)):
        labels = dict.fromkeys(c.label for panel in figure.panels for c in panel.curves if c.style == style)
        for i, label in enumerate(label for label in labels if label not in looks):
            dashes = _DASHES[i // len(colours) % len(_DASHES)]
            looks[label] = {"color": colours[i % len(colours)], "linestyle": dashes, "linewidth": width}
    points = dict.fromkeys(c.label for panel in figure.panels for c in panel.curves if c.style == "points")
    for i, label in enumerate(points):
        looks[label] = {
            "color": _COLOURS[i % len(_COLOURS)],
            "linestyle": "",
            "marker": ".",
            "markersize": 3,
            "alpha": 0.6,
        }
    return looks


def _draw_panel(axes: Axes, panel: Panel, looks: dict[str, dict[str, Any]], *, name_curves: bool) -> None:
    axes.set(xlabel=panel.x_label, ylabel=panel.y_label, xscale=panel.x_scale, yscale=panel.y_scale)
    axes.grid(color="#e4e4e4", linewidth=0.7)
    axes.margins(x=0)
    for curve in panel.curves:
        if curve.style == "paper":
            _draw_paper(axes, curve, looks)
        elif curve.style == "points":
            axes.plot(curve.x, curve.y, label=curve.label, **looks[curve.label])
        elif curve.style == "truth":
            look = _TRUTH if len(curve.x) <= _TRUTH_POINTS else {"color": GREY, "linestyle": (0, (1, 2)), "zorder": 1.7}
            axes.plot(curve.x, curve.y, **look)
        else:
            _draw_ours(axes, curve, looks[curve.label])
    if panel.x_limits:
        axes.set_xlim(panel.x_limits)
    if panel.y_limits:
        axes.set_ylim(panel.y_limits)
    if panel.x_scale == "linear" and not panel.x_names:
        _keep_whole(axes, panel)
    if panel.x_names:
        axes.set_xticks(np.arange(len(panel.x_names)) + 1, panel.x_names)
        axes.margins(x=0.12)
        _write_values(axes, panel)
    has_bar = panel.training_range is not None
    if has_bar:
        _draw_training_range(axes, panel.training_range)
    axes.set_title(panel.title, fontsize=11, loc="left", pad=28 if has_bar else 8)
    if name_curves:
        curve_labels.write(axes, panel, looks)
    if any(is_markers(curve) for curve in panel.curves):
        marker = Line2D([], [], color="#444444", **_MARKER)
        axes.legend([marker], ["the paper"], loc="best", frameon=False, fontsize=9, handletextpad=0.1)


def _keep_whole(axes: Axes, panel: Panel) -> None:
    """Keeps the ticks of a short axis at whole numbers where all points are: there is no program of 2.5 digits."""
    x = np.concatenate([np.zeros(0), *(np.asarray(curve.x, float) for curve in panel.curves)])
    if len(x) and np.ptp(x) <= _SHORT and np.array_equal(x, np.round(x)):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _write_values(axes: Axes, panel: Panel) -> None:
    """Writes the heights of our own column's points above them."""
    around = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.6}
    for curve in panel.curves:
        for x, y in zip(curve.x, curve.y, strict=True) if curve.style == "extra" else ():
            axes.annotate(f"{y:.1f}", (x, y), (0, 7), textcoords="offset points", ha="center", fontsize=8, bbox=around)


def _draw_ours(axes: Axes, curve: Curve, look: dict[str, Any]) -> None:
    axes.plot(curve.x, curve.y, label=curve.label, **look)
    if curve.each is not None:
        axes.plot(curve.x, curve.each.T, color=look["color"], linewidth=0.5, alpha=0.5)
    if curve.low is not None and curve.high is not None:
        axes.fill_between(curve.x, curve.low, curve.high, color=look["color"], alpha=0.12, linewidth=0)


def _draw_paper(axes: Axes, curve: Curve, looks: dict[str, dict[str, Any]]) -> None:
    colour = looks.get(curve.label, {}).get("color", GREY)
    if is_markers(curve):
        axes.plot(curve.x, curve.y, color=colour, clip_on=False, zorder=1.9, **_MARKER)
    else:
        axes.plot(curve.x, curve.y, color=GREY, linewidth=0.9, zorder=1.8)


def _draw_training_range(axes: Axes, training_range: tuple[float, float]) -> None:
    low, high = training_range
    top = axes.get_xaxis_transform()
    axes.axvspan(low, high, color="#000000", alpha=0.035, linewidth=0, zorder=0)
    axes.plot(
        [low, high], [1.02, 1.02], transform=top, color="#333333", linewidth=5, solid_capstyle="butt", clip_on=False
    )
    axes.text(
        (low + high) / 2, 1.04, "training range", transform=top, ha="center", va="bottom", fontsize=9, color="#333333"
    )
