"""Reads a table from a file: CSV with whatever separator, decimal mark and encoding, or Parquet.

pandas parses; what it would guess from little text, or in silence, is decided here and told.
"""

import codecs
import csv
import hashlib
import io
from pathlib import Path
from typing import Any, NamedTuple

from ..lib.errors import UserError, usage_error

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
ENCODINGS = ("utf-8", "utf-16", "cp949", "cp1252")  # tried in this order
LOOKED_AT = 200  # lines from which the separator is found
MOST_BYTES = 2 * 10**9
MOST_ROWS = 2_000_000
SPREADSHEETS = (".xlsx", ".xls", ".ods")


class File(NamedTuple):
    """A table as it stands in its file: text and numbers as they come, and what was found out on the way."""

    frame: Any  # pandas.DataFrame
    digest: str  # of the bytes, and of what decides how they are read
    remarks: tuple[str, ...]


def read(path: Path, *, separator: str = "", decimal: str = "", encoding: str = "", rows: int = 0) -> File:
    """Returns the table in a file.

    Args:
      separator, decimal, encoding: as they are; what is empty is found out, and told.
      rows: how many of its rows are drawn at random, always the same ones; 0 for all.

    Raises:
      UserError: it cannot be read as a table; the sentence says why and what to do.
    """
    data = _bytes(path)
    digest = hashlib.sha256(data).hexdigest()[:32]
    if data[:4] == b"PAR1":
        return _sampled(File(_parquet(data, path), digest, ("read as Parquet",)), rows, path)
    if path.suffix.lower() == ".parquet":
        raise usage_error(f"{path} is called Parquet but is none, or was cut at its beginning: copy it again.")
    if path.suffix.lower() in SPREADSHEETS or data[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise usage_error(f"{path} is a spreadsheet or an archive: save the table as CSV and give that.")
    text, used = _decoded(data, path, encoding)
    lines = text.splitlines()
    filled = [line for line in lines[:LOOKED_AT] if line.strip()]
    if len(filled) < 2:
        raise usage_error(f"{path} has {len(filled)} line: it needs one of names and one a row below it.")
    separator = separator or _separator(filled)
    if separator and not any(separator in line for line in filled):
        raise usage_error(f"{path}: no line holds the separator {separator!r}: leave --separator out, and it is found.")
    if separator and not decimal:
        decimal = _decimal(filled[1:], separator)
    _check_header(filled[0], separator, path)
    remarks = [f"parted by {SEPARATORS.get(separator, repr(separator))}"] if separator else []
    remarks += [f"decimal mark {decimal!r}"] if decimal == "," else []
    remarks += [f"encoding {used}"] if used != "utf-8" else []
    digest = hashlib.sha256(f"{digest} {separator} {decimal} {used}".encode()).hexdigest()[:32]
    return _sampled(File(_parse(text, path, separator, decimal or "."), digest, tuple(remarks)), rows, path)


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise usage_error(f"{path} is a folder: name a file, such as {path / 'table.csv'}.")
        if size > MOST_BYTES:
            raise usage_error(f"{path} has {size / 1e9:.1f} GB, more than is read whole: take a sample of its rows.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise usage_error(f"There is no file {path}.") from None
    except OSError as error:
        raise usage_error(f"{path} cannot be read ({error.strerror}).") from error
    if not data.strip():
        raise usage_error(f"{path} is empty.")
    return data


def _parquet(data: bytes, path: Path) -> Any:
    import pandas

    try:
        frame = pandas.read_parquet(io.BytesIO(data))
    except ImportError:
        raise UserError("Parquet needs pyarrow: pip install pyarrow, or save the table as CSV and give that.") from None
    except Exception as error:  # of whatever library reads it
        raise usage_error(f"{path} is Parquet but cannot be read, perhaps cut at its end: copy it again.") from error
    frame.columns = [str(name) for name in frame.columns]
    return frame


def _decoded(data: bytes, path: Path, encoding: str) -> tuple[str, str]:
    """Returns the text and the encoding that it was read with."""
    if encoding:
        try:
            return data.decode(encoding), encoding
        except LookupError:
            raise usage_error(f"There is no encoding {encoding!r}; usual ones are {', '.join(ENCODINGS)}.") from None
        except UnicodeDecodeError:
            raise usage_error(f"{path} is not {encoding} throughout: leave --encoding out, or name another.") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace"), "utf-16"
    if data.startswith(codecs.BOM_UTF8):
        data = data[3:]
    if b"\x00" in data:
        raise usage_error(f"{path} is no text and no Parquet: save the table as CSV and give that.")
    for name in ("utf-8", "cp949", "cp1252"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if name == "cp949" and not _is_korean(text):
            continue  # many texts of Western Europe can be read as Korean, too
        unprintable = sum(not character.isprintable() and character not in "\r\n\t" for character in text[:10_000])
        if unprintable > 10:
            break
        return text, name
    raise usage_error(f"{path} is in none of {', '.join(ENCODINGS)}: name its encoding with --encoding.")


def _is_korean(text: str) -> bool:
    """Says whether most of what is not ASCII are Hangul syllables."""
    others = [character for character in text if character > "\x7f"]
    return sum("\uac00" <= character <= "\ud7a3" for character in others) > len(others) / 2


def _separator(lines: list[str]) -> str:
    """Returns what parts the lines into the most columns, as many in nearly every line; empty for one column."""
    best, columns = "", 1
    for separator in SEPARATORS:
        counts = [len(row) for row in csv.reader(lines, delimiter=separator)]
        usual = max(set(counts), key=counts.count)
        if usual > columns and counts.count(usual) >= 0.9 * len(counts) and counts[0] == usual:
            best, columns = separator, usual
    if best == " ":
        return " "
    if not best and max(line.count(";") for line in lines) > 0:
        return ";"
    return best or ("," if any("," in line for line in lines) else "")


def _decimal(lines: list[str], separator: str) -> str:
    """Returns the decimal mark: a comma where fields hold one between digits and no field holds a point so."""
    if separator == ",":
        return "."
    fields = [field.strip() for row in csv.reader(lines, delimiter=separator) for field in row]
    with_comma = sum(_number(field.replace(",", ".")) and "," in field and field.count(",") == 1 for field in fields)
    with_point = sum(_number(field) and "." in field for field in fields)
    return "," if with_comma > with_point else "."


def _number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _check_header(line: str, separator: str, path: Path) -> None:
    names = [name.strip() for name in next(csv.reader([line], delimiter=separator or ","))]
    if all(_number(name.replace(",", ".")) for name in names):
        raise usage_error(f"{path} has no names in its first line, only numbers: put a line of names above.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise usage_error(f"{path} has two columns called {twice[0]!r}: rename one.")


def _parse(text: str, path: Path, separator: str, decimal: str) -> Any:
    import pandas

    options: dict[str, Any] = {"sep": separator or ",", "decimal": decimal, "skipinitialspace": True}
    if separator == " ":
        options["sep"] = r"\s+"
    try:
        frame = pandas.read_csv(io.StringIO(text), low_memory=False, index_col=False, **options)
    except pandas.errors.ParserError as error:
        why = str(error).splitlines()[0].rpartition("error: ")[-1].replace("C ", "")
        raise usage_error(f"{path} is no table throughout ({why}): mend that line.") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    return frame


def _sampled(file: File, rows: int, path: Path) -> File:
    """Returns a file with so many of its rows, in their order; which ones is in its digest."""
    there = len(file.frame)
    if there > MOST_ROWS and not 0 < rows <= MOST_ROWS:
        raise usage_error(f"{path} has {there:,} rows, more than {MOST_ROWS:,}: take a sample of them with --rows.")
    if not 0 < rows < there:
        return file
    frame = file.frame.sample(rows, random_state=0).sort_index()
    digest = hashlib.sha256(f"{file.digest} {rows} rows".encode()).hexdigest()[:32]
    return File(frame, digest, (*file.remarks, f"{rows:,} of {there:,} rows, drawn at random"))
