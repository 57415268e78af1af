"""The cells of `nalu.sklearn` on this `work`, as the regressor trains them: all lanes in one program.

A word chooses the cell; a last one asks for one lane alone.
"""

import sys
from collections.abc import Callable

import numpy as np

from nalu.sklearn import cells
from nalu.sklearn.rows import distinct

from ...lib.engine import machine
from .. import timing
from . import work


def runner(cell: str, starts: int, rates: tuple[float, ...]) -> Callable[[], int]:
    """Returns the function that trains the lanes and returns how many lane-steps that were."""
    x_RI, y_RT = work.rows()
    rows = distinct(x_RI, y_RT, np.ones(len(x_RI)))
    everything = np.arange(len(rows.x_RI))

    def run() -> int:
        cells.fit(
            rows,
            [everything],
            [starts],
            cell=cell,
            terms=None,
            learning_rates=rates,
            steps=work.STEPS,
            batch=work.BATCH,
            patience=work.EVALUATIONS,
            validation_fraction=work.HELD,
            seed=0,
        )
        return starts * len(rates) * work.STEPS

    return run


if __name__ == "__main__":
    machine.prepare(cores=1)
    one = "one" in sys.argv
    timing.print_rate(runner(sys.argv[1], 1 if one else work.STARTS, work.RATES[:1] if one else work.RATES))
