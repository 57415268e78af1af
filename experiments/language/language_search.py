"""Which settings suit each network of Table 3? (a random search of the same size for all of them, beside Table 3)

The paper says nothing of how its three networks were trained, and what one of them can do depends on it. So this
draws as many settings at random for every row and unit of Table 3, from the same ranges, and compares them by the
validation numbers of splits that Table 3 does not use. What it finds is in `recipes`.

    python -m experiments run table3_search --profile full     # 16 CPU-min on two cores of an AMD EPYC

Axes: S draws of settings (seeds), E evaluations, U output units, D splits, L = U * D lanes.
"""

import dataclasses
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

import nalu

from ..lib.config import DISTINCT, Count, Natural, Root, Size, check, selects, some_of
from ..lib.report import Quantity, Table, quantities_of
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import networks, training, words
from .recipes import BLOCKS, MODELS, UNITS, row_of

VERSION = 1
PLACE = (4, 3, 2)  # in the paper: section, subsection, part
ARTEFACTS = ("table3_search",)

RANGES = {  # drawn evenly by their logarithm; ours, from trials on other splits
    "learning_rate": (3e-3, 6e-2),
    "decay": (3e-2, 1.5),
    "recurrent_decay": (3e-2, 3.0),
    "read_out_decay": (3e-3, 0.3),
}
LENIENCIES = (0.0, 0.5)  # drawn by a coin
ERROR = "validation error"


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the search."""

    seeds: Count = 48  # ours: draws for each row and unit
    root: Root = 4391  # ours: other keys than Table 3's
    models: tuple[str, ...] = selects(MODELS, among=(*MODELS, *nalu.CELLS))  # what to search for
    units: tuple[str, ...] = some_of(UNITS, among=UNITS)  # as in Table 3
    splits: Annotated[tuple[Natural, ...], DISTINCT] = (1001, 1002, 1003)  # ours: others than Table 3's
    hidden: Size = 32  # as in Table 3, as what follows
    configured_hidden: Size = 8
    embedding: Size = 16
    steps: Count = 8000  # ours: half of Table 3's

    def __post_init__(self) -> None:
        check(self)


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each model; draws are its seeds, units and splits its lanes."""
    return [{"model": model} for model in cfg.models]


def make_train(cfg: Config, *, model: str) -> Train:
    """Returns the training of one draw for every unit."""
    hidden = cfg.configured_hidden if model in networks.CONFIGURED else cfg.hidden
    return training.make_train(
        networks.network(model, hidden, cfg.embedding),
        training.task([words.split(seed) for seed in cfg.splits], ()),
        units=[UNITS[unit] for unit in cfg.units],
        settings=lambda key: draw(key, len(cfg.units), len(cfg.splits)),
        steps=cfg.steps,
        evaluations=1,
    )


def draw(key: jax.Array, units: int, splits: int) -> training.Settings:
    """Returns settings `[L]`: a draw for each unit, the same for its splits."""
    *keys, key_coin = jax.random.split(key, len(RANGES) + 1)
    drawn = {
        name: jnp.exp(jax.random.uniform(key, (units,), minval=np.log(low), maxval=np.log(high)))
        for key, (name, (low, high)) in zip(keys, RANGES.items(), strict=True)
    }
    drawn["leniency"] = jnp.array(LENIENCIES)[jax.random.bernoulli(key_coin, shape=(units,)).astype(jnp.int32)]
    return training.Settings(**{name: jnp.repeat(values_U, splits) for name, values_U in drawn.items()})


def errors(run: Finished) -> np.ndarray:
    """Returns the geometric mean over the splits of each draw's validation error, `[S, U]`; infinite if it diverged."""
    validation_SUD = np.asarray(run.arrays["validation"][:, -1], np.float64)
    finite_SUD = np.isfinite(validation_SUD)
    logs_SUD = np.log(np.where(finite_SUD, validation_SUD, 1.0))
    return np.where(finite_SUD.all(axis=2), np.exp(logs_SUD.mean(axis=2)), np.inf)


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the best draw of each row and unit: its settings and its error."""
    quantities: list[Quantity] = []
    for run in results:
        errors_SU = errors(run)
        for u, unit in enumerate(cfg.units):
            values = {ERROR: errors_SU[:, u]}
            values |= {name: run.arrays[name][:, -1, u, 0] for name in training.Settings._fields}
            diverged_S, best = run.arrays["nonfinite_steps"][:, -1, u].any(axis=1), int(errors_SU[:, u].argmin())
            of = quantities_of(run, "table3_search", diverged_S=diverged_S, selected=best, selected_by=ERROR)
            place = BLOCKS[unit], row_of(run.variant["model"])
            quantities += [of(*place, name.replace("_", " "), "value", values_S) for name, values_S in values.items()]
    if not quantities:
        return []
    rows = tuple(dict.fromkeys((*MODELS.values(), *(q.row for q in quantities))))
    columns = tuple(dict.fromkeys(q.column for q in quantities))
    ranges = ", ".join(f"{name.replace('_', ' ')} {low:g} to {high:g}" for name, (low, high) in RANGES.items())
    notes = (
        f"{cfg.seeds} draws for each row and unit, evenly by their logarithm: {ranges}; leniency by a coin, "
        f"{LENIENCIES[0]:g} or {LENIENCIES[1]:g}. In bold the draw with the least {ERROR}. "
        "What the settings mean: notes of Table 3, which uses the best.",
        f"{ERROR.capitalize()}: mean absolute error on the validation numbers after {cfg.steps:,} steps, the geometric "
        f"mean over {len(cfg.splits)} splits, none of them one of Table 3's.",
    )
    title = "The search for the settings of Table 3"
    blocks = tuple(BLOCKS[unit] for unit in cfg.units)
    return [Table("table3_search", title, blocks, rows, columns, tuple(quantities), notes, decimals=3)]
