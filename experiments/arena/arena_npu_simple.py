"""Can one network give x + y, x y, x / y and the root of x at once, for negative numbers, too? (the arena)

The simple task of the neural power unit: a layer of six, one of four, 20,000 steps on numbers from 0.1 to 2.1, asked
for -4.1 to 3.9. Every network is trained as published, and once more with the settings that suit it best of a few that
all were given (`arena_search`).

    python -m experiments run arena_npu_simple --profile full

Axes: S seeds, O outputs, I inputs, N items.
"""

import dataclasses
from typing import Annotated, Any

import jax
import numpy as np

from ..lib.config import DISTINCT, Count, Root, Size, check, require_divides, selects
from ..lib.report.artefacts import Quantity, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import columns, entrants, networks, npu_simple, published, report, tasks, training
from .npu_simple import NETWORKS, OUTPUTS

VERSION = 2
PLACE = (5, 5)  # after the paper's sections
ARTEFACTS = ("arena", "arena_npu_simple")

PROTOCOL, ERROR = "power unit's simple task", "mean absolute error"
PROTOCOLS = {"published": PROTOCOL, "tuned": f"{PROTOCOL}, tuned"}
BESIDE = ("our mean", "its error", "published mean", "published error", "apart")
NOTES = (
    "Mean absolute error on a grid from -4.1 to 3.9 in both numbers, of the root from 0.1 to 4; after the last step.",
    "As published: Adam with 5e-3, RMSProp with 5e-3 for NALU and 1e-3 for iNALU, no regulariser (their code has one "
    "of 1e-5 for iNALU); what the authors call NAU is a linear layer here as in their code. Their NMU clips its "
    "weights inside of the layer alone, where one beyond 0 or 1 has no gradient and stays exact; their NALU has gates "
    "with biases, and the gates of their iNALU see the input. The sigmoid network has ten units a layer as in their "
    "appendix, where the last state of their code has fifty. `NMU, linear`, `NALU, NALU` and `iNALU, iNALU` are the "
    "cells of nalu, and like the modified RealNPU and NMRU ours to add.",
)
NOTE_BESIDE = (
    "Errors are standard errors of the means; apart: the difference of the means in joint standard errors. Sources: "
    "`experiments/arena/published/numbers.csv`."
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the simple task."""

    seeds: Count = 100  # ours; Heim et al. have 20
    root: Root = 5105  # ours: the root of the reported keys
    cells: Annotated[tuple[str, ...], DISTINCT] = selects(tuple(NETWORKS))  # or module:Class, a cell of your own
    settings: tuple[str, ...] = selects(tuple(PROTOCOLS), among=tuple(PROTOCOLS))
    steps: Count = 20_000  # Heim et al., as the next
    batch: Size = 100
    legs: Size = 4  # ours: between which a run can be stopped

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells, *NETWORKS)
        columns.check_settings(self.cells, self.settings)
        require_divides(self, "legs", "steps")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each network and settings."""
    known = [name for name in cfg.cells if name in NETWORKS or ":" in name]
    return columns.runs([({"cell": name}, (name, tasks.FOUR_AT_ONCE)) for name in known], cfg.settings)


def make_train(
    cfg: Config, *, cell: str, settings: str = "published", learning_rate: float | None = None, start: float = 1.0
) -> Train:
    """Returns the training of one seed.

    Args:
      settings: the column; the other two say how it is trained.
    """
    entrants.try_out(cell)
    _, layers, recipe = npu_simple.network_of(cell)
    network, task = networks.network(networks.Stack(layers), 2), tasks.four_at_once()
    rate = recipe.learning_rate if learning_rate is None else learning_rate
    init, take_step = training.steps_of(
        network, task, recipe, cfg.batch, learning_rate_L=np.array([rate]), start_L=np.array([start])
    )

    def leg(trained: training.Trained) -> tuple[training.Trained, dict[str, jax.Array]]:
        trained, _ = jax.lax.scan(take_step, trained, length=cfg.steps // cfg.legs)
        params = jax.tree.map(lambda leaf: leaf[0], trained.params)
        return trained, {**npu_simple.errors(network, task, params), "diverged": ~training.finite(trained.params)[0]}

    return Train(
        init=init,
        leg=leg,
        legs=cfg.legs,
        network_steps=cfg.steps // cfg.legs,
        last=("error_O", "inside_O", "diverged"),
        group=training.GROUP,
    )


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the mean absolute errors, and our means beside the published ones."""
    quantities, beside, notes = [], [], NOTES
    theirs = {(line["cell"], line["output"]): line for line in published.read("numbers")}
    for run in published.with_published("arena_npu_simple", results):
        settings = columns.settings_of(run)
        notes = notes if settings == "published" else (*NOTES, columns.NOTE)
        title, diverged_S = npu_simple.network_of(run.variant["cell"])[0], run.arrays["diverged"][:, -1]
        for o, output in enumerate(OUTPUTS):
            errors_S = np.asarray(run.arrays["error_O"][:, -1, o], np.float64)
            inside_S = run.arrays["inside_O"][:, -1, o]
            quantities.append(
                report.told(run, ("arena", PROTOCOLS[settings], title, output), ERROR, errors_S, diverged_N=diverged_S)
            )
            inside = "inside the training range" if settings == "published" else "tuned, inside the training range"
            place = ("arena_npu_simple", inside, title, output)
            quantities.append(report.told(run, place, ERROR, inside_S, diverged_N=diverged_S))
            if settings == "published" and (title, output) in theirs:
                beside += _beside(run, title, output, errors_S, theirs[title, output])
    of = {artefact: tuple(q for q in quantities if q.artefact == artefact) for artefact in ARTEFACTS}
    made = []
    for artefact, its in of.items():
        if its:
            blocks, rows = (tuple(dict.fromkeys(getattr(q, name) for q in its)) for name in ("block", "row"))
            title = f"The arena: {PROTOCOL}"
            made.append(Table(artefact, title, blocks, rows, OUTPUTS, its, notes, 3, headline="median"))
    if beside:
        rows = tuple(dict.fromkeys(q.row for q in beside))
        title = f"The arena beside what others published: {PROTOCOL}"
        block = f"{PROTOCOL} beside the published"
        made.append(Table("arena", title, (block,), rows, BESIDE, tuple(beside), (NOTE_BESIDE,), 3, headline="median"))
    return made


def _beside(run: Finished, title: str, output: str, errors_S: np.ndarray, line: dict[str, str]) -> list[Quantity]:
    """Returns our mean and the published one, and by how many of their joint standard errors they differ."""
    finite_S = errors_S[np.isfinite(errors_S)]
    ours, error = float(finite_S.mean()), float(finite_S.std(ddof=1) / np.sqrt(len(finite_S)))
    theirs, their_error = float(line["mean"]), float(line["error"])
    apart = abs(ours - theirs) / max(float(np.hypot(error, their_error)), 1e-12)
    place = ("arena", f"{PROTOCOL} beside the published", f"{title}: {output}")
    values = zip(BESIDE, (ours, error, theirs, their_error, apart), strict=True)
    return [report.told(run, (*place, name), name, np.array([value])) for name, value in values]
