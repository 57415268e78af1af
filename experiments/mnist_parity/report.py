"""Table 4 and its figures, from the stored records of `mnist_parity`.

Axes: S seeds, E evaluations, N scenes.
"""

from typing import TYPE_CHECKING

import numpy as np

from ..lib import cells
from ..lib.data import digits
from ..lib.report import Curve, Figure, Gallery, Panel, Picture, Quantity, Table, View, paper, quantities_of
from ..lib.store.records import Finished, find
from . import scenes
from .networks import LAYERS

if TYPE_CHECKING:
    from .mnist_parity import Config

BLOCKS = {"fresh": "fresh images", "finite": "finite set", "long": "fresh images, long"}
ACCURACY, GAIN, FITTED = "test accuracy %", "gain over Wx + b", "training accuracy %"
AFFINE, SEGUI = "Wx + b", "Segui et al.: Wx + b"
SELECTED_BY = "validation accuracy"
_IN_FRONT = ("fresh images", "fresh images, long", "finite set")
FRONT = View(ACCURACY, tuple((block, ACCURACY) for block in _IN_FRONT), headers=_IN_FRONT)

Found = dict[tuple[str, str], Finished]


def tables(cfg: "Config", results: list[Finished]) -> list[Table]:
    """Returns Table 4: last layers by regime."""
    found = _found(results)
    quantities = [entry for regime, layer in found for entry in accuracies(found, regime, layer)]
    if not quantities:
        return []
    rows = (SEGUI, *dict.fromkeys((*LAYERS, *(row_of(layer) for _, layer in found))))
    title = f"Table 4: counting the even digits of an image, by the last layer{digits.suffix(cfg.digits)}"
    blocks = tuple(name for regime, name in BLOCKS.items() if any(its == regime for its, _ in found))
    grid = blocks, rows, (ACCURACY, GAIN, FITTED)
    notes = (*_notes(cfg), *_told_apart(found))
    return [Table("table4", title, *grid, tuple(quantities), notes, headline="median", front=(FRONT,))]


def figures(cfg: "Config", results: list[Finished]) -> list[Figure | Gallery]:
    """Returns learning curves, and scenes with their answers."""
    found = _found(results)
    if not found:
        return []
    examples = find(results, layer="examples")
    return [_learning(cfg, found)] + ([_examples(cfg, examples, found)] if examples else [])


def row_of(layer: str) -> str:
    """Returns the row of a last layer: the paper's name, or that of one of the field's other cells."""
    return layer if layer in LAYERS else cells.title_of(layer)


def _found(results: list[Finished]) -> Found:
    runs = {(run.variant["images"], run.variant["layer"]): run for run in results if run.variant["images"] in BLOCKS}
    order = [*LAYERS, *(layer for _, layer in runs)]
    return dict(sorted(runs.items(), key=lambda item: (list(BLOCKS).index(item[0][0]), order.index(item[0][1]))))


def _selected(run: Finished) -> int:
    return int(run.arrays["validation_accuracy"][:, -1].argmax())


def accuracies(found: Found, regime: str, layer: str, artefact: str = "table4") -> list[Quantity]:
    """Returns a layer's accuracy on test images, how far it lies above the affine one's, and on training images."""
    run, affine = found[regime, layer], found.get((regime, AFFINE))
    accuracy_S = run.arrays["accuracy"][:, -1]
    values = {ACCURACY: accuracy_S, FITTED: run.arrays["training_accuracy"][:, -1]}
    if affine is not None and affine is not run:
        shared = min(len(accuracy_S), len(affine.arrays["accuracy"]))
        values[GAIN] = accuracy_S[:shared] - affine.arrays["accuracy"][:shared, -1]
    printed = paper.numbers("table4").get((BLOCKS[regime], layer, ACCURACY, ACCURACY))
    lines = []
    for column, values_S in values.items():
        diverged_S = run.arrays["nonfinite_steps"][: len(values_S), -1] > 0
        selected = _selected(run) if len(values_S) == len(accuracy_S) else None
        of = quantities_of(run, artefact, diverged_S=diverged_S, selected=selected, selected_by=SELECTED_BY)
        solved = printed.number if printed and column == ACCURACY else None
        lines.append(
            of(BLOCKS[regime], row_of(layer), column, column, values_S, threshold=solved, higher_is_better=True)
        )
    return lines


def _told_apart(found: Found) -> tuple[str, ...]:
    """Returns how large a mean gain is no chance, by as many seeds as there are and by more (Student's t, 95 %).

    The long regime has two layers, whose one gain says little of how gains spread.
    """
    import scipy.stats  # takes half a second

    said = []
    for regime, name in BLOCKS.items():
        affine = found.get((regime, AFFINE))
        if affine is None or regime == "long":
            continue
        base_S = np.asarray(affine.arrays["accuracy"][:, -1], np.float64)
        others = [run for (its, layer), run in found.items() if its == regime and layer != AFFINE]
        accuracies_S = [run.arrays["accuracy"][:, -1] for run in others]
        paired = [each - base_S for each in accuracies_S if len(each) == len(base_S)]  # of the same seeds
        if len(base_S) < 3 or not paired:
            continue
        spread = np.sqrt(np.var(paired, axis=1, ddof=1).mean())
        least = {n: scipy.stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n) for n in (len(base_S), 20, 100)}
        told = ", ".join(f"{gain:.1f} with {seeds}" for seeds, gain in sorted(least.items()))
        said.append(f"by {spread:.1f} points on {name}, so that to be no chance its mean must be {told} seeds")
    sentence = f"The gain of a layer differs from seed to seed (standard deviation) {'; '.join(said)}."
    return (sentence,) if said else ()


def _learning(cfg: "Config", found: Found) -> Figure:
    panels = []
    for regime, name in BLOCKS.items():
        steps = {"fresh": cfg.steps, "finite": cfg.finite_steps, "long": cfg.long_steps}[regime]
        x = steps // cfg.evaluations * np.arange(1, cfg.evaluations + 1) * cfg.batch / 1000
        curves = []
        for (its_regime, layer), run in found.items():
            if its_regime == regime:
                accuracy_SE = run.arrays["accuracy"]
                low, middle, high = accuracy_SE.min(0), np.median(accuracy_SE, 0), accuracy_SE.max(0)
                curves.append(Curve(row_of(layer), x, middle, low, high))
        if curves:
            seen = f"{name} of {cfg.finite_images:,} images" if regime == "finite" else name
            panels.append(Panel(seen, "thousand images seen", "test accuracy (%)", tuple(curves)))
    title = f"Counting even digits: learning by last layer ({cfg.seeds} seeds){digits.suffix(cfg.digits)}"
    notes = (
        f"Median over seeds; bands from the worst to the best seed. The last point is measured on {cfg.test_images:,} "
        f"test images, the others on {cfg.glance:,} of them.",
    )
    return Figure("table4", "table4_learning", title, tuple(panels), notes)


def _examples(cfg: "Config", shown: Finished, found: Found) -> Gallery:
    """Returns test scenes with the answers of the selected seeds."""
    scenes_NHW, labels_N = shown.arrays["scenes"][0, 0], shown.arrays["labels"][0, 0]
    regime = next(iter(found))[0]
    answers = {
        layer: found[regime, layer].arrays["examples_N"][_selected(found[regime, layer]), -1]
        for layer in (AFFINE, "NAC")
        if (regime, layer) in found
    }
    pictures = tuple(
        Picture(
            f"{label} even", scenes_NHW[n], "\n".join(f"{layer}: {guess_N[n]}" for layer, guess_N in answers.items())
        )
        for n, label in enumerate(labels_N)
    )
    title = f"Test images, how many of their digits are even, and the answers{digits.suffix(cfg.digits)}"
    notes = (f"Answers of the seed with the best validation accuracy, trained on {BLOCKS[regime]}.",)
    return Gallery("table4", "table4_examples", title, pictures, 4, notes)


def _notes(cfg: "Config") -> tuple[str, ...]:
    return (
        f"Percentage of {cfg.test_images:,} test images (the same for all seeds and layers) whose even digits are "
        "counted rightly. Always answering 0 gives about 33 %. The last step counts; nothing is selected.",
        "The paper's numbers are recalled, not read, and of its training nothing is known, so they stand beside "
        "every block. Solved: at least the paper's number.",
        "Gain: the accuracy of a layer less that of Wx + b from the same seed, which starts the rest of the network "
        "alike and sees the same images; an interval that holds 0 shows no difference.",
        f"{scenes.SIDE} x {scenes.SIDE} pixels; U{{0..{scenes.MOST}}} digits, any two of them {scenes.APART} or more "
        "pixels apart across or down, otherwise anywhere; training digits for training, test digits for the test.",
        f"The network of Segui et al. up to its last layer. Ours: {cfg.batch} images a step; Muon for the weight "
        "matrices before the last layer, Adam with Nesterov's momentum for the rest "
        f"({cfg.learning_rate:g}, cosine to 0 after a warm-up over {cfg.warm_up:.0%} of the steps, gradients clipped "
        "to a norm of 1); He's start, and Glorot's for the last layer. The kernel of the dense layer is learnt as the "
        "sum of a part common to all places of the image and a part of its own for each, which are the same functions, "
        "learnt sooner.",
        f"Fresh images: {cfg.steps:,} steps, no image twice. Finite set: {cfg.finite_images:,} images, "
        f"{cfg.finite_steps:,} steps. Long: fresh images, {cfg.long_steps:,} steps.",
    )
