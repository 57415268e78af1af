"""How each network of Table 3 is trained.

The settings come from trials by hand on the validation numbers of splits that Table 3 does not use. They are to be
replaced by what `language_search` finds, before Table 3 is published.

Axes: L lanes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp

from experiments.lib.word_training import Settings

MODELS = {"linear": "LSTM", "nac": "LSTM + NAC", "nalu": "LSTM + NALU", "configured": "configured NALU"}  # rows
UNITS = {"1": 1.0, "1000": 1000.0}  # an output of 1 is an answer of so much
BLOCKS = {unit: f"in units of {unit}" for unit in UNITS}


class Recipe(NamedTuple):
    """See `word_training.Settings`."""

    learning_rate: float
    decay: float
    recurrent_decay: float
    read_out_decay: float
    leniency: float


_READ_OUT = {
    "1": Recipe(0.02, 0.3, 0.1, 0.02, 0.5),
    "1000": Recipe(0.02, 0.3, 0.1, 0.02, 0.5),
}
_CONFIGURED = dict.fromkeys(UNITS, Recipe(0.05, 0.06, 0.8, 0.02, 0.5))
RECIPES = {
    (model, unit): (_CONFIGURED if model == "configured" else _READ_OUT)[unit] for model in MODELS for unit in UNITS
}


def settings(model: str, units: Sequence[str], splits: int) -> Settings:
    """Returns the settings of all lanes, units first; a model without recipes has those of the NALU."""
    found = [RECIPES.get((model, unit), RECIPES["nalu", unit]) for unit in units for _ in range(splits)]
    return Settings(*(jnp.array(values, jnp.float32) for values in zip(*found, strict=True)))


def row_of(model: str) -> str:
    """Returns the row of a model: the paper's name, or ours for another cell on the LSTM."""
    return MODELS.get(model, f"LSTM + {model}")
