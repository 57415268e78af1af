"""Fills the disk that holds the store, and takes away the right to write on it."""

from pathlib import Path

from . import comparing, killed, outside
from .findings import Finding, none_of
from .outside import Place

SHORT = ("run", "figure1", "--profile", "smoke")
LONG = (
    *("run", "figure1", "--profile", "smoke", "--models", "nac", "nalu", "--batch", "8"),
    *("--seeds", "2", "--steps", "500000", "--legs", "25"),
)
SIZES = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192, 16384)  # KiB


def full(place: Place) -> list[Finding]:
    """Runs commands on disks that are too small: one that keeps no checkpoints, and one that does."""
    return [
        finding._replace(what=f"{name}: {finding.what}")
        for name, words, sizes in (("short runs", SHORT, SIZES), ("runs with checkpoints", LONG, SIZES[::3]))
        for finding in _full(place._replace(folder=place.folder / name.replace(" ", "_")), words, sizes)
    ]


def _full(place: Place, words: tuple[str, ...], sizes: tuple[int, ...]) -> list[Finding]:
    """Runs a command on a disk that is too small, again and again, and makes it a little larger each time."""
    whole, small = place.folder / "whole", place.folder / "disk"
    first = outside.call(place, *words, "--runs-dir", whole)
    if first.status:
        return [Finding("with room enough the run ends well", False, first.short)]
    refused, odd, lost = 0, [], []
    with outside.disk(small, f"size={sizes[0]}k"):
        runs, stored = small / "runs", {}
        for size in sizes:
            outside.remount(small, f"size={size}k")
            told = outside.call(place, *words, "--runs-dir", runs)
            now = {path.name: path.read_bytes() for path in _record_files(runs)}
            lost += [f"{name} at {size} KiB" for name, data in stored.items() if now.get(name) != data]
            stored = now
            place.tell(f"{size} KiB, {len(stored) // 2} runs stored: {told.short}")
            if told.status == 0:
                break
            refused += 1
            if not told.refuses("is full: free some space and repeat the command"):
                odd.append(f"{size} KiB, {told.short}")
        ended = Finding("with more room the same command ends well", told.well, f"{told.short}, at {size} KiB")
        found = killed.same(whole, runs)
    return [
        none_of("a full disk is one sentence, status 1 and no traceback", odd, f"{refused} sizes of disk"),
        none_of("what was finished is still there, byte for byte", lost, f"{refused} sizes of disk"),
        ended,
        *found,
    ]


def read_only(place: Place, words: tuple[str, ...] = SHORT, profile: str = "smoke") -> list[Finding]:
    """Runs commands on a store that turned read-only with a run missing."""
    whole, locked = place.folder / "whole", place.folder / "disk"
    first = outside.call(place, *words, "--runs-dir", whole)
    if first.status:
        return [Finding("before that the run ends well", False, first.short)]
    with outside.disk(locked, "size=64m"):
        runs = locked / "runs"
        outside.copy(whole, runs)
        victim = min(outside.records(runs))
        outside.remove(victim, victim.with_suffix(".npz"))
        before = comparing.bytes_of(runs)
        outside.remount(locked, "ro")
        refusals = {
            "run": outside.call(place, *words, "--runs-dir", runs),
            "report": outside.call(place, "report", "--profile", profile, "--runs-dir", runs),
            "publish": outside.call(place, "publish", "--profile", profile, "--runs-dir", whole, "--to", runs),
        }
        odd = [f"{name}, {told.short}" for name, told in refusals.items() if not told.refuses("read-only")]
        status = outside.call(place, "status", "--profile", profile, "--runs-dir", runs)
        untouched = comparing.bytes_of(runs) == before
        outside.remount(locked, "rw")
        told = outside.call(place, *words, "--runs-dir", runs)
        found = killed.same(whole, runs)
    commands = ", ".join(f"`{name}`" for name in refusals)
    return [
        none_of("a read-only store is one sentence and status 1", odd, f"{len(refusals)} commands ({commands})"),
        Finding("`status` reads it all the same", status.well, status.short),
        Finding("nothing in it changes", untouched, f"{len(before)} files"),
        Finding("once it can be written, the same command ends well", told.well, told.short),
        *found,
    ]


def _record_files(root: Path) -> list[Path]:
    return [path for record in outside.records(root) for path in (record, record.with_suffix(".npz"))]
