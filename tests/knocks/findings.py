"""What trials find, as a table to read and as a page to keep."""

import datetime
from collections.abc import Callable
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from experiments.lib.report.printing import count
from experiments.lib.report.table_files import grid_markdown
from experiments.lib.store import provenance

from .outside import Place

HEADER = ("fault", "what must hold", "measured", "holds")
COMMAND = "python -m tests.knocks"


class Finding(NamedTuple):
    """One thing that must hold, whether it did, and by what figure."""

    what: str
    held: bool
    figure: str


class Trial(NamedTuple):
    """One fault, and the function that brings it about and looks at what comes of it."""

    name: str
    fault: str
    make: Callable[[Place], list[Finding]]


class Result(NamedTuple):
    """What came of a trial; `skipped` says why it was not made."""

    trial: Trial
    findings: list[Finding]
    seconds: float
    skipped: str = ""


def none_of(what: str, found: list[str], of: str) -> Finding:
    """Returns the finding that nothing is in a list of what must not be; names the first where something is."""
    figure = f"{count(len(found), 'exception') if found else 'no exception'} in {of}"
    return Finding(what, not found, figure + (f": {found[0][:160]}" if found else ""))


def table(results: list[Result]) -> Table:
    """Returns what was found as a table for the terminal."""
    grid = Table(*HEADER, box=None, padding=(0, 2, 0, 0))
    for line in _lines(results):
        grid.add_row(*line)
    return grid


def verdict(results: list[Result]) -> str:
    """Returns the sentence that sums up."""
    held = [finding.held for result in results for finding in result.findings]
    skipped = sum(bool(result.skipped) for result in results)
    more = f", {skipped} of {len(results)} faults not tried" if skipped else ""
    return f"{sum(held)} of {len(held)} held{more}."


def page(results: list[Result], words: str) -> bytes:
    """Returns the results as a Markdown page, with where and when they were measured."""
    around = provenance.surroundings()
    times = [f"{each.trial.name} {each.seconds / 60:.1f} min" for each in results if not each.skipped]
    parts = [
        "# What hard knocks leave behind",
        f"Written by `{' '.join([COMMAND, words]).strip()} --save`; do not edit. "
        "What a user sees of each fault: [faults](../docs/faults.md).",
        grid_markdown(HEADER, _lines(results)),
        f"{verdict(results)} Times: {', '.join(times)}.",
        f"{around['device'].partition(' x ')[2]}; {around['platform']}; "
        f"{', '.join(f'{name} {version}' for name, version in around['versions'].items())}; "
        f"{datetime.date.fromisoformat(around['date'][:10])}; commit {around['commit'] or 'unknown'}.",
    ]
    return ("\n\n".join(parts) + "\n").encode()


def show(console: Console, result: Result) -> None:
    """Says what came of a trial as soon as it is known."""
    if result.skipped:
        console.print(f"  not tried: {result.skipped}", highlight=False, markup=False)
    for finding in result.findings:
        mark = "held" if finding.held else "DID NOT HOLD"
        console.print(f"  {mark}: {finding.what} ({finding.figure})", highlight=False, markup=False)


def _lines(results: list[Result]) -> list[tuple[str, ...]]:
    lines = []
    for result in results:
        if result.skipped:
            lines.append((result.trial.fault, "", result.skipped, "not tried"))
        for finding in result.findings:
            lines.append((result.trial.fault, finding.what, finding.figure, "yes" if finding.held else "NO"))
    return lines
