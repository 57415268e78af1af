"""The numbers the paper prints, as text, each with how we know it.

They are data: transcribed once into `experiments/paper/<artefact>.csv` and never rounded or recomputed.
"""

import csv
import functools
import io
import math
from typing import NamedTuple

from ..errors import UserError
from ..places import PAPER
from .artefacts import Quantity

SEEN = ("sure", "likely", "memory")  # read in a source; strongly implied or read off a plot; recalled only
COLUMNS = ("block", "row", "column", "metric", "value", "seen", "source")


class Printed(NamedTuple):
    """One number as the paper prints it.

    Attributes:
      value: the printed text, e.g. "0.0" or ">999".
      seen: one of `SEEN`.
      source: where in the paper, and in what form it was seen.
    """

    block: str
    row: str
    column: str
    metric: str
    value: str
    seen: str
    source: str

    @property
    def number(self) -> float:
        """The value as a number; infinite for ">999"; a percentage stays a percentage."""
        text = self.value.rstrip("%")
        return math.inf if text.startswith(">") else float(text)

    @property
    def doubt(self) -> str:
        """A question mark where the number was not seen for sure."""
        return "" if self.seen == "sure" else "?"


@functools.cache
def numbers(artefact: str) -> dict[tuple[str, str, str, str], Printed]:
    """Returns the paper's numbers of an artefact by (block, row, column, metric); empty where it prints none.

    Raises:
      UserError: a line of the file is malformed.
    """
    file = PAPER / f"{artefact}.csv"
    return parse(file.read_text(encoding="utf-8"), name=f"{artefact}.csv") if file.is_file() else {}


def printed(quantity: Quantity) -> Printed | None:
    """Returns the paper's number for a quantity, or None where the paper has none."""
    key = (quantity.block, quantity.row, quantity.column, quantity.metric)
    return numbers(quantity.artefact).get(key)


def parse(text: str, *, name: str) -> dict[tuple[str, str, str, str], Printed]:
    """Returns the numbers in the text of a file called `name`.

    Raises:
      UserError: a line has other columns, is not marked with one of `SEEN`, repeats a key, or holds no number.
    """
    found = {}
    for line, fields in read_lines(text, COLUMNS, name=name):
        entry = Printed(**fields)
        key = (entry.block, entry.row, entry.column, entry.metric)
        if entry.seen not in SEEN:
            raise UserError(f"{name} line {line}: seen is {entry.seen!r} but must be one of {', '.join(SEEN)}.")
        if key in found:
            raise UserError(f"{name} line {line}: {' / '.join(key)} is there twice; keep one of the lines.")
        try:
            entry.number  # noqa: B018  (read to see that it is one)
        except ValueError as error:
            raise UserError(f"{name} line {line}: {entry.value!r} is not a number, a percentage or >number.") from error
        found[key] = entry
    return found


def read_lines(text: str, columns: tuple[str, ...], *, name: str) -> list[tuple[int, dict[str, str]]]:
    """Returns (line number, fields) for each line of a CSV whose header must be exactly `columns`.

    Raises:
      UserError: the header or the number of fields of a line differs.
    """
    reader = csv.reader(io.StringIO(text, newline=""))
    header = tuple(next(reader, ()))
    if header != columns:
        raise UserError(
            f"{name} line 1: the columns must be {','.join(columns)}; found {','.join(header) or 'nothing'}."
        )
    lines = []
    for values in reader:
        if len(values) != len(columns):
            raise UserError(f"{name} line {reader.line_num}: {len(values)} fields where {len(columns)} are needed.")
        lines.append((reader.line_num, dict(zip(columns, values, strict=True))))
    return lines
