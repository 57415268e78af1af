"""Knocks hard on the real commands, and says what held: `python -m tests.knocks` (or `make knocks`).

Every trial runs the commands that a user types, in processes of their own, kills them, fills their disk, damages their
files, and compares what comes out in the end with what comes out undisturbed. Nothing in the product knows of it.
"""

import functools
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console

from experiments.lib.cli import words as command_words
from experiments.lib.errors import UserError, usage_error
from experiments.lib.store import files

from . import clock, damaged, disks, findings, killed, outside, publishing, side_by_side
from .findings import Finding, Result, Trial
from .outside import Place, Skipped

SAVED = outside.ROOT / "results" / "hard_knocks.md"
Name = Literal["kill", "long", "full", "read-only", "together", "checkpoint", "record", "programs", "clock", "publish"]


@dataclass(frozen=True)
class Options:
    """Kills, fills, damages and compares; ends with a table, and with status 1 if anything did not hold."""

    only: tuple[Name, ...] = ()  # the trials to make; all otherwise
    kills: int = 24  # of the run of everything; of the long run half as many, of `publish` as many
    folder: Path | None = None  # where to work, and to keep what is left; a temporary one otherwise
    seed: int = 1  # of all that is random
    save: bool = False  # write results/hard_knocks.md


def main() -> None:
    """Makes the trials."""
    console = Console(soft_wrap=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that disks are given back
    try:
        chosen = _parse(sys.argv[1:])
        with _folder(chosen.folder) as folder:
            results = [_result(trial, chosen, folder, console) for trial in trials(chosen)]
        console.print("", findings.table(results), findings.verdict(results), sep="\n", highlight=False, markup=False)
        if chosen.save:
            words = ["--only", *chosen.only] if chosen.only else []
            words += [] if chosen.kills == Options.kills else ["--kills", str(chosen.kills)]
            files.write_atomically(SAVED, findings.page(results, " ".join(words)))
            console.print(f"Saved to {SAVED}.", highlight=False)
    except UserError as error:
        print(f"experiments: {error}", file=sys.stderr)
        sys.exit(error.status)
    except KeyboardInterrupt:
        print("experiments: Stopped; nothing is kept.", file=sys.stderr)
        sys.exit(130)
    sys.exit(not all(finding.held for result in results for finding in result.findings))


def trials(chosen: Options) -> list[Trial]:
    """Returns the trials that were asked for, in their order."""
    kills = chosen.kills
    known = (
        Trial("kill", "killed at random points", functools.partial(killed.everything, kills=kills)),
        Trial("long", "killed in a run with checkpoints", functools.partial(killed.long, kills=kills // 2)),
        Trial("full", "the disk is full", disks.full),
        Trial("read-only", "the store is read-only", disks.read_only),
        Trial("together", "several processes on one store", side_by_side.trial),
        Trial("checkpoint", "a checkpoint is damaged", damaged.checkpoints),
        Trial("record", "a record is damaged", damaged.records),
        Trial("programs", "compiled programs are damaged", damaged.programs),
        Trial("clock", "the clock runs backwards", clock.trial),
        Trial("publish", "publishing is interrupted", functools.partial(publishing.trial, interruptions=kills)),
    )
    return [trial for trial in known if not chosen.only or trial.name in chosen.only]


def _parse(words: list[str]) -> Options:
    if any(word in ("-h", "--help") for word in words):
        tyro.cli(Options, args=words, prog=findings.COMMAND)
    try:
        chosen = command_words.parse_quietly(Options, args=words, prog=findings.COMMAND)
    except SystemExit:
        raise usage_error(f"'{' '.join(words)}' is not understood; see {findings.COMMAND} --help.") from None
    if chosen.kills < 8:
        raise usage_error(f"--kills is {chosen.kills}, but at least 8 are needed to reach every kind of moment.")
    return chosen


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        files.make_folder(given)
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="hard_knocks_") as folder:
        yield Path(folder)


def _result(trial: Trial, chosen: Options, folder: Path, console: Console) -> Result:
    console.print(f"{trial.name}: {trial.fault}", highlight=False)
    tell = lambda sentence: console.print(f"  {sentence}", highlight=False, markup=False)  # noqa: E731
    outside.remove(folder / trial.name)  # of an earlier time
    place = Place(folder / trial.name, folder / "cache", random.Random(f"{chosen.seed} {trial.name}"), tell)
    start, skipped = time.monotonic(), ""
    found: list[Finding] = []
    try:
        found = trial.make(place)
    except Skipped as reason:
        skipped = str(reason)
    result = Result(trial, found, time.monotonic() - start, skipped)
    findings.show(console, result)
    return result


if __name__ == "__main__":
    main()
