"""Acts on commands from outside, as a person at a shell does: starts them, strikes them, copies, removes, mounts."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from experiments.lib.errors import UserError
from experiments.lib.store import files

ROOT = Path(__file__).parents[2]
LONGEST = 3600.0  # seconds; a command that takes longer hangs
SENTENCE = re.compile(r"experiments: [^\n]+[.)]\n")


class Skipped(Exception):
    """Says why a trial cannot be made on this machine."""


class Place(NamedTuple):
    """Where trials work and what they may use.

    Attributes:
      folder: for all that a trial writes.
      cache: for compiled programs.
      chance: what all that is random is drawn from.
      tell: says what is going on.
      program: the words after `python`: the command line.
    """

    folder: Path
    cache: Path
    chance: random.Random
    tell: Callable[[str], None]
    program: tuple[str, ...] = ("-m", "experiments")


class Answer(NamedTuple):
    """How a command ended."""

    status: int
    told: str
    wrong: str
    seconds: float

    @property
    def well(self) -> bool:
        """Whether it did its work and had nothing odd to say."""
        return self.status == 0 and not self.wrong

    def refuses(self, words: str = "") -> bool:
        """Says whether it ended as it should where the machine is at fault: status 1 and one sentence, with `words`."""
        return self.status == 1 and bool(SENTENCE.fullmatch(self.wrong)) and bool(re.search(words, self.wrong))

    @property
    def short(self) -> str:
        """Its status and a line of what it said on standard error, for a table."""
        lines = self.wrong.strip().splitlines()
        if not lines:
            return f"status {self.status}"
        return f"status {self.status}: {lines[-1 if 'Traceback' in self.wrong else 0][:200]}"


@contextlib.contextmanager
def running(place: Place, *words: str | Path, **environment: str) -> Iterator[subprocess.Popen]:
    """Starts a command, and ends it with the block however that ends."""
    around = {**os.environ, "XDG_CACHE_HOME": str(place.cache), **environment}
    around["PYTHONPATH"] = os.pathsep.join(filter(None, (environment.get("PYTHONPATH"), str(ROOT))))
    with subprocess.Popen(
        [sys.executable, *place.program, *map(str, words)],
        cwd=ROOT,
        env=around,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def answer(process: subprocess.Popen, start: float) -> Answer:
    """Waits for the end of a command that was started at `start`."""
    try:
        told, wrong = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise UserError(f"A command did not end within {LONGEST:.0f} s: {' '.join(process.args)}.") from None
    return Answer(process.returncode, told, wrong, time.monotonic() - start)


def call(place: Place, *words: str | Path, **environment: str) -> Answer:
    """Runs a command to its end."""
    start = time.monotonic()
    with running(place, *words, **environment) as process:
        return answer(process, start)


Sight = Callable[[Path], set[Path]]  # of a store: the files that one looks out for


class Moment(NamedTuple):
    """When to strike: after so many new files in sight, and then up to so many seconds, drawn at random."""

    name: str
    sight: Sight
    new: int = 1
    within: float = 0.0
    glance: float = 0.0005  # seconds between two looks


def nothing(root: Path) -> set[Path]:
    """Looks out for nothing."""
    return set()


def records(root: Path) -> set[Path]:
    """Returns the finished runs."""
    return set(root.glob("*/*.json"))


def half_written(root: Path) -> set[Path]:
    """Returns the files that are being written, or that a killed process left half-written."""
    return {*root.glob("*/.*.tmp"), *root.glob(".*.tmp")}


def half_stored(root: Path) -> set[Path]:
    """Returns the arrays of runs whose `.json` is not there yet, or is older than they are."""
    found = set()
    for path in root.glob("*/*.npz"):
        with contextlib.suppress(FileNotFoundError):
            arrays = path.stat().st_mtime_ns
            record = path.with_suffix(".json")
            if not record.exists() or record.stat().st_mtime_ns < arrays:
                found.add(path)
    return found


def strike(place: Place, root: Path, moments: tuple[Moment, ...], number: signal.Signals, *words: str | Path) -> Answer:
    """Runs a command on the store at `root` and sends it a signal once the moments have come, one after the other."""
    start = time.monotonic()
    with running(place, *words) as process:
        for moment in moments:
            before = moment.sight(root)
            seen, until = set(before), None
            while process.poll() is None:
                if until is None:
                    seen |= moment.sight(root)
                    if len(seen - before) >= moment.new:
                        until = time.monotonic() + place.chance.uniform(0, moment.within)
                if until is not None and time.monotonic() >= until:
                    break
                time.sleep(moment.glance)
        process.send_signal(number)
        return answer(process, start)


def copy(source: Path, target: Path) -> None:
    """Copies a folder with all that is in it, dates included."""
    files.make_folder(target.parent)
    subprocess.run(["cp", "-a", source, target], check=True)


def remove(*paths: Path) -> None:
    """Removes files and folders."""
    subprocess.run(["rm", "-rf", "--", *paths], check=True)


@contextlib.contextmanager
def disk(folder: Path, options: str) -> Iterator[None]:
    """Mounts a disk in memory at `folder` while the block runs.

    Raises:
      Skipped: this machine does not let us.
    """
    if os.geteuid() != 0 or not shutil.which("mount"):
        raise Skipped("only root can mount a small disk")
    files.make_folder(folder)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        raise Skipped("mounting a disk is not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def remount(folder: Path, options: str) -> None:
    """Changes a mounted disk: its size, or whether it can be written."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)
