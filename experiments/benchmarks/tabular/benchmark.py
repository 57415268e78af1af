"""How fast are the cells trained on a table, beside an MLP in PyTorch on the same rows?

    python -m experiments bench tabular                (with the extra `bench` installed)

`measuring` says how it is measured, `work` what the work is.
"""

from pathlib import Path

from rich.console import Console

from .. import measuring
from ..measuring import MEDIANS, Benchmark, Rounds, rate_cell, ratio
from . import work

MLP = "torch, MLP 64-64"
PROGRAMS = {
    MLP: ("torch_mlp",),
    "ours, NALU, 1 lane": ("ours", "nalu", "one"),
    "ours, NALU, 4 lanes": ("ours", "nalu"),
    "ours, NPU of 8 terms, 4 lanes": ("ours", "real_npu"),
}
WORK = (
    f"Work: {work.ROWS} rows of the shipped table of steels, 26 inputs, 3 targets; a lane-step is one step of Adam on "
    f"a batch of {work.BATCH} rows of one network, with clipped gradients and a falling rate; {work.EVALUATIONS} "
    "evaluations. The MLP has 6,083 weights, the NALU 240, the NPU 677: the work is the same rows and steps, not the "
    "same arithmetic. Our lanes are one program; PyTorch's follow one another."
)


def _lines(measured: Rounds) -> list[tuple[str, ...]]:
    return [(name, rate_cell(measured, name), f"{ratio(measured, name, MLP):.2f}") for name in measured]


def _remarks(measured: Rounds) -> list[str]:
    seconds = {name: work.LANES * work.STEPS / rate for name, rate in _medians(measured).items()}
    each = ", ".join(f"{name} {second:.1f}" for name, second in seconds.items())
    return [f"{MEDIANS}.", f"CPU-seconds for the four lanes of one table, compilation excluded: {each}."]


def _medians(measured: Rounds) -> dict[str, float]:
    return {name: sorted(measuring.rates(measured, name))[len(measured[name]) // 2] for name in measured}


BENCHMARK = Benchmark(
    package=__package__,
    title="Speed of training on a table",
    file="benchmarks_tabular.md",
    work=WORK,
    programs=PROGRAMS,
    header=("program", "lane-steps per CPU-s", "x MLP"),
    lines=_lines,
    remarks=_remarks,
)


def main(*, rounds: int, console: Console, folder: Path | None = None) -> None:
    """Measures, prints the table, and writes it into `folder` if given."""
    measuring.main(BENCHMARK, rounds=rounds, console=console, folder=folder)
