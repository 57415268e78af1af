"""How fast does the agent of the grid world train here, beside PyTorch on the same core?

    make bench                 (or `python -m experiments bench grid` with the extra `bench` installed)

`measuring` says how it is measured, `work` what the work is and what is shared.
"""

import statistics
from pathlib import Path

from rich.console import Console

from .. import measuring
from ..measuring import KEEP_MEMORY, MEDIANS, Benchmark, Rounds, fastest, rate_cell, rates, ratio
from . import work

MODULE, BATCHED = "ours", "torch_batched"
PLAIN = "torch, Python world"
OURS, EIGHT = "ours", "ours, eight seeds"
PROGRAMS = {
    PLAIN: ("torch_python",),
    "torch, batched world": (BATCHED,),
    "torch, batched and compiled": (BATCHED, "compiled"),
    OURS: (MODULE,),
    EIGHT: (MODULE, "eight"),
}
WORK = (
    "Work: training the agent of section 4.5 with a NAC that accumulates, as Figure 5 does: updates of 256 episodes of "
    "20 steps in a world of 5x5 cells, seen as 56x56 pixels; vision (a convolution of a cell, a dense layer), NAC, an "
    "LSTM of 64 units, policy and value; the actor-critic's loss with generalised advantages, its gradient through all "
    "steps, clipped, and Adam. An environment step is one of these 20 x 256 in every program: an episode that ends "
    "before is masked from there on and its steps count all the same, though the Python world does not take them. The "
    "Python world has the interface of Gymnasium and draws its picture at every step, on which vision runs; the other "
    "programs hold all worlds in arrays, and run vision once an update on the 625 pictures that there are. Ours also "
    "skips updates that are not finite, lets the learning rate and the entropy's weight fall, and evaluates every 20 "
    "updates on 256 episodes of 40 steps, which do not count: about a tenth of what the experiment does every 200. "
    "Seeds follow one another. In every program freed memory is kept for the next step (glibc's MALLOC_TRIM_THRESHOLD_ "
    "and MALLOC_MMAP_THRESHOLD_), which PyTorch needs to be fast."
)


def _best_of_torch(measured: Rounds) -> str:
    return fastest(measured, (name for name in PROGRAMS if name not in (OURS, EIGHT)))


def _lines(measured: Rounds) -> list[tuple[str, ...]]:
    best = _best_of_torch(measured)
    return [
        (
            name,
            rate_cell(measured, name),
            f"{ratio(measured, name, PLAIN):.1f}",
            f"{ratio(measured, name, best):.2f}",
        )
        for name in measured
    ]


def _remarks(measured: Rounds) -> list[str]:
    rate, best = statistics.median(rates(measured, OURS)), _best_of_torch(measured)
    return [
        f"{MEDIANS}; `x best`: to the best program of PyTorch.",
        f"Aim, {work.AIM:,} environment steps per CPU-second: "
        f"{'reached' if rate >= work.AIM else 'not reached'} ({rate:,.0f}).",
        f"Ours is {ratio(measured, OURS, PLAIN):.1f} times as fast as PyTorch with the Python world, and "
        f"{ratio(measured, OURS, best):.2f} times as fast as the best of PyTorch ({best}).",
    ]


BENCHMARK = Benchmark(
    package=__package__,
    title="Speed of training in the grid world",
    file="benchmarks_grid.md",
    work=WORK,
    programs=PROGRAMS,
    header=("program", "environment steps per CPU-s", "x Python world", "x best"),
    lines=_lines,
    remarks=_remarks,
    environment=KEEP_MEMORY,
)


def main(*, rounds: int, console: Console, folder: Path | None = None) -> None:
    """Measures, prints the table, and writes it into `folder` if given."""
    measuring.main(BENCHMARK, rounds=rounds, console=console, folder=folder)
