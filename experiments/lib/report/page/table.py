"""The page's tables: in each cell our number, its company, the paper's number, and the strip of its seeds."""

import math

from .. import paper, printing, tables
from ..artefacts import Quantity, Table
from ..statistics import summarise
from ..table_files import Published
from .markup import folded, grid, items, prose, text
from .strip import strip


def table_html(table: Table, published: Published | None = None) -> str:
    """Returns a table with its title, how to read it, its grids, what is measured besides, and its notes."""
    grids = tables.grids(table, published)
    parts = [f"<h3>{text(table.title)}</h3>"]
    parts.append(f'<p class="key">{prose(" ".join(tables.key(table, published=bool(published))))}</p>')
    parts += [_grid(table, its) for its in grids]
    shown = {id(cell.quantity) for its in grids for line in its.cells for cell in line}
    further = [quantity for quantity in table.quantities if id(quantity) not in shown]
    if further:
        metrics = ", ".join(dict.fromkeys(quantity.metric for quantity in further))
        summary = f"Also measured: {metrics} (medians over seeds with 95 % intervals)"
        parts.append(folded(summary, "\n".join(_further(table, further))))
    parts.append(items(table.notes))
    return "\n".join(parts)


def _grid(table: Table, its: tables.Grid) -> str:
    lines = [
        (text(row), *(_cell(cell, table.cap) for cell in line)) for row, line in zip(its.rows, its.cells, strict=True)
    ]
    kind = "besides" if its.title != its.block else ""
    return grid(its.title, ("", *map(text, its.columns)), lines, kind=kind)


def _cell(cell: tables.Cell, cap: float) -> str:
    lines = [f"<b>{text(cell.headline)}</b>", *(f"<small>{text(detail)}</small>" for detail in cell.details)]
    lines += [f"<small>published {text(cell.published)}</small>"] if cell.published else []
    lines += [f'<small class="paper">paper {text(cell.paper)}</small>'] if cell.paper else []
    return "".join(lines) + ("" if cell.quantity is None else strip(cell.quantity, cap=cap))


def _further(table: Table, quantities: list[Quantity]) -> list[str]:
    """One grid for each metric and block; one with far more columns than rows is turned on its side."""
    grids = []
    for metric, block in dict.fromkeys((quantity.metric, quantity.block) for quantity in quantities):
        its = {(q.row, q.column): q for q in quantities if (q.metric, q.block) == (metric, block)}
        rows = _ordered({row for row, _ in its}, (*table.rows, *(row for row, _ in its)))
        columns = _ordered({column for _, column in its}, (*table.columns, *(column for _, column in its)))
        if len(columns) > 3 * len(rows):
            its = {(c, r): quantity for (r, c), quantity in its.items()}
            rows, columns = columns, rows
        lines = [(text(row), *(_raw(its.get((row, column))) for column in columns)) for row in rows]
        grids.append(grid(f"{metric}: {block}", ("", *map(text, columns)), lines))
    return grids


def _ordered(names: set[str], order: tuple[str, ...]) -> list[str]:
    return [name for name in dict.fromkeys(order) if name in names]


def _raw(quantity: Quantity | None) -> str:
    if quantity is None:
        return printing.ABSENT
    estimate = summarise(quantity)
    lines = [f"[{printing.raw(estimate.low)}, {printing.raw(estimate.high)}]", printing.percent(estimate)]
    printed = paper.printed(quantity)
    lines += [f"paper {printed.value}{'' if printed.seen == 'sure' else '?'}"] if printed else []
    small = "".join(f"<small>{text(line)}</small>" for line in lines if line)
    return f"<b>{text(printing.raw(estimate.median))}</b>{small}{strip(quantity, cap=math.inf)}"
