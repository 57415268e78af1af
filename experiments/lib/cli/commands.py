"""What can be typed after `python -m experiments`: one dataclass a command, its fields are the options."""

import dataclasses
import os
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ..config import require
from ..places import FOLDER

RUNS = Path("runs")
BENCHMARKS = tuple(sorted(path.parent.name for path in (FOLDER / "benchmarks").glob("*/benchmark.py")))


@dataclass(frozen=True)
class List:
    """Say which artefacts there are and which experiments make them."""


@dataclass(frozen=True)
class Status:
    """Say which runs are finished, begun and missing."""

    profile: str = "quick"  # smoke, quick, full, or the path of a .toml file
    runs_dir: Path = RUNS  # the store


@dataclass(frozen=True)
class Run:
    """Train what is missing, then render; stop it at any time, the same command goes on.

    Any setting of the experiments can follow as --name value; `run TARGET --help` lists them.
    """

    target: tyro.conf.Positional[str]  # an artefact (table1), an experiment (identity) or all
    profile: str = "quick"  # smoke, quick, full, or the path of a .toml file
    runs_dir: Path = RUNS  # the store
    data: Path | None = None  # a folder that holds MNIST's four files; it is downloaded otherwise
    chunk: int | None = None  # seeds held in memory at a time; as many as fit
    engine: Literal["local", "ray"] = "local"  # here, or every run a task on a Ray cluster (needs the extra `ray`)
    cores: int | None = None  # of each run, with --engine ray (1); here it is all that there are


@dataclass(frozen=True)
class Report:
    """Render tables, figures, claims, the index and one page of all (report.html) from stored runs; never trains."""

    profile: str = "quick"  # smoke, quick, full, or the path of a .toml file
    runs_dir: Path = RUNS  # the store
    published: bool = False  # render the published results instead of your own runs


@dataclass(frozen=True)
class Verify:
    """Check every record, and that tables, figures, claims and index are what the records say; never trains."""

    runs_dir: Path | None = None  # a store; the published results if none is named, where there are any, else runs
    published: bool = False  # the published results, also where that is said
    profile: str | None = None  # smoke, quick, full, or the path of a .toml file; of published results full, else quick


@dataclass(frozen=True)
class Publish:
    """Copy finished runs into the published results, or another folder, and render them there."""

    profile: str = "full"  # smoke, quick, full, or the path of a .toml file
    runs_dir: Path = RUNS  # the store
    to: Path | None = None  # where to; the published results of this checkout if no folder is named


@dataclass(frozen=True)
class Play:
    """Watch an agent of Figure 5 in the terminal, from published weights or your own."""

    target: tyro.conf.Positional[str] = "figure5"  # whose experiment can be watched
    T: Annotated[int, tyro.conf.arg(name="T")] = 13  # when it is told to arrive
    model: str = "nac"  # which agent: a3c, the usual one, a name with a cell such as nac, or nac-clock
    episode: int = 0  # another number, another start
    episodes: int = 1  # of the agent of every seed; more than one are measured, not shown
    profile: str | None = None  # that trained it: full for published weights, quick for your own
    runs_dir: Path | None = None  # a store; the published results if none is named, where there are any, else runs


@dataclass(frozen=True)
class Bench:
    """Measure training speed beside PyTorch on the same work (needs the extra `bench`), and by seeds and devices."""

    # of the networks of Table 2, the agent of section 4.5, programs (4.4), on more and more devices, of section 4.1
    work: tyro.conf.Positional[Literal[("all", *BENCHMARKS)]] = "all"
    rounds: int = 5  # interleaved rounds; medians are told
    save: bool = False  # also write results/benchmarks*.md, a file for each work


Command = List | Status | Run | Report | Verify | Publish | Play | Bench
NAMES = tuple(command.__name__.lower() for command in typing.get_args(Command))  # as the parser calls them


def fields(command: type) -> tuple[str, ...]:
    """Returns the options of a command by the names of their fields."""
    return tuple(field.name for field in dataclasses.fields(command))


# Each has one value, unlike an experiment's settings, with which they stand in one line.
RUN_OPTIONS = tuple(f"--{name.replace('_', '-')}" for name in fields(Run) if name != "target")


def with_home(command: Command) -> Command:
    """Returns the command with the user's home in place of `~`, which a shell leaves as it is after `=`.

    Raises:
      UserError: `~name` names no user.
    """
    folders = {name: value for name, value in vars(command).items() if isinstance(value, Path)}
    for name, folder in folders.items():
        folders[name] = Path(os.path.expanduser(folder))
        known = not str(folders[name]).startswith("~")
        require(known, f"--{name.replace('_', '-')} is {str(folder)!r}, but there is no such user.")
    return dataclasses.replace(command, **folders)
