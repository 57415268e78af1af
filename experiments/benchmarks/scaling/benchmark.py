"""How does training speed grow with seeds and devices? `python -m experiments bench scaling`.

One work after the other, on 1, 2, 4, ... of this machine's devices, with more and more seeds side by side; each in a
process of its own. It is wall-clock time here, and the machine should be idle.
"""

import datetime
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ...lib.errors import UserError, usage_error
from ...lib.places import PROGRAM, ROOT
from ...lib.report.table_files import grid_markdown
from ...lib.store import files
from .measure import LOADS

WHOLE_MACHINE = True  # and half an hour of it: not measured when all benchmarks are asked for
FILE = "benchmarks_scaling.md"
TITLE = "Speed against seeds and devices"
HEADER = ("work", "devices", "seeds", "seed-steps/s [range]", "x one device with one seed", "busy")
SEEDS = {"cpu": (1, 2, 8, 32), "other": (1, 4, 16, 64, 256, 1024, 4096)}
READING = (
    "A seed-step is one optimiser step of one network of one seed, evaluations included. Medians over rounds [range]; "
    "`busy`: the share of the time in which the devices computed (CPU time, or what nvidia-smi says)."
)


def main(*, rounds: int, console: Console, folder: Path | None = None) -> None:
    """Measures, prints the table, and writes it into `folder` if given.

    Raises:
      UserError: a measurement fails, or the file cannot be written.
    """
    if rounds < 1:
        raise usage_error(f"--rounds is {rounds}, but at least one round is needed.")
    around = _machine()  # in a process of its own: this one must hold no device
    number, platform = int(around["device"].split(" x ")[0]), "cpu" if "CPU core" in around["device"] else "other"
    counts = [count for count in (1, 2, 4, 8, 16, 32, 64) if count < number] + [number]
    lines: list[tuple[str, ...]] = []
    for work in LOADS:
        first = None
        for devices in counts:
            with console.status(f"{work} on {devices} of {number} devices"):
                found = _measure(work, devices, rounds, SEEDS[platform])
            for each in found:
                first = first or statistics.median(each["rates"])
                lines.append(_line(work, each, first))
    table = Table(*HEADER, box=None, padding=(0, 1, 0, 0))
    for line in lines:
        table.add_row(*line)
    console.print(TITLE, table, READING, sep="\n", highlight=False, markup=False)
    if folder is not None:
        versions = ", ".join(f"{name} {version}" for name, version in around["versions"].items())
        parts = [
            f"# {TITLE}",
            f"Written by `{PROGRAM} bench scaling --rounds {rounds} --save`; do not edit.",
            READING,
            grid_markdown(HEADER, lines),
            f"{rounds} rounds. {around['device']}; {around['platform']}; {versions}; "
            f"{datetime.date.fromisoformat(around['date'][:10])}; commit {around['commit'] or 'unknown'}.",
        ]
        files.write_atomically(folder / FILE, ("\n\n".join(parts) + "\n").encode())
        console.print(f"Saved to {folder / FILE}.", highlight=False)


def _measure(work: str, devices: int, rounds: int, seeds: tuple[int, ...]) -> list[dict[str, Any]]:
    numbers = [str(number) for number in seeds if number >= devices]
    return ask(work, str(devices), str(rounds), *numbers)


def _machine() -> dict[str, Any]:
    (around,) = ask("machine")
    return around


def ask(*words: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.measure", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise UserError(f"The measurement '{' '.join(words)}' failed ({last}).")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _line(work: str, each: dict[str, Any], first: float) -> tuple[str, ...]:
    rates = each["rates"]
    rate = statistics.median(rates)
    return (
        work,
        str(each["devices"]),
        str(each["seeds"]),
        f"{rate:,.0f} [{min(rates):,.0f}-{max(rates):,.0f}]",
        f"{rate / first:.2f}",
        f"{statistics.median(each['busy']):.0%}",
    )
