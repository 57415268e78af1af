"""The tables that come with the project or with a library it needs; `data/SOURCES.md` says where they are from.

Which column each is cut at was settled by what the columns mean, before any model had seen them.
"""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import columns, table_file

FOLDER = Path(__file__).parent / "data"
STEEL = "steel"
STEEL_TARGETS = ("yield-strength", "tensile-strength", "elongation")
STEEL_EDGES = ("tensile-strength", "yield-strength", "Ceq", "Thickness")


class Task(NamedTuple):
    """What is predicted of a table, and the columns above whose quantile it is tested."""

    target: str
    edges: tuple[str, ...]


TASKS = {
    "concrete": Task("compressive_strength", ("compressive_strength", "cement", "age")),
    "diamonds": Task("price", ("price", "carat")),
    "biomass": Task("HHV", ("HHV", "carbon", "hydrogen")),
    "penguins": Task("body_mass_g", ("body_mass_g", "flipper_length_mm", "bill_length_mm")),
    "gapminder": Task("life_expectancy", ("life_expectancy", "gdp_per_capita", "year")),
    "houses": Task("price", ("price", "sqft")),
    "diabetes": Task("target", ("target", "bmi", "s5")),
}


@functools.cache
def load(name: str, targets: tuple[str, ...]) -> columns.Table:
    """Returns a shipped table."""
    if name == "diabetes":
        from sklearn.datasets import load_diabetes

        data = load_diabetes(scaled=False)
        inputs = tuple(data.feature_names)
        return columns.Table(data.data, np.asarray(data.target, np.float64)[:, None], inputs, targets, ())
    return columns.examine(table_file.read(FOLDER / f"{name}.csv").frame, targets)
