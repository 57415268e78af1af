"""Trains what is missing here, one run after the other, each on all devices of this process and those it runs with."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
from rich.console import Console

from ..errors import UserError
from ..store import files, provenance, records
from ..suite import Experiment
from . import checkpoint, driver, plan, processes, progress
from .plan import Work


class Order(NamedTuple):
    """What the runs of one command share: the store, what its records say of the command, and seeds at a time."""

    root: Path
    profile: str
    command: str
    chunk: int | None = None


def train_missing(experiments: list[Experiment], order: Order, *, published: Path, console: Console) -> None:
    """Trains every run that the store does not hold yet, the quickest experiment first.

    Args:
      published: the published results, from which the time it takes is guessed.

    Raises:
      UserError: another process is training one of them (the others are done first), or the store fails.
    """
    processes.on_first_process(lambda: files.make_folder(order.root))
    groups = plan.missing(experiments, order.root, published)
    processes.on_first_process(lambda: tidy(experiments, order.root))
    ready = [experiment for experiment in experiments if all(group[0].experiment is not experiment for group in groups)]
    for experiment in ready:
        console.print(f"{experiment.name}: 0 of {len(experiment.addresses())} runs to train", highlight=False)
    works = [work for group in groups for work in group]
    busy = []
    with progress.Overview(console, len(works), sum(work.seconds for work in works)) as overview:
        for group in groups:
            console.print(f"{group[0].experiment.name}: {len(group)} of {group[0].of} runs to train", highlight=False)
            for work in group:
                with reserved(work.address, order.root) as mine:
                    if mine:
                        with overview.watching(work.name, work.seed_steps, work.seconds) as watcher:
                            train(work, order, watcher)
                        continue
                overview.passed(work.seconds)
                if not processes.share(records.exists(order.root, work.address)):
                    busy.append(work.address.name)
    if busy:
        raise UserError(
            f"Another process is training {', '.join(busy)} in {order.root}: let it finish or stop it, "
            "then repeat the command; everything else is done."
        )


def tidy(experiments: list[Experiment], root: Path) -> None:
    """Removes the checkpoints of runs that are stored, for a process that was killed before it could."""
    for experiment in experiments:
        for address in experiment.addresses():
            if records.exists(root, address):
                checkpoint.discard(checkpoint.unfinished_folder(root, address))


@contextlib.contextmanager
def reserved(address: records.Address, root: Path) -> Iterator[bool]:
    """Holds a run for this process while the block trains it; yields False where there is nothing to do.

    That is where another process trains it now, or has finished it meanwhile; `store.exists` then tells which.
    """
    lock = checkpoint.unfinished_folder(root, address).with_suffix(".lock")
    mine = False
    with contextlib.ExitStack() as held:

        def take() -> None:
            nonlocal mine
            mine = held.enter_context(files.locked(lock)) and not records.exists(root, address)

        processes.on_first_process(take)
        yield processes.share(mine)


def train(work: Work, order: Order, watcher: driver.Watcher) -> None:
    """Trains a reserved run from where it was stopped, stores it, and removes its checkpoints.

    Raises:
      UserError: the store cannot be written, or the run does not fit into memory.
    """
    folder = checkpoint.unfinished_folder(order.root, work.address)
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
        records.save(order.root, work.address, outcome.metrics, facts)
        checkpoint.discard(folder)

    processes.on_first_process(keep)
