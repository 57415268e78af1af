"""Lets the wall clock of a command run backwards, an hour for every second."""

import datetime
import json
import re

from experiments.lib.report.printing import count
from experiments.lib.store import files

from . import comparing, killed, outside
from .findings import Finding, none_of
from .outside import Place

WORDS = ("run", "figure1", "--profile", "smoke")
BACKWARDS = """
import datetime, time

start, then = time.perf_counter(), time.time()


def now():
    return then - 3600 * (time.perf_counter() - start)


class Backwards(datetime.datetime):
    __slots__ = ()

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(now(), tz)

    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(now(), datetime.timezone.utc).replace(tzinfo=None)


time.time = now
time.time_ns = lambda: int(1e9 * now())
datetime.datetime = Backwards
"""
NEGATIVE = re.compile(r"(?<![\w.])-\d[\d.]*[kMG]? ?(?:%|(?:s|min|h|\S*steps)\b)")


def trial(place: Place, words: tuple[str, ...] = WORDS) -> list[Finding]:
    """Runs a command by the right clock, and by one that runs backwards."""
    whole, backwards, clock = (place.folder / name for name in ("whole", "backwards", "clock"))
    first = outside.call(place, *words, "--runs-dir", whole)
    if first.status:
        return [Finding("by the right clock the run ends well", False, first.short)]
    files.write_atomically(clock / "sitecustomize.py", BACKWARDS.encode())  # which Python reads when it starts
    told = outside.call(place, *words, "--runs-dir", backwards, PYTHONPATH=str(clock))
    facts = [json.loads(path.read_text())["provenance"] for path in sorted(outside.records(backwards))]
    hours = [_hours_ago(each["date"]) for each in facts]
    wrong = [str(each["wall_seconds"]) for each in facts if not 0 <= each["wall_seconds"] <= told.seconds]
    of = count(len(facts), "record")
    return [
        Finding("the clock runs backwards", min(hours, default=0) > 1, f"by {max(hours, default=0):.0f} h in the end"),
        Finding("the run ends well", told.well, told.short),
        none_of("no time that it shows is negative", NEGATIVE.findall(told.told), "all lines"),
        none_of("no record's wall time is negative, or longer than the run", wrong, of),
        none_of("every record is whole", comparing.unsound(backwards), of),
        *killed.same(whole, backwards),
    ]


def _hours_ago(date: str) -> float:
    return (datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(date)).total_seconds() / 3600
