"""Table 2 and its figures, from the stored records of `mnist_counting`.

Axes: S seeds, E evaluations, N series, T images of a series, O outputs.
"""

from typing import TYPE_CHECKING

import numpy as np

from ..lib import cells
from ..lib.data import digits
from ..lib.report import Curve, Figure, Gallery, Panel, Picture, Quantity, Table, View, paper, quantities_of, statistics
from ..lib.store.records import Finished, find

if TYPE_CHECKING:
    from .mnist_counting import Config

PAPER_ROWS = {
    "lstm": "LSTM",
    "gru": "GRU",
    "rnn-tanh": "RNN-tanh",
    "rnn-relu": "RNN-ReLU",
    "nac": "NAC",
    "nalu": "NALU",
}
ROWS = {**PAPER_ROWS, "nac-plain": "NAC (plain)"}
BLOCKS = ("counting", "addition")
ACCURACY, ERROR = "accuracy %", "mean absolute error"
HALF = 0.5  # the paper's errors look like twice a mean absolute error: see the notes
SELECTED_BY = "validation error"


def tables(cfg: "Config", results: list[Finished]) -> list[Table]:
    """Returns Table 2: models by the length of the series, for counting and addition."""
    found = _found(results)
    quantities = [entry for task, model in found for entry in errors(cfg, found[task, model], task, _row(model))]
    if not quantities:
        return []
    rows = tuple(dict.fromkeys((*PAPER_ROWS.values(), *(_row(model) for _, model in found))))
    columns = ("length 1", *(f"length {length}" for length in cfg.lengths))
    title = f"Table 2: counting and adding MNIST digits in series{digits.suffix(cfg.digits)}"
    blocks = tuple(block for block in BLOCKS if any(task == block for task, _ in found))
    table = Table("table2", title, blocks, rows, columns, tuple(quantities), _notes(cfg, quantities))
    front = tuple(View(block, tuple((block, column) for column in columns)) for block in blocks)
    return [table._replace(decimals=2, cap=9999.0, headline="median", paper_factor=HALF, front=front)]


def figures(cfg: "Config", results: list[Finished]) -> list[Figure | Gallery]:
    """Returns errors over the length of a series, learning curves, and series with their answers."""
    found = _found(results)
    if not found:
        return []
    drawn: list[Figure | Gallery] = [_by_length(cfg, found), _learning(cfg, found)]
    examples = find(results, model="examples")
    return drawn + ([_examples(cfg, examples, found)] if examples else [])


def _found(results: list[Finished]) -> dict[tuple[str, str], Finished]:
    runs = {(run.variant["task"], run.variant["model"]): run for run in results if run.variant["task"] in BLOCKS}
    order = [*ROWS, *(model for _, model in runs)]
    return dict(sorted(runs.items(), key=lambda item: (BLOCKS.index(item[0][0]), order.index(item[0][1]))))


def _row(model: str) -> str:
    return ROWS[model] if model in ROWS else cells.title_of(model)


def solved(task: str, column: str, metric: str) -> float:
    """Returns what counts as solved: the paper's NAC, of an error its half."""
    printed = paper.numbers("table2")[task, "NAC", column, metric].number
    return printed if metric == ACCURACY else HALF * printed


def errors(cfg: "Config", run: Finished, task: str, row: str, artefact: str = "table2") -> list[Quantity]:
    """Returns the accuracy of single images and the errors of series, of one row of a table."""
    validation_S = np.nan_to_num(run.arrays["validation_error"][:, -1], nan=np.inf)
    names = {"length 1": ("accuracy", ACCURACY)}
    names |= {f"length {length}": (f"error_{length}", ERROR) for length in cfg.lengths}
    known = paper.numbers("table2")
    diverged_S, best = run.arrays["nonfinite_steps"][:, -1] > 0, int(validation_S.argmin())
    of = quantities_of(run, artefact, diverged_S=diverged_S, selected=best, selected_by=SELECTED_BY)
    lines = []
    for column, (name, metric) in names.items():
        better = {"higher_is_better": metric == ACCURACY}
        limit = solved(task, column, metric) if (task, "NAC", column, metric) in known else None
        lines.append(of(task, row, column, metric, run.arrays[name][:, -1], threshold=limit, **better))
    return lines


def _band(label: str, x: np.ndarray, values_SX: np.ndarray, style: str = "ours") -> Curve:
    """Returns the median over seeds with a band from the smallest to the largest."""
    values_SX = np.where(np.isfinite(values_SX), values_SX, np.nan)
    if np.isnan(values_SX).all(axis=0).any():
        values_SX = np.nan_to_num(values_SX, nan=np.finfo(np.float32).max)
    low, middle, high = np.nanmin(values_SX, 0), np.nanmedian(values_SX, 0), np.nanmax(values_SX, 0)
    return Curve(label, x, middle, low, high, style)


def _by_length(cfg: "Config", found: dict[tuple[str, str], Finished]) -> Figure:
    panels = []
    x = np.array(cfg.lengths, float)
    printed = paper.numbers("table2")
    for block in BLOCKS:
        runs = {model: run for (task, model), run in found.items() if task == block}
        curves = []
        for model, run in runs.items():
            error_SX = np.stack([run.arrays[f"error_{length}"][:, -1] for length in cfg.lengths], axis=1)
            curves.append(_band(_row(model), x, error_SX, "ours" if model in PAPER_ROWS else "extra"))
        places = [(block, "NAC", f"length {length}", ERROR) for length in cfg.lengths]
        if curves and all(place in printed for place in places):
            theirs = np.array([printed[place].number for place in places])
            curves += [Curve("NAC", x, HALF * theirs, style="paper")]
        names = block, "length of the series", "mean absolute error of an answer"
        panels.append(Panel(*names, tuple(curves), x_scale="log", y_scale="log"))
    title = f"Series longer than the {cfg.length} of training ({cfg.seeds} seeds){digits.suffix(cfg.digits)}"
    notes = (
        "Median over seeds; bands from the best to the worst seed. "
        "Hollow marks: half of what the paper prints for the NAC (why half: notes of Table 2).",
    )
    return Figure("table2", "table2_lengths", title, tuple(panel for panel in panels if panel.curves), notes)


def _learning(cfg: "Config", found: dict[tuple[str, str], Finished]) -> Figure:
    step = cfg.steps // cfg.evaluations
    x = step * np.arange(1, cfg.evaluations + 1) * cfg.batch * cfg.length / 1000
    shown = {"accuracy": "accuracy, one image (%)"}
    shown |= {f"error_{length}": f"error, series of {length}" for length in (cfg.lengths[0], cfg.lengths[-1])}
    panels = []
    for block in BLOCKS:
        runs = {model: run for (task, model), run in found.items() if task == block}
        for name, y_label in shown.items():
            curves = [
                _band(_row(model), x, run.arrays[name], "ours" if model in PAPER_ROWS else "extra")
                for model, run in runs.items()
            ]
            if curves:
                scale = "linear" if name == "accuracy" else "log"
                panels.append(Panel(block, "thousand images seen", y_label, tuple(curves), y_scale=scale))
    title = f"Learning to count and to add ({cfg.seeds} seeds; bands: best to worst){digits.suffix(cfg.digits)}"
    return Figure("table2", "table2_learning", title, tuple(panels))


def _examples(cfg: "Config", shown: Finished, found: dict[tuple[str, str], Finished]) -> Gallery:
    """Returns test series with the answers of each model's selected seed."""
    images_NTHW, labels_NT = shown.arrays["images"][0, 0], shown.arrays["labels"][0, 0]
    pictures = []
    for n, labels_T in enumerate(labels_NT):
        lines = []
        for task in BLOCKS:
            answers = {}
            for (its_task, model), run in found.items():
                if its_task == task and (task == "addition" or model in ("nac", "lstm")):
                    seed = int(np.nan_to_num(run.arrays["validation_error"][:, -1], nan=np.inf).argmin())
                    answer_O = run.arrays["examples_NO"][seed, -1, n]
                    answers[_row(model)] = " ".join(f"{abs(v) if round(v, 1) == 0 else v:.1f}" for v in answer_O)
            if answers:
                truth = (
                    f"{labels_T.sum()}" if task == "addition" else " ".join(map(str, np.bincount(labels_T, None, 10)))
                )
                lines.append(f"{task}: truth {truth}" + "".join(f"  |  {row} {a}" for row, a in answers.items()))
        strip = np.concatenate(list(images_NTHW[n]), axis=1)
        pictures.append(Picture(f"series {n + 1}", strip, "\n".join(lines)))
    title = f"Series of test digits and the answers to them{digits.suffix(cfg.digits)}"
    notes = ("Answers of the seed with the least validation error. Counts are of the classes 0 to 9.",)
    return Gallery("table2", "table2_examples", title, tuple(pictures), 1, notes)


def _notes(cfg: "Config", quantities: list[Quantity]) -> tuple[str, ...]:
    """Returns how the models were trained, and why the paper's errors are shown halved, too."""
    return (
        f"Plain mean absolute error over {', '.join(map(str, cfg.test_series))} test series of each length (and over "
        "the ten outputs, for counting); at length 1 the percentage of all test digits that are named rightly: the "
        "largest of the ten counts, or the sum rounded. The last step counts; nothing is selected but whose answers "
        "the examples show.",
        _halves(cfg, quantities),
        "Solved: at least the accuracy that the paper prints for the NAC, or at most half of its error. (The one "
        "public reproduction of the addition half, Madsen and Johansen's, reports success in 10 % of 10 seeds for the "
        "NAC and 0 % for the NALU, by a criterion of its own.)",
        "The paper leaves the training unstated. Ours, the same for all rows but the last: the 2018 PyTorch example's "
        "convolutional net without dropout, 10 outputs into the cell; Muon for all weight matrices but a NAC's or a "
        f"NALU's, with a weight decay of {cfg.weight_decay:g}, and Adam with Nesterov's momentum for the rest "
        f"({cfg.learning_rate:g}, cosine to 0, gradients clipped to a norm of 1); {cfg.steps:,} steps of {cfg.batch} "
        f"fresh series of {cfg.length}. {cfg.hold_out:.0%} of the training digits are held out for validation.",
        "NAC and NALU add over the series: h = h + cell(f), h = 0 before it, and the last h is the answer. Their "
        f"features are sigmoid({cfg.feature_scale:g} f), and their weights learn {cfg.cell_rate:g} times as fast, so "
        "that they saturate: ten features of 0 or 1 with weights of 1 spell a digit as a thermometer does. For "
        f"addition W_hat and M_hat start at Glorot's values plus {cfg.weight_start:g}, since a weight that starts "
        "negative stays negative. Linear features learn a regression of the digits instead and stop far from it: "
        f"NAC (plain), with Glorot's start and Adam for everything ({cfg.plain_learning_rate:g}, cosine).",
        f"The usual cells have {cfg.hidden} hidden units and a linear read-out of the last state, for addition in "
        f"units of {cfg.length * 4.5:g}.",
    )


def _halves(cfg: "Config", quantities: list[Quantity]) -> str:
    """Returns why the paper's errors are shown halved, with what our own baselines say about it."""
    ratios = []
    for task, row in (("counting", "LSTM"), ("counting", "GRU"), ("addition", "LSTM"), ("addition", "GRU")):
        for length in cfg.lengths[1:]:
            place = (task, row, f"length {length}", ERROR)
            ours = [q for q in quantities if (q.block, q.row, q.column, q.metric) == place]
            printed = paper.numbers("table2").get(place)
            if ours and printed:
                median = float(np.median(statistics.values(ours[0])))
                ratios.append(f"{task}, {row}, {length}: {printed.value} against {median:.4g}")
    evidence = f" Printed against ours: {'; '.join(ratios)}." if ratios and cfg.digits == digits.MNIST else ""
    return (
        "The paper's errors look like twice a mean absolute error. A sum of 1000 digits is 4,443 in the mean, so a "
        "cell that stands still errs by less than that, but the paper prints 8811.6 and 8775.2; a class occurs 100 "
        "times in 1000 digits, but it prints 198.5. This is inferred from the numbers, not read in the text, so both "
        f"are shown.{evidence}"
    )
