"""Which digits the runs of an experiment use: MNIST, or the stand-in where MNIST cannot be had.

An experiment on digits says so by a setting `digits` in its config, which is part of every run's address.
"""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from ..data import digits
from ..store import records
from ..suite import Experiment
from . import processes


def prepare(
    experiments: list[Experiment], root: Path, folder: Path | None, say: Callable[[str], None], console: Console
) -> list[Experiment]:
    """Returns the experiments with the digits that can be had; fetches MNIST if a missing run needs it.

    Args:
      folder: where the user says that MNIST is, for this process and what it starts; None leaves `$NALU_DATA` as it is.

    Raises:
      UserError: see `digits.prepare`.
    """
    if folder is not None:
        os.environ["NALU_DATA"] = str(folder.expanduser().absolute())

    def needs(experiment: Experiment) -> bool:
        return _wants_mnist(experiment) and not all(records.exists(root, each) for each in experiment.addresses())

    needing = processes.share([needs(experiment) for experiment in experiments])
    if any(needing) and processes.share(digits.prepare(None, say, console=console)) == digits.STAND_IN:
        return [with_stand_in(its) if needy else its for its, needy in zip(experiments, needing, strict=True)]
    return experiments


def as_stored(experiments: list[Experiment], root: Path) -> list[Experiment]:
    """Returns the experiments with the stand-in where the store holds runs on that alone."""

    def stored(experiment: Experiment) -> bool:
        return any(records.exists(root, address) for address in experiment.addresses())

    def one(experiment: Experiment) -> Experiment:
        if stored(experiment):
            return experiment
        other = with_stand_in(experiment)
        return other if stored(other) else experiment

    return [one(experiment) for experiment in experiments]


def _wants_mnist(experiment: Experiment) -> bool:
    return getattr(experiment.config, "digits", None) == digits.MNIST


def with_stand_in(experiment: Experiment) -> Experiment:
    """Returns an experiment on MNIST with the stand-in, and any other as it is."""
    if not _wants_mnist(experiment):
        return experiment
    return experiment._replace(config=dataclasses.replace(experiment.config, digits=digits.STAND_IN))
