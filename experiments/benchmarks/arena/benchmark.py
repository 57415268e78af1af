"""How fast is the arena's single module here, beside PyTorch doing the same work on the same core?

    python -m experiments bench arena                 (with the extra `bench` installed)

`measuring` says how it is measured, `work` what the work is and what is shared.
"""

from pathlib import Path

from rich.console import Console

from .. import measuring
from ..measuring import MEDIANS, Benchmark, Rounds, fastest, rate_cell, ratio

OURS, LOOP = "ours", "torch, plain loop"
BATCHED = {"torch, batched": ("torch_batched",), "torch, batched, compiled": ("torch_batched", "compiled")}
PROGRAMS = {LOOP: ("torch_loop",), **BATCHED, OURS: ("ours",)}
WORK = (
    "Work: NAU on a + b, NMU and NALU on a * b, one layer of two inputs, Adam, a fresh batch of 128 a step, nine "
    "ranges. A seed-step is one step of one network. The ranges of a seed share its random numbers, but in the plain "
    "loop. Ours also takes validation and test errors on 10,000 items each every 1000 steps, and has the cells' "
    "penalties. The batched programs train 50 seeds at once, as ours does, with gradients written by hand."
)


def _lines(measured: Rounds) -> list[tuple[str, ...]]:
    best = fastest(measured, BATCHED)
    return [
        (name, rate_cell(measured, name), f"{ratio(measured, name, LOOP):.3g}", f"{ratio(measured, name, best):.2f}")
        for name in measured
    ]


def _remarks(measured: Rounds) -> list[str]:
    best = fastest(measured, BATCHED)
    plain, batched = ratio(measured, OURS, LOOP), ratio(measured, OURS, best)
    return [
        f"{MEDIANS}; `x batched`: to the best batched program.",
        f"Aim 1, at least 100 times the plain loop: {_reached(plain >= 100)} ({plain:.0f} times).",
        f"Aim 2, at least 2 times the best batched program ({best}): {_reached(batched >= 2)} ({batched:.2f} times).",
    ]


def _reached(aim: bool) -> str:
    return "reached" if aim else "not reached"


BENCHMARK = Benchmark(
    package=__package__,
    title="Speed of the arena",
    file="benchmarks_arena.md",
    work=WORK,
    programs=PROGRAMS,
    header=("program", "seed-steps per CPU-s", "x plain", "x batched"),
    lines=_lines,
    remarks=_remarks,
)


def main(*, rounds: int, console: Console, folder: Path | None = None) -> None:
    """Measures, prints the table, and writes it into `folder` if given."""
    measuring.main(BENCHMARK, rounds=rounds, console=console, folder=folder)
