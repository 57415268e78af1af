"""Tables as files: tidy CSV for programs, Markdown for GitHub, LaTeX (booktabs) for papers."""

from typing import Any

from . import paper, printing
from . import tables as table_cells
from .artefacts import Quantity, Table
from .statistics import summarise
from .tables import Published

COLUMNS = (
    *("artefact", "block", "row", "column", "metric", "paper", "paper_seen", "median", "low", "high"),
    *("selected", "selected_by", "success", "success_low", "success_high", "seeds", "diverged"),
    *("profile", "device", "record"),
)

GLANCE = "The share of runs that solve it:"
_TEX_ESCAPES = {
    **{character: rf"\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"$<$", ">": r"$>$", "–": "--"},
}


def render_table_csv(tables: list[Table]) -> bytes:
    """Returns the CSV file of an artefact's tables; a run not yet done has no line."""
    return printing.csv_bytes(COLUMNS, (_csv_line(quantity) for table in tables for quantity in table.quantities))


def _csv_line(quantity: Quantity) -> list[Any]:
    estimate = summarise(quantity)
    printed = paper.printed(quantity)
    fields: dict[str, Any] = {field: getattr(quantity, field) for field in COLUMNS if field in quantity._fields}
    fields |= {field: printing.tidy(getattr(estimate, field)) for field in COLUMNS if field in estimate._fields}
    fields |= {"seeds": estimate.seeds, "diverged": estimate.diverged}
    fields |= {"paper": printed.value if printed else "", "paper_seen": printed.seen if printed else ""}
    return [fields[column] for column in COLUMNS]


def render_table_markdown(tables: list[Table], published: Published | None = None) -> bytes:
    """Returns the Markdown file of an artefact's tables.

    Args:
      published: the published numbers (`read_published`), to be shown beside a user's own run.
    """
    parts = []
    for grid in table_cells.at_a_glance(tables):
        parts += [f"## At a glance: {escape(grid.title)}", f"{GLANCE} {printing.MOONS_SAY}.", _markdown_grid(grid)]
    for table in tables:
        parts += [f"## {escape(table.title)}", " ".join(table_cells.key(table, published=bool(published)))]
        for grid in table_cells.grids(table, published):
            parts += [f"### {escape(grid.title)}", _markdown_grid(grid)]
        further = table_cells.further_quantities(table)
        if further:
            parts += [f"<details>\n<summary>{_summary(further)}</summary>", _further(table, further), "</details>"]
        if table.notes:
            parts.append("\n".join(f"- {note}" for note in table.notes))
    return ("\n\n".join(parts) + "\n").encode()


def escape(text: str) -> str:
    """Returns text that Markdown shows as it is, also within a table."""
    for character in "\\|*_`[]<>":
        text = text.replace(character, {"<": "&lt;", ">": "&gt;", "|": "&#124;"}.get(character, f"\\{character}"))
    return text


def grid_markdown(header: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    """Returns a Markdown table: the first column to the left, the others centred."""
    rule = ("---", *(":---:" for _ in header[1:]))
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *lines))


def _markdown_grid(grid: table_cells.Grid) -> str:
    lines = [(f"**{escape(row)}**", *(_markdown_cell(cell) for cell in cells)) for row, cells in grid.lines]
    return grid_markdown(("", *map(escape, grid.columns)), lines)


def _markdown_cell(cell: table_cells.Cell | None) -> str:
    if cell is None:
        return ""
    sign = f"{cell.sign} " if cell.sign else ""
    lines = [f"{sign}**{escape(cell.headline)}**", *(f"<sub>{escape(detail)}</sub>" for detail in cell.details)]
    lines += [f"published {escape(cell.published)}"] if cell.published else []
    lines += [f"paper {escape(cell.paper)}"] if cell.paper else []
    return "<br>".join(lines).replace(" ", "&nbsp;")


def _summary(quantities: list[Quantity]) -> str:
    metrics = dict.fromkeys(quantity.metric for quantity in quantities)
    return f"Also measured: {escape(', '.join(metrics))} (medians over seeds with 95 % intervals)"


def _further(table: Table, quantities: list[Quantity]) -> str:
    by_place = {(q.metric, q.block, q.row, q.column): q for q in quantities}
    columns = [c for c in table.columns if any(q.column == c for q in quantities)]
    places = dict.fromkeys((q.metric, q.block, q.row) for q in quantities)
    lines = [
        (*map(escape, (metric, block, row)), *(_raw(by_place.get((metric, block, row, c))) for c in columns))
        for metric, block, row in places
    ]
    return grid_markdown(("metric", "block", "row", *map(escape, columns)), lines)


def _raw(quantity: Quantity | None) -> str:
    if quantity is None:
        return printing.ABSENT
    estimate = summarise(quantity)
    interval = f"[{printing.raw(estimate.low)}, {printing.raw(estimate.high)}]"
    return f"{printing.raw(estimate.median)}<br><sub>{escape(interval)}</sub>".replace(", ", ",&nbsp;")


def render_table_tex(tables: list[Table]) -> bytes:
    """Returns the LaTeX file of an artefact's tables; it needs the package booktabs."""
    parts = [r"% Generated; needs \usepackage{booktabs}."]
    for table in tables:
        legend = " ".join((*table_cells.key(table), *table.notes)).replace("`", "'")
        for grid in table_cells.grids(table):
            header = " & ".join(("", *map(escape_tex, grid.columns))) + r" \\"
            lines = [" & ".join((escape_tex(row), *map(_tex_cell, cells))) + r" \\[4pt]" for row, cells in grid.lines]
            parts += [
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{escape_tex(table.title)}: {escape_tex(grid.title)}. {escape_tex(legend)}}}",
                rf"\begin{{tabular}}{{l{'c' * len(grid.columns)}}}",
                r"\toprule",
                header,
                r"\midrule",
                *lines,
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
            ]
    return ("\n".join(parts) + "\n").encode()


def escape_tex(text: str) -> str:
    """Returns text that LaTeX prints as it is."""
    return "".join(_TEX_ESCAPES.get(character, character) for character in text)


def _tex_cell(cell: table_cells.Cell) -> str:
    lines = [
        rf"\textbf{{{escape_tex(cell.headline)}}}",
        *(rf"{{\tiny {escape_tex(detail)}}}" for detail in cell.details),
    ]
    lines += [rf"{{\scriptsize paper {escape_tex(cell.paper)}}}"] if cell.paper else []
    stacked = r"\\".join(lines)
    return rf"\shortstack{{{stacked}}}"
