"""How each network of Table 3 is trained.

The settings are what `language_search` found, in two digits: for every row and unit the best of as many random draws,
by the validation numbers of splits that Table 3 does not use.

Axes: L lanes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp

from ..lib import cells
from .training import Settings

MODELS = {  # rows
    "linear": "LSTM",
    "nac": "LSTM + NAC",
    "nalu": "LSTM + NALU",
    "configured": "configured NALU",
    "configured-nac": "configured NAC",  # the control without the multiplicative path
}
UNITS = {"1": 1.0, "1000": 1000.0}  # an output of 1 is an answer of so much
BLOCKS = {unit: f"in units of {unit}" for unit in UNITS}


class Recipe(NamedTuple):
    """See `training.Settings`."""

    learning_rate: float
    decay: float
    recurrent_decay: float
    read_out_decay: float
    leniency: float


RECIPES = {
    ("linear", "1"): Recipe(0.037, 0.37, 0.049, 0.0097, 0.0),
    ("linear", "1000"): Recipe(0.0066, 0.26, 0.8, 0.0035, 0.0),
    ("nac", "1"): Recipe(0.047, 0.068, 0.98, 0.0053, 0.0),
    ("nac", "1000"): Recipe(0.0066, 0.26, 0.8, 0.0035, 0.0),
    ("nalu", "1"): Recipe(0.057, 0.16, 0.3, 0.25, 0.5),
    ("nalu", "1000"): Recipe(0.05, 0.41, 0.056, 0.053, 0.0),
    ("configured", "1"): Recipe(0.046, 0.91, 0.36, 0.038, 0.5),
    ("configured", "1000"): Recipe(0.052, 0.16, 0.63, 0.062, 0.0),
    ("configured-nac", "1"): Recipe(0.046, 0.91, 0.36, 0.038, 0.5),
    ("configured-nac", "1000"): Recipe(0.047, 0.87, 0.44, 0.028, 0.5),
}


def settings(model: str, units: Sequence[str], splits: int) -> Settings:
    """Returns the settings of all lanes, units first; a model without recipes has those of the NALU."""
    found = [RECIPES.get((model, unit), RECIPES["nalu", unit]) for unit in units for _ in range(splits)]
    return Settings(*(jnp.array(values, jnp.float32) for values in zip(*found, strict=True)))


def row_of(model: str) -> str:
    """Returns the row of a model: the paper's name, or ours for another cell on the LSTM."""
    return MODELS[model] if model in MODELS else f"LSTM + {cells.title_of(model)}"
