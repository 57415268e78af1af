"""The README's own numbers: Tables 1 to 4 in short and the verdicts on the claims, as the published records say.

Each stands between two markers, `<!-- table1 -->` and `<!-- /table1 -->`: people write the text around them, and only
this module what is between. Which columns are shown, and beside what, is in `VIEWS`; the rows are those of the table.
"""

from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from ..store import files
from . import claims, paper, printing
from . import tables as table_cells
from .artefacts import Quantity, Table
from .statistics import summarise
from .table_files import escape, grid_markdown


class View(NamedTuple):
    """One grid of the front page.

    Attributes:
      title: what stands above its rows.
      columns: (block, column, header) of each.
      selected: the number is the selected seed's, with the median small beside it; else it is the median, with the
        share of seeds that solve it where the view shows one.
      share: whether it shows that share.
    """

    title: str
    columns: tuple[tuple[str, str, str], ...]
    selected: bool = False
    share: bool = False


def _of(block: str, *columns: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((block, column, column) for column in columns)


_STATIC = ("ReLU6", "None (linear)", "NAC", "NALU", "NALU (restarts)")
_RECURRENT = ("LSTM", "ReLU", "NAC", "NALU", "NALU (restarts)")
_LENGTHS = ("length 1", "length 10", "length 100", "length 1000")
_SPLITS = ("training", "validation", "test", "test, split 2", "test, split 3")
VIEWS = {
    "table1": (
        View("static, extrapolation", _of("static extrapolation", *_STATIC), share=True),
        View("over time, 1000 steps", _of("recurrent extrapolation", *_RECURRENT), share=True),
    ),
    "table2": tuple(View(task, _of(task, *_LENGTHS)) for task in ("counting", "addition")),
    "table3": tuple(View(unit, _of(unit, *_SPLITS), selected=True) for unit in ("in units of 1", "in units of 1000")),
    "table4": (
        View(
            "test accuracy %",
            tuple((b, "test accuracy %", b) for b in ("fresh images", "fresh images, long", "finite set")),
        ),
    ),
}


def write(path: Path, tables: dict[str, list[Table]], verdicts: tuple[claims.Verdict, ...]) -> None:
    """Puts what the records say into the README at `path`; where there is none, this is no checkout.

    Args:
      tables: the tables of every artefact that is published.

    Raises:
      UserError: a marker is missing or doubled, or the file cannot be written.
    """
    if path.is_file():
        old = path.read_text(encoding="utf-8")
        new = fill(old, blocks(tables, verdicts))
        if new != old:
            files.write_atomically(path, new.encode())


def blocks(tables: dict[str, list[Table]], verdicts: tuple[claims.Verdict, ...]) -> dict[str, str]:
    """Returns what goes between the markers, by their name."""
    made = {artefact: _artefact(artefact, tables.get(artefact, [])) for artefact in VIEWS}
    for artefact in dict.fromkeys(verdict.claim.artefact for verdict in verdicts):
        made[f"{artefact} claims"] = claims.tally_in_words([v for v in verdicts if v.claim.artefact == artefact])
    return made


def fill(text: str, blocks: dict[str, str]) -> str:
    """Returns the text with each block between its markers; one line stays in its line.

    Raises:
      UserError: a marker is missing or doubled, or the second comes before the first.
    """
    for name, block in blocks.items():
        first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
        for marker in (first, last):
            if text.count(marker) != 1:
                raise UserError(
                    f"The README must hold {marker} once, but holds it {text.count(marker)} times: "
                    "put it where its numbers belong, or remove the others."
                )
        before, _, rest = text.partition(first)
        _, found, after = rest.partition(last)
        if not found:
            raise UserError(f"The README holds {last} before {first}: exchange them.")
        padding = "\n" if "\n" in block else ""
        text = f"{before}{first}{padding}{block}{padding}{last}{after}"
    return text


def _artefact(artefact: str, tables: list[Table]) -> str:
    by_block = {block: table for table in tables for block in table.blocks}
    grids = [(by_block.get(view.columns[0][0]), view) for view in VIEWS[artefact]]
    parts = [_grid(table, view) for table, view in grids if table and table.quantities]
    return "\n\n".join([*parts, _key(artefact, grids)]) if parts else "Not published yet."


def _grid(table: Table, view: View) -> str:
    main = table_cells.main_quantities(table)
    printed = {place[:3]: entry for place, entry in paper.numbers(table.artefact).items()}
    lines = {r: [_cell(table, view, main.get((b, r, c)), printed.get((b, r, c))) for b, c, _ in view.columns]
             for r in table.rows}  # fmt: skip
    header = [_name(head, any((b, r, c) in printed for r in table.rows)) for b, c, head in view.columns]
    named = [
        (_name(row, any((b, row, c) in printed for b, c, _ in view.columns)), *line)
        for row, line in lines.items()
        if any(line)
    ]
    return grid_markdown((escape(view.title), *header), named)


def _name(name: str, is_the_papers: bool) -> str:
    return escape(name) if is_the_papers else f"_{escape(name)}_"


def _cell(table: Table, view: View, quantity: Quantity | None, printed: paper.Printed | None) -> str:
    theirs = ""
    if printed:
        divisor = "" if table.paper_factor == 1 or printed.value.endswith("%") else f"/{1 / table.paper_factor:g}"
        theirs = f" (paper&nbsp;{escape(printed.value)}{divisor}{printed.doubt})"
    if quantity is None:
        return printing.ABSENT + theirs if theirs else ""
    estimate = summarise(quantity)
    unit = "%" if quantity.metric.endswith("%") and not quantity.column.endswith("%") else ""
    ours, small = estimate.selected if view.selected else estimate.median, ""
    if view.selected:
        small = f" <sub>{_short(table, estimate.median)}</sub>"
    elif view.share and estimate.success:
        small = f" <sub>{100 * estimate.success:.0f}&nbsp;%</sub>"
    return f"**{_short(table, ours)}{unit}**{small}{theirs}"


def _short(table: Table, value: float | None) -> str:
    return escape(printing.short(value, decimals=table.decimals, cap=table.cap))


def _key(artefact: str, grids: list[tuple[Table | None, View]]) -> str:
    tables = [table for table, _ in grids if table]
    main = [quantity for table in tables for quantity in table_cells.main_quantities(table).values()]
    seeds = sorted({len(quantity.values_S) for quantity in main})
    number = f"median over {' or '.join(map(str, seeds))} seeds"
    views = VIEWS[artefact]
    if views[0].selected:
        selected_by = " or ".join(sorted({quantity.selected_by for quantity in main if quantity.selected is not None}))
        number = f"seed selected by {selected_by}, small the {number}"
    if views[0].share:
        limits = " or ".join(f"{limit:g}" for limit in sorted({q.threshold for q in main if q.threshold is not None}))
        number += f", small the share of them below {limits} where there are any"
    sentences = [f"In bold the {number}; in brackets the paper's number; in italics what is ours alone."]
    if any(table.paper_factor != 1 for table in tables):
        sentences.append("Where one is divided, the paper prints it whole; the notes of the table say why.")
    if any(entry.doubt for entry in paper.numbers(artefact).values()):
        sentences.append("A question mark: recalled or read off a plot, not seen for sure.")
    return " ".join([*sentences, f"[All of it, with intervals and notes](results/tables/{artefact}.md)."])
