"""Publishes: copies the finished runs of a profile from one store to another, and renders them there."""

from pathlib import Path

from rich.console import Console

from ..engine import plan
from ..report import rendering
from ..store import records
from ..suite import Experiment


def publish(chosen: list[Experiment], source: Path, target: Path, *, profile: str, console: Console) -> None:
    """Copies every finished run of these experiments, and removes what the runs of a whole experiment supersede.

    Raises:
      UserError: a record is damaged, the target cannot be written, or there is nothing to publish.
    """
    missing = []
    for experiment in chosen:
        addresses = experiment.addresses()
        for address in addresses:
            if records.exists(source, address):
                records.copy(address, source, target)
        absent = [plan.name_of(address) for address in addresses if not records.exists(target, address)]
        missing += absent
        if not absent:  # records of an earlier VERSION or of other settings would be nobody's
            for path in records.remove_others(target, experiment.name, addresses):
                console.print(f"Removed {path}, which is no run of profile {profile} any more.", highlight=False)
    if missing:
        console.print(f"Not finished, so not published: {', '.join(missing)}.", highlight=False)
    rendering.render(chosen, target, profile=profile, published=None, console=console)
