"""Table 3 and Figure 3, from the stored records of `language_to_numbers`.

Axes: S seeds, E evaluations, U output units, D splits, Q queries, T words.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..lib.places import making
from ..lib.report import Curve, Figure, Panel, Quantity, Table, View, paper, quantities_of
from ..lib.store.records import Finished
from . import networks, recipes, training
from .recipes import BLOCKS, MODELS, row_of
from .words import TRAINING, VALIDATION, Split, queries, split, value

if TYPE_CHECKING:
    from .language_to_numbers import Config

ERROR, EXACT, PREDICTION, OFF = "mean absolute error", "exact answers %", "prediction", "off the words' value"
PARTS = Split._fields
PRINTED = 0.005  # an error below the paper's plus this much prints as the paper's, or less
SELECTED_BY = "validation error"
DIVERGED = 1e9  # where the band of Figure 3 has the answer of a seed that has none
SHOWN = ("nalu", "configured")  # models of Figure 3
STARTS = 4  # of which validation chooses one, in the row of restarts
RESTARTED = {model: f"{MODELS[model]} (restarts)" for model in networks.CONFIGURED}


def tables(cfg: "Config", results: list[Finished]) -> list[Table]:
    """Returns Table 3, and the numbers of Figure 3."""
    found = _found(results)
    if not found:
        return []
    quantities = [line for model, run in found.items() for line in errors(cfg, run, row_of(model))]
    restarted = [model for model in RESTARTED if model in found and cfg.seeds >= STARTS]
    quantities += [line for model in restarted for line in errors(cfg, found[model], RESTARTED[model], STARTS)]
    rows = tuple(dict.fromkeys(map(row_of, (*MODELS, *found)))) + tuple(RESTARTED[model] for model in restarted)
    columns = tuple(dict.fromkeys(q.column for q in quantities))
    blocks = tuple(BLOCKS[unit] for unit in cfg.units)
    front = tuple(View(block, tuple((block, column) for column in columns), selected=True) for block in blocks)
    title = "Table 3: from number words to numbers"
    first = Table("table3", title, blocks, rows, columns, tuple(quantities), _table_notes(cfg))
    first = first._replace(decimals=2, cap=9999.0, front=front)
    asked = [line for model in SHOWN if model in found for line in _predictions(cfg, found[model], model)]
    if not asked:
        return [first]
    blocks = tuple(dict.fromkeys(q.block for q in asked))
    columns = tuple(sorted({q.column for q in asked}, key=lambda column: (int(column.partition(":")[0]), column)))
    rows = tuple(row_of(model) for model in SHOWN)
    title = "Figure 3: the answer after every word"
    second = Table("figure3", title, blocks, rows, columns, tuple(asked), _figure_notes(cfg), cap=9999.0)
    return [first, second]


def figures(cfg: "Config", results: list[Finished]) -> list[Figure]:
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


def _of_starts(run: Finished, u: int, d: int, starts: int) -> np.ndarray:
    """Returns the seeds that count where of so many one after the other the one of least validation error does."""
    validation_S = np.nan_to_num(_last(run, "validation", u, d), nan=np.inf)
    groups = len(validation_S) // starts
    return starts * np.arange(groups) + validation_S[: groups * starts].reshape(groups, starts).argmin(axis=1)


def _quantities_of(run: Finished, artefact: str, u: int, d: int, seeds: np.ndarray) -> Callable[..., Quantity]:
    """Returns what makes quantities of one unit and split of a run, of these of its seeds."""
    diverged_S = _last(run, "nonfinite_steps", u, d)[seeds] > 0
    best = int(np.nan_to_num(_last(run, "validation", u, d)[seeds], nan=np.inf).argmin())
    return quantities_of(run, artefact, diverged_S=diverged_S, selected=best, selected_by=SELECTED_BY)


def errors(
    cfg: "Config",
    run: Finished,
    row: str,
    starts: int = 1,
    *,
    units: Sequence[str] | None = None,
    artefact: str = "table3",
) -> list[Quantity]:
    """Returns a row's errors, for the first split all three, for the others the test's; and its exact answers.

    Args:
      starts: how many seeds are one, of which that of least validation error counts.
      units: of which it returns them, all unless they are given.
    """
    solved = paper.numbers("table3")[BLOCKS["1000"], MODELS["nalu"], "test", ERROR].number
    lines = []
    for u, unit in enumerate(cfg.units):
        for d in range(len(cfg.splits)) if units is None or unit in units else ():
            seeds = _of_starts(run, u, d, starts)
            of = _quantities_of(run, artefact, u, d, seeds)
            for part in PARTS if d == 0 else PARTS[-1:]:
                threshold = solved + PRINTED if part == "test" else None
                place = BLOCKS[unit], row, _column(part, d)
                lines.append(of(*place, ERROR, _last(run, part, u, d)[seeds], threshold=threshold))
            place = BLOCKS[unit], row, _column("test", d)
            lines.append(of(*place, EXACT, _last(run, "exact", u, d)[seeds], higher_is_better=True))
    return lines


def _best_unit(cfg: "Config", run: Finished) -> int:
    """Returns the unit whose best validation error on the first split is least: the one that Figure 3 shows."""
    best_U = [np.nan_to_num(_last(run, "validation", u, 0), nan=np.inf).min() for u in range(len(cfg.units))]
    return int(np.argmin(best_U))


def _asked(cfg: "Config", run: Finished) -> dict[tuple[str, ...], np.ndarray]:
    """Returns each query's answers `[S, T]`, of the first split and the best unit."""
    answers_SQT = run.arrays["queries"][:, -1, _best_unit(cfg, run), 0]
    asked = queries(cfg.splits)
    return {words: answers_SQT[:, q, : len(words)] for q, words in enumerate(asked)}


def _predictions(cfg: "Config", run: Finished, model: str) -> list[Quantity]:
    u = _best_unit(cfg, run)
    of = _quantities_of(run, "figure3", u, 0, np.arange(len(_last(run, "validation", u, 0))))
    lines = []
    for words, answers_ST in _asked(cfg, run).items():
        for t, word in enumerate(words):
            truth = value(words[: t + 1])
            place = " ".join(words), row_of(model), f"{t + 1}: {word}"
            lines.append(of(*place, PREDICTION, answers_ST[:, t]))
            lines.append(of(*place, OFF, np.abs(answers_ST[:, t] - truth)))
    return lines


def _running(cfg: "Config", found: dict[str, Finished]) -> Figure:
    """Returns Figure 3: for each query the selected seed's answer after every word, and all seeds' as a band."""
    asked = {model: _asked(cfg, found[model]) for model in SHOWN if model in found}
    printed = paper.numbers("figure3")
    panels = []
    for words in next(iter(asked.values())):
        x = np.arange(1.0, len(words) + 1)
        title = " ".join(words)
        truth_T = np.array([value(words[: t + 1]) for t in range(len(words))], np.float64)
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
        "figure3", "figure3", f"The answer after every word ({cfg.seeds} seeds)", tuple(panels), _drawing_notes()
    )


def _seeds(cfg: "Config", found: dict[str, Finished]) -> Figure:
    """Returns the errors of all seeds, sorted: one panel for each unit and split."""
    panels = []
    for u, unit in enumerate(cfg.units):
        for d in range(len(cfg.splits)):
            curves = []
            for model, run in found.items():
                sorted_S = np.sort(np.nan_to_num(_last(run, "test", u, d), nan=np.inf, posinf=np.inf))
                share_S = 100 * (np.arange(len(sorted_S)) + 1) / len(sorted_S)
                curves.append(
                    Curve(row_of(model), share_S, sorted_S, style="extra" if model in networks.CONFIGURED else "ours")
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
    return Figure("table3", "table3_seeds", f"Test errors of {cfg.seeds} seeds", tuple(panels), _seeds_notes())


def _table_notes(cfg: "Config") -> tuple[str, ...]:
    """Returns the notes of Table 3."""
    hundreds = "; ".join(
        f"split {d + 1}: {', '.join(str(n) for n in split(seed).training if n and n % 100 == 0) or 'none'}"
        for d, seed in enumerate(cfg.splits)
    )
    return (
        f"Mean absolute error over the {TRAINING} numbers of training, {VALIDATION} of "
        "validation and 631 of the test, in ones. The last step counts; the seed is selected by its validation error "
        "on the same split. Exact: the share of test numbers that the answer rounds to.",
        "Splits are drawn at random, as the paper says: 0 to 19, and others until every word occurs. What the paper "
        "shows as unseen in Figure 3 is never trained. Round hundreds that happen to be in training: "
        f"{hundreds}. Where there are few, nothing but a network's own preference says that 'five hundred' is 500.",
        f"Embedding of {cfg.embedding}, LSTM of {cfg.hidden}, one layer on its last state: linear, a NAC or a NALU "
        "(the paper's text). The configured NALU is ours: the answer so far and a learned value of the word pass "
        f"through a NALU whose W and g an LSTM of {cfg.configured_hidden} emits at every word, y = NALU([y, v]); the "
        f"configured NAC has no multiplicative path. Restarts: of {STARTS} seeds one after the other the one with the "
        "least validation error counts, so that there are fewer.",
        "The paper gives no unit. An output of 1 is an answer of 1 or of 1000: in units of 1 the bounded state of an "
        "LSTM must be stretched to 999, in units of 1000 to 0.999.",
        f"Unstated, so ours, the same for all: {cfg.steps:,} steps of Adam on all training numbers (cosine to 0, "
        "gradients clipped to a norm of 1); the loss is the mean of |error| / (n + 1)^p; decoupled weight decay, whole "
        f"for {training.FULL_DECAY:.0%} of the steps, then falling to 0, of its own for the input's, the state's "
        "and the read-out's weights. Learning rate, decays and p are the best of as many random draws for every row "
        f"and unit, by the validation numbers of other splits (`{making('table3_search')}`). "
        f"eps is {networks.EPS:g} and exponents end at {networks.EXPONENT:g}.",
        _recipe_note(cfg),
    )


def _recipe_note(cfg: "Config") -> str:
    lines = [
        f"{recipes.MODELS[model]} in {unit}: {r.learning_rate:g}, {r.decay:g}, {r.recurrent_decay:g}, "
        f"{r.read_out_decay:g}, {r.leniency:g}"
        for (model, unit), r in recipes.RECIPES.items()
        if model in cfg.models and unit in cfg.units
    ]
    return f"Learning rate, decays of input, state and read-out, p: {'; '.join(lines)}."


def _figure_notes(cfg: "Config") -> tuple[str, ...]:
    """Returns the notes of the numbers of Figure 3."""
    return (
        "The answer after every word, though only the answer after the last word of a number was ever trained; no "
        "query is among the numbers of training or validation. In bold the seed that Table 3 selects on its first "
        "split, in the unit whose best validation error is least.",
        "'twenty seven and eighty' is no number; adding it up gives 107. Off the words' value: how far the answer is "
        "from what the words so far are worth ('three hundred and': 300).",
    )


def _drawing_notes() -> tuple[str, ...]:
    """Returns the notes under Figure 3."""
    return (
        "Lines: the seed selected by validation; bands: from the 10th to the 90th percentile of all seeds. "
        "Hollow marks: the paper's LSTM + NALU. Bars: what the words so far are worth.",
        "Nothing but the answer to a whole number was trained, and none of these was among them.",
    )


def _seeds_notes() -> tuple[str, ...]:
    """Returns the notes under the errors of all seeds."""
    return (
        "Mean absolute error on the 631 test numbers of each seed's last step. The paper prints 0.41, 29.4, 114.3.",
    )
