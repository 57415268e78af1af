"""The parts of a table's cells, whatever they are rendered to: our number, its company, and the paper's."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from . import paper, printing
from .artefacts import Quantity, Table
from .statistics import Estimate, summarise

Published = dict[tuple[str, str, str, str], dict[str, str]]


class Cell(NamedTuple):
    """What one cell says, as text, empty where there is nothing to say, and of which quantity.

    Attributes:
      headline: our number that is compared with the paper's; a dash where the run has not been done.
      details: lines about it: median and interval, success rate, diverged seeds.
      published: the published number, for a user's own run.
      paper: the paper's number, with a question mark where it was not seen for sure.
      quantity: what all but the paper's number is said of; None where the run has not been done.
      sign: of the share of seeds that solve it, where that is the headline.
    """

    headline: str
    details: tuple[str, ...] = ()
    published: str = ""
    paper: str = ""
    quantity: Quantity | None = None
    sign: str = ""

    @property
    def share(self) -> float | None:
        """The share of seeds that solve it; None where success has no meaning."""
        return None if self.quantity is None else summarise(self.quantity).success


class Grid(NamedTuple):
    """A part of one block of a table, ready to print: `cells[i][j]` is in row i and column j."""

    title: str
    block: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell | None, ...], ...]

    @property
    def lines(self) -> list[tuple[str, tuple[Cell | None, ...]]]:
        """Each row with its cells."""
        return list(zip(self.rows, self.cells, strict=True))


def grids(table: Table, published: Published | None = None) -> list[Grid]:
    """Returns the main numbers of a table: for each block the paper's columns, then ours besides.

    The main number of a cell is the first of its quantities. Rows and columns without any number, ours or the
    paper's, are left out of a block. A table with far more columns than rows is turned on its side; what were columns
    then stay together and in their order.
    """
    main = main_quantities(table)
    turned = len(table.columns) > 3 * len(table.rows)
    result = []
    for block in table.blocks:
        its_paper = {c for b, _, c, _ in paper.numbers(table.artefact) if b == block}
        ours = {c for b, _, c in main if b == block}
        theirs = tuple(c for c in table.columns if c in its_paper)
        besides = tuple(c for c in table.columns if c in ours and c not in its_paper)
        of_ours = f"{block}, ours besides" if theirs else block
        together = tuple(c for c in table.columns if c in its_paper or c in ours)
        parts = [(block, together)] if turned else [(block, theirs), (of_ours, besides)]
        printed = {(r, c) for b, r, c, _ in paper.numbers(table.artefact) if b == block}
        for title, columns in parts:
            rows = tuple(r for r in table.rows if any((block, r, c) in main or (r, c) in printed for c in columns))
            if columns:
                cells = tuple(
                    tuple(_cell(table, main.get((block, r, c)), (block, r, c), published or {}) for c in columns)
                    for r in rows
                )
                turned_cells = tuple(zip(*cells, strict=True))
                result.append(
                    Grid(title, block, columns, rows, turned_cells)
                    if turned
                    else Grid(title, block, rows, columns, cells)
                )
    return result


def at_a_glance(tables: Iterable[Table]) -> list[Grid]:
    """Returns the shares solved of several tables side by side, their columns in one grid for each `glance`."""
    shown = [table for table in tables if table.glance and table.headline == "share"]
    made = []
    for title in dict.fromkeys(table.glance[0] for table in shown):
        its = [table for table in shown if table.glance[0] == title]
        main = [(table, main_quantities(table)) for table in its]
        used = [{(block, c) for block, _, c in quantities} for _, quantities in main]
        places = [
            (number, block, column)
            for number, (table, _) in enumerate(main)
            for block in table.blocks
            for column in table.columns
            if (block, column) in used[number]
        ]
        rows = tuple(dict.fromkeys(row for table, _ in main for row in table.rows))
        cells = tuple(
            tuple(_share_alone(main[number][1].get((block, row, column))) for number, block, column in places)
            for row in rows
        )
        columns = tuple(f"{column} ({its[number].glance[1]})" for number, _, column in places)
        made.append(Grid(title, title, rows, columns, cells))
    return made


def _share_alone(quantity: Quantity | None) -> Cell | None:
    if quantity is None:
        return None
    estimate = summarise(quantity)
    return Cell(printing.share(estimate)[0], quantity=quantity, sign=printing.moon(estimate.success))


def main_quantities(table: Table) -> dict[tuple[str, str, str], Quantity]:
    """Returns the first quantity of each cell by (block, row, column)."""
    main: dict[tuple[str, str, str], Quantity] = {}
    for quantity in table.quantities:
        main.setdefault((quantity.block, quantity.row, quantity.column), quantity)
    return main


def further_quantities(table: Table) -> list[Quantity]:
    """Returns the quantities that are not the first of their cell, e.g. the raw errors."""
    main = {id(quantity) for quantity in main_quantities(table).values()}
    return [quantity for quantity in table.quantities if id(quantity) not in main]


def _cell(table: Table, quantity: Quantity | None, place: tuple[str, str, str], published: Published) -> Cell:
    entries = [e for key, e in paper.numbers(table.artefact).items() if key[:3] == place]
    if quantity is not None:
        entries = [entry for entry in entries if entry.metric == quantity.metric]
    printed = _printed(table, entries[0]) if entries else ""
    if quantity is None:
        return Cell(printing.ABSENT, paper=printed)

    def show(value: float | None) -> str:
        return printing.short(value, decimals=table.decimals, cap=table.cap)

    estimate = summarise(quantity)
    if table.headline == "share" and estimate.success is not None:
        headline, interval = printing.share(estimate)
        details = (interval, f"median {printing.raw(estimate.median)}", *_diverged(estimate))
        line = published.get((*place, quantity.metric), {}).get("success", "")
        theirs = f"{100 * float(line):.0f} %" if line else ""
        return Cell(headline, details, theirs, printed, quantity, printing.moon(estimate.success))
    interval = f"[{show(estimate.low)}, {show(estimate.high)}]"
    is_selected = table.headline == "selected" and estimate.selected is not None
    details = [f"median {show(estimate.median)} {interval}" if is_selected else interval]
    details += [printing.percent(estimate)] if estimate.success is not None else []
    details += _diverged(estimate)
    line = published.get((*place, quantity.metric), {})
    other = line.get("selected" if is_selected else "median", "")
    return Cell(
        headline=show(estimate.selected if is_selected else estimate.median),
        details=tuple(details),
        published=show(float(other)) if other else "",
        paper=printed,
        quantity=quantity,
    )


def _diverged(estimate: Estimate) -> list[str]:
    return [f"{estimate.diverged} diverged"] if estimate.diverged else []


def _printed(table: Table, entry: paper.Printed) -> str:
    scaled = table.paper_factor != 1 and not entry.value.endswith("%")  # a share has no other reading
    return entry.value + entry.doubt + (f" ({table.paper_factor * entry.number:.3g})" if scaled else "")


def key(table: Table, *, published: bool = False) -> list[str]:
    """Returns the sentences that say how to read the cells."""
    main = list(main_quantities(table).values())
    if not main:
        return ["Not run yet: the paper's numbers alone."]
    estimates: list[Estimate] = [summarise(quantity) for quantity in main]
    seeds = sorted({estimate.seeds for estimate in estimates})
    selected_by = sorted({quantity.selected_by for quantity in main if quantity.selected is not None})
    thresholds = sorted({quantity.threshold for quantity in main if quantity.threshold is not None})
    n_seeds = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    first = f"the median over seeds with its 95 % bootstrap interval ({n_seeds} seeds)"
    if all(quantity.interval is not None for quantity in main):
        first = f"the median over seeds ({n_seeds}) with the 95 % interval that the notes tell"
    limits = " or ".join(f"{limit:g}" for limit in thresholds)
    if table.headline == "share":
        first = f"the share of runs below {limits} ({n_seeds} runs) and its 95 % Wilson interval; then the median"
    if table.headline == "selected" and selected_by:
        first = f"the seed selected by {' or '.join(selected_by)}; below it {first}"
    sentences = [f"In bold {first}."]
    if table.headline == "share":
        sentences.append(f"{printing.MOONS_SAY}.")
    elif thresholds:
        plain = len(thresholds) <= 3 and not any(quantity.higher_is_better for quantity in main)
        reached = f"below {limits}" if plain else "that reach what the notes call solved,"
        sentences.append(f"Then the share of seeds {reached} with its 95 % Wilson interval.")
    bad = "infinitely bad" if any(quantity.higher_is_better for quantity in main) else "an infinite error"
    sentences.append(f"A diverged seed counts as {bad}; none is dropped.")
    if table.paper_factor != 1:
        sentences.append(f"In brackets: {table.paper_factor:g} times the paper's error; the notes say why.")
    if published:
        sentences.append("`published` is the number in `results/`.")
    if any(entry.doubt for entry in paper.numbers(table.artefact).values()):
        sentences.append("A question mark: the paper's number was read off a plot or not seen for sure.")
    profiles = sorted({quantity.profile for quantity in main})
    devices = sorted({quantity.device for quantity in main})
    sentences.append(f"Profile {', '.join(profiles)}; device {', '.join(devices)}.")
    if "smoke" in profiles:
        sentences.append("The smoke profile only shows that everything runs: its numbers mean nothing.")
    return sentences


def read_published(path: Path) -> Published:
    """Returns the lines of a published table by (block, row, column, metric); none where it has not been published."""
    if not path.is_file():
        return {}
    with open(path, encoding="utf-8", newline="") as file:
        return {tuple(line[key] for key in ("block", "row", "column", "metric")): line for line in csv.DictReader(file)}
