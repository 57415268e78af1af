"""The report as one page that needs nothing but itself: `report.html`.

Every table with the seeds behind its numbers, every figure, every claim with its verdict, and where it all comes from.
How it looks is in the template, `page.html`, and its style sheet; here is what they are given.
"""

import base64
import html
import io
import json
import math
import re
from pathlib import Path
from typing import NamedTuple

import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image

from ...store.records import Finished
from .. import claims, paper, printing, tables
from ..artefacts import Artefact, Figure, Gallery, Panel, Picture, Quantity, Table
from ..index import Summary
from ..statistics import summarise
from ..tables import Cell, Grid, Published
from .strip import strip

# A third of the bytes, where SVG with its glyphs takes more. The colours of curves come out right to 6 of 255; with 64
# colours, where there are many bands, two of them become one.
_COLOURS = 256
_EXAMPLE = np.array([0.2, 0.3, 0.3, 0.4, 0.4, 0.4, 0.5, 0.5, 0.6, 0.9, np.inf])


class Part(NamedTuple):
    """What the page shows of one artefact.

    Attributes:
      drawn: the files of each figure by suffix, by the figure's name.
      published: the published numbers, beside a user's own run; empty: not shown.
    """

    summary: Summary
    artefact: Artefact
    drawn: dict[str, dict[str, bytes]]
    published: Published


class Section(NamedTuple):
    """A section of the page; of an artefact that has not been run it has the claims alone, and no title."""

    name: str
    verdicts: list[claims.Verdict]
    title: str = ""
    part: Part | None = None


def render_page(parts: list[Part], verdicts: tuple[claims.Verdict, ...]) -> bytes:
    """Returns the HTML file; artefacts of which nothing has been run yet are there with their open claims."""
    of = {part.summary.artefact: part for part in parts}
    sections = []
    for name in dict.fromkeys([*of, *sorted(verdict.claim.artefact for verdict in verdicts)]):
        its = [verdict for verdict in verdicts if verdict.claim.artefact == name]
        sections.append(Section(name, its, _title(of[name]), of[name]) if name in of else Section(name, its))
    page = _template().render(
        sections=sections,
        verdicts=verdicts,
        smoke=any("smoke" in part.summary.profiles for part in parts),
        example=Quantity("", "", "", "", "", _EXAMPLE, "", "", ""),
        style=Markup(_beside("page.css")),
        script=Markup(_beside("page.js")),
    )
    return page.encode()


def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "duration": printing.duration,
        "facts": _facts,
        "gif": lambda data: _address("image/gif", data),
        "png": png_address,
        "prose": prose,
        "run_name": _run_name,
        "strip": lambda quantity, cap: strip(quantity, cap=cap),
        "tally": claims.tally,
        "words": _words,
    }
    environment.globals |= {
        "further": _further,
        "glance": tables.at_a_glance,
        "grids": tables.grids,
        "infinite": math.inf,
        "key": tables.key,
        "marks": claims.MARKS,
        "moons": printing.MOONS_SAY,
        "rule": claims.RULE,
    }
    return environment.from_string(_beside("page.html"))


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _title(part: Part) -> str:
    """What the tables are of; only of an artefact without any, what the figures show."""
    if any(table.glance for table in part.artefact.tables):  # too many to be named
        return part.artefact.tables[0].title.partition(":")[0]
    return "; ".join(dict.fromkeys(table.title for table in part.artefact.tables)) or part.summary.title


def prose(note: str) -> Markup:
    """Returns a sentence of a note as HTML; what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(note)))


def _facts(verdict: claims.Verdict) -> list[str]:
    """Returns what is known of a claim and its verdict."""
    facts = [f"section {verdict.claim.section}"] if verdict.claim.section else []
    decided = verdict.verdict != "open"
    if verdict.seeds != 1:  # else one number of all seeds is tested
        facts.append(f"true in {verdict.share_in_words} seeds" if decided else verdict.share_in_words)
    facts += [f"on the selected seeds it {verdict.selected_in_words}"] if verdict.selected is not None else []
    facts += [f"profile {', '.join(verdict.profiles)}"] if verdict.profiles else []
    return facts + ([f"records {', '.join(verdict.records)}"] if verdict.records else [])


def _run_name(run: Finished) -> str:
    variant = [f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in run.variant.items()]
    return f"{run.experiment}: {', '.join(variant)}" if variant else run.experiment


def _further(table: Table, main: list[Grid]) -> tuple[tuple[str, ...], list[Grid]]:
    """Returns the metrics that are not in the main grids, and a grid for each metric and block of them.

    One with far more columns than rows is turned on its side.
    """
    shown = {id(cell.quantity) for its in main for _, cells in its.lines for cell in cells}
    others = [quantity for quantity in table.quantities if id(quantity) not in shown]
    made = []
    for metric, block in dict.fromkeys((quantity.metric, quantity.block) for quantity in others):
        its = {(q.row, q.column): q for q in others if (q.metric, q.block) == (metric, block)}
        rows = _in_order({row for row, _ in its}, (*table.rows, *(row for row, _ in its)))
        columns = _in_order({column for _, column in its}, (*table.columns, *(column for _, column in its)))
        if len(columns) > 3 * len(rows):
            its = {(column, row): quantity for (row, column), quantity in its.items()}
            rows, columns = columns, rows
        cells = tuple(tuple(_raw(its.get((row, column))) for column in columns) for row in rows)
        title = f"{metric}: {block}"
        made.append(Grid(title, title, rows, columns, cells))
    return tuple(dict.fromkeys(quantity.metric for quantity in others)), made


def _in_order(names: set[str], order: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(order) if name in names)


def _raw(quantity: Quantity | None) -> Cell | None:
    if quantity is None:
        return None
    estimate = summarise(quantity)
    interval = f"[{printing.raw(estimate.low)}, {printing.raw(estimate.high)}]"
    printed = paper.printed(quantity)
    details = (interval, printing.percent(estimate), f"paper {printed.value}{printed.doubt}" if printed else "")
    return Cell(printing.raw(estimate.median), tuple(filter(None, details)), quantity=quantity)


def _words(figure: Figure | Gallery) -> str:
    """Says in words what a figure shows: its axes and curves, or its pictures and their captions."""
    if isinstance(figure, Gallery):
        return ". ".join([figure.title, *map(_picture, figure.pictures)])
    return ". ".join([figure.title, *map(_picture, figure.above), *map(_panel, figure.panels)])


def _panel(panel: Panel) -> str:
    curves = dict.fromkeys(curve.label + (" (the paper)" if curve.style == "paper" else "") for curve in panel.curves)
    return f"{panel.title}: {panel.y_label} against {panel.x_label}, of {', '.join(curves)}"


def _picture(picture: Picture) -> str:
    return f"{picture.title}: {picture.caption}".replace("\n", "; ")


def png_address(png: bytes) -> str:
    """Returns the picture of a PNG file, in a palette of its own, as a `data:` address that holds it."""
    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    small.save(buffer, format="PNG", optimize=True)
    return _address("image/png", min(buffer.getvalue(), png, key=len))


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
