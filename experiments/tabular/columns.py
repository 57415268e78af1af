"""From a table as it stands in a file to numbers: which columns are used, and what was done to them, all told.

Axes: R rows, I inputs, T targets.
"""

import difflib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..lib.errors import usage_error

FEWEST_ROWS = 30
MOST_TEXTS = 20  # different texts that become columns of 0 and 1
MOSTLY = 0.9  # of a column's filled fields must be numbers for it to be one of numbers
MISSING = ("", "-", "?", "n", "na", "n/a", "nan", "null", "none", "nil", "inf", "-inf", "infinity")
BELOW = re.compile(r"^[<>≤≥]\s*([-+0-9.eE]+)$")
SHOWN = 8


class Table(NamedTuple):
    """A table of numbers. Inputs may be missing (NaN); targets never are."""

    x_RI: np.ndarray
    y_RT: np.ndarray
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    remarks: tuple[str, ...]
    group_R: np.ndarray | None = None  # the number of each row's group, if rows are to be kept together

    def column(self, name: str) -> np.ndarray:
        """Returns an input or a target, `[R]`."""
        if name in self.targets:
            return self.y_RT[:, self.targets.index(name)]
        return self.x_RI[:, self.inputs.index(name)]


def examine(frame: Any, targets: Sequence[str], without: Sequence[str] = (), groups: str = "") -> Table:
    """Returns the numbers of a table.

    Args:
      frame: a pandas DataFrame as it was read.
      targets: the columns to predict.
      without: columns to leave out.
      groups: the column whose equal values keep rows together; it is no input. Empty for none.

    Raises:
      UserError: a target is missing or no number, or nothing is left to learn from; the sentence says what to do.
    """
    names = list(frame.columns)
    for name in (*targets, *without, *([groups] if groups else [])):
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise usage_error(f"There is no column {name!r}{meant}; there are {', '.join(names)}.")
    if len(frame) < FEWEST_ROWS:
        raise usage_error(f"The table has {_count(len(frame), 'row')}, but at least {FEWEST_ROWS} are needed.")
    remarks: list[str] = []
    y_RT = np.column_stack([_target(frame[name], name) for name in targets])
    there_R = np.isfinite(y_RT).all(axis=1)
    if not there_R.all():
        gone = int((~there_R).sum())
        remarks.append(f"{_count(gone, 'row')} left out, whose targets are missing or infinite")
        frame, y_RT = frame[there_R], y_RT[there_R]
    if len(frame) < FEWEST_ROWS:
        raise usage_error(f"Only {_count(len(frame), 'row')} have all targets, but at least {FEWEST_ROWS} are needed.")
    for name, column_R in zip(targets, y_RT.T, strict=True):
        if np.ptp(column_R) == 0:
            raise usage_error(f"The target {name!r} is {column_R[0]:g} in every row, so there is nothing to predict.")
    columns: dict[str, np.ndarray] = {}
    for name in names:
        if name not in targets and name not in without and name != groups:
            columns |= _inputs(frame[name], name, remarks)
    group_R = None
    if groups:
        _, group_R = np.unique([str(value) for value in frame[groups].tolist()], return_inverse=True)
        remarks.append(f"rows of equal {groups!r} are kept together: {_count(int(group_R.max()) + 1, 'group')}")
    if without:
        remarks.append(f"left out as told: {_listed(without)}")
    _leave_out(columns, remarks)
    if not columns:
        raise usage_error("No column is left to predict from: all others are constant, empty or texts.")
    x_RI = np.column_stack(list(columns.values()))
    repeated = len(frame) - len(np.unique(np.column_stack([np.nan_to_num(x_RI, nan=-1e300), y_RT]), axis=0))
    if repeated:
        remarks.append(f"{_count(repeated, 'row')} stand there twice: the same row may be trained on and tested on")
    return Table(x_RI, y_RT, tuple(columns), tuple(targets), tuple(remarks), group_R)


def _target(column: Any, name: str) -> np.ndarray:
    numbers_R, texts = _numbers(column)
    if texts:
        row, text = texts[0]
        more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
        raise usage_error(f"The target {name!r} is no number in row {row + 1} ({text!r}){more}: mend it, or the row.")
    return numbers_R


def _numbers(column: Any) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Returns a column as floats, NaN where a field is missing or infinite, and the fields that are texts."""
    if column.dtype.kind in "fiub":
        numbers_R = column.to_numpy(np.float64, na_value=np.nan)
        return np.where(np.isfinite(numbers_R), numbers_R, np.nan), []
    numbers_R, texts = np.full(len(column), np.nan), []
    for row, value in enumerate(column.tolist()):
        text = "" if value is None or value != value else str(value).strip()
        if text.lower() in MISSING:
            continue
        try:
            number = float(text)
            numbers_R[row] = number if np.isfinite(number) else np.nan
        except ValueError:
            texts.append((row, text))
    return numbers_R, texts


def _inputs(column: Any, name: str, remarks: list[str]) -> dict[str, np.ndarray]:
    """Returns the columns of numbers that a column becomes."""
    if column.dtype.kind in "Mm":
        remarks.append(f"{name!r} holds dates and is left out: give what matters of them as numbers")
        return {}
    numbers_R, texts = _numbers(column)
    filled = int(np.isfinite(numbers_R).sum())
    if not texts:
        return {name: numbers_R}
    if filled >= MOSTLY * (filled + len(texts)):
        limits = [(row, match) for row, text in texts if (match := BELOW.match(text))]
        for row, match in limits:
            numbers_R[row] = float(match.group(1))
        remarks.append(
            f"{name!r} has {_count(len(texts), 'field')} that are no numbers, such as {texts[0][1]!r}: "
            f"{len(limits)} limits count as their value, the others as missing"
        )
        return {name: numbers_R}
    words = [str(value).strip() for value in column.tolist()]
    different = sorted(set(words))
    if len(different) > MOST_TEXTS:
        every = (
            "in nearly every row another one" if len(different) > len(words) / 2 else f"{len(different)} different ones"
        )
        remarks.append(f"{name!r} holds texts or dates, {every}, and is left out: give numbers in their place")
        return {}
    if len(different) == 1:
        remarks.append(f"{name!r} is constant and left out")
        return {}
    remarks.append(f"{name!r} holds {len(different)} different texts, each a column of 0 and 1")
    return {f"{name} = {text}": np.array([float(word == text) for word in words]) for text in different}


def _leave_out(columns: dict[str, np.ndarray], remarks: list[str]) -> None:
    """Leaves out what is empty, constant or a copy, and tells of missing values."""
    empty = [name for name, column in columns.items() if np.isnan(column).mean() > 0.5]
    for name in empty:
        del columns[name]
    if empty:
        remarks.append(f"more than half missing, so left out: {_listed(empty)}")
    constant = [name for name, column in columns.items() if np.nanmin(column) == np.nanmax(column)]
    for name in constant:
        del columns[name]
    if constant:
        remarks.append(f"constant, so left out: {_listed(constant)}")
    seen: dict[bytes, str] = {}
    copies = []
    for name, column in list(columns.items()):
        other = seen.setdefault(column.tobytes(), name)
        if other != name:
            del columns[name]
            copies.append(f"{name} (as {other})")
    if copies:
        remarks.append(f"copies of other columns, so left out: {_listed(copies)}")
    missing = {name: int(np.isnan(column).sum()) for name, column in columns.items() if np.isnan(column).any()}
    if missing:
        told = _listed([f"{name} ({number})" for name, number in missing.items()])
        remarks.append(f"missing values, filled with the median of the training rows: {told}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"
