"""The work that every program of the benchmark of tables does.

A lane is one training on the same 800 rows of the shipped table of steels: 26 inputs, 3 targets, 15 % of the rows held
back. A lane-step is one step of Adam on a batch of 128 rows; every 60 steps the rows held back are evaluated and the
best weights kept. Two starts at two learning rates are four lanes: the training of a network as the report on tables
has it.
"""

import numpy as np

from ...tabular import shipped

ROWS, HELD, BATCH, STEPS, EVALUATIONS = 800, 0.15, 128, 1200, 20
STARTS, RATES = 2, (3e-3, 1e-2)
LANES = STARTS * len(RATES)


def rows() -> tuple[np.ndarray, np.ndarray]:
    """Returns inputs and targets of the training."""
    table = shipped.load(shipped.STEEL, shipped.STEEL_TARGETS)
    return table.x_RI[:ROWS], table.y_RT[:ROWS]
