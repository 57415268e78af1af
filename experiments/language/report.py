"""Table 3 and Figure 3, from the stored records of `language_to_numbers`.

Axes: S seeds, E evaluations, U output units, D splits, Q queries, T words.
"""

from typing import Any

import numpy as np

from ..lib.report import paper
from ..lib.report.artefacts import Curve, Figure, Panel, Quantity, Table, quantity
from ..lib.store.records import Finished
from . import notes, queries
from . import words as number_words
from .recipes import BLOCKS, MODELS, row_of

ERROR, EXACT, PREDICTION, OFF = "mean absolute error", "exact answers %", "prediction", "off the words' value"
PARTS = number_words.Split._fields
SELECTED_BY = "validation error"
DIVERGED = 1e9  # where the band of Figure 3 has the answer of a seed that has none
SHOWN = ("nalu", "configured")  # models of Figure 3


def tables(cfg: Any, results: list[Finished]) -> list[Table]:
    """Returns Table 3, and the numbers of Figure 3."""
    found = _found(results)
    if not found:
        return []
    quantities = [line for model, run in found.items() for line in _errors(cfg, run, model)]
    rows, columns = (
        tuple(dict.fromkeys(map(row_of, (*MODELS, *found)))),
        tuple(dict.fromkeys(q.column for q in quantities)),
    )
    first = Table(
        "table3", "Table 3: from number words to numbers", tuple(BLOCKS[unit] for unit in cfg.units), rows, columns,
        tuple(quantities), notes.table(cfg), decimals=2, cap=9999.0,
    )  # fmt: skip
    asked = [line for model in SHOWN if model in found for line in _predictions(cfg, found[model], model)]
    if not asked:
        return [first]
    blocks = tuple(dict.fromkeys(q.block for q in asked))
    columns = tuple(sorted({q.column for q in asked}, key=lambda column: (int(column.partition(":")[0]), column)))
    second = Table(
        "figure3", "Figure 3: the answer after every word", blocks, tuple(row_of(model) for model in SHOWN), columns,
        tuple(asked), notes.figure(cfg), decimals=1, cap=9999.0,
    )  # fmt: skip
    return [first, second]


def figures(cfg: Any, results: list[Finished]) -> list[Figure]:
    """Returns Figure 3, and the errors of all seeds by model, unit and split."""
    found = _found(results)
    drawn = [_running(cfg, found)] if any(model in found for model in SHOWN) else []
    return drawn + ([_seeds(cfg, found)] if found else [])


def _found(results: list[Finished]) -> dict[str, Finished]:
    runs = {run.variant["model"]: run for run in results}
    return {model: runs[model] for model in dict.fromkeys((*MODELS, *runs)) if model in runs}


def _last(run: Finished, name: str, u: int, d: int) -> np.ndarray:
    return run.arrays[name][:, -1, u, d]


def _selected(run: Finished, u: int, d: int) -> int:
    return int(np.nan_to_num(_last(run, "validation", u, d), nan=np.inf).argmin())


def _column(part: str, d: int) -> str:
    return part if d == 0 else f"{part}, split {d + 1}"


def _errors(cfg: Any, run: Finished, model: str) -> list[Quantity]:
    """Returns a model's errors, for the first split all three, for the others the test's; and its exact answers."""
    solved = paper.numbers("table3")[BLOCKS["1000"], MODELS["nalu"], "test", ERROR].number
    lines = []
    for u, unit in enumerate(cfg.units):
        for d in range(len(cfg.splits)):
            shared = {
                "diverged_S": _last(run, "nonfinite_steps", u, d) > 0,
                "selected": _selected(run, u, d), "selected_by": SELECTED_BY,
            }  # fmt: skip
            for part in PARTS if d == 0 else PARTS[-1:]:
                threshold = solved + notes.PRINTED if part == "test" else None
                place = (run, "table3", BLOCKS[unit], row_of(model), _column(part, d))
                lines.append(quantity(*place, ERROR, _last(run, part, u, d), threshold=threshold, **shared))
            place = (run, "table3", BLOCKS[unit], row_of(model), _column("test", d))
            lines.append(quantity(*place, EXACT, _last(run, "exact", u, d), higher_is_better=True, **shared))
    return lines


def _best_unit(cfg: Any, run: Finished) -> int:
    """Returns the unit whose best validation error on the first split is least: the one that Figure 3 shows."""
    best_U = [np.nan_to_num(_last(run, "validation", u, 0), nan=np.inf).min() for u in range(len(cfg.units))]
    return int(np.argmin(best_U))


def _asked(cfg: Any, run: Finished) -> dict[tuple[str, ...], np.ndarray]:
    """Returns each query's answers `[S, T]`, of the first split and the best unit."""
    answers_SQT = run.arrays["queries"][:, -1, _best_unit(cfg, run), 0]
    asked = queries.queries(cfg.splits)
    return {words: answers_SQT[:, q, : len(words)] for q, words in enumerate(asked)}


def _predictions(cfg: Any, run: Finished, model: str) -> list[Quantity]:
    u = _best_unit(cfg, run)
    lines = []
    for words, answers_ST in _asked(cfg, run).items():
        for t, word in enumerate(words):
            truth = queries.value(words[: t + 1])
            place = (run, "figure3", " ".join(words), row_of(model), f"{t + 1}: {word}")
            shared = {
                "diverged_S": _last(run, "nonfinite_steps", u, 0) > 0,
                "selected": _selected(run, u, 0), "selected_by": SELECTED_BY,
            }  # fmt: skip
            lines.append(quantity(*place, PREDICTION, answers_ST[:, t], **shared))
            lines.append(quantity(*place, OFF, np.abs(answers_ST[:, t] - truth), **shared))
    return lines


def _running(cfg: Any, found: dict[str, Finished]) -> Figure:
    """Returns Figure 3: for each query the selected seed's answer after every word, and all seeds' as a band."""
    asked = {model: _asked(cfg, found[model]) for model in SHOWN if model in found}
    printed = paper.numbers("figure3")
    panels = []
    for words in next(iter(asked.values())):
        x = np.arange(1.0, len(words) + 1)
        title = " ".join(words)
        truth_T = np.array([queries.value(words[: t + 1]) for t in range(len(words))], np.float64)
        curves = [Curve("value of the words so far", x, truth_T, style="truth")]
        for model, by_query in asked.items():
            answers_ST = by_query[words]
            kept_ST = np.nan_to_num(answers_ST, nan=DIVERGED, posinf=DIVERGED)
            low, high = np.quantile(kept_ST, (0.1, 0.9), axis=0)
            chosen_T = answers_ST[_selected(found[model], _best_unit(cfg, found[model]), 0)]
            curves.append(Curve(row_of(model), x, chosen_T, low, high, "ours" if model == "nalu" else "extra"))
        places = [(title, MODELS["nalu"], f"{t + 1}: {word}", PREDICTION) for t, word in enumerate(words)]
        if all(place in printed for place in places):
            curves.append(
                Curve(MODELS["nalu"], x, np.array([printed[place].number for place in places]), style="paper")
            )
        limits = (-0.06 * truth_T.max(), 1.3 * truth_T.max())
        panels.append(Panel(title, "", "answer so far", tuple(curves), y_limits=limits, x_names=words))
    return Figure(
        "figure3", "figure3", f"The answer after every word ({cfg.seeds} seeds)", tuple(panels), notes.drawing()
    )


def _seeds(cfg: Any, found: dict[str, Finished]) -> Figure:
    """Returns the errors of all seeds, sorted: one panel for each unit and split."""
    panels = []
    for u, unit in enumerate(cfg.units):
        for d in range(len(cfg.splits)):
            curves = []
            for model, run in found.items():
                sorted_S = np.sort(np.nan_to_num(_last(run, "test", u, d), nan=np.inf, posinf=np.inf))
                share_S = 100 * (np.arange(len(sorted_S)) + 1) / len(sorted_S)
                curves.append(
                    Curve(row_of(model), share_S, sorted_S, style="extra" if model == "configured" else "ours")
                )
            panels.append(
                Panel(
                    f"{BLOCKS[unit]}, split {d + 1}",
                    "seeds, best first (%)",
                    "test error",
                    tuple(curves),
                    y_scale="log",
                )
            )
    return Figure("table3", "table3_seeds", f"Test errors of {cfg.seeds} seeds", tuple(panels), notes.seeds())
