"""How fast is a training step here, beside PyTorch doing the same work on the same core?

    make bench                 (or `python -m experiments bench static` with the extra `bench` installed)

`measuring` says how it is measured, `work` what the work is and what is shared.
"""

import statistics
from pathlib import Path

from rich.console import Console

from .. import measuring
from ..measuring import MEDIANS, Benchmark, Rounds, fastest, rate_cell, ratio

OURS, PLAIN, FLOOR = "ours", "torch, plain loop", "measured floor"
BATCHED = "torch_batched"
PROGRAMS = {
    PLAIN: ("torch_plain",),
    "torch, batched": (BATCHED,),
    "torch, compiled": (BATCHED, "compiled"),
    "torch, compiled, 16-bit": (BATCHED, "compiled", "short"),
    OURS: ("ours",),
    FLOOR: ("floor",),
}
WORK = (
    "Work: the paper's NALU, 100-2-1, Adam, a fresh batch of 128 a step, six operations. A seed-step is one step "
    "of one network. The six operations of a seed share its batch, but in the plain loop, which draws one for "
    "every network; seeds share nothing. Ours also skips updates that are not finite and evaluates every 4,000 "
    "steps. The batched programs train 16 seeds at once; `16-bit`: their inputs have 16 random bits, ours 23."
)


def _best_batched(measured: Rounds) -> str:
    return fastest(measured, (name for name, words in PROGRAMS.items() if words[0] == BATCHED))


def _lines(measured: Rounds) -> list[tuple[str, ...]]:
    best = _best_batched(measured)
    return [
        (
            name,
            rate_cell(measured, name),
            f"{ratio(measured, name, PLAIN):.3g}",
            f"{ratio(measured, name, best):.2f}",
            f"{ratio(measured, name, FLOOR):.1%}",
        )
        for name in measured
    ]


def _remarks(measured: Rounds) -> list[str]:
    plain, best = ratio(measured, OURS, PLAIN), _best_batched(measured)
    batched, floor = ratio(measured, OURS, best), ratio(measured, FLOOR, best)
    parts = {part: [each["parts"][part] * 1e6 for each in measured[FLOOR]] for part in measured[FLOOR][0]["parts"]}
    medians = {part: statistics.median(times) for part, times in parts.items()}
    arithmetic = ", ".join(f"{part} {time:.1f}" for part, time in medians.items())
    beyond = "Aim 2 is beyond it" if floor < 5 else "Aim 2 is within it"
    return [
        f"{MEDIANS}; `x batched`: to the best batched program.",
        f"Aim 1, at least 50 times the plain loop: {'reached' if plain >= 50 else 'not reached'} ({plain:.0f} times).",
        f"Aim 2, at least 5 times the best batched program ({best}): "
        f"{'reached' if batched >= 5 else 'not reached'} ({batched:.2f} times).",
        "The floor counts three parts of six seed-steps, each by the fastest way we know, in microseconds: "
        f"{arithmetic}; together {sum(medians.values()):.1f}, and all else nothing. Aim 2 asks for 5 times the best "
        f"batched program and the floor is {floor:.1f} times that program: {beyond}. Both programs share a batch among "
        "the operations, so both pay for these parts.",
    ]


BENCHMARK = Benchmark(
    package=__package__,
    title="Speed of a training step",
    file="benchmarks.md",
    work=WORK,
    programs=PROGRAMS,
    header=("program", "seed-steps per CPU-s", "x plain", "x batched", "of floor"),
    lines=_lines,
    remarks=_remarks,
)


def main(*, rounds: int, console: Console, folder: Path | None = None) -> None:
    """Measures, prints the table, and writes it into `folder` if given."""
    measuring.main(BENCHMARK, rounds=rounds, console=console, folder=folder)
