"""The command line: `python -m experiments list | status | run | report | publish | bench`."""

import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from experiments.lib import numerics, rendering, store, suite
from experiments.lib.errors import UserError, usage_error

PUBLISHED = Path(__file__).parents[1] / "results"


@dataclass(frozen=True)
class List:
    """Say which artefacts there are and which experiments make them."""


@dataclass(frozen=True)
class Status:
    """Say which runs are finished, begun and missing."""

    profile: str = "quick"  # smoke, quick, full, or the path of a .toml file
    runs_dir: Path = Path("runs")  # the store


@dataclass(frozen=True)
class Run:
    """Train what is missing, then render; stop it at any time, the same command goes on.

    Any setting of the experiments can follow as --name value; `run TARGET --help` lists them.
    """

    target: tyro.conf.Positional[str]  # an artefact (table1), an experiment (identity) or all
    profile: str = "quick"  # smoke, quick, full, or the path of a .toml file
    runs_dir: Path = Path("runs")  # the store
    chunk: int | None = None  # seeds held in memory at a time; as many as fit


@dataclass(frozen=True)
class Report:
    """Render tables, figures, claims and the index from stored runs; never trains."""

    profile: str = "quick"  # smoke, quick, full, or the path of a .toml file
    runs_dir: Path = Path("runs")  # the store
    published: bool = False  # render the published results instead of your own runs


@dataclass(frozen=True)
class Publish:
    """Copy finished runs into results/ and render them there."""

    profile: str = "full"  # smoke, quick, full, or the path of a .toml file
    runs_dir: Path = Path("runs")  # the store
    to: Path = PUBLISHED  # the folder of published results


@dataclass(frozen=True)
class Bench:
    """Measure training speed beside PyTorch on the same work (needs the extra `bench`)."""

    rounds: int = 5  # interleaved rounds; medians are told


Command = (
    Annotated[List, tyro.conf.subcommand("list")]
    | Annotated[Status, tyro.conf.subcommand("status")]
    | Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Publish, tyro.conf.subcommand("publish")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
)


def main(arguments: list[str] | None = None) -> None:
    """Runs one command; exits 0, or 1 (the machine), 2 (the command), 130 or 143 (stopped) after one sentence."""
    words = sys.argv[1:] if arguments is None else arguments
    console = Console(soft_wrap=True)
    signal.signal(signal.SIGTERM, _stop)
    try:
        _dispatch(words, console)
    except UserError as error:
        print(f"experiments: {error}", file=sys.stderr)
        raise SystemExit(error.status) from None
    except KeyboardInterrupt:
        print("experiments: Stopped; the same command goes on from here.", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise SystemExit(1) from None


def _stop(signum: int, frame: object) -> None:
    print("experiments: Stopped; the same command goes on from here.", file=sys.stderr)
    raise SystemExit(128 + signum)


def _dispatch(words: list[str], console: Console) -> None:
    # `run TARGET --help` tells the experiments' settings; the parser below would answer with its own.
    wants_settings = words[:1] == ["run"] and len(words) > 2 and not words[1].startswith("-")
    if wants_settings and any(word in ("-h", "--help") for word in words):
        suite.experiments(words[1], "quick", ["--help"])
    command, rest = tyro.cli(
        Command, args=words, prog="python -m experiments", description=__doc__, return_unknown_args=True
    )
    if rest and not isinstance(command, Run):
        raise usage_error(f"'{rest[0]}' is not understood here; see python -m experiments {words[0]} --help.")
    match command:
        case List():
            for artefact, names in suite.artefacts().items():
                console.print(f"{artefact:10} {', '.join(names)}", highlight=False)
        case Status():
            _status(command, console)
        case Run():
            _run(command, rest, " ".join(words), console)
        case Report():
            root = PUBLISHED if command.published else command.runs_dir
            chosen = suite.experiments("all", command.profile)
            rendering.render(chosen, root, profile=command.profile, published=PUBLISHED, console=console)
        case Publish():
            _publish(command, console)
        case Bench():
            from experiments.benchmarks import static_step

            static_step.main(rounds=command.rounds, console=console)


def _status(command: Status, console: Console) -> None:
    for experiment in suite.experiments("all", command.profile):
        for address in experiment.addresses():
            begun = suite.unfinished_folder(command.runs_dir, address).exists()
            state = "finished" if store.exists(command.runs_dir, address) else "begun" if begun else "missing"
            variant = " ".join(str(value) for value in address.variant.values())
            console.print(f"{state:9} {address.experiment:22} {variant:24} {address.digest}", highlight=False)


def _run(command: Run, rest: list[str], words: str, console: Console) -> None:
    if command.chunk is not None and command.chunk < 1:
        raise usage_error(f"--chunk is {command.chunk}, but at least one seed must be held at a time.")
    chosen = suite.experiments(command.target, command.profile, rest)
    numerics.prepare()
    try:
        suite.train_missing(
            chosen,
            command.runs_dir,
            profile=command.profile,
            command=f"python -m experiments {words}",
            console=console,
            chunk=command.chunk,
        )
    finally:  # half-finished stores are worth looking at, too
        rendering.render_if_any(
            chosen, command.runs_dir, profile=command.profile, published=PUBLISHED, console=console
        )


def _publish(command: Publish, console: Console) -> None:
    chosen = suite.experiments("all", command.profile)
    missing = []
    for experiment in chosen:
        for address in experiment.addresses():
            if store.exists(command.runs_dir, address):
                store.copy(address, command.runs_dir, command.to)
            elif not store.exists(command.to, address):
                missing.append(" ".join([experiment.name, *map(str, address.variant.values())]))
    if missing:
        console.print(f"Not finished, so not published: {', '.join(missing)}.", highlight=False)
    rendering.render(chosen, command.to, profile=command.profile, published=None, console=console)


if __name__ == "__main__":
    main()
