"""Runs the same command in several processes on one store at once."""

import contextlib
import re
import time
from collections import Counter
from pathlib import Path

from . import comparing, killed, outside
from .findings import Finding, none_of
from .outside import Answer, Place

WORDS = ("run", "table1", "--profile", "smoke")
BUSY = "Another process is training"
TRAINED = re.compile(r"^ *\[\d+/\d+\] (\S.*?): [\d.]+[kMG]? \S*\s?steps in ", re.MULTILINE)
MISSING = re.compile(r": [1-9]\d* of \d+ runs to train")


def trial(place: Place, processes: tuple[int, ...] = (2, 4), words: tuple[str, ...] = WORDS) -> list[Finding]:
    """Starts so many processes at once, and then does it again with the next number."""
    whole = place.folder / "whole"
    first = outside.call(place, *words, "--runs-dir", whole)
    if first.status:
        return [Finding("alone the command ends well", False, first.short)]
    return [
        finding._replace(what=f"{number} processes: {finding.what}")
        for number in processes
        for finding in _together(place, number, words, whole)
    ]


def _together(place: Place, number: int, words: tuple[str, ...], whole: Path) -> list[Finding]:
    runs = place.folder / f"shared_by_{number}"
    # Programs are compiled anew, so that the processes meet there, too.
    mine = place._replace(cache=place.folder / f"cache_of_{number}")
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(outside.running(mine, *words, "--runs-dir", runs)) for _ in range(number)]
        told = [outside.answer(process, start) for process in started]
    odd = [each.short for each in told if not (each.well or each.refuses(BUSY))]
    busy = sum(each.refuses(BUSY) for each in told)
    total = len(outside.records(whole))
    trained = times_trained(told)
    place.tell(f"{number} processes took {time.monotonic() - start:.0f} s; {busy} met runs that another one trained")
    last = outside.call(mine, *words, "--runs-dir", runs)
    return [
        none_of("each ends well or says that another one trains", odd, f"{number}, of which {busy} said so"),
        none_of("no run is trained twice to its end", [n for n, k in trained.items() if k > 1], f"{total} runs"),
        Finding("together they train all", len(trained) == total, f"{len(trained)} of {total} runs"),
        Finding("one more call finds nothing to train", last.well and not MISSING.search(last.told), last.short),
        none_of("every record is whole", comparing.unsound(runs), f"{total} records"),
        *killed.same(whole, runs),
    ]


def times_trained(told: list[Answer]) -> Counter[str]:
    """Returns how often each run was trained to its end, by what the processes said."""
    return Counter(name for each in told for name in TRAINED.findall(each.told))
