"""What Table 2 says below itself: how the models were trained, and why the paper's errors are shown halved, too."""

from typing import Any

import numpy as np

from ..lib.data import digits
from ..lib.report import paper, statistics
from ..lib.report.artefacts import Quantity

ERROR = "mean absolute error"


def notes(cfg: Any, quantities: list[Quantity]) -> tuple[str, ...]:
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


def _halves(cfg: Any, quantities: list[Quantity]) -> str:
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
