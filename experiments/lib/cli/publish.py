"""`publish`: copies the finished runs of a profile from one store to another, and renders them there."""

from rich.console import Console

from .. import places, suite
from ..errors import usage_error
from ..report import rendering
from ..store import records
from . import commands


def publish(command: commands.Publish, console: Console) -> None:
    """Copies every finished run, and removes what the runs of a whole experiment supersede.

    Raises:
      UserError: a record is damaged, the target cannot be written, or there is nothing to publish.
    """
    source, target, profile = command.runs_dir, command.to or places.PUBLISHED, command.profile
    if command.to is None and not places.CHECKOUT:
        raise usage_error(
            "This is not a checkout, which has a folder of published results: say with --to where to publish."
        )
    experiments, missing = suite.experiments("all", profile), []
    for experiment in experiments:
        addresses = experiment.addresses()
        for address in addresses:
            if records.exists(source, address):
                records.copy(address, source, target)
        absent = [address.name for address in addresses if not records.exists(target, address)]
        missing += absent
        if not absent:  # records of an earlier VERSION or of other settings would be nobody's
            for path in records.remove_others(target, experiment.name, addresses):
                console.print(f"Removed {path}, which is no run of profile {profile} any more.", highlight=False)
    if missing:
        console.print(f"Not finished, so not published: {', '.join(missing)}.", highlight=False)
    rendering.render(experiments, target, profile=profile, published=None, console=console)
