"""Figures 4 and 6 and their numbers, from the stored records of `program_evaluation`.

Axes: S seeds, E evaluations, L networks side by side, D sizes of the integers in digits.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..lib.report import Curve, Figure, Panel, Quantity, Table, quantities_of
from ..lib.store.records import Finished
from . import recipes, training
from .programs import TRAINING_DIGITS

if TYPE_CHECKING:
    from .program_evaluation import Config

MATCH, ERROR = "matching digits %", "root mean squared error"
ROWS = {"nalu": "NALU", "lstm": "LSTM", "ugrnn": "UGRNN", "dnc": "DNC", "nac": "NAC"}
RESTARTS = {"nalu": "NALU (restarts)", "nac": "NAC (restarts)"}
KEPT = {recipes.KEPT: "NALU (kept)"}
OURS_BESIDE = ("nac", recipes.KEPT)  # of one network a seed, what the paper does not have
ARTEFACTS = {
    "addition": ("figure6", "Figure 6: adding two integers"),
    "program": ("figure4", "Figure 4: programs with if, + and -"),
}
GRAMMAR = {
    "addition": "integer + integer END",
    "program": "[a if b < c else d, or an integer] [+ or - integer] [+ or - integer] END, three in four with an if",
}
SELECTED_BY = "validation error"
SOLVED = 99.0  # per cent of the digits


class Row(NamedTuple):
    """What one row has: of each seed, one network."""

    run: Finished
    match_SED: np.ndarray
    validation_SE: np.ndarray
    nonfinite_S: np.ndarray
    style: str


def tables(cfg: "Config", results: list[Finished]) -> list[Table]:
    """Returns the digits that match by the size of the integers, for both languages."""
    rendered = []
    for language, (artefact, title) in ARTEFACTS.items():
        found = _rows(results, language)
        quantities = [line for name, row in found.items() for line in _quantities(cfg, artefact, language, name, row)]
        if quantities:
            columns = tuple(dict.fromkeys(q.column for q in quantities))
            grid = (language,), tuple(found), columns
            notes = _table_notes(cfg, language)
            rendered.append(Table(artefact, title, *grid, tuple(quantities), notes, headline="median"))
    return rendered


def figures(cfg: "Config", results: list[Finished]) -> list[Figure]:
    """Returns Figures 4 and 6, and how their networks learnt."""
    drawn = []
    for language, (artefact, title) in ARTEFACTS.items():
        found = _rows(results, language)
        if found:
            drawn += [_by_size(cfg, artefact, title, found), _learning(cfg, artefact, language, found)]
    return drawn


def _rows(results: list[Finished], language: str) -> dict[str, Row]:
    """Returns the rows, the paper's first: each seed's first network, and where there are more the best of them."""
    runs = {run.variant["model"]: run for run in results if run.variant["language"] == language}
    first, best, kept = (
        {titles[model]: _row(runs[model], best=titles is RESTARTS) for model in titles if model in runs}
        for titles in (ROWS, RESTARTS, KEPT)
    )
    return first | best | kept


def _row(run: Finished, *, best: bool) -> Row:
    """Returns of each seed its first network, or the one with the least validation error."""
    validation_SEL = run.arrays["validation"]
    lane_S = np.zeros(len(validation_SEL), int)
    if best:
        lane_S = np.nan_to_num(validation_SEL[:, -1], nan=np.inf).argmin(axis=1)
    pick = lambda array: np.stack([array[s][:, lane] for s, lane in enumerate(lane_S)])  # noqa: E731
    style = "extra" if best or run.variant["model"] in OURS_BESIDE else "ours"
    nonfinite_S = pick(run.arrays["nonfinite_steps"])[:, -1] > 0
    return Row(run, pick(run.arrays["match"]), pick(validation_SEL), nonfinite_S, style)


def _quantities(cfg: "Config", artefact: str, language: str, name: str, row: Row) -> list[Quantity]:
    validation_S = row.validation_SE[:, -1]
    best = int(np.nan_to_num(validation_S, nan=np.inf).argmin())
    of = quantities_of(row.run, artefact, diverged_S=row.nonfinite_S, selected=best, selected_by=SELECTED_BY)
    solved = {"threshold": SOLVED, "higher_is_better": True}
    lines = [
        of(language, name, f"{digits} digits", MATCH, row.match_SED[:, -1, d], **solved)
        for d, digits in enumerate(cfg.digits)
    ]
    return [*lines, of(language, name, "2 digits", ERROR, validation_S)]


def _by_size(cfg: "Config", artefact: str, title: str, found: dict[str, Row]) -> Figure:
    """Returns the paper's figure: means with bands of two standard deviations; beside it every seed."""
    x = np.array(cfg.digits, float)
    banded, single = [], []
    for name, row in found.items():
        match_SD = row.match_SED[:, -1]
        mean_D, spread_D = match_SD.mean(axis=0), 2 * match_SD.std(axis=0)
        low, high = np.clip([mean_D - spread_D, mean_D + spread_D], 0, 100)
        banded.append(Curve(name, x, mean_D, low, high, row.style))
        single.append(Curve(name, x, np.median(match_SD, axis=0), style=row.style, each=match_SD))
    axes = {
        "x_label": "digits of the integers in a program",
        "y_label": "matching digits (%)",
        "training_range": (x[0] - 0.25, TRAINING_DIGITS + 0.25),
        "x_limits": (x[0] - 0.25, x[-1]),
        "y_limits": (0.0, 103.0),
    }
    panels = (
        Panel("mean and two standard deviations", curves=tuple(banded), **axes),
        Panel("median and every seed", curves=tuple(single), **axes),
    )
    return Figure(artefact, artefact, f"{title} ({cfg.seeds} seeds)", panels, _drawing_notes(cfg))


def _learning(cfg: "Config", artefact: str, language: str, found: dict[str, Row]) -> Figure:
    """Returns the digits that match over training, inside the training range and at four digits."""
    share_E = 100 * np.arange(1, cfg.evaluations + 1) / cfg.evaluations
    panels = []
    for size in (TRAINING_DIGITS, 4):
        if size in cfg.digits:
            d = cfg.digits.index(size)
            curves = [
                Curve(name, share_E, *np.quantile(row.match_SED[:, :, d], (0.5, 0.0, 1.0), axis=0), row.style)
                for name, row in found.items()
            ]
            panels.append(Panel(f"{size} digits", "share of training (%)", "matching digits (%)", tuple(curves)))
    title = f"Learning the language '{language}' ({cfg.seeds} seeds; bands: worst to best)"
    longer = (f"The training of (kept) is {recipes.LONGER} times as long as that of NALU.",)
    notes = longer if KEPT[recipes.KEPT] in found else ()
    return Figure(artefact, f"{artefact}_learning", title, tuple(panels), notes)


def _table_notes(cfg: "Config", language: str) -> tuple[str, ...]:
    """Returns the notes of the numbers of one language."""
    return (
        f"Percentage of digits that match over {cfg.programs:,} test programs of each size, the same for all seeds: "
        "answers are rounded and written below the truth, units aligned; the sign is a digit where either is negative. "
        "The last step counts. Two digits are all integers of [0, 100), as in training; the other sizes have exactly "
        "so many. Solved: 99 % or more.",
        f"The language, a simple one out of Zaremba and Sutskever's: {GRAMMAR[language]}. One symbol (one-hot) or one "
        "whole integer a step; the loss is the root of a batch's mean squared error, as the paper has it.",
        "NALU: registers pass through a NALU, s' = NALU([s, integer]), whose W_hat, M_hat and gate an LSTM emits at "
        "every step (the gate g itself, not a G on the data). The LSTM sees the symbols and the tanh of the registers, "
        "hardly more than their signs, so that it can branch; never an integer. In the last 40 % of training what it "
        "emits is multiplied by up to 20, so that weights become -1, 0 and 1 to the last bit. The answer is the first "
        "register.",
        f"NALU and NAC: the first of {cfg.networks} networks that a seed trains on the same programs. (restarts): the "
        "one of them with the least error on other two-digit programs. NALU (kept): one network a seed that, once it "
        f"knows the training range (an error below {training.KNOWN:g} on those other programs), takes back a stage of "
        "training that ends with a larger error, for the rate is so high that a network can lose what it knew; it has "
        f"{recipes.LONGER} times the steps. On --root 4491, which is not reported, 7 of 10 are then right at four "
        "digits; with the usual steps (--length 0.25) 11 of 20; of NALU's networks with four times the steps (--seeds "
        "3 --length 4) 12 of 18: so few do not tell these apart. What it takes back is judged by those other programs, "
        "whose error the table has. "
        "NAC: the same without the multiplicative path, to see whether the multiplier matters here.",
        "LSTM, UGRNN and DNC see the same symbols and the integer in units of 25 or 50, and are trained, with Muon, "
        "until they know the training range; only then is what they do beyond it a comparison.",
        "All settings were chosen by two-digit programs drawn from other keys, but for the number of networks that "
        "compete, the length of their training and what is kept, for which four digits were looked at, too (on other "
        "keys as well).",
    )


def _drawing_notes(cfg: "Config") -> tuple[str, ...]:
    """Returns the notes under Figures 4 and 6."""
    return (
        f"Integers below 100 in training; {cfg.programs:,} test programs of each size. The paper's figures go to four "
        "digits; their curves could not be read. NAC: the NALU without its multiplicative path. (kept): one network a "
        f"seed, {recipes.LONGER} times the steps, which takes back what makes it worse.",
    )
