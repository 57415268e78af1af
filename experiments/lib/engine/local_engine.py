"""Trains what is missing here, one run after the other, each on all devices of this process and those it runs with."""

from pathlib import Path

from rich.console import Console

from experiments.lib.engine import one_run, plan, processes, progress
from experiments.lib.engine.one_run import Order
from experiments.lib.errors import UserError
from experiments.lib.store import files
from experiments.lib.store import records as store
from experiments.lib.suite import Experiment


def train_missing(chosen: list[Experiment], order: Order, *, published: Path, console: Console) -> None:
    """Trains every run that the store does not hold yet, the quickest experiment first.

    Args:
      published: the published results, from which the time it takes is guessed.

    Raises:
      UserError: another process is training one of them (the others are done first), or the store fails.
    """
    processes.first_does(lambda: files.make_folder(order.root))
    groups = plan.missing(chosen, order.root, published)
    processes.first_does(lambda: one_run.tidy(chosen, order.root))
    ready = [experiment for experiment in chosen if all(group[0].experiment is not experiment for group in groups)]
    for experiment in ready:
        console.print(f"{experiment.name}: 0 of {len(experiment.addresses())} runs to train", highlight=False)
    works = [work for group in groups for work in group]
    busy = []
    with progress.Overview(console, len(works), sum(work.seconds for work in works)) as overview:
        for group in groups:
            console.print(f"{group[0].experiment.name}: {len(group)} of {group[0].of} runs to train", highlight=False)
            for work in group:
                with one_run.reserved(work.address, order.root) as mine:
                    if mine:
                        with overview.watching(work.name, work.seed_steps, work.seconds) as watcher:
                            one_run.train(work, order, watcher)
                        continue
                overview.passed(work.seconds)
                if not processes.share(store.exists(order.root, work.address)):
                    busy.append(plan.name_of(work.address))
    if busy:
        raise UserError(
            f"Another process is training {', '.join(busy)} in {order.root}: let it finish or stop it, "
            "then repeat the command; everything else is done."
        )
