"""Tables as tidy CSV files: one line per number, the same columns for every artefact."""

import csv
from pathlib import Path
from typing import Any

from experiments.lib.report import paper, printing
from experiments.lib.report.artefacts import Quantity, Table
from experiments.lib.report.statistics import summarise

COLUMNS = (
    "artefact", "block", "row", "column", "metric", "paper", "paper_seen", "median", "low", "high",
    "selected", "selected_by", "success", "success_low", "success_high", "seeds", "diverged",
    "profile", "device", "record",
)  # fmt: skip

Published = dict[tuple[str, str, str, str], dict[str, str]]


def render_table_csv(tables: list[Table]) -> bytes:
    """Returns the CSV file of an artefact's tables; a run not yet done has no line."""
    return printing.csv_bytes(COLUMNS, (_line(quantity) for table in tables for quantity in table.quantities))


def _line(quantity: Quantity) -> list[Any]:
    estimate = summarise(quantity)
    printed = paper.printed(quantity)
    fields: dict[str, Any] = {field: getattr(quantity, field) for field in COLUMNS if field in quantity._fields}
    fields |= {field: printing.tidy(getattr(estimate, field)) for field in COLUMNS if field in estimate._fields}
    fields |= {"seeds": estimate.seeds, "diverged": estimate.diverged}
    fields |= {"paper": printed.value if printed else "", "paper_seen": printed.seen if printed else ""}
    return [fields[column] for column in COLUMNS]


def read_published(path: Path | None) -> Published:
    """Returns the lines of a published table by (block, row, column, metric); none where it has not been published."""
    if path is None or not path.is_file():
        return {}
    with open(path, encoding="utf-8", newline="") as file:
        return {tuple(line[key] for key in ("block", "row", "column", "metric")): line for line in csv.DictReader(file)}
