"""Who takes part in minimal arithmetic, and how each is trained on its fixed rows.

Axes: L lanes (sets, in the search each with several settings).
"""

import dataclasses
from typing import Any

import numpy as np

import nalu

from . import entrants, in_turns, networks, training
from .entrants import ENTRANTS
from .networks import Network
from .tasks import Task

# Cells that are trained in turns: (title, cell, epochs without the penalty). The last is ours, a reading: the published
# results look as if the penalty had begun earlier than the published code says.
IN_TURNS = {
    "nalu": ("NALU", "nalu", in_turns.QUIET),
    "inalu": ("iNALU", "inalu", in_turns.QUIET),
    "inalu_shared": ("iNALU, shared", "inalu_shared", in_turns.QUIET),
    "inalu_early": ("iNALU, early penalty", "inalu", 0.4),
}
READINGS = ("inalu_early",)  # of the published results, which are no cells to be tuned
EPOCHS = 100  # Schlör et al., as the next
BATCH = 64
CELLS = tuple(dict.fromkeys((*ENTRANTS, *IN_TURNS)))


def entrant(name: str) -> entrants.Entrant:
    """Returns who takes part under a name."""
    if name not in IN_TURNS:
        return entrants.entrant(name)
    title, cell, _ = IN_TURNS[name]
    return dataclasses.replace(entrants.entrant(cell), title=title)


def recipe_of(cell: str, operation: str, steps: int) -> nalu.Recipe:
    """Returns how a cell is trained over so many steps; what is trained in turns is so as the iNALU is published."""
    return nalu.CELLS["inalu"].published if cell in IN_TURNS else entrant(cell).recipe_of(operation).over(steps)


def training_of(
    cell: str,
    task: Task,
    recipe: nalu.Recipe,
    batch: int,
    *,
    epoch: int,
    steps: int,
    learning_rate_L: np.ndarray,
    start_L: np.ndarray,
    range_L: np.ndarray | None = None,
) -> tuple[Network, training.Steps]:
    """Returns a cell's network and its steps, which are of as many lanes as the task's; see `training.make_train`.

    Args:
      recipe: that of `recipe_of`.
      epoch: the batches that are drawn once and come again in the same order.
      steps: of the whole training.
      learning_rate_L, start_L, range_L: see `training.make_train`.
    """
    settings = {"epoch": epoch, "learning_rate_L": learning_rate_L, "start_L": start_L, "range_L": range_L}
    if cell in IN_TURNS:
        _, kind, quiet = IN_TURNS[cell]
        network = networks.network(layer_of(kind), 2)
        return network, in_turns.steps_of(network, task, recipe, batch, steps=steps, quiet=quiet, **settings)
    network = networks.network(entrant(cell).module(1, 2), 2)
    start, take_step = training.steps_of(network, task, recipe, batch, **settings)
    return network, (start, training.in_scan(take_step))


def layer_of(cell: str) -> Any:
    """Returns the layer of an iNALU, or of a NALU that starts as one."""
    if cell != "nalu":
        return nalu.CELLS[cell](1)
    normal = entrants.normal
    return nalu.CELLS["nalu"](1, w_hat_init=normal(1.0, 0.1), m_hat_init=normal(-1.0, 0.1), g_init=normal(0.0, 0.1))
