"""`run`: trains what is missing, renders it, and says which of the paper's claims it bears out."""

import contextlib
import functools
import shlex
from collections.abc import Collection, Sequence

from rich.console import Console

from .. import places, suite
from ..engine import local, machine, processes, ray_cluster, stand_in
from ..errors import UserError, usage_error
from ..report import claims, rendering
from ..store import provenance
from . import commands


def run(command: commands.Run, words: Sequence[str], console: Console) -> None:
    """Does what `run` says.

    Args:
      words: settings of the experiments, as `--name value`.

    Raises:
      UserError: the command is not understood, or the machine or the store fails; what is finished is rendered.
    """
    if command.chunk is not None and command.chunk < 1:
        raise usage_error(f"--chunk is {command.chunk}, but at least one seed must be held at a time.")
    if command.cores is not None and command.engine == "local":
        raise usage_error("--cores is of --engine ray; here every core trains: leave it out, or use taskset.")
    if command.cores is not None and command.cores < 1:
        raise usage_error(f"--cores is {command.cores}, but a run needs one at least.")
    experiments = suite.experiments(command.target, command.profile, words, options=commands.fields(commands.Run))
    machine.prepare()
    if command.engine == "ray":
        ray_cluster.leave_devices_alone()
        train_missing = functools.partial(ray_cluster.train_missing, cores=command.cores or 1)
    else:
        processes.join()
        train_missing = local.train_missing
    if not processes.is_first():
        console = Console(quiet=True)
    say = functools.partial(console.print, highlight=False)
    experiments = stand_in.prepare(experiments, command.runs_dir, command.data, say, console)
    names = [experiment.name for experiment in experiments]
    others = [other for other in suite.experiments("all", command.profile) if other.name not in names]
    others = stand_in.as_stored(others, command.runs_dir)
    repeat = f"{places.PROGRAM} {shlex.join(['run', command.target, '--profile', command.profile, *words])}"
    artefacts = {artefact for experiment in experiments for artefact in experiment.module.ARTEFACTS}
    render = functools.partial(
        rendering.render_if_any,
        experiments + others,  # all of them, since the claims and the index are of all experiments
        command.runs_dir,
        profile=command.profile,
        published=places.PUBLISHED,
        console=console,
        made_by=dict.fromkeys(artefacts, repeat) if words else {},
    )
    provenance.commit()  # of the code that is loaded, and not of what it may be edited to while it runs
    order = local.Order(command.runs_dir, command.profile, repeat, command.chunk)
    try:
        train_missing(experiments, order, published=places.PUBLISHED, console=console)
    except UserError:
        with contextlib.suppress(UserError):  # half-finished stores are worth looking at, too; one sentence is enough
            processes.on_first_process(render)
        raise
    verdicts: list[claims.Verdict] = []
    processes.on_first_process(lambda: verdicts.extend(render() or ()))
    print_verdicts(verdicts, artefacts, console)


def print_verdicts(verdicts: Sequence[claims.Verdict], artefacts: Collection[str], console: Console) -> None:
    """Prints every claim of these artefacts under its artefact's tally, and the tally of all."""
    found = [verdict for verdict in verdicts if verdict.claim.artefact in artefacts]
    if not found:
        return
    say = functools.partial(console.print, highlight=False, markup=False)
    marks = ", ".join(f"{mark.terminal} {verdict}" for verdict, mark in claims.MARKS.items())
    say(f"\nClaims ({marks}):")
    for artefact in dict.fromkeys(verdict.claim.artefact for verdict in found):
        of_artefact = [verdict for verdict in found if verdict.claim.artefact == artefact]
        say(f"{artefact}: {_tally(of_artefact)}")
        for verdict in of_artefact:
            say(f"  {claims.MARKS[verdict.verdict].terminal} {verdict.claim.claim}{_share(verdict)}")
    if len(artefacts) > 1:
        say(f"all: {_tally(found)}")
    if any("smoke" in verdict.profiles for verdict in found):
        say("These are of the profile smoke, and mean nothing.")


def _tally(verdicts: Sequence[claims.Verdict]) -> str:
    said = claims.tally_in_words(verdicts)
    return f"of {len(verdicts)} claims {said}" if len(verdicts) > 1 else said


def _share(verdict: claims.Verdict) -> str:
    return "" if verdict.verdict == "open" else f" ({100 * verdict.share:.0f} % of {verdict.seeds} seeds)"
