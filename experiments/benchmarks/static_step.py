"""How fast is a training step here, beside PyTorch doing the same work on the same core?

    make bench                 (or `python -m experiments bench` with the extra `bench` installed)

Every program runs in a process of its own, one thread on one core, and is timed in CPU-seconds without its
compilation; rounds are interleaved, so that a ratio compares neighbours in time. `static_step_work` says what the work
is and what is shared.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.lib import files, provenance
from experiments.lib.errors import UserError, usage_error
from experiments.lib.table_markdown import grid_markdown

OURS, PLAIN, FLOOR = "ours", "torch, plain loop", "measured floor"
BATCHED = "static_step_torch_batched"
PROGRAMS = {  # name: words after `python -m experiments.benchmarks.`
    PLAIN: ("static_step_torch_plain",),
    "torch, batched": (BATCHED,),
    "torch, compiled": (BATCHED, "compiled"),
    "torch, compiled, 16-bit": (BATCHED, "compiled", "short"),
    OURS: ("static_step_ours",),
    FLOOR: ("static_step_floor",),
}
HEADER = ("program", "seed-steps per CPU-s", "x plain", "x batched", "of floor")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Rounds = dict[str, list[dict[str, Any]]]


def main(*, rounds: int, console: Console, save: Path | None = None) -> None:
    """Measures, prints the table, and writes it to `save` if given.

    Raises:
      UserError: PyTorch is missing, a program fails, or the file cannot be written.
    """
    if rounds < 1:
        raise usage_error(f"--rounds is {rounds}, but at least one round is needed.")
    if importlib.util.find_spec("torch") is None:
        raise UserError("PyTorch, to compare with, is not installed: use `make bench` or pip install -e '.[bench]'.")
    chosen, skipped = dict(PROGRAMS), ""
    if not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
        chosen = {name: words for name, words in PROGRAMS.items() if "compiled" not in words}
        skipped = "No C++ compiler was found, so torch.compile is left out: the best batched program may be faster."
    measured = _measure(chosen, rounds, console)
    lines, remarks = _lines(measured), [*_remarks(measured), *([skipped] if skipped else [])]
    table = Table(*HEADER, box=None, padding=(0, 1, 0, 0))
    for line in lines:
        table.add_row(*line)
    console.print(table, *remarks, sep="\n", highlight=False, markup=False)
    if save is not None:
        files.write_atomically(save, _markdown(lines, remarks, rounds))
        console.print(f"Saved to {save}.", highlight=False)


def _measure(chosen: dict[str, tuple[str, ...]], rounds: int, console: Console) -> Rounds:
    measured: Rounds = {name: [] for name in chosen}
    with _one_core(), console.status("") as status:
        for i in range(rounds):
            for name, words in chosen.items():
                status.update(f"round {i + 1} of {rounds}: {name}")
                measured[name].append(_once(name, words))
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


def _once(name: str, words: tuple[str, ...]) -> dict[str, Any]:
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "JAX_PLATFORMS": "cpu"}
    module, *options = words
    done = subprocess.run(
        [sys.executable, "-m", f"experiments.benchmarks.{module}", *options],
        cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise UserError(
            f"The benchmark's program '{name}' failed ({last}): run it by python -m experiments.benchmarks.{module}."
        )
    return json.loads(done.stdout.splitlines()[-1])


def _rates(measured: Rounds, name: str) -> list[float]:
    return [each["rate"] for each in measured[name]]


def _best_batched(measured: Rounds) -> str:
    batched = [name for name, words in PROGRAMS.items() if words[0] == BATCHED and name in measured]
    return max(batched, key=lambda name: statistics.median(_rates(measured, name)))


def _ratio(measured: Rounds, name: str, other: str) -> float:
    """Returns the median of same-round ratios."""
    pairs = zip(_rates(measured, name), _rates(measured, other), strict=True)
    return statistics.median(one / two for one, two in pairs)


def _lines(measured: Rounds) -> list[tuple[str, ...]]:
    lines = []
    for name in measured:
        rates = _rates(measured, name)
        lines.append((
            name,
            f"{statistics.median(rates):,.0f} [{min(rates):,.0f}-{max(rates):,.0f}]",
            f"{_ratio(measured, name, PLAIN):.3g}",
            f"{_ratio(measured, name, _best_batched(measured)):.2f}",
            f"{_ratio(measured, name, FLOOR):.1%}",
        ))  # fmt: skip
    return lines


def _remarks(measured: Rounds) -> list[str]:
    plain, best = _ratio(measured, OURS, PLAIN), _best_batched(measured)
    batched, floor = _ratio(measured, OURS, best), _ratio(measured, FLOOR, best)
    parts = {part: [each["parts"][part] * 1e6 for each in measured[FLOOR]] for part in measured[FLOOR][0]["parts"]}
    medians = {part: statistics.median(times) for part, times in parts.items()}
    arithmetic = ", ".join(f"{part} {time:.1f}" for part, time in medians.items())
    beyond = "Aim 2 is beyond it" if floor < 5 else "Aim 2 is within it"
    return [
        "Medians over rounds [range]; ratios: medians of same-round ratios; `x batched`: to the best batched program.",
        f"Aim 1, at least 50 times the plain loop: {'reached' if plain >= 50 else 'not reached'} ({plain:.0f} times).",
        f"Aim 2, at least 5 times the best batched program ({best}): "
        f"{'reached' if batched >= 5 else 'not reached'} ({batched:.2f} times).",
        "The floor counts three parts of six seed-steps, each by the fastest way we know, in microseconds: "
        f"{arithmetic}; together {sum(medians.values()):.1f}, and all else nothing. Aim 2 asks for 5 times the best "
        f"batched program and the floor is {floor:.1f} times that program: {beyond}. Both programs share a batch among "
        "the operations, so both pay for these parts.",
    ]


def _markdown(lines: list[tuple[str, ...]], remarks: list[str], rounds: int) -> bytes:
    around = provenance.surroundings()
    versions = {**around["versions"], "torch": importlib.metadata.version("torch")}
    core = around["device"].partition(" x ")[2]
    parts = [
        "# Speed of a training step",
        "Written by `python -m experiments bench --save`; do not edit.",
        "Work: the paper's NALU, 100-2-1, Adam, a fresh batch of 128 a step, six operations. A seed-step is one step "
        "of one network. The six operations of a seed share its batch, but in the plain loop, which draws one for "
        "every network; seeds share nothing. Ours also skips updates that are not finite and evaluates every 4,000 "
        "steps. The batched programs train 16 seeds at once; `16-bit`: their inputs have 16 random bits, ours 23.",
        grid_markdown(HEADER, lines),
        "\n".join(f"- {remark}" for remark in remarks),
        f"{rounds} interleaved rounds, each program a process of one thread on one core, compilation excluded. {core}; "
        f"{around['platform']}; {', '.join(f'{name} {version}' for name, version in versions.items())}; "
        f"{datetime.date.fromisoformat(around['date'][:10])}; commit {around['commit'] or 'unknown'}.",
    ]
    return ("\n\n".join(parts) + "\n").encode()
