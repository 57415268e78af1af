"""Damages what a run keeps: its checkpoints, its records, and the programs that were compiled for it."""

import contextlib
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

from experiments.lib.store import files

from . import comparing, killed, outside
from .findings import Finding, none_of
from .outside import Answer, Moment, Place, Skipped

LONG = (
    *("run", "figure1", "--profile", "smoke", "--models", "nac", "--batch", "8"),
    *("--seeds", "2", "--steps", "7500000", "--legs", "375"),
)
SHORT = ("run", "figure1", "--profile", "smoke")
REMEDY = re.compile(r"remove (.+?) and repeat the command")


def cut(data: bytes) -> bytes:
    """Keeps the first half."""
    return data[: len(data) // 2]


def garble(data: bytes) -> bytes:
    """Puts other bytes in place of all."""
    return bytes((31 * i + 7) % 256 for i in range(len(data)))


def empty(data: bytes) -> bytes:
    """Keeps nothing."""
    return b""


def flip(data: bytes) -> bytes:
    """Flips one bit in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


# A bit that flips in a .json may be one of the wall time, which nothing can notice.
WAYS: dict[str, tuple[Callable[[bytes], bytes], ...]] = {
    ".npz": (cut, garble, empty, flip),
    ".json": (cut, garble, empty),
}


def checkpoints(place: Place, words: tuple[str, ...] = LONG) -> list[Finding]:
    """Kills a long run after its second checkpoint, damages the last one or both, and lets the run go on."""
    whole, begun = place.folder / "whole", place.folder / "begun"
    first = outside.call(place, *words, "--runs-dir", whole)
    if first.status:
        return [Finding("undamaged the run ends well", False, first.short)]
    second = Moment("", killed.checkpoints, 2, within=1.0, glance=0.01)
    hit = outside.strike(place, begun, (second,), signal.SIGKILL, *words, "--runs-dir", begun)
    silent, odd, found = [], [], []
    cases = [(way, last) for way in (cut, garble, flip) for last in (True, False)]
    for number, (way, last) in enumerate(cases, start=1):
        name = f"{way.__name__} {'the last one' if last else 'all'}"
        runs = place.folder / f"damaged_{number}"
        outside.copy(begun, runs)
        victims = sorted(killed.checkpoints(runs), key=lambda path: int(path.name))
        for victim in victims[-1:] if last else victims:
            inside = [path for path in victim.rglob("*") if path.is_file()]
            largest = max(inside, key=lambda path: path.stat().st_size)  # holds the numbers themselves
            for path in [largest] if way is flip else inside:
                files.write_atomically(path, way(path.read_bytes()))
        told = outside.call(place, *words, "--runs-dir", runs)
        place.tell(f"{name}: {told.short}")
        silent += [] if "is damaged" in told.told else [name]
        odd += [] if told.well else [f"{name}, {told.short}"]
        found += [f"{name}, {each}" for each in comparing.records(whole, runs)]
    of = f"{len(cases)} cases (cut, garbled, a bit flipped; the last one, all)"
    return [
        Finding("the run is killed while it trains", hit.status == -signal.SIGKILL, hit.short),
        none_of("a damaged checkpoint is told", silent, of),
        none_of("the run goes back or starts anew, and ends well", odd, of),
        none_of("every array has the same bits as undisturbed", found, of),
    ]


def records(place: Place, words: tuple[str, ...] = SHORT, profile: str = "smoke") -> list[Finding]:
    """Damages a record in every way, and does what the sentence says."""
    whole = place.folder / "whole"
    first = outside.call(place, *words, "--runs-dir", whole)
    if first.status:
        return [Finding("undamaged the run ends well", False, first.short)]
    cases = [(suffix, way) for suffix, ways in WAYS.items() for way in ways]
    odd, unhealed = [], []
    for number, (suffix, way) in enumerate(cases, start=1):
        runs = place.folder / f"damaged_{number}"
        outside.copy(whole, runs)
        victim = place.chance.choice(sorted(outside.records(runs))).with_suffix(suffix)
        files.write_atomically(victim, way(victim.read_bytes()))
        told = [
            outside.call(place, *words, "--runs-dir", runs),
            outside.call(place, "report", "--profile", profile, "--runs-dir", runs),
        ]
        odd += [f"{way.__name__} {victim.name}, {each.short}" for each in told if not _names(each, victim)]
        if remedy := REMEDY.search(told[-1].wrong):
            outside.remove(*Path("/").glob(os.path.relpath(remedy.group(1), "/")))
        again = outside.call(place, *words, "--runs-dir", runs)
        differing = comparing.records(whole, runs) + comparing.rendered(whole, runs)
        unhealed += [f"{way.__name__} {victim.name}, {each}" for each in [*differing, *_unwell(again)]]
        place.tell(f"{way.__name__} {victim.name}: {told[-1].short}")
    of = f"{len(cases)} cases (.npz and .json: cut, garbled, empty; .npz: a bit flipped)"
    return [
        none_of("`run` and `report` name it and the remedy in one sentence, status 1", odd, of),
        none_of("after the remedy the same command ends with the same bits and tables", unhealed, of),
    ]


def _names(told: Answer, victim: Path) -> bool:
    return told.refuses(re.escape(victim.stem)) and bool(REMEDY.search(told.wrong))


def _unwell(told: Answer) -> list[str]:
    return [] if told.well else [told.short]


def programs(place: Place, words: tuple[str, ...] = SHORT) -> list[Finding]:
    """Cuts the compiled programs short, as a kill may do, and then gives them no room at all."""
    mine = place._replace(cache=place.folder / "cache")
    whole, again, last = (place.folder / name for name in ("whole", "again", "full_disk"))
    first = outside.call(mine, *words, "--runs-dir", whole)
    kept = {path: path.stat().st_size for path in mine.cache.rglob("*") if path.is_file() and path.stat().st_size}
    for path in kept:
        files.write_atomically(path, cut(path.read_bytes()))
    told = outside.call(mine, *words, "--runs-dir", again)
    healed = [path for path, size in kept.items() if path.exists() and path.stat().st_size > size // 2]
    found = [
        Finding("compiled programs are kept", first.well and bool(kept), f"{len(kept)} programs"),
        Finding("cut short, they are compiled anew without a word", told.well, told.short),
        Finding("and kept again", len(healed) == len(kept), f"{len(healed)} of {len(kept)} programs"),
        none_of("every array has the same bits", comparing.records(whole, again), "all records"),
    ]
    with contextlib.suppress(Skipped), outside.disk(place.folder / "disk", "size=4k"):
        told = outside.call(place._replace(cache=place.folder / "disk" / "cache"), *words, "--runs-dir", last)
        found.append(Finding("without room for them the run ends well without a word", told.well, told.short))
    return found
