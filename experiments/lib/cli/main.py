"""The command line: `python -m experiments list | status | run | report | verify | publish | play | bench`."""

import contextlib
import functools
import logging
import shlex
import sys

import tyro
from rich.console import Console

from .. import settings, suite
from ..engine import checkpoint, local, machine, processes, ray_cluster, stand_in
from ..errors import UserError, usage_error
from ..places import PROGRAM
from ..report import claims
from ..store import provenance, records
from . import commands, summary

DESCRIPTION = "Reproduces the tables and figures of 'Neural Arithmetic Logic Units' (Trask et al. 2018)."


def answer(words: list[str]) -> int:
    """Runs one command and returns its exit status: 0, or 1 (the machine) or 2 (the command) after one sentence."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # of its cache of fonts, which only saves time
    try:
        _dispatch(words, Console(soft_wrap=True, markup=False, emoji=False))  # a path may hold [brackets] or :colons:
    except UserError as error:
        print(f"experiments: {settings.on_one_line(str(error))}", file=sys.stderr)
        return error.status
    return 0


def _dispatch(words: list[str], console: Console) -> None:
    if any(word in ("-h", "--help") for word in words):
        _help(words)
        return
    command, rest = _parse(words)
    match command:
        case commands.List():
            for artefact, names in suite.artefacts().items():
                console.print(f"{artefact:10} {', '.join(names)}", highlight=False)
        case commands.Status():
            _status(command, console)
        case commands.Run():
            _run(command, rest, console)
        case commands.Report():
            from ..report import rendering  # takes a second: matplotlib

            _require_one_store(command.published, command.runs_dir != commands.Report.runs_dir)
            root = commands.PUBLISHED if command.published else command.runs_dir
            chosen = stand_in.as_stored(suite.experiments("all", command.profile), root)
            rendering.render(chosen, root, profile=command.profile, published=commands.PUBLISHED, console=console)
        case commands.Verify():
            _verify(command, console)
        case commands.Publish():
            _publish(command, console)
        case commands.Play():
            from ...tracking_time import play

            machine.prepare()
            profile = command.profile or ("full" if command.runs_dir == commands.PUBLISHED else "quick")
            (experiment,) = suite.experiments(command.target, profile)
            play.show(
                experiment, experiment.results(command.runs_dir), told=command.T, model=command.model,
                episode=command.episode, console=console,
            )  # fmt: skip
        case commands.Bench():
            _bench(command, console)


def _help(words: list[str]) -> None:
    """Prints the help; to `run TARGET --help` belong the experiments' settings, which the parser does not know."""
    known = [words[0]] if words[0] in commands.NAMES else []  # the other words may be wrong, and are not read
    with contextlib.suppress(SystemExit):
        tyro.cli(commands.Command, args=[*known, "--help"], prog=PROGRAM, description=DESCRIPTION)
    if words[0] == "run" and len(words) > 2 and not words[1].startswith("-"):
        configs = {experiment.name: experiment.config for experiment in suite.experiments(words[1], "quick")}
        settings.print_help(configs, program=f"{PROGRAM} run {words[1]}")


def _parse(words: list[str]) -> tuple[commands.Command, list[str]]:
    """Returns the command and the words that only an experiment may understand."""
    if not words or words[0] not in commands.NAMES:
        wrong = f"There is no command '{words[0]}'" if words else "Say what to do"
        raise usage_error(f"{wrong}: {', '.join(commands.NAMES)}; see {PROGRAM} --help.")
    if words[0] == "run" and (len(words) == 1 or words[1].startswith("-")):
        raise usage_error(f"Say what to run: {', '.join(['all', *suite.artefacts()])}; see {PROGRAM} run --help.")
    settings.check_words(words, single=commands.RUN_OPTIONS)
    try:
        command, rest = settings.parse_quietly(commands.Command, args=words, prog=PROGRAM, return_unknown_args=True)
    except SystemExit:
        wrong = "has a value that is missing or of the wrong type"
        raise usage_error(f"'{' '.join(words)}' {wrong}; see {PROGRAM} {words[0]} --help.") from None
    if rest and not isinstance(command, commands.Run):
        raise usage_error(f"'{rest[0]}' is not understood here; see {PROGRAM} {words[0]} --help.")
    return commands.at_home(command), rest


def _status(command: commands.Status, console: Console) -> None:
    for experiment in stand_in.as_stored(suite.experiments("all", command.profile), command.runs_dir):
        for address in experiment.addresses():
            if records.exists(command.runs_dir, address):
                state = "finished"
            else:
                state = "begun" if checkpoint.unfinished_folder(command.runs_dir, address).exists() else "missing"
            variant = " ".join(map(str, address.variant.values()))
            console.print(f"{state:9} {address.experiment:22} {variant:24} {address.digest}", highlight=False)


def _run(command: commands.Run, rest: list[str], console: Console) -> None:
    from ..report import rendering

    if command.chunk is not None and command.chunk < 1:
        raise usage_error(f"--chunk is {command.chunk}, but at least one seed must be held at a time.")
    if command.cores is not None and command.engine == "local":
        raise usage_error("--cores is of --engine ray; here every core trains: leave it out, or use taskset.")
    if command.cores is not None and command.cores < 1:
        raise usage_error(f"--cores is {command.cores}, but a run needs one at least.")
    chosen = suite.experiments(command.target, command.profile, rest)
    machine.prepare()
    if command.engine == "ray":
        ray_cluster.leave_devices_alone()
        train_missing = functools.partial(ray_cluster.train_missing, cores=command.cores or 1)
    else:
        processes.join()
        train_missing = local.train_missing
    if not processes.is_first():
        console = Console(quiet=True)
    tell = lambda sentence: console.print(sentence, highlight=False)  # noqa: E731
    chosen = stand_in.prepare(chosen, command.runs_dir, command.data, tell, console)
    names = [experiment.name for experiment in chosen]
    others = [other for other in suite.experiments("all", command.profile) if other.name not in names]
    others = stand_in.as_stored(others, command.runs_dir)
    typed = f"{PROGRAM} {shlex.join(['run', command.target, '--profile', command.profile, *rest])}"
    artefacts = {artefact for experiment in chosen for artefact in experiment.module.ARTEFACTS}
    # All of them, since the claims and the index are of all experiments.
    render = functools.partial(
        rendering.render_if_any, chosen + others, command.runs_dir, profile=command.profile,
        published=commands.PUBLISHED, console=console, typed=dict.fromkeys(artefacts, typed) if rest else {},
    )  # fmt: skip
    provenance.commit()  # of the code that is loaded, and not of what it may be edited to while it runs
    order = local.Order(command.runs_dir, command.profile, typed, command.chunk)
    try:
        train_missing(chosen, order, published=commands.PUBLISHED, console=console)
    except UserError:
        with contextlib.suppress(UserError):  # half-finished stores are worth looking at, too; one sentence is enough
            processes.first_does(render)
        raise
    verdicts: list[claims.Verdict] = []
    processes.first_does(lambda: verdicts.extend(render() or ()))
    summary.tell(verdicts, artefacts, console)


def _require_one_store(published: bool, named: bool) -> None:
    if published and named:
        raise usage_error("--published and --runs-dir name two stores: give one of them.")


def _verify(command: commands.Verify, console: Console) -> None:
    from ..verify import verify

    _require_one_store(command.published, command.runs_dir is not None)
    root = command.runs_dir or commands.PUBLISHED
    own = root.resolve() != commands.PUBLISHED.resolve()
    profile = command.profile or ("quick" if own else "full")
    chosen = stand_in.as_stored(suite.experiments("all", profile), root)
    beside = commands.PUBLISHED if own else None
    verify.verify(chosen, root, profile=profile, beside=beside, console=console)


def _publish(command: commands.Publish, console: Console) -> None:
    from . import publishing

    if command.to == commands.PUBLISHED and not command.to.exists():
        raise usage_error("This is not a checkout with a folder results/: say with --to where to publish.")
    chosen = suite.experiments("all", command.profile)
    publishing.publish(chosen, command.runs_dir, command.to, profile=command.profile, console=console)


def _bench(command: commands.Bench, console: Console) -> None:
    from ...benchmarks import convnet_step, grid_step, measuring, program_step, scaling, static_step

    folder = commands.PUBLISHED if command.save else None
    for step in (static_step, convnet_step, program_step, grid_step):
        if command.work in ("all", step.BENCHMARK.name):
            measuring.main(step.BENCHMARK, rounds=command.rounds, console=console, folder=folder)
    if command.work == "scaling":  # not among all: it wants the whole machine, and takes half an hour
        scaling.main(rounds=command.rounds, console=console, folder=folder)
