"""What the arithmetic function task and its sweep over ranges have in common: pairs of layers, and their training.

Madsen and Johansen train for five million steps. Here a group of networks is stopped as soon as every one of them is
decided, or at a number of steps that is said beside its numbers: what is not solved by then counts as not solved, and
nothing is extrapolated. The networks of a group share their data, so that their first layers are one matrix product.

Axes: S groups, L networks of a group.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

import nalu

from ..lib.config import require
from ..lib.report.artefacts import Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import entrants, networks, report, tasks, training
from .entrants import PAIRS
from .inalu_of_positive import INALUOfPositive
from .report import Result

INPUTS = 100
PAIRS_OF_100 = {"nac": ("NAC, NAC", "nac", "nac"), "nau": ("NAU, NAU", "nau", "nau"), **PAIRS}
FULL = 5_000_000  # steps of the published training, for which its penalties are
PENALTIES = {  # (strength, first step, step at which it is whole), by pair
    "nau": (0.01, 5e3, 5e4),
    "nmu": (10.0, 1e6, 2e6),
}
STEADY = 3  # legs at whose ends a network must be solved, one after the other, to be left
NOTE = (
    "As Madsen and Johansen train them: Adam with 1e-3; NAU's penalty of 0.01 grows from step 5,000 to 50,000, that of "
    "NAU with NMU, 10, from one million to two; linear layers have biases. The place of the two sums is fixed, for "
    "networks start alike in all inputs; those of a group share their data, and differ in their starts alone. A group "
    "is stopped when each of its networks was solved at the ends of three legs in a row, by its chosen parameters, or "
    "is no longer finite. What is not solved at the last step counts as not solved, though later steps might solve it. "
    "Pairs that are missing were not run: the published five million steps cannot be afforded for all."
)


class Watched(NamedTuple):
    """A group of networks: their training, and how often each was solved at the end of a leg, one after the other."""

    state: training.State
    steady_L: jax.Array


def network_of(name: str, *, positive: bool) -> nn.Module:
    """Returns the network 100-2-1 of a pair; a cell of the user's own makes both layers.

    Args:
      positive: whether all inputs are, so that the first of two iNALUs needs no product of signs.
    """
    if name == "linear":
        start = nn.initializers.glorot_uniform()
        return networks.Stack(tuple(nn.Dense(n, kernel_init=start) for n in (2, 1)))
    _, first, second = names(name)
    adds = entrants.inalu(INALUOfPositive) if positive and first == "inalu" else entrants.entrant(first).module
    return networks.Stack((adds(2, INPUTS), entrants.entrant(second).module(1, 2)))


def names(name: str) -> tuple[str, str, str]:
    """Returns the title and the layers of a pair."""
    return PAIRS_OF_100.get(name) or entrants.pair_names(name)


def recipe_of(name: str) -> nalu.Recipe:
    """Returns how a pair is trained over five million steps."""
    recipe = entrants.entrant(names(name)[2]).recipe
    if name not in PENALTIES:
        return recipe.over(FULL)
    strength, first, last = PENALTIES[name]
    return recipe._replace(steps=FULL, penalty=strength, penalty_from=first, penalty_to=last)


def check_lengths(cfg: Any) -> None:
    """Raises a usage error unless an experiment's steps, legs, logs and items divide one another."""
    for name in ("steps", "steps_of_nmu"):
        value = getattr(cfg, name)
        require(value % cfg.leg_steps == 0, f"{name} is {value}, which leg_steps = {cfg.leg_steps} must divide.")
    require(
        cfg.leg_steps % cfg.log_every == 0,
        f"leg_steps is {cfg.leg_steps}, which log_every = {cfg.log_every} must divide.",
    )
    limit = training.CHUNK
    require(cfg.items < limit or cfg.items % limit == 0, f"items is {cfg.items}, but must be in thousands.")


def make_train(cfg: Any, cell: str, operation: str, its_range: tasks.Range = tasks.ONE_TO_TWO) -> Train:
    """Returns the training of one group of networks on an operation of two sums of numbers from a range."""
    entrants.try_out(cell)
    recipe = recipe_of(cell)
    steps = cfg.steps_of_nmu if cell == "nmu" else cfg.steps
    legs = steps // cfg.leg_steps
    train = training.make_train(
        networks.network(network_of(cell, positive=its_range.positive), INPUTS),
        tasks.arithmetic_function(operation, its_range),
        recipe,
        training.Length(steps, cfg.log_every, legs, cfg.batch, cfg.items),
        learning_rate_L=np.full(cfg.networks, recipe.learning_rate),
        start_L=np.ones(cfg.networks),
        squared=lambda state: state.best,
    )
    return until_decided(train)


def until_decided(train: Train) -> Train:
    """Returns the training that takes no further steps once all networks are decided."""

    def init(key: jax.Array) -> Watched:
        state = train.init(key)
        return Watched(state, jnp.zeros(state.test.shape, jnp.int32))

    def found(state: training.State) -> dict[str, jax.Array]:
        return {"validation": state.validation, "test": state.test, "solved_at": state.solved_at, "steps": steps(state)}

    def steps(state: training.State) -> jax.Array:
        return jnp.broadcast_to(state.trained.step, state.test.shape)

    def leg(watched: Watched) -> tuple[Watched, dict[str, jax.Array]]:
        finite_L = training.finite(watched.state.trained.params)
        decided = ((watched.steady_L >= STEADY) | ~finite_L).all()
        state = jax.lax.cond(decided, lambda state: state, lambda state: train.leg(state)[0], watched.state)
        steady_L = jnp.where(state.test < report.PROTOCOL, watched.steady_L + 1, 0)
        return Watched(state, steady_L), {**found(state), "diverged": ~training.finite(state.trained.params)}

    def finish(watched: Watched) -> tuple[Watched, dict[str, jax.Array]]:
        state, kept = train.finish(watched.state)
        return watched._replace(state=state), kept

    return train._replace(init=init, leg=leg, finish=finish, last=(*train.last, "steps"), group=1)


def results_of(results: list[Finished], operation: str | None = None) -> list[Result]:
    """Returns what the records say, as the board shows it: every network of every group is a seed.

    Args:
      operation: of all, where variants name none.
    """
    flat = []
    for run in results:
        arrays = {name: _flat(array) for name, array in run.arrays.items()}
        title, its = names(run.variant["cell"])[0], operation or run.variant["operation"]
        flat.append(report.result(run._replace(arrays=arrays), title, its, (run.variant.get("range", "U[1, 2]"),)))
    return flat


def _flat(array: np.ndarray) -> np.ndarray:
    """Returns `[S, 1, L, ...]` as `[S L, 1, 1, ...]`."""
    return array.reshape(-1, 1, 1, *array.shape[3:])


def with_steps(board: list[Table], protocol: str, its: list[Result]) -> list[Table]:
    """Returns the tables of a board, the first of which tells the steps that were taken, too."""
    if not board:
        return board
    steps = [
        report.told(
            each.run, ("arena", protocol, each.title, each.operation), "steps taken", each.run.arrays["steps"][:, 0, 0]
        )
        for each in its
    ]
    return [board[0]._replace(quantities=(*board[0].quantities, *steps)), *board[1:]]
