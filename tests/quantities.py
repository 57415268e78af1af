"""A quantity of Table 1 as a finished run would give it, for the tests of what is made of quantities."""

from typing import Any

import numpy as np

from experiments.lib.report.artefacts import Quantity


def quantity(block: str, row: str, column: str, values_S: Any, metric: str = "score", **changes: Any) -> Quantity:
    """Returns a quantity whose second seed is selected; `changes` are of its other fields."""
    return Quantity(
        "table1",
        block,
        row,
        column,
        metric,
        np.array(values_S),
        "0123abcd",
        "a CPU",
        "quick",
        selected=1,
        selected_by="interpolation error",
        threshold=0.05 if metric == "score" else None,
    )._replace(**changes)
