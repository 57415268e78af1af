"""Does what was learnt on sequences of 10 hold on sequences of 1000? (section 4.1, recurrent half of Table 1)

Ten inputs arrive at every time step; a and b sum two slices of them over all steps, so that the sums grow with the
sequence. Every cell learns the training length; only those that add without forgetting can go on.

    python -m experiments run recurrent_arithmetic --profile full     # 79 CPU-min on two cores of an AMD EPYC

Axes: S seeds, E evaluations, M models or starts, O operations.
"""

import dataclasses
from typing import Annotated, Any

import nalu

from ..lib.config import Count, Natural, Positive, Root, Size, at_most, check, require, require_divides, selects
from ..lib.report import Figure, Table, View
from ..lib.store.records import Finished, find
from ..lib.training.train import Train
from . import recipes, scores, training
from .networks import sees_sums, title_of
from .recipes import GATES, LOOSE, RECURRENT_STARTS
from .tasks import OPERATIONS, Sequences

VERSION = 1
PLACE = (4, 1, 2)  # in the paper: section, subsection, part
ARTEFACTS = ("table1",)

NALUS = ("nalu", "nalu-restarts", "nalu-loosened")  # from our starts
MODELS = ("lstm", "relu-rnn", "nac", *NALUS, "gru", "tanh-rnn")
CELLS = tuple(name for name in nalu.CELLS if name not in MODELS)  # the rest of the field, in a table of its own
FIRST = ("LSTM", "ReLU", "NAC", "NALU")  # the paper's columns, in its order
OURS = ("NALU (restarts)", "NALU (loosened)")
IN_FRONT = (*FIRST, *OURS)
FRONT = View("over time, 1000 steps", tuple(("recurrent extrapolation", column) for column in IN_FRONT), share=True)
COLUMNS = {
    **{"lstm": "LSTM", "relu-rnn": "ReLU", "nac": "NAC", "nalu": "NALU"},
    **{"nalu-restarts": "NALU (restarts)", "nalu-loosened": "NALU (loosened)", "gru": "GRU", "tanh-rnn": "Tanh"},
}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the recurrent half of Table 1."""

    seeds: Count = 100  # ours
    root: Root = 4102  # ours: the root of the reported keys; tuning used others
    models: tuple[str, ...] = selects(MODELS, among=(*MODELS, *nalu.CELLS))  # ours: what to train
    inputs: Size = 10  # unstated; Madsen and Johansen's reproduction
    hidden: Size = 2  # unstated; Madsen and Johansen's reproduction
    cell_hidden: Size = 16  # ours: the usual cells need more to fit the training length
    high: Positive = 0.5  # unstated; ours: inputs from U[0, high]
    lengths: tuple[Size, Size] = (2, 5)  # unstated; ours: of the slices
    steps_trained: Size = 10  # unstated; Madsen and Johansen's reproduction
    steps_extrapolated: Size = 1000  # unstated; Madsen and Johansen's reproduction
    nalu_steps: Count = 40_000  # ours, as all that follows
    nalu_learning_rate: Positive = 4e-2
    nalu_first_layer: Positive = 0.5  # of the learning rate: layer 1 is slower to settle what layer 2 divides by
    nalu_shortest: Size = 5  # steps of its training items at least: from 10 on products fail, from 1 on quotients
    polish_steps: Natural = 400
    nac_steps: Count = 5_000
    cell_steps: Count = 10_000
    cell_learning_rate: Positive = 1e-2
    relu_learning_rate: Positive = 3e-3
    evaluations: Size = 10
    items: Size = 1000  # of validation and interpolation each
    long_items: Size = 200
    batch: Size = 32
    random_networks: Annotated[int, at_most(1000)] = 10  # for each seed, to measure what the score calls 100

    def __post_init__(self) -> None:
        check(self)
        require(
            self.steps_extrapolated > self.steps_trained,
            f"steps_extrapolated is {self.steps_extrapolated}, but must be above steps_trained = {self.steps_trained}.",
        )
        shortest, longest = self.lengths
        require(
            0 < shortest <= longest < self.inputs,
            f"lengths is {shortest} {longest}, but must be two rising lengths below inputs = {self.inputs}.",
        )
        require(
            self.nalu_shortest <= self.steps_trained,
            f"nalu_shortest is {self.nalu_shortest}, but must be at most steps_trained = {self.steps_trained}.",
        )
        require_divides(self, "evaluations", "nalu_steps", "nac_steps", "cell_steps")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns the compiled programs, one a column, and random networks, which the score always needs."""
    return [{"model": model} for model in ("random", *cfg.models)]


def make_train(cfg: Config, *, model: str) -> Train:
    """Returns the training of one seed."""
    sequences = Sequences(
        high=cfg.high,
        lengths=cfg.lengths,
        steps=cfg.steps_trained,
        outside_steps=cfg.steps_extrapolated,
        summed=model in ("random", "nac", *NALUS) or (model in nalu.CELLS and sees_sums(model)),
        shortest=cfg.nalu_shortest if model in NALUS else cfg.steps_trained,
    )
    return training.make_train(
        recipes.recurrent(cfg, model),
        sequences,
        inputs=cfg.inputs,
        batch=cfg.batch,
        items=cfg.items,
        outside_items=cfg.long_items,
        evaluations=cfg.evaluations,
    )


def columns(results: list[Finished]) -> dict[str, scores.Errors]:
    """Returns the errors of every column of Table 1 that has been run, the paper's columns first."""
    found = {}
    for run in results:
        model = run.variant["model"]
        if model in COLUMNS:
            read = scores.best_of_lanes if model == "nalu-restarts" else scores.errors_of
            found[COLUMNS[model]] = read(run)
    return {name: found[name] for name in dict.fromkeys((*FIRST, *found)) if name in found}


def cells(results: list[Finished]) -> dict[str, scores.Errors]:
    """Returns the errors of every cell of the field that has been run, beside ours of NAC and NALU."""
    found = {title_of(name): scores.errors_of(run) for name in CELLS for run in results if run.variant["model"] == name}
    ours = {name: errors for name, errors in columns(results).items() if name in (*FIRST[2:], *OURS)}
    return ours | found if found else {}


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the recurrent half of Table 1, or nothing until the random networks have been measured."""
    random = find(results, model="random")
    if random is None:
        return []
    found = columns(results)
    notes = (
        f"{cfg.inputs} inputs from U[0, {cfg.high:g}] a step; a and b sum slices of {cfg.lengths[0]}-{cfg.lengths[1]} "
        f"of them over all steps; {cfg.steps_trained} steps in training and interpolation, {cfg.steps_extrapolated} in "
        "extrapolation. The paper gives none of this; input size, hidden size and lengths are Madsen and Johansen's.",
        "Score as in the static half; its reference is the Glorot-initialised accumulator below, untrained.",
        "NAC and NALU add over time: h = sum of NAC(x_t), y = NAC(h) or NALU(h). Cells that pass h through learnt "
        "weights, NAC([x, h]) among them, need weights of 1 to a part in a thousand and do not reach 1000 steps. "
        f"NALU is the paper's layer; ours are its start, RMSprop with a cosine schedule ({cfg.nalu_steps:,} steps) and "
        f"a polish of {cfg.polish_steps} Levenberg-Marquardt steps on 1,024 training items at the end: without it the "
        "exponent of sqrt is right to the training length's precision only, which 100 times the length does not "
        f"forgive. Its layer 1 learns at {cfg.nalu_first_layer:g} of the rate, and its training items have "
        f"{cfg.nalu_shortest} to {cfg.steps_trained} steps. NALU (restarts): {len(RECURRENT_STARTS)} starts a seed, "
        f"the best chosen by validation error on {cfg.steps_trained} steps. NALU (loosened): one start, as NALU, but "
        f"polished {1 + len(GATES) * len(LOOSE)} times, as training left it and from weights that can move again: |W| "
        f"at most {', '.join(f'{first:g}' for first, _ in LOOSE)} in layer 1 and {LOOSE[0][1]:g} in layer 2, the gate "
        "of layer 2 open and shut; the polish that fits its 1,024 training items best is kept. On --root 4191 --seeds "
        "80, which are not reported, that brings 95, 100, 96, 100, 94, 100 % at 1000 steps to 100 in all six. A first "
        "form, with 0.3 alone in layer 1, came to 99, 100, 94, 100, 99, 100 on the reported seeds; the other limits "
        "were added then, by those of --root 4191.",
        "Tried for 95 % in all six alone, on seeds that are not reported, solved at 1000 steps. With --root 4193 "
        "--seeds 60: as here 97, 100, 95, 100, 95, 100 %; with --nalu-steps 20000 95, 100, 93, 98, 90, 100, and then "
        "with --nalu-first-layer 0.7 98, 100, 88, 97, 73, 98; 1 98, 100, 78, 95, 72, 100; with layer 2's gate learning "
        "at 0.3 of the rate 73, 65, 93, 87, 95, 100; at 0.1 52, 58, 87, 73, 93, 98. With --root 4191 --seeds 80: as "
        "here 95, 100, 96, 100, 94, 100; --nalu-steps 60000 94, 100, 95, 100, 95, 100. With --root 4191 --seeds 40 "
        "--nalu-steps 20000 --nalu-shortest 10: --nalu-first-layer 1 98, 100, 78, 75, 55, 95; 0.5 92, 92, 68, 88, 95, "
        "48; 0.25 72, 95, 68, 85, 100, 55; 1 with layer 2's gate started at -0.6 in place of -0.3 95, 98, 75, 82, 70, "
        "95, at -1 60, 98, 60, 82, 78, 98. There a*b and a^2 fail by a gate that opens to the sum. Four starts, on "
        "those 40 seeds and steps: with --nalu-first-layer 1 on items of 1 to 10 steps 100, 100, 100, 72, 100, 100, of "
        "10 steps 100, 100, 92, 98, 100, 100; on items of 5 to 10 steps with 0.5 100 in all six.",
        f"The usual cells have {cfg.cell_hidden} hidden units and a linear read-out in units of the targets' root "
        f"mean square; Adam, cosine, {cfg.cell_steps:,} steps.",
    )
    blocks = tuple(f"recurrent {name}" for name in scores.RANGES)
    title = "Table 1, recurrent: arithmetic over time"
    quantities = scores.quantities("recurrent", found, scores.reference(random))
    grid = blocks, tuple(OPERATIONS), tuple(found)
    main = [Table("table1", title, *grid, quantities, notes, front=(FRONT,))] if found else []
    return [
        *main,
        *scores.of_cells("recurrent", cells(results), scores.reference(random), recipes.OF_CELLS_OVER_TIME),
    ]


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns, for every operation, how many seeds extrapolate how well, of cells too."""
    random = find(results, model="random")
    if random is None:
        return []
    reference = scores.reference(random)
    title = f"Recurrent arithmetic: share of {cfg.seeds} seeds that extrapolate below a score"
    shown, of_cells = columns(results), cells(results)
    made = [
        Figure("table1", name, title, scores.profile_panels(its, reference, coloured), (scores.SAID,))
        for name, its, coloured in (
            ("table1_recurrent", shown, FIRST),
            ("table1_recurrent_cells", of_cells, tuple(of_cells)),
        )
    ]
    return [figure for figure in made if figure.panels]
