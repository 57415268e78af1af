"""How fast does the convolutional network of Table 2 train here, beside PyTorch doing the same work on the same core?

    make bench                 (or `python -m experiments bench convnet` with the extra `bench` installed)

`measuring` says how it is measured, `work` what the work is and what is shared.
"""

from pathlib import Path

from rich.console import Console

from .. import measuring
from ..measuring import KEEP_MEMORY, Benchmark, OneAndEight, Rounds, ratio

MODULE, TORCH = "ours", "torch_loop"
PLAIN = "torch, plain loop"
OURS, XLA = ("ours", "ours, eight seeds"), ("lax.conv", "lax.conv, eight seeds")  # with one seed, with eight
PROGRAMS = {
    PLAIN: (TORCH,),
    "torch, tuned": (TORCH, "tuned"),
    "torch, compiled": (TORCH, "compiled"),
    XLA[0]: (MODULE, "convolution"),
    OURS[0]: (MODULE,),
    "torch, tuned, eight seeds": (TORCH, "tuned", "eight"),
    "torch, compiled, eight seeds": (TORCH, "compiled", "eight"),
    "torch, vmap, eight seeds": ("torch_vmap", "eight"),
    XLA[1]: (MODULE, "convolution", "eight"),
    OURS[1]: (MODULE, "eight"),
}
WORK = (
    "Work: training the convolutional network of the PyTorch example of 2018 (Table 2 has it for every image): 5x5 "
    "convolution to 10 channels, max-pool, ReLU, 5x5 to 20 channels, max-pool, ReLU, dense 50, ReLU, dense 10; batches "
    "of 80 images gathered at random from 60,000 and normalised; softmax cross-entropy, its gradient, and Adam. The "
    "images are random bytes in the shape of MNIST's, the labels random digits. Ours also skips updates that are not "
    "finite. With eight seeds an image counts once for each network that is trained on it; the networks follow one "
    "another, but in `vmap`, which trains them at once. `tuned`: channels last, a fused Adam; `compiled`: "
    "torch.compile, a fused Adam; `lax.conv`: ours with XLA's own convolution. In every program freed memory is kept "
    "for the next step (glibc's MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_), which PyTorch needs to be fast."
)


TABLE = OneAndEight(
    torch=(
        (PLAIN, "torch, tuned", "torch, compiled"),
        ("torch, tuned, eight seeds", "torch, compiled, eight seeds", "torch, vmap, eight seeds"),
    ),
    ours=OURS,
    others=(XLA[1],),
    counted=("one seed", "eight seeds"),
)


def _remarks(measured: Rounds) -> list[str]:
    tiles = [ratio(measured, *pair) for pair in zip(OURS, XLA, strict=True)]
    gives = (
        "What convolution by tiles gives: ours is "
        f"{tiles[0]:.1f} times as fast as with lax.conv at one seed, {tiles[1]:.1f} times at eight."
    )
    return [*TABLE.remarks(measured), gives]


BENCHMARK = Benchmark(
    package=__package__,
    title="Speed of training the convolutional network",
    file="benchmarks_convnet.md",
    work=WORK,
    programs=PROGRAMS,
    header=("program", "images per CPU-s", "x plain", "x best"),
    lines=TABLE.lines,
    remarks=_remarks,
    environment=KEEP_MEMORY,
)


def main(*, rounds: int, console: Console, folder: Path | None = None) -> None:
    """Measures, prints the table, and writes it into `folder` if given."""
    measuring.main(BENCHMARK, rounds=rounds, console=console, folder=folder)
