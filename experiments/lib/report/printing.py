"""How numbers print: short in tables for people, six digits in files for programs, ten where a figure draws them."""

import csv
import io
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .statistics import Estimate

ABSENT = "–"  # a run that has not been done


def short(value: float | None, *, decimals: int, cap: float) -> str:
    """Returns "0.0" or ">999" (above a cap of 999, infinities included)."""
    if value is None or math.isnan(value):
        return ABSENT
    if abs(value) > cap:
        return f">{cap:g}" if value > 0 else f"<-{cap:g}"
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def raw(value: float | None) -> str:
    """Returns a number of any size with two digits, e.g. "3.1e-07"."""
    return ABSENT if value is None or math.isnan(value) else f"{value:.2g}"


def tidy(value: float | None) -> str:
    """Returns a number with up to six digits for a file; nothing for None or NaN."""
    return "" if value is None or math.isnan(value) else f"{value:.6g}"


def drawn(value: np.floating) -> str:
    """Returns a number that a figure draws: float32 as it is, float64 with up to ten digits; nothing for NaN.

    Files are compared byte for byte wherever they are made again, and processors differ in the last bits of powers and
    logarithms, as of `np.logspace`. Fourteen digits are free of those bits. Ten alone would not be: what should lie on
    an edge of rounding, as 0.25 does for one digit, lies before or behind it by its last bit.
    """
    if math.isnan(value):
        return ""
    return str(value) if value.dtype == np.float32 else str(float(f"{float(f'{value:.14g}'):.10g}"))


def percent(estimate: Estimate) -> str:
    """Returns the success rate with its interval, e.g. "solved 98 % [93, 99]"; nothing where success has no meaning."""
    if estimate.success is None:
        return ""
    success, low, high = (f"{100 * share:.0f}" for share in estimate[4:7])
    return f"solved {success} % [{low}, {high}]"


def share(estimate: Estimate) -> tuple[str, str]:
    """Returns the success rate and its interval, e.g. "98 %" and "93–99"."""
    success, low, high = (f"{100 * share:.0f}" for share in estimate[4:7])
    return f"{success} %", f"{low}–{high}"


MOONS = ((0.9, "●"), (0.6, "◕"), (0.4, "◑"), (0.1, "◔"), (0.0, "○"))  # from these shares on
MOONS_SAY = "● 90 % and more, ◕ 60, ◑ 40, ◔ 10, ○ fewer"


def moon(share: float) -> str:
    """Returns the sign of a share, which is seen at a glance and without colours; see `MOONS`."""
    return next(sign for least, sign in MOONS if share >= least)


def count(number: int, name: str) -> str:
    """Returns "1 record" or "7,000 records"."""
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Returns "45 s", "12 min" or "1 h 30 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def csv_bytes(columns: Iterable[str], lines: Iterable[Iterable[Any]]) -> bytes:
    """Returns a CSV file with these columns, the same on every system."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    return text.getvalue().encode()
