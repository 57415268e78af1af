"""The command line: `python -m experiments list | status | run | report | verify | publish | play | bench`."""

import contextlib
import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import tyro
from rich.console import Console

from .. import places, settings, suite
from ..config import suggest
from ..engine import checkpoint, machine, stand_in
from ..errors import UserError, usage_error
from ..store import records
from . import commands
from .words import check_words, on_one_line, parse_quietly

DESCRIPTION = "Reproduces the tables and figures of 'Neural Arithmetic Logic Units' (Trask et al. 2018)."
UNREAD = 128 + signal.SIGPIPE  # the status of a command whose reader left, as a shell gives it


class Output(Console):
    """Standard output. Where its reader leaves early (`| head -1`), the command ends; training goes on unseen."""

    training = False

    def on_broken_pipe(self) -> None:
        """Is called by rich in place of the error."""
        _write_to_nobody(sys.stdout)
        if not self.training:
            sys.exit(UNREAD)


def answer(words: list[str]) -> int:
    """Runs one command and returns its exit status: 0, or 1 (the machine) or 2 (the command) after one sentence.

    If nobody reads on what it prints, it is 141, without a sentence, as of any command that SIGPIPE ends. If what it
    prints cannot be written, it is 1, but for training, whose results are in the store.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # of its cache of fonts, which only saves time
    status, console = 0, Output(soft_wrap=True, markup=False, emoji=False)  # a path may hold [brackets] or :colons:
    try:
        try:
            _dispatch(words, console)
        except UserError as error:
            status = error.status
            print(f"experiments: {on_one_line(str(error))}", file=sys.stderr)
        sys.stdout.flush()
    except BrokenPipeError:
        _write_to_nobody(sys.stdout, sys.stderr)
        return UNREAD
    unwritten = getattr(sys.stdout, "failed", False) and not console.training
    return status or int(unwritten)


def _write_to_nobody(*streams: TextIO) -> None:
    """Lets what is still to be printed go nowhere, so that Python does not complain of it at its end."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nobody, stream.fileno())


def _dispatch(words: list[str], console: Output) -> None:
    if any(word in ("-h", "--help") for word in words):
        _help(words)
        return
    command, rest = _parse(words)
    match command:
        case commands.List():
            made_by = suite.artefacts()
            width = max(10, *map(len, made_by))
            for artefact, names in made_by.items():
                console.print(f"{artefact:{width}} {', '.join(names)}", highlight=False)
        case commands.Status():
            _status(command, console)
        case commands.Run():
            from . import run  # takes a second, as what is imported below: matplotlib

            console.training = True
            run.run(command, rest, console)
        case commands.Report():
            _report(command, console)
        case commands.Verify():
            _verify(command, console)
        case commands.Publish():
            from . import publish

            publish.publish(command, console)
        case commands.Play():
            _play(command, console)
        case commands.Bench():
            _bench(command, console)


def _help(words: Sequence[str]) -> None:
    """Prints the help; to `run TARGET --help` belong the experiments' settings, which the parser does not know."""
    known = [words[0]] if words[0] in commands.NAMES else []  # the other words may be wrong, and are not read
    with contextlib.suppress(SystemExit):
        tyro.cli(commands.Command, args=[*known, "--help"], prog=places.PROGRAM, description=DESCRIPTION)
    if words[0] == "run" and len(words) > 2 and not words[1].startswith("-"):
        configs = {experiment.name: experiment.config for experiment in suite.experiments(words[1], "quick")}
        settings.print_help(configs, program=f"{places.PROGRAM} run {words[1]}")


def _parse(words: Sequence[str]) -> tuple[commands.Command, list[str]]:
    """Returns the command and the words that only an experiment may understand."""
    if not words or words[0] not in commands.NAMES:
        no_such = f"There is no command '{words[0]}'{suggest(words[0], commands.NAMES)}" if words else "Say what to do"
        raise usage_error(f"{no_such}: {', '.join(commands.NAMES)}; see {places.PROGRAM} --help.")
    if words[0] == "run" and (len(words) == 1 or words[1].startswith("-")):
        targets = ", ".join(["all", *suite.artefacts()])
        raise usage_error(f"Say what to run: {targets}; see {places.PROGRAM} run --help.")
    check_words(words, single=commands.RUN_OPTIONS)
    try:
        command, rest = parse_quietly(commands.Command, args=words, prog=places.PROGRAM, return_unknown_args=True)
    except SystemExit:
        wrong = "has a value that is missing or of the wrong type"
        raise usage_error(f"'{' '.join(words)}' {wrong}; see {places.PROGRAM} {words[0]} --help.") from None
    if rest and not isinstance(command, commands.Run):
        raise usage_error(f"'{rest[0]}' is not understood here; see {places.PROGRAM} {words[0]} --help.")
    return commands.with_home(command), rest


def _status(command: commands.Status, console: Console) -> None:
    for experiment in stand_in.as_stored(suite.experiments("all", command.profile), command.runs_dir):
        for address in experiment.addresses():
            if records.exists(command.runs_dir, address):
                state = "finished"
            else:
                state = "begun" if checkpoint.unfinished_folder(command.runs_dir, address).exists() else "missing"
            console.print(f"{state:9} {address.experiment:22} {address.choice:24} {address.digest}", highlight=False)


def _report(command: commands.Report, console: Console) -> None:
    from ..report import rendering

    _require_one_store(command.published, command.runs_dir != commands.Report.runs_dir)
    root = places.PUBLISHED if command.published else command.runs_dir
    experiments = stand_in.as_stored(suite.experiments("all", command.profile), root)
    rendering.render(experiments, root, profile=command.profile, published=places.PUBLISHED, console=console)


def _verify(command: commands.Verify, console: Console) -> None:
    from ..verify import commands as typed
    from ..verify import verify

    _require_one_store(command.published, command.runs_dir is not None)
    root = _read_store(command.runs_dir)
    own = root.resolve() != places.PUBLISHED.resolve()
    profile = command.profile or ("quick" if own else "full")
    experiments, made_by = suite.experiments("all", profile), {}
    if own:
        experiments, made_by = typed.as_rendered(experiments, root, profile)
    experiments = stand_in.as_stored(experiments, root)
    published = places.PUBLISHED if own else None
    verify.verify(experiments, root, profile=profile, published=published, console=console, made_by=made_by)


def _require_one_store(published: bool, named: bool) -> None:
    if published and named:
        raise usage_error("--published and --runs-dir name two stores: give one of them.")
    if published:
        _require_checkout("--published")


def _require_checkout(option: str) -> None:
    if not places.CHECKOUT:
        raise usage_error(f"{option} is of the published results, which only a checkout of the project has.")


def _read_store(named: Path | None) -> Path:
    """Returns the store that a command reads: the published results where none is named and there are any."""
    return named or (places.PUBLISHED if places.CHECKOUT else commands.RUNS)


def _play(command: commands.Play, console: Console) -> None:
    machine.prepare()
    machine.start()
    root = _read_store(command.runs_dir)
    profile = command.profile or ("full" if root == places.PUBLISHED else "quick")
    playable = [each for each in suite.experiments(command.target, profile) if hasattr(each.module, "play")]
    if not playable:
        raise usage_error(f"There is nothing to watch of {command.target}: the experiment has no `play`.")
    for each in playable:
        asked = {"instruction": command.T, "model": command.model, "episode": command.episode}
        asked["episodes"] = command.episodes
        each.module.play(each.config, each.results(root), **asked, console=console)


def _bench(command: commands.Bench, console: Console) -> None:
    if command.save:
        _require_checkout("--save")
    folder = places.PUBLISHED if command.save else None
    for name in commands.BENCHMARKS:
        benchmark = importlib.import_module(f"{places.PACKAGE}.benchmarks.{name}.benchmark")
        if command.work == name or (command.work == "all" and not getattr(benchmark, "WHOLE_MACHINE", False)):
            benchmark.main(rounds=command.rounds, console=console, folder=folder)
