"""The project's own engine on this `work`: nothing here is made for the benchmark.

The recipe is that of Figure 5, but for the reward, which is never milder. So that a leg takes a second it has a tenth
of the updates, and its evaluation two instructions instead of 19; that is no smaller a share of the work than in the
experiment. `eight` trains eight seeds, which follow one another on a CPU core.
"""

import dataclasses
import sys
from typing import Any

from ...lib.engine import machine
from ...lib.training.train import Train
from ...tracking_time import training
from .. import engine
from ..timing import print_rate
from . import work

INSTRUCTIONS = (12, 25)  # of the evaluations


def make_train(updates: int = work.UPDATES, **changes: Any) -> Train:
    """Returns the training of one seed, as the experiment does, with this many updates of a leg.

    `changes` are made in the experiment's settings.
    """
    cfg = dataclasses.replace(work.CONFIG, **changes)
    cfg = dataclasses.replace(cfg, evaluations=cfg.updates // updates)
    return training.make_train(cfg, work.MODEL, instructions=INSTRUCTIONS)


if __name__ == "__main__":
    machine.prepare(cores=1)
    train, seeds = make_train(), work.SEEDS if "eight" in sys.argv else 1
    run = engine.first_leg(train, seeds)
    print_rate(lambda: work.steps(run()))
