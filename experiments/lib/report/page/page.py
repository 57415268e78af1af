"""The report as one page that needs nothing but itself: `report.html`.

Every table with the seeds behind its numbers, every figure, every claim with its verdict, and where it all comes from.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import claims, printing
from ..artefacts import Artefact, Quantity
from ..index import Summary
from ..table_files import Published
from .claims import claims_html, filter_html, tally
from .figure import Drawn, figure_html
from .markup import grid, prose, text
from .records import records_html
from .strip import strip
from .table import table_html

_HEADER = ("artefact", "claims", "seeds", "profile", "device", "wall time", "date", "command")
_PAPER = "https://arxiv.org/abs/1808.00508"


class Part(NamedTuple):
    """What the page shows of one artefact.

    Attributes:
      drawn: the files of each figure by suffix, by the figure's name.
      published: the published numbers, beside a user's own run; empty: not shown.
    """

    summary: Summary
    artefact: Artefact
    drawn: dict[str, Drawn]
    published: Published


def render_page(parts: list[Part], verdicts: tuple[claims.Verdict, ...]) -> bytes:
    """Returns the HTML file; artefacts of which nothing has been run yet are there with their open claims."""
    of = {name: [v for v in verdicts if v.claim.artefact == name] for name in _names(parts, verdicts)}
    not_run = [name for name in of if name not in {part.summary.artefact for part in parts}]
    sections = [_section(part, of[part.summary.artefact]) for part in parts]
    sections += [_not_run(name, of[name]) for name in not_run]
    smoke = any("smoke" in part.summary.profiles for part in parts)
    titles = {part.summary.artefact: _title(part) for part in parts} | dict.fromkeys(not_run, "not run yet")
    body = "\n".join(
        [
            '<a class="skip" href="#overview">To the results</a>',
            _opening(smoke=smoke),
            _contents(titles),
            "<main>",
            _overview(parts, of),
            _reading(),
            filter_html(verdicts),
            '<div id="artefacts">',
            *sections,
            "</div>\n</main>",
            "<footer><p>Generated from the stored records; the same records give the same page. All numbers are in "
            "<code>tables/*.csv</code>, what the figures draw in <code>figures/*.csv</code> and all claims in "
            "<code>claims.csv</code> beside this page.</p></footer>",
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        "<title>Neural Arithmetic Logic Units, reproduced</title>\n"
        f"<style>\n{_asset('page.css')}</style>\n</head>\n<body>\n{body}\n<script>\n{_asset('page.js')}</script>\n"
        "</body>\n</html>\n"
    ).encode()


def _asset(name: str) -> str:
    return (Path(__file__).with_name(name)).read_text(encoding="utf-8")


def _names(parts: list[Part], verdicts: tuple[claims.Verdict, ...]) -> dict[str, None]:
    """Every artefact once: those that have been run, then those that only have claims."""
    return dict.fromkeys([*(part.summary.artefact for part in parts), *sorted({v.claim.artefact for v in verdicts})])


def _title(part: Part) -> str:
    """What the tables are of; only of an artefact without any, what the figures show."""
    return "; ".join(dict.fromkeys(table.title for table in part.artefact.tables)) or part.summary.title


def _opening(*, smoke: bool) -> str:
    warning = "<p><strong>The smoke profile only shows that everything runs: its numbers mean nothing.</strong></p>"
    return (
        "<header>\n<h1>Neural Arithmetic Logic Units, reproduced</h1>\n"
        "<p>Every number of ours beside the paper’s, over many seeds, and what becomes of the paper’s claims. The "
        "paper: Trask, Hill, Reed, Rae, Dyer and Blunsom, 2018, "
        f'<a href="{_PAPER}">arXiv 1808.00508</a>.</p>\n{warning if smoke else ""}</header>'
    )


def _contents(titles: dict[str, str]) -> str:
    links = [("overview", "Overview"), ("reading", "How to read this page")]
    entries = [f'<li><a href="#{at}">{name}</a></li>' for at, name in links]
    entries += [
        f'<li><a href="#{text(name)}"><b>{text(name)}</b> <span>{text(title)}</span></a></li>'
        for name, title in titles.items()
    ]
    listed = "\n".join(entries)
    return f'<nav aria-labelledby="contents">\n<h2 id="contents">Contents</h2>\n<ol>\n{listed}\n</ol>\n</nav>'


def _overview(parts: list[Part], of: dict[str, list[claims.Verdict]]) -> str:
    run = {part.summary.artefact: part.summary for part in parts}
    lines = [
        (f'<a href="#{text(name)}">{text(name)}</a>', tally(of[name]), *(_run(run[name]) if name in run else [""] * 6))
        for name in of
    ]
    return f'<section id="overview">\n<h2>Overview</h2>\n{grid("All artefacts", _HEADER, lines)}\n</section>'


def _run(summary: Summary) -> list[str]:
    wall = printing.duration(summary.wall_seconds)
    day = summary.date.partition("T")[0]  # to the second: with the records
    words = (summary.seeds_in_words, ", ".join(summary.profiles), ", ".join(summary.devices), wall, day)
    return [*map(text, words), f"<code>{text(summary.command)}</code>"]


def _reading() -> str:
    values_S = np.array([0.2, 0.3, 0.3, 0.4, 0.4, 0.4, 0.5, 0.5, 0.6, 0.9, np.inf])
    example = strip(Quantity("", "", "", "", "", values_S, "", "", ""))
    return f"""<section id="reading">
<h2>How to read this page</h2>
<ul class="notes">
<li>{prose(claims.RULE)} Some claims are of a failure: there, <code>fails</code> means that the model does better here.
</li>
<li>A strip has a dot for every seed; equal ones are stacked. The line is the median, the triangle what the paper
prints. Each strip has its own scale, whose ends are written below it (“log”: it is logarithmic). Red dots at the edge
diverged, or lie beyond what the table prints or a logarithmic scale can hold.
<div class="example">{example}</div></li>
<li>A question mark behind a number of the paper’s: it was read off a plot or not seen for sure. A claim marked “likely”
or “memory” is as uncertain.</li>
<li>Tables headed “ours besides” hold what the paper does not have: our own variants and further measurements.</li>
</ul>
</section>"""


def _section(part: Part, verdicts: list[claims.Verdict]) -> str:
    summary = part.summary
    name = text(summary.artefact)
    tables = [table_html(table, part.published) for table in part.artefact.tables]
    evidence = [*(figure_html(figure, part.drawn[figure.name]) for figure in part.artefact.figures), *tables]
    evidence.append(records_html(part.artefact.runs))
    return "\n".join(
        [
            f'<section class="artefact" id="{name}">\n<h2>{text(_title(part))} <span class="name">{name}</span></h2>',
            f'<p class="facts">{tally(verdicts)} <code>{text(summary.command)}</code></p>',
            f'<p class="back"><a href="#{name}">Its figures and tables</a></p>',
            claims_html(verdicts),
            f'<div class="evidence">\n{chr(10).join(evidence)}\n</div>\n</section>',
        ]
    )


def _not_run(artefact: str, verdicts: list[claims.Verdict]) -> str:
    name = text(artefact)
    return (
        f'<section class="artefact" id="{name}">\n<h2>Not run yet <span class="name">{name}</span></h2>\n'
        f'<p class="facts">{tally(verdicts)}</p>\n{claims_html(verdicts)}\n</section>'
    )
