"""Tables for GitHub: the paper's layout, in each cell ours over the paper's number."""

from experiments.lib.report import printing
from experiments.lib.report import tables as table_cells
from experiments.lib.report.artefacts import Quantity, Table
from experiments.lib.report.statistics import summarise
from experiments.lib.report.table_csv import Published


def render_table_markdown(tables: list[Table], published: Published | None = None) -> bytes:
    """Returns the Markdown file of an artefact's tables.

    Args:
      published: the published numbers (`read_published`), to be shown beside a user's own run.
    """
    parts = []
    for table in tables:
        parts += [f"## {escape(table.title)}", " ".join(table_cells.key(table, published=bool(published)))]
        for grid in table_cells.grids(table, published):
            parts += [f"### {escape(grid.title)}", _grid(grid)]
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


def _grid(grid: table_cells.Grid) -> str:
    lines = [
        (f"**{escape(row)}**", *(_cell(cell) for cell in line)) for row, line in zip(grid.rows, grid.cells, strict=True)
    ]
    return grid_markdown(("", *map(escape, grid.columns)), lines)


def _cell(cell: table_cells.Cell) -> str:
    lines = [f"**{escape(cell.headline)}**", *(f"<sub>{escape(detail)}</sub>" for detail in cell.details)]
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
