"""Compares two stores: what must be the same whatever happened on the way to it, and what may differ."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.lib.errors import UserError
from experiments.lib.store import records as store

# A run's wall time and date are of its day; they are shown in two files, and in no other.
DATED = ("README.md", "report.html")
DATE = re.compile(rb"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d\+00:00)?")
DURATION = re.compile(rb"\d+ h \d+ min|\d+ min|\d+ s\b")
# So is what a network of the arena costs: a table of the page, a line of other files.
COST = re.compile(rb"<caption>CPU-seconds a network(?:.|\n)*?</table>|(?m:^[^<\n]*CPU-seconds a network.*$)")


def records(one: Path, other: Path) -> list[str]:
    """Returns the names of records that differ in more than their provenance, or that only one store has."""
    names = {path.relative_to(root) for root in (one, other) for path in root.glob("*/*.json")}
    return _differing(one, other, names, _run)


def rendered(one: Path, other: Path) -> list[str]:
    """Returns the names of tables, figures and all else that is made of the records which are not the same bytes."""
    folders = {path.parent for root in (one, other) for path in root.glob("*/*.json")}
    names = {
        path.relative_to(root)
        for root in (one, other)
        for path in root.rglob("*")
        if path.is_file() and path.parent not in folders and ".unfinished" not in path.parts and path.suffix != ".tmp"
    }
    return _differing(one, other, names, _undated)


def left_behind(one: Path, other: Path) -> list[str]:
    """Returns the names of files and folders that only one of the stores has, whatever they are."""
    found = [{str(path.relative_to(root)) for path in root.rglob("*")} for root in (one, other)]
    return sorted(found[0] ^ found[1])


def bytes_of(root: Path) -> dict[str, bytes]:
    """Returns every file of a store."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def unsound(root: Path) -> list[str]:
    """Returns the names of records that cannot be loaded."""
    found = []
    for path in sorted(root.glob("*/*.json")):
        try:
            store.read(path)
        except (UserError, ValueError) as error:
            found.append(f"{path.relative_to(root)} ({error})")
    return found


def _differing(one: Path, other: Path, names: set[Path], read: Callable[[Path], Any]) -> list[str]:
    found = []
    for name in sorted(names):
        try:
            same = read(one / name) == read(other / name)
        except (OSError, ValueError):
            same = False
        if not same:
            found.append(str(name))
    return found


def _run(path: Path) -> tuple[dict[str, Any], dict[str, tuple[str, tuple[int, ...], bytes]]]:
    """Returns a record without its provenance, and the bits of its arrays."""
    record = {name: value for name, value in json.loads(path.read_text()).items() if name != "provenance"}
    arrays = store.unpack(path.with_suffix(".npz").read_bytes())
    return record, {name: (str(array.dtype), array.shape, array.tobytes()) for name, array in arrays.items()}


def _undated(path: Path) -> bytes:
    data = COST.sub(b"a cost", path.read_bytes())
    return DURATION.sub(b"a while", DATE.sub(b"a day", data)) if path.name in DATED else data
