"""The numbers of the README and of the guides: tables in short and verdicts on claims, as the published records say.

Each stands between two markers, `<!-- table1 -->` and `<!-- /table1 -->`: people write the text around them, and only
this module what is between. Whether and how it is shown, a table says itself (`Table.front`).
"""

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..store import files
from . import claims, paper, printing
from . import tables as table_cells
from .artefacts import Quantity, Table, View
from .statistics import summarise
from .table_files import escape, grid_markdown

ABSENT = "Not published yet."
PAGES = ("README.md", "docs/reproduction.md", "docs/arena.md", "docs/tabular.md")


def write(folder: Path, tables: Sequence[Table], verdicts: Sequence[claims.Verdict]) -> None:
    """Puts what the records say into the pages under `folder` (`PAGES`); without a README there, it is no checkout.

    Args:
      tables: all that are published.

    Raises:
      UserError: a marker is missing or doubled, or a file cannot be written.
    """
    for path, (old, new) in filled(folder, blocks(tables, verdicts)).items():
        if new != old:
            files.write_atomically(path, new.encode())


def filled(folder: Path, blocks: dict[str, str]) -> dict[Path, tuple[str, str]]:
    """Returns the text of every page, as it is and as it should be.

    A block stands on whichever page marks it; what no page marks, the README lacks.

    Raises:
      UserError: a marker is missing or doubled.
    """
    paths = [folder / name for name in PAGES if (folder / PAGES[0]).is_file() and (folder / name).is_file()]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    marks = {path: {name for name in blocks if _marks(name, text)} for path, text in texts.items()}
    made = {}
    for path, text in texts.items():
        elsewhere = set().union(*(marks[other] for other in paths if other != path))
        mine = marks[path] | (set(blocks) - elsewhere if path == paths[0] else set())
        up = "../" * (len(path.relative_to(folder).parts) - 1)
        its = {name: block.replace("](results/", f"]({up}results/") for name, block in blocks.items() if name in mine}
        made[path] = (text, fill(text, its, path.name))
    return made


def _marks(name: str, text: str) -> bool:
    return f"<!-- {name} -->" in text or f"<!-- /{name} -->" in text


def blocks(tables: Sequence[Table], verdicts: Sequence[claims.Verdict]) -> dict[str, str]:
    """Returns what goes between the markers, by their name."""
    made = {}
    shown = [table for table in tables if table.front and table.quantities]
    for artefact in dict.fromkeys(table.artefact for table in shown):
        its = [table for table in shown if table.artefact == artefact]
        grids = [_grid(table, view) for table in its for view in table.front]
        made[artefact] = "\n\n".join([*grids, _key(artefact, its)])
        if its[0].headline == "share":  # a board: the README has its first grid alone
            made[f"{artefact} head"] = "\n\n".join([grids[0], _key(artefact, its[:1])])
    for artefact in dict.fromkeys(verdict.claim.artefact for verdict in verdicts):
        its = [verdict for verdict in verdicts if verdict.claim.artefact == artefact]
        made[f"{artefact} claims"] = claims.tally_in_words(its)
    return made


def fill(text: str, blocks: dict[str, str], page: str = "README.md") -> str:
    """Returns the text with each block between its markers; one line stays in its line.

    What is marked but has no block is not published yet, which is said there.

    Raises:
      UserError: a marker is missing or doubled, or the second comes before the first.
    """
    marked = re.findall(r"<!-- /(.+?) -->", text)
    for name, block in {**dict.fromkeys(marked, ABSENT), **blocks}.items():
        first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
        for marker in (first, last):
            if text.count(marker) != 1:
                raise UserError(
                    f"{page} must hold {marker} once, but holds it {text.count(marker)} times: "
                    "put it where its numbers belong, or remove the others."
                )
        before, _, rest = text.partition(first)
        _, found, after = rest.partition(last)
        if not found:
            raise UserError(f"{page} holds {last} before {first}: exchange them.")
        padding = "\n" if "\n" in block else ""
        text = f"{before}{first}{padding}{block}{padding}{last}{after}"
    return text


def _grid(table: Table, view: View) -> str:
    main = table_cells.main_quantities(table)
    printed = {place[:3]: entry for place, entry in paper.numbers(table.artefact).items()}

    def name(shown: str, *places: tuple[str, str, str]) -> str:
        """Ours alone is in italics, where the paper has anything."""
        return f"_{escape(shown)}_" if printed and not any(place in printed for place in places) else escape(shown)

    lines = []
    for row in table.rows:
        places = [(block, row, column) for block, column in view.columns]
        cells = [_cell(table, view, main.get(place), printed.get(place)) for place in places]
        if any(cells):
            lines.append((name(row, *places), *cells))
    headers = view.headers or tuple(column for _, column in view.columns)
    named = [
        name(header, *((block, row, column) for row in table.rows))
        for header, (block, column) in zip(headers, view.columns, strict=True)
    ]
    return grid_markdown((escape(view.title), *named), lines)


def _cell(table: Table, view: View, quantity: Quantity | None, printed: paper.Printed | None) -> str:
    theirs = ""
    if printed:
        divisor = "" if table.paper_factor == 1 or printed.value.endswith("%") else f"/{1 / table.paper_factor:g}"
        theirs = f" (paper&nbsp;{escape(printed.value)}{divisor}{printed.doubt})"
    if quantity is None:
        return printing.ABSENT + theirs if theirs else ""
    estimate = summarise(quantity)
    if table.headline == "share":
        share, interval = printing.share(estimate)
        return f"{printing.moon(estimate.success)} **{share}** <sub>{interval}</sub>".replace(" ", "&nbsp;") + theirs
    unit = "%" if quantity.metric.endswith("%") and not quantity.column.endswith("%") else ""
    ours, small = estimate.selected if view.selected else estimate.median, ""
    if view.selected:
        small = f" <sub>{_short(table, estimate.median)}</sub>"
    elif view.share and estimate.success:
        small = f" <sub>{100 * estimate.success:.0f}&nbsp;%</sub>"
    return f"**{_short(table, ours)}{unit}**{small}{theirs}"


def _short(table: Table, value: float | None) -> str:
    return escape(printing.short(value, decimals=table.decimals, cap=table.cap))


def _key(artefact: str, tables: list[Table]) -> str:
    main = [quantity for table in tables for quantity in table_cells.main_quantities(table).values()]
    seeds = sorted({len(quantity.values_S) for quantity in main})
    number = f"median over {' or '.join(map(str, seeds))} seeds"
    views = [view for table in tables for view in table.front]
    if any(table.headline == "share" for table in tables):
        number = f"share of {' or '.join(map(str, seeds))} runs that solve it, small its 95 % interval"
        number += f" ({printing.MOONS_SAY})"
    if any(view.selected for view in views):
        selected_by = " or ".join(sorted({quantity.selected_by for quantity in main if quantity.selected is not None}))
        number = f"seed selected by {selected_by}, small the {number}"
    if any(view.share for view in views):
        limits = " or ".join(f"{limit:g}" for limit in sorted({q.threshold for q in main if q.threshold is not None}))
        number += f", small the share of them below {limits} where there are any"
    theirs = "; in brackets the paper's number; in italics what is ours alone" if paper.numbers(artefact) else ""
    sentences = [f"In bold the {number}{theirs}."]
    if any(table.paper_factor != 1 for table in tables):
        sentences.append("Where one is divided, the paper prints it whole; the notes of the table say why.")
    if any(entry.doubt for entry in paper.numbers(artefact).values()):
        sentences.append("A question mark: recalled or read off a plot, not seen for sure.")
    return " ".join([*sentences, f"[All of it, with intervals and notes](results/tables/{artefact}.md)."])
