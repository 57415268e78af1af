"""What a command has to train: the runs that the store does not hold, how long each should take, and in which order."""

import json
import math
from pathlib import Path
from typing import NamedTuple

from ..store import records
from ..suite import Experiment
from ..training.train import Measured, Train
from . import processes

COMPILE_SECONDS = 5.0  # of one program, on a usual core


class Work(NamedTuple):
    """One run to train: run `number` of the `of` runs of its experiment, expected to take so many seconds."""

    experiment: Experiment
    address: records.Address
    train: Train | Measured
    number: int
    of: int
    seconds: float

    @property
    def seed_steps(self) -> int:
        return self.train.network_steps * self.train.legs * self.experiment.config.seeds

    @property
    def name(self) -> str:
        return f"[{self.number}/{self.of}] {self.address.name}"


def missing(
    experiments: list[Experiment], root: Path, published: Path, *, devices: int | None = None
) -> list[list[Work]]:
    """Returns the missing runs of each experiment that has any, the quickest experiment first.

    Args:
      published: the published results, of which each record tells what a seed-step of its run takes.
      devices: how many each run will have; None: those of this process and those it runs with.
    """
    groups = []
    for experiment in experiments:
        addresses = experiment.addresses()
        absent = [i for i, address in enumerate(addresses) if not records.exists(root, address)]
        absent = processes.share(absent)
        paces = processes.share(_paces(published, experiment.name))  # all must have the same order
        usual = sum(paces.values()) / len(paces) if paces else 0.0
        group = []
        for done, i in enumerate(absent):
            address = addresses[i]
            train = experiment.module.make_train(experiment.config, **address.variant)
            number = len(addresses) - len(absent) + done + 1
            seconds = _expected(train, experiment.config.seeds, paces.get(_variant(address.variant), usual), devices)
            group.append(Work(experiment, address, train, number, len(addresses), seconds))
        groups.append(group)
    return sorted(filter(None, groups), key=lambda group: sum(work.seconds for work in group))


def _expected(train: Train | Measured, seeds: int, pace: float, devices: int | None) -> float:
    """Returns the seconds that a run should take: devices share its seeds, and what is measured compiles nothing."""
    steps = train.network_steps * train.legs
    if isinstance(train, Measured):
        return pace * steps * seeds
    of_a_device = math.ceil(seeds / (devices or len(processes.devices(seeds))))
    return COMPILE_SECONDS + pace * steps * of_a_device


def _paces(published: Path, experiment: str) -> dict[str, float]:
    """Returns the seconds of a seed-step of each published run of an experiment; of a damaged record nothing.

    On a CPU it is the CPU-time: other work on its core lengthens it little, and the time by the clock much.
    """
    paces = {}
    for path in sorted((published / experiment).glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            facts = record["provenance"]
            if steps := facts["network_steps"]:  # what trains nothing has no pace
                seconds = facts["cpu_seconds"] if "CPU" in facts["device"] else facts["wall_seconds"]
                paces[_variant(record["variant"])] = seconds / steps
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it is `verify` that tells; here it is only a guess that becomes worse
    return paces


def _variant(variant: dict) -> str:
    return json.dumps(variant, sort_keys=True)
