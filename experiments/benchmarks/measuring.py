"""Runs a benchmark's programs side by side, prints its table and writes it: what all benchmarks share.

Every program runs in a process of its own, one thread on one core, and is timed in CPU-seconds without its
compilation; rounds are interleaved, so that a ratio compares neighbours in time.
"""

import contextlib
import datetime
import importlib.metadata
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from ..lib.errors import UserError, usage_error
from ..lib.places import CHECKOUT, PROGRAM, ROOT, installing
from ..lib.report.table_files import grid_markdown
from ..lib.store import files, provenance

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# glibc gives large freed arrays back to the system, and takes them again a step later: PyTorch loses much time on it.
KEEP_MEMORY = (("MALLOC_TRIM_THRESHOLD_", str(10**9)), ("MALLOC_MMAP_THRESHOLD_", str(2**25)))
MEDIANS = "Medians over rounds [range]; ratios: medians of same-round ratios"

Rounds = dict[str, list[dict[str, Any]]]  # by program: what it told in each round, "rate" at least


class Benchmark(NamedTuple):
    """Programs that do the same work, and what is told of their speeds.

    Attributes:
      package: `__package__` of its folder, whose name is what is typed after `bench`.
      file: where it is saved, within the folder of published results.
      work: what is measured, in a paragraph.
      programs: name -> a module of the folder, and words for it; "compiled" among them: needs a C++ compiler.
      lines: measurements -> rows of the table under `header`.
      remarks: measurements -> sentences under the table.
      environment: further variables of every program's process.
    """

    package: str
    title: str
    file: str
    work: str
    programs: dict[str, tuple[str, ...]]
    header: tuple[str, ...]
    lines: Callable[[Rounds], list[tuple[str, ...]]]
    remarks: Callable[[Rounds], list[str]]
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return self.package.rpartition(".")[2]


def main(benchmark: Benchmark, *, rounds: int, console: Console, folder: Path | None = None) -> None:
    """Measures, prints the table, and writes it into `folder` if given.

    Raises:
      UserError: PyTorch is missing, a program fails, or the file cannot be written.
    """
    if rounds < 1:
        raise usage_error(f"--rounds is {rounds}, but at least one round is needed.")
    if importlib.util.find_spec("torch") is None:
        how = "use `make bench` or " if CHECKOUT else ""
        raise UserError(f"PyTorch, to compare with, is not installed: {how}{installing('bench')}.")
    chosen, skipped = dict(benchmark.programs), ""
    if not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
        chosen = {name: words for name, words in chosen.items() if "compiled" not in words}
        skipped = "No C++ compiler was found, so torch.compile is left out: the best of PyTorch may be faster."
    measured = _measure(benchmark, chosen, rounds, console)
    lines, remarks = benchmark.lines(measured), [*benchmark.remarks(measured), *([skipped] if skipped else [])]
    table = Table(*benchmark.header, box=None, padding=(0, 1, 0, 0))
    for line in lines:
        table.add_row(*line)
    console.print(benchmark.title, table, *remarks, sep="\n", highlight=False, markup=False)
    if folder is not None:
        files.write_atomically(folder / benchmark.file, _markdown(benchmark, lines, remarks, rounds))
        console.print(f"Saved to {folder / benchmark.file}.", highlight=False)


def _measure(benchmark: Benchmark, programs: dict[str, tuple[str, ...]], rounds: int, console: Console) -> Rounds:
    measured: Rounds = {name: [] for name in programs}
    with _one_core(), console.status("") as status:
        for i in range(rounds):
            for name, words in programs.items():
                status.update(f"round {i + 1} of {rounds}: {name}")
                measured[name].append(run_once(benchmark, name, words))
    return measured


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """Holds this process and its children on one core where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def run_once(benchmark: Benchmark, name: str, words: tuple[str, ...]) -> dict[str, Any]:
    """Returns what a program says of itself in a process of its own."""
    threads = dict.fromkeys(THREADS, "1")
    environment = {**os.environ, **threads, "JAX_PLATFORMS": "cpu", **dict(benchmark.environment)}
    module, *options = words
    command = ["-m", f"{benchmark.package}.{module}", *options]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise UserError(f"The benchmark's program '{name}' failed ({last}): run it by python {' '.join(command)}.")
    return json.loads(done.stdout.splitlines()[-1])


def rates(measured: Rounds, name: str) -> list[float]:
    """Returns a program's rate in each round."""
    return [each["rate"] for each in measured[name]]


def rate_cell(measured: Rounds, name: str) -> str:
    """Returns a program's median rate and its range, as a cell of the table."""
    found = rates(measured, name)
    return f"{statistics.median(found):,.0f} [{min(found):,.0f}-{max(found):,.0f}]"


def fastest(measured: Rounds, names: Iterable[str]) -> str:
    """Returns which of the programs that were measured is the fastest by its median."""
    return max((name for name in names if name in measured), key=lambda name: statistics.median(rates(measured, name)))


def ratio(measured: Rounds, name: str, other: str) -> float:
    """Returns the median of same-round ratios."""
    pairs = zip(rates(measured, name), rates(measured, other), strict=True)
    return statistics.median(one / two for one, two in pairs)


def _markdown(benchmark: Benchmark, lines: list[tuple[str, ...]], remarks: list[str], rounds: int) -> bytes:
    around = provenance.surroundings()
    versions = {**around["versions"], "torch": importlib.metadata.version("torch")}
    core = provenance.processor()  # also where JAX would take an accelerator: the programs are told to run on the CPU
    parts = [
        f"# {benchmark.title}",
        f"Written by `{PROGRAM} bench {benchmark.name} --rounds {rounds} --save`; do not edit.",
        benchmark.work,
        grid_markdown(benchmark.header, lines),
        "\n".join(f"- {remark}" for remark in remarks),
        f"{rounds} interleaved rounds, each program a process of one thread on one core, compilation excluded. {core}; "
        f"{around['platform']}; {', '.join(f'{name} {version}' for name, version in versions.items())}; "
        f"{datetime.date.fromisoformat(around['date'][:10])}; commit {around['commit'] or 'unknown'}.",
    ]
    return ("\n\n".join(parts) + "\n").encode()


class OneAndEight(NamedTuple):
    """What such a table needs to know of its programs.

    Attributes:
      torch: programs of PyTorch with one network, and with eight; the first is the plain loop.
      ours: our program with one network, and with eight.
      others: further programs that have eight networks.
      counted: what one network is called and what eight are.
    """

    torch: tuple[tuple[str, ...], tuple[str, ...]]
    ours: tuple[str, str]
    others: tuple[str, ...]
    counted: tuple[str, str]

    def best_of_torch(self, measured: Rounds, *, eight: bool) -> str:
        """Returns the fastest program of PyTorch with as many networks."""
        return fastest(measured, self.torch[eight])

    def lines(self, measured: Rounds) -> list[tuple[str, ...]]:
        """Returns each program's rate, and that rate as a multiple of the plain loop's and of PyTorch's best."""
        many = {*self.torch[True], self.ours[True], *self.others}
        best = {eight: self.best_of_torch(measured, eight=eight) for eight in (False, True)}
        return [
            (
                name,
                rate_cell(measured, name),
                f"{ratio(measured, name, self.torch[False][0]):.2f}",
                f"{ratio(measured, name, best[name in many]):.2f}",
            )
            for name in measured
        ]

    def remarks(self, measured: Rounds) -> list[str]:
        """Returns how the table is to be read, and whether ours is ahead of PyTorch with one network and with eight."""
        remarks = [f"{MEDIANS}; `x best`: to the best program of PyTorch with as many networks."]
        for eight, (ours, counted) in enumerate(zip(self.ours, self.counted, strict=True)):
            best = self.best_of_torch(measured, eight=bool(eight))
            ahead = ratio(measured, ours, best)
            reached = "reached" if ahead > 1 else "not reached"
            remarks.append(f"Aim {eight + 1}, ahead of PyTorch at {counted} ({best}): {reached} ({ahead:.2f} times).")
        return remarks
