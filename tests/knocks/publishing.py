"""Interrupts `publish` at random points, by SIGTERM and by SIGKILL, in an empty folder and over other numbers."""

import json
import signal
import time
from pathlib import Path

import numpy as np

from experiments.lib.engine import stopping
from experiments.lib.store import records as store

from . import comparing, outside
from .findings import Finding, none_of
from .outside import Answer, Moment, Place

WORDS = ("run", "table1", "--profile", "smoke")
CALM = {signal.SIGTERM: (143, stopping.SENTENCE.decode()), signal.SIGKILL: (-signal.SIGKILL, "")}


def trial(
    place: Place,
    interruptions: int = 24,
    words: tuple[str, ...] = WORDS,
    profile: str = "smoke",
    folders: tuple[str, ...] = ("an empty folder", "a folder with other numbers"),
) -> list[Finding]:
    """Publishes once in peace, read all the time; then interrupts it in each of the folders, equally often."""
    runs, whole = place.folder / "runs", place.folder / "whole"
    first = outside.call(place, *words, "--runs-dir", runs)
    if first.status:
        return [Finding("before that the run ends well", False, first.short)]
    publish = ("publish", "--profile", profile, "--runs-dir", runs, "--to")
    peace, looks, unsound = _read_all_the_time(place, whole, *publish, whole)
    found = [
        Finding("uninterrupted it ends well", peace.well, f"{peace.short}, after {peace.seconds:.0f} s"),
        none_of("while it publishes, every record that is there is whole", unsound, f"{looks} looks"),
    ]
    for name in folders:
        root, number = place.folder / name.replace(" ", "_"), interruptions // len(folders)
        start = runs if "other numbers" in name else None
        for finding in _interrupted(place, root, start, whole, number, (*publish, root), peace.seconds):
            found.append(finding._replace(what=f"{name}: {finding.what}"))
    return found


def _interrupted(
    place: Place,
    root: Path,
    start: Path | None,
    whole: Path,
    interruptions: int,
    publish: tuple[str | Path, ...],
    seconds: float,
) -> list[Finding]:
    """Interrupts a command that publishes to `root`, which holds the runs of `start` with other numbers, or nothing."""
    ways = (
        Moment("while a file was written", outside.half_written, 1, within=0.002),
        Moment("between the two files of a record", outside.half_stored, 1),
        Moment("at any moment", outside.nothing, 0, within=0.5 * seconds),
    )
    records = len(outside.records(whole))
    most = dict(zip(ways, (2 * records, records, 1), strict=True))  # files that are written before
    early, odd, unsound, unwell, other, right = [], [], [], [], [], comparing.bytes_of(whole)
    for i in range(interruptions):
        outside.remove(root)
        if start is not None:
            _plant(start, root)
        moment, number = ways[i // 2 % len(ways)], (signal.SIGTERM, signal.SIGKILL)[i % 2]
        before = Moment("", outside.half_written, place.chance.randrange(most[moment]), glance=0.0002)
        told = outside.strike(place, root, (before, moment), number, *publish)
        if told.status == 0:
            early.append(moment.name)
        elif (told.status, told.wrong) != CALM[number]:
            odd.append(told.short)
        unsound += comparing.unsound(root)
        again, held = outside.call(place, *publish), comparing.bytes_of(root)
        unwell += [] if again.well else [again.short]
        other += [name for name in {*right, *held} if held.get(name) != right.get(name)]
        place.tell(f"{i + 1} of {interruptions}: {number.name} {moment.name}, after {told.seconds:.1f} s")
    times = f"{interruptions} times"
    return [
        none_of("every signal hits a running process", early, times),
        none_of("a stopped command says its one sentence, a killed one nothing", odd, times),
        none_of("after every signal, every record that is there is whole", unsound, times),
        none_of("the same command then ends well", unwell, times),
        none_of("it leaves the same files with the same bytes as undisturbed", other, f"{times}, {len(right)} files"),
    ]


def _read_all_the_time(place: Place, root: Path, *words: str | Path) -> tuple[Answer, int, list[str]]:
    start, looks, unsound = time.monotonic(), 0, []
    with outside.running(place, *words) as process:
        while process.poll() is None:
            unsound += comparing.unsound(root)
            looks += bool(outside.records(root))
            time.sleep(0.01)
        return outside.answer(process, start), looks, unsound


def _plant(runs: Path, target: Path) -> None:
    """Stores the same runs with other numbers, as another machine might have made them."""
    for path in sorted(outside.records(runs)):
        record, run = json.loads(path.read_text()), store.read(path)
        address = store.Address(**{name: record[name] for name in store.Address._fields})
        store.save(target, address, {name: np.zeros_like(array) for name, array in run.arrays.items()}, run.provenance)
