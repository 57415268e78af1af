"""Can two layers find and multiply two sums over parts of a hundred numbers, whatever these are? (the arena)

The sweep over ranges of the arithmetic function task of Madsen and Johansen: the product, in seven pairs of a range of
training and one of the test.

    python -m experiments run arena_arithmetic_ranges --profile full     # 109 CPU-min, of four pairs

Expected: NMU multiplies in most ranges, and nothing does from U[1.1, 1.2]; what takes logs loses the signs of U[-2, 2].

Axes: S groups, L networks of a group.
"""

import dataclasses
from typing import Annotated, Any

from ..lib.config import DISTINCT, Count, Root, Size, check, selects
from ..lib.report.artefacts import Figure, Table
from ..lib.store.records import Finished
from ..lib.training.train import Train
from . import arithmetic_function, columns, entrants, published, report, tasks
from .report import Result

VERSION = 1
PLACE = (5, 3, 2)  # after the paper's sections
ARTEFACTS = ("arena", "arena_arithmetic_ranges")

PROTOCOL, OPERATION = "arithmetic function, ranges", "a * b"
RANGES = {its.name: its for its in tasks.FUNCTION_RANGES}
PAIRS = tuple(entrants.PAIRS)
NOTE = "The columns are the ranges of training; where that is of either sign, so is each number of the test."


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the sweep over ranges; what they share with the arithmetic function task is as there."""

    seeds: Count = 1  # ours: groups of networks that share their data
    networks: Size = 50  # Madsen and Johansen: seeds, each with data of its own
    root: Root = 5107  # ours: the root of the reported keys
    cells: Annotated[tuple[str, ...], DISTINCT] = selects(PAIRS)  # or module:Class, of your own
    ranges: Annotated[tuple[str, ...], DISTINCT] = selects(tuple(RANGES), among=tuple(RANGES))
    steps: Count = 500_000  # ours, at most; Madsen and Johansen have five million
    steps_of_nmu: Count = 3_000_000  # ours, at most: its penalty is whole after two million
    log_every: Count = 1000  # Madsen and Johansen, as the next two
    batch: Size = 128
    items: Size = 10_000
    leg_steps: Count = 10_000  # ours: after which it is seen whether all is decided

    def __post_init__(self) -> None:
        check(self)
        entrants.check_names(self.cells)
        arithmetic_function.check_lengths(self)


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns a run for each pair of layers that can be asked for a product, and range."""
    known = [name for name in cfg.cells if name in PAIRS or ":" in name]
    return [{"cell": name, "range": its} for name in known for its in cfg.ranges]


def make_train(cfg: Config, *, cell: str, range: str) -> Train:
    """Returns the training of one group of networks."""
    return arithmetic_function.make_train(cfg, cell, OPERATION, RANGES[range])


def results_of(results: list[Finished]) -> list[Result]:
    """Returns what the records say, as the board shows it."""
    results = published.with_published("arena_arithmetic_ranges", results)
    return arithmetic_function.results_of(results, OPERATION)


def by_range(its: list[Result]) -> list[Result]:
    """Returns the same with the range in the place of the operation, which is one."""
    return [each._replace(operation=each.ranges[0]) for each in its]


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the board, our rates beside the published ones, every range, and success over the tolerance."""
    its = results_of(results)
    shown, glance = by_range(its), (columns.grid("two layers"), "100 inputs, ranges")
    board = report.board(PROTOCOL, shown, tuple(RANGES), arithmetic_function.NOTE, NOTE, glance=glance)
    return [
        *arithmetic_function.with_steps(board, PROTOCOL, shown),
        *published.beside(PROTOCOL, its),
        *report.by_range("arena_arithmetic_ranges", PROTOCOL, its),
        *report.over_tolerance("arena", PROTOCOL, shown),
    ]


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns success over the tolerance, and how far the solved networks hold, a panel a range."""
    return report.figures("arena_arithmetic_ranges", PROTOCOL, by_range(results_of(results)), tuple(RANGES))
