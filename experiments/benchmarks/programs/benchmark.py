"""How fast does the LSTM-configured NALU learn little programs here, beside PyTorch on the same core?

    make bench                 (or `python -m experiments bench programs` with the extra `bench` installed)

`measuring` says how it is measured, `work` what the work is and what is shared.
"""

from pathlib import Path

from rich.console import Console

from .. import measuring
from ..measuring import Benchmark, OneAndEight, Rounds, ratio

MODULE, TORCH = "ours", "torch_plain_and_batched"
PLAIN = "torch, plain loop"
OURS, SIDE_BY_SIDE = ("ours", "ours, eight seeds"), "ours, eight networks of a seed"  # with one seed, with eight
PROGRAMS = {
    PLAIN: (TORCH,),
    "torch, compiled": (TORCH, "best", "compiled"),
    OURS[0]: (MODULE,),
    "torch, batched, eight seeds": (TORCH, "best", "eight"),
    "torch, batched and compiled, eight seeds": (TORCH, "best", "compiled", "eight"),
    OURS[1]: (MODULE, "eight"),
    SIDE_BY_SIDE: (MODULE, "networks"),
}
WORK = (
    "Work: training the LSTM-configured NALU of section 4.4 on programs with if, + and -, as Figure 4 does: an LSTM of "
    "24 units sets at each of 12 steps the weights of a NALU over three registers and an integer; batches of 64 "
    "programs; the root mean squared error, its gradient through all steps, clipped, and Adam. A seed-step is one step "
    "of one network. PyTorch's programs are drawn and encoded before the clock starts; ours draws them afresh, "
    "sharpens what the LSTM emits, skips updates that are not finite, changes the learning rate at every step, and "
    "evaluates every 1,200 steps on 6,000 programs. Seeds share no training programs, but the networks of one seed do. "
    "Ours takes its seeds one after another, `batched` at once."
)


TABLE = OneAndEight(
    torch=((PLAIN, "torch, compiled"), ("torch, batched, eight seeds", "torch, batched and compiled, eight seeds")),
    ours=OURS,
    others=(SIDE_BY_SIDE,),
    counted=("one network", "eight"),
)


def _remarks(measured: Rounds) -> list[str]:
    shared = ratio(measured, SIDE_BY_SIDE, OURS[1])
    beside = f"Networks of one seed, which share its programs, are {shared:.2f} times as fast as seeds."
    return [*TABLE.remarks(measured), beside]


BENCHMARK = Benchmark(
    package=__package__,
    title="Speed of learning little programs",
    file="benchmarks_programs.md",
    work=WORK,
    programs=PROGRAMS,
    header=("program", "seed-steps per CPU-s", "x plain", "x best"),
    lines=TABLE.lines,
    remarks=_remarks,
)


def main(*, rounds: int, console: Console, folder: Path | None = None) -> None:
    """Measures, prints the table, and writes it into `folder` if given."""
    measuring.main(BENCHMARK, rounds=rounds, console=console, folder=folder)
