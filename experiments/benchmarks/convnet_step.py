"""How fast does the convolutional network of Table 2 train here, beside PyTorch doing the same work on the same core?

    make bench                 (or `python -m experiments bench convnet` with the extra `bench` installed)

`measuring` says how it is measured, `convnet_step_work` what the work is and what is shared.
"""

from experiments.benchmarks.measuring import MEDIANS, Benchmark, Rounds, fastest, ratio, told

MODULE, TORCH = "convnet_step_ours", "convnet_step_torch"
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
    "torch, vmap, eight seeds": (f"{TORCH}_vmap", "eight"),
    XLA[1]: (MODULE, "convolution", "eight"),
    OURS[1]: (MODULE, "eight"),
}
# glibc gives large freed arrays back to the system, and takes them again a step later: PyTorch loses much time on it.
KEEP_MEMORY = (("MALLOC_TRIM_THRESHOLD_", str(10**9)), ("MALLOC_MMAP_THRESHOLD_", str(2**25)))
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


def _best_of_torch(measured: Rounds, *, eight: bool) -> str:
    """Returns the fastest program of PyTorch with as many seeds."""
    programs = {name: words for name, words in PROGRAMS.items() if ("eight" in words) == eight}
    return fastest(measured, (name for name, words in programs.items() if words[0].startswith(TORCH)))


def _lines(measured: Rounds) -> list[tuple[str, ...]]:
    best = {eight: _best_of_torch(measured, eight=eight) for eight in (False, True)}
    return [
        (
            name,
            told(measured, name),
            f"{ratio(measured, name, PLAIN):.2f}",
            f"{ratio(measured, name, best['eight' in PROGRAMS[name]]):.2f}",
        )
        for name in measured
    ]


def _remarks(measured: Rounds) -> list[str]:
    remarks = [f"{MEDIANS}; `x best`: to the best program of PyTorch with as many seeds."]
    for i, (ours, seeds) in enumerate(zip(OURS, ("one seed", "eight seeds"), strict=True)):
        best = _best_of_torch(measured, eight=i == 1)
        ahead = ratio(measured, ours, best)
        reached = "reached" if ahead > 1 else "not reached"
        remarks.append(f"Aim {i + 1}, ahead of PyTorch at {seeds} ({best}): {reached} ({ahead:.2f} times).")
    tiles = [ratio(measured, *pair) for pair in zip(OURS, XLA, strict=True)]
    remarks.append(
        "What convolution by tiles gives: ours is "
        f"{tiles[0]:.1f} times as fast as with lax.conv at one seed, {tiles[1]:.1f} times at eight."
    )
    return remarks


BENCHMARK = Benchmark(
    title="Speed of training the convolutional network",
    file="benchmarks_convnet.md",
    work=WORK,
    programs=PROGRAMS,
    header=("program", "images per CPU-s", "x plain", "x best"),
    lines=_lines,
    remarks=_remarks,
    environment=KEEP_MEMORY,
)
