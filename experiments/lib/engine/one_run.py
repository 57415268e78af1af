"""Trains one run and stores it: what every engine does with each of its runs."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax

from experiments.lib import suite
from experiments.lib.engine import checkpoint, driver, processes
from experiments.lib.engine.plan import Work
from experiments.lib.store import files, provenance
from experiments.lib.store import records as store


class Order(NamedTuple):
    """What the runs of one command share: the store, what its records say of the command, and seeds at a time."""

    root: Path
    profile: str
    command: str
    chunk: int | None = None


def tidy(chosen: list[suite.Experiment], root: Path) -> None:
    """Removes the checkpoints of runs that are stored, for a process that was killed before it could."""
    for experiment in chosen:
        for address in experiment.addresses():
            if store.exists(root, address):
                checkpoint.discard(suite.unfinished_folder(root, address))


@contextlib.contextmanager
def reserved(address: store.Address, root: Path) -> Iterator[bool]:
    """Holds a run for this process while the block trains it; yields False where there is nothing to do.

    That is where another process trains it now, or has finished it meanwhile; `store.exists` then tells which.
    """
    lock = suite.unfinished_folder(root, address).with_suffix(".lock")
    mine = False
    with contextlib.ExitStack() as held:

        def take() -> None:
            nonlocal mine
            mine = held.enter_context(files.locked(lock)) and not store.exists(root, address)

        processes.first_does(take)
        yield processes.share(mine)


def train(work: Work, order: Order, watcher: driver.Watcher) -> None:
    """Trains a reserved run from where it was stopped, stores it, and removes its checkpoints.

    Raises:
      UserError: the store cannot be written, or the run does not fit into memory.
    """
    folder = suite.unfinished_folder(order.root, work.address)
    seeds = work.experiment.config.seeds
    outcome = driver.run_seeds(
        work.train,
        jax.random.key(work.experiment.config.root),
        seeds,
        unfinished=folder,
        watcher=watcher,
        chunk=order.chunk,
    )
    facts = {
        "profile": order.profile,
        "command": order.command,
        "seeds": seeds,
        "network_steps": work.seed_steps,
        "wall_seconds": round(outcome.wall_seconds, 2),
        "cpu_seconds": round(outcome.cpu_seconds, 2),
        **provenance.surroundings(),
    }

    def keep() -> None:
        store.save(order.root, work.address, outcome.metrics, facts)
        checkpoint.discard(folder)

    processes.first_does(keep)
