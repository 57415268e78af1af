"""Can two layers find two sums over parts of a hundred numbers, and add, subtract, multiply them? (the arena)

The arithmetic function task of Madsen and Johansen: 100-2-1, U[1, 2] in training and U[2, 6] in the test. They train
for five million steps. Here a group of networks is stopped as soon as every one of them is decided, or at a number of
steps that is said beside its numbers: what is not solved by then counts as not solved, and nothing is extrapolated.

    python -m experiments run arena_arithmetic_function --profile full

The networks of a group share their data, so that their first layers are one matrix product.

Axes: S groups, L networks of a group.
"""

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

import nalu

from ..lib.config import DISTINCT, Count, Root, Size, check, require, selects
from ..lib.report.artefacts import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import entrants, networks, published, report, tasks, training
from .entrants import PAIRS
from .report import Result

VERSION = 1
PLACE = (5, 3, 1)  # after the paper's sections
ARTEFACTS = ("arena", "arena_arithmetic_function")

PROTOCOL, INPUTS = "arithmetic function", 100
PAIRS_OF_100 = {"nac": ("NAC, NAC", "nac", "nac"), "nau": ("NAU, NAU", "nau", "nau"), **PAIRS}
SUMS, PRODUCTS = ("a + b", "a - b"), ("a * b", "a / b", "a^2", "sqrt(a)")
# What a pair is asked for: what it can compute, and of those that add a product, too, whose error is a check.
ASKED = dict.fromkeys(("linear", "nac", "nau"), (*SUMS, "a * b")) | {"nmu": ("a * b", "a^2")}
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
    "Pairs that are missing were not run: the published five million steps cannot be afforded for all. An empty place "
    "is an operation that a pair is not asked for."
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the arithmetic function task."""

    seeds: Count = 1  # ours: groups of networks that share their data
    networks: Size = 50  # ours: of a group; Madsen and Johansen have 100 seeds, each with data of its own
    root: Root = 5106  # ours: the root of the reported keys
    cells: Annotated[tuple[str, ...], DISTINCT] = selects(tuple(PAIRS_OF_100))  # or module:Class, of your own
    operations: tuple[str, ...] = selects(tuple(tasks.FUNCTIONS), among=tuple(tasks.FUNCTIONS))
    steps: Count = 500_000  # ours, at most; Madsen and Johansen have five million
    steps_of_nmu: Count = 3_000_000  # ours, at most: its penalty is whole after two million
    log_every: Count = 1000  # Madsen and Johansen, as the next two
    batch: Size = 128
    items: Size = 10_000
    leg_steps: Count = 10_000  # ours: after which it is seen whether all is decided

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells, *PAIRS_OF_100)
        for name in ("steps", "steps_of_nmu"):
            value = getattr(self, name)
            require(value % self.leg_steps == 0, f"{name} is {value}, which leg_steps = {self.leg_steps} must divide.")
        require(
            self.leg_steps % self.log_every == 0,
            f"leg_steps is {self.leg_steps}, which log_every = {self.log_every} must divide.",
        )
        limit = training.CHUNK
        require(self.items < limit or self.items % limit == 0, f"items is {self.items}, but must be in thousands.")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each pair of layers and operation that it is asked for."""
    known = [name for name in cfg.cells if name in PAIRS_OF_100 or ":" in name]
    return [{"cell": name, "operation": o} for name in known for o in cfg.operations if o in asked(name)]


def asked(name: str) -> tuple[str, ...]:
    """Returns what a pair is asked for."""
    of_cell = entrants.entrant(names(name)[2]).operations
    return ASKED.get(name) or tuple(o for o in tasks.FUNCTIONS if o in of_cell or o in PRODUCTS[2:])


class Watched(NamedTuple):
    """A group of networks: their training, and how often each was solved at the end of a leg, one after the other."""

    state: training.State
    steady_L: jax.Array


def network_of(name: str) -> nn.Module:
    """Returns the network 100-2-1 of a pair; a cell of the user's own makes both layers."""
    if name == "linear":
        start = nn.initializers.glorot_uniform()
        return networks.Stack(tuple(nn.Dense(n, kernel_init=start) for n in (2, 1)))
    _, first, second = names(name)
    return networks.Stack((entrants.entrant(first).module(2, INPUTS), entrants.entrant(second).module(1, 2)))


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


def make_train(cfg: Config, *, cell: str, operation: str) -> Train:
    """Returns the training of one group of networks."""
    entrants.try_out(cell)
    recipe = recipe_of(cell)
    steps = cfg.steps_of_nmu if cell == "nmu" else cfg.steps
    legs = steps // cfg.leg_steps
    train = training.make_train(
        networks.network(network_of(cell), INPUTS),
        tasks.arithmetic_function(operation),
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


def results_of(results: list[Finished]) -> list[Result]:
    """Returns what the records say, as the board shows it: every network of every group is a seed."""
    flat = []
    for run in results:
        arrays = {name: _flat(array) for name, array in run.arrays.items()}
        flat.append(report.result(run._replace(arrays=arrays), *_named(run), ("U[1, 2]",)))
    return flat


def _flat(array: np.ndarray) -> np.ndarray:
    """Returns `[S, 1, L, ...]` as `[S L, 1, 1, ...]`."""
    return array.reshape(-1, 1, 1, *array.shape[3:])


def _named(run: Finished) -> tuple[str, str]:
    return names(run.variant["cell"])[0], run.variant["operation"]


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the board, our rates and errors beside the published ones, and success over the tolerance."""
    results = published.with_published("arena_arithmetic_function", results)
    its = results_of(results)
    steps = [report.told(each.run, _place(each), "steps taken", each.run.arrays["steps"][:, 0, 0]) for each in its]
    board = report.board(PROTOCOL, its, tuple(tasks.FUNCTIONS), NOTE, glance=("two layers", "100 inputs"))
    if board:
        board[0] = board[0]._replace(quantities=(*board[0].quantities, *steps))
    return [
        *board,
        *published.beside(PROTOCOL, its),
        *published.beside_errors(PROTOCOL, its),
        *report.by_range("arena_arithmetic_function", PROTOCOL, its),
        *report.over_tolerance("arena", PROTOCOL, its),
    ]


def _place(its: Result) -> tuple[str, str, str, str]:
    return "arena", PROTOCOL, its.title, its.operation


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns success over the tolerance and how far the solved networks hold."""
    its = results_of(published.with_published("arena_arithmetic_function", results))
    return report.figures("arena_arithmetic_function", PROTOCOL, its, tuple(tasks.FUNCTIONS))
