"""Kills a run again and again, at random points from its start to its last figure, and then lets it finish.

Two runs: everything of the smoke profile, which is short runs, many of them; and a long one, which keeps checkpoints.
"""

import signal
from pathlib import Path

from experiments.lib.report.printing import count

from . import comparing, outside
from .findings import Finding, none_of
from .outside import Moment, Place

Words = tuple[str, ...]
EVERYTHING = ("run", "all", "--profile", "smoke")
LONG = (
    *("run", "figure1", "--profile", "smoke", "--models", "nac", "--batch", "8"),
    *("--seeds", "2", "--steps", "2000000", "--legs", "100"),
)
START = 8.0  # seconds in which a command reads its profile, looks at the store and begins to compile


def checkpoints(root: Path) -> set[Path]:
    """Returns the whole checkpoints of unfinished runs."""
    return {path for path in root.glob(".unfinished/*/seeds-*/*") if path.name.isdigit()}


def half_saved(root: Path) -> set[Path]:
    """Returns the checkpoints that are being written."""
    return {path for path in root.glob(".unfinished/*/seeds-*/*") if not path.name.isdigit()}


def undiscarded(root: Path) -> set[Path]:
    """Returns the records of runs whose checkpoints are not removed yet."""
    return {path for path in root.glob("*/*.json") if (root / ".unfinished" / path.stem).exists()}


def everything(place: Place, kills: int = 24, words: Words = EVERYTHING, start: float = START) -> list[Finding]:
    """Kills a command that trains many short runs; `start` is how long one may take to begin."""
    whole = place.folder / "whole"
    place.tell(f"{' '.join(words)}, without interruption")
    first = outside.call(place, *words, "--runs-dir", whole)
    if first.status:
        return [Finding("an uninterrupted run ends well", False, first.short)]
    total = len(outside.records(whole))
    times = sorted(path.stat().st_mtime for path in outside.records(whole))
    each = (times[-1] - times[0]) / max(total - 1, 1)
    drawing = max(path.stat().st_mtime for path in whole.rglob("*")) - times[-1]
    place.tell(f"that took {first.seconds:.0f} s, {total} runs; now killed {kills} times")
    plan = _plan(place, kills, total, each, drawing, start)
    # Compiled anew, so that compiling is interrupted, too.
    return _killed_and_finished(place._replace(cache=place.folder / "cache"), words, whole, plan)


def _plan(place: Place, kills: int, total: int, each: float, drawing: float, start: float) -> list[tuple[int, Moment]]:
    """Returns after how many stored runs, and when then, to kill: a sixth at the start, a quarter while drawing."""
    starting, last = kills // 6, kills // 4
    ways = (
        Moment("at any moment of training", outside.nothing, 0, within=2 * each),
        Moment("while a file was written", outside.half_written, 1, within=0.003),
        Moment("between the two files of a record", outside.half_stored, 1),
    )
    after = sorted(place.chance.uniform(0, total - 1) for _ in range(kills - starting - last))
    plan = [(int(stored), ways[i % len(ways)]) for i, stored in enumerate(after)]
    for _ in range(starting):
        early = Moment("while it started", outside.nothing, 0, within=start)
        plan.insert(place.chance.randrange(len(plan) + 1), (0, early))
    for i in range(last):
        plan.append((total, ways[1] if i % 2 else Moment("while it drew", outside.nothing, 0, within=drawing)))
    return plan


def long(place: Place, kills: int = 12, words: Words = LONG) -> list[Finding]:
    """Kills a command that trains one long run with checkpoints."""
    whole = place.folder / "whole"
    place.tell(f"{' '.join(words)}, without interruption")
    first = outside.call(place, *words, "--runs-dir", whole)
    if first.status:
        return [Finding("an uninterrupted run ends well", False, first.short)]
    place.tell(f"that took {first.seconds:.0f} s; now killed {kills} times")
    ways = (
        Moment("while a checkpoint was written", half_saved, 1, within=0.05),
        Moment("after a checkpoint", checkpoints, 1, within=5.0),
        Moment("as a checkpoint was whole", checkpoints, 1, within=0.02),
    )
    plan = [(0, ways[i % len(ways)]) for i in range(kills - 1)]
    plan.append((0, Moment("as the run was stored", undiscarded, 1)))
    return _killed_and_finished(place, words, whole, plan)


def _killed_and_finished(place: Place, words: Words, whole: Path, plan: list[tuple[int, Moment]]) -> list[Finding]:
    killed = place.folder / "killed"
    odd, unsound, ended, torn = [], [], [], 0
    struck: dict[str, int] = {}
    for number, (after, moment) in enumerate(plan, start=1):
        stored = Moment("", outside.records, max(after - len(outside.records(killed)), 0), glance=0.05)
        before = _torn(killed)
        told = outside.strike(place, killed, (stored, moment), signal.SIGKILL, *words, "--runs-dir", killed)
        if told.status == -signal.SIGKILL:
            struck[moment.name] = struck.get(moment.name, 0) + 1
        else:
            ended.append(f"{moment.name}, {told.short}")
        odd += [told.short] if told.wrong else []
        unsound += comparing.unsound(killed)
        torn += bool(_torn(killed) - before)
        place.tell(
            f"{number} of {len(plan)}: {moment.name}, after {told.seconds:.1f} s; "
            f"{len(outside.records(killed))} runs are stored"
        )
    finished = outside.call(place, *words, "--runs-dir", killed)
    kills = sum(struck.values())
    ways = ", ".join(f"{number} {name}" for name, number in struck.items())
    return [
        none_of("every kill hits a running process", ended, f"{len(plan)}: {ways}; {torn} left something half-done"),
        none_of("after every kill, every record of the store is whole", unsound, count(kills, "look")),
        none_of("a killed process says nothing odd", odd, f"{kills} processes"),
        Finding("the same command then ends well", finished.well, f"{finished.short}, after {finished.seconds:.0f} s"),
        *same(whole, killed),
    ]


def same(whole: Path, other: Path) -> list[Finding]:
    """Returns the findings that a store is what an uninterrupted run leaves."""
    runs = len(outside.records(whole))
    made = len([path for path in whole.rglob("*") if path.is_file() and ".unfinished" not in path.parts]) - 2 * runs
    return [
        none_of("every array has the same bits as undisturbed", comparing.records(whole, other), count(runs, "record")),
        none_of(
            "tables, figures, claims, index and page are the same bytes, but for dates and durations",
            comparing.rendered(whole, other),
            count(made, "file"),
        ),
        none_of("nothing else is left behind", comparing.left_behind(whole, other), "all names of files and folders"),
    ]


def _torn(root: Path) -> set[Path]:
    return outside.half_written(root) | outside.half_stored(root) | half_saved(root)
