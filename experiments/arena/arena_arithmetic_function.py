"""Can two layers find two sums over parts of a hundred numbers, and add, subtract, multiply them? (the arena)

The arithmetic function task of Madsen and Johansen: 100-2-1, U[1, 2] in training and U[2, 6] in the test. They train
for five million steps. Here a group of networks is stopped as soon as every one of them is decided, or at a number of
steps that is said beside its numbers: what is not solved by then counts as not solved, and nothing is extrapolated.

    python -m experiments run arena_arithmetic_function --profile full     # 118 CPU-min, of twelve pairs

The networks of a group share their data, so that their first layers are one matrix product.

Axes: S groups, L networks of a group.
"""

import dataclasses
from typing import Annotated, Any

from ..lib.config import DISTINCT, Count, Root, Size, check, selects
from ..lib.report.artefacts import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import arithmetic_function, columns, entrants, published, report, tasks
from .arithmetic_function import PAIRS_OF_100

VERSION = 1
PLACE = (5, 3, 1)  # after the paper's sections
ARTEFACTS = ("arena", "arena_arithmetic_function")

PROTOCOL = "arithmetic function"
SUMS, PRODUCTS = ("a + b", "a - b"), ("a * b", "a / b", "a^2", "sqrt(a)")
# What a pair is asked for: what it can compute, and of those that add a product, too, whose error is a check.
ASKED = dict.fromkeys(("linear", "nac", "nau"), (*SUMS, "a * b")) | {"nmu": ("a * b", "a^2")}
NOTE = "An empty place is an operation that a pair is not asked for."


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
        arithmetic_function.check_lengths(self)


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each pair of layers and operation that it is asked for."""
    known = [name for name in cfg.cells if name in PAIRS_OF_100 or ":" in name]
    return [{"cell": name, "operation": o} for name in known for o in cfg.operations if o in asked(name)]


def asked(name: str) -> tuple[str, ...]:
    """Returns what a pair is asked for."""
    of_cell = entrants.entrant(arithmetic_function.names(name)[2]).operations
    return ASKED.get(name) or tuple(o for o in tasks.FUNCTIONS if o in of_cell or o in PRODUCTS[2:])


def make_train(cfg: Config, *, cell: str, operation: str) -> Train:
    """Returns the training of one group of networks."""
    return arithmetic_function.make_train(cfg, cell, operation)


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the board, our rates and errors beside the published ones, and success over the tolerance."""
    its = arithmetic_function.results_of(published.with_published("arena_arithmetic_function", results))
    notes, glance = (arithmetic_function.NOTE, NOTE), (columns.grid("two layers"), "100 inputs")
    board = report.board(PROTOCOL, its, tuple(tasks.FUNCTIONS), *notes, glance=glance)
    return [
        *arithmetic_function.with_steps(board, PROTOCOL, its),
        *published.beside(PROTOCOL, its),
        *published.beside_errors(PROTOCOL, its),
        *report.by_range("arena_arithmetic_function", PROTOCOL, its),
        *report.over_tolerance("arena", PROTOCOL, its),
    ]


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns success over the tolerance and how far the solved networks hold."""
    its = arithmetic_function.results_of(published.with_published("arena_arithmetic_function", results))
    return report.figures("arena_arithmetic_function", PROTOCOL, its, tuple(tasks.FUNCTIONS))
