"""Whether tables, figures, claims and index are what the records say, and whether anything else lies beside them.

All of it is made anew in a temporary folder and compared byte for byte. Pictures need only be whole: their bytes differ
with fonts and with versions of what draws them, so those that differ are counted and no fault.
"""

import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from .. import suite
from ..errors import UserError
from ..report import claims, front_page, rendering
from ..store import files, records

PICTURES = {  # how a whole file begins and ends
    ".png": (b"\x89PNG", b"IEND\xaeB`\x82"),
    ".svg": (b"<?xml", b"</svg>"),
    ".gif": (b"GIF8", b";"),
}
SUFFIXES = (".csv", ".md", ".tex", *PICTURES)
FOLDERS = ("tables", "figures")
ON_TOP = re.compile(r"README\.md|claims\.csv|report\.html|benchmarks\w*\.md|hard_knocks\.md")
NOT_COMPARED = re.compile(r"report\.html|.*\.(json|npz)")  # the page is a copy of all the others
UNFINISHED = ".unfinished"


class Rendered(NamedTuple):
    """What the records render to: the files' places, which pictures are drawn otherwise here, what is wrong."""

    places: tuple[Path, ...]
    drawn: tuple[Path, ...]
    faults: tuple[str, ...]


def compare(
    sound: list[suite.Experiment],
    root: Path,
    *,
    whole: bool,
    profile: str,
    published: Path | None,
    made_by: Mapping[str, str],
) -> Rendered:
    """Returns how what was rendered at `root` compares with what its records render to now.

    Args:
      sound: the experiments to render.
      whole: that these are all; else claims and index, which are of all, are not compared.
      published: as in `verify.verify`; numbers in the README and the guides beside published results are compared.
      made_by: as in `rendering.render_if_any`.

    Raises:
      UserError: the temporary folder cannot be written.
    """
    places, drawn, faults = [], [], []
    try:
        with tempfile.TemporaryDirectory() as folder:
            again = Path(folder) / root.name
            for experiment in sound:
                for address in experiment.addresses():
                    if records.exists(root, address):
                        records.copy(address, root, again)
            quiet = Console(quiet=True)
            verdicts = rendering.render_if_any(
                sound, again, profile=profile, published=published, console=quiet, made_by=made_by
            )
            for place in files_under(again):
                if NOT_COMPARED.fullmatch(place.name) or (len(place.parts) == 1 and not whole):
                    continue
                places.append(place)
                fault = _differs((again / place).read_bytes(), root / place, profile)
                if fault is None:
                    drawn.append(root / place)
                elif fault:
                    faults.append(f"{root / place} {fault}.")
            if published is None and whole and verdicts:
                faults += _front_page(root.parent, sound, again, verdicts)
    except OSError as error:
        raise files.explain(error, Path(tempfile.gettempdir())) from error
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:  # what unexpected arrays make of a table
        faults = [f"The records of {root} cannot be rendered ({type(error).__name__}: {error})."]
    return Rendered(tuple(places), tuple(drawn), tuple(faults))


def strays(root: Path, places: Collection[Path] | None, experiments: Collection[str], *, strict: bool) -> list[str]:
    """Returns a sentence for each file that belongs to nothing.

    Args:
      places: what is rendered there; None where that is not known for all, as beside damaged records.
      experiments: names of the folders with records, which `verify` looks through.
      strict: of published results, where nothing of another profile and nothing unfinished may be.
    """

    def belongs(place: Path) -> bool:
        if len(place.parts) == 1:
            return ON_TOP.fullmatch(place.name) is not None
        if place.parts[0] == UNFINISHED:
            return not strict
        if len(place.parts) == 2 and place.parts[0] in experiments:
            return place.suffix in (".json", ".npz")
        if len(place.parts) != 2 or place.parts[0] not in FOLDERS:
            return False
        if strict and places is not None:
            return place in places
        return place.suffix in SUFFIXES and not place.name.startswith(".")

    return [f"{root / place} belongs to nothing here." for place in files_under(root) if not belongs(place)]


def files_under(root: Path) -> Iterator[Path]:
    """Yields the places of all files under a folder, relative to it and in order."""
    return (path.relative_to(root) for path in sorted(root.rglob("*")) if path.is_file() or path.is_symlink())


def _front_page(
    folder: Path, sound: list[suite.Experiment], root: Path, verdicts: tuple[claims.Verdict, ...]
) -> list[str]:
    """Says what is wrong with the numbers in the README and the guides, where they are: only a checkout has them."""
    tables = [table for artefact in rendering.collect(sound, root).values() for table in artefact.tables]
    try:
        pages = front_page.filled(folder, front_page.blocks(tables, verdicts))
    except UserError as error:
        return [str(error)]
    return [f"The numbers in {path} are not what the records say." for path, (old, new) in pages.items() if new != old]


def _differs(right: bytes, path: Path, profile: str) -> str | None:
    """Says what is wrong with a file; nothing where it is right, None where it is a whole picture of other bytes."""
    try:
        held = path.read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if held == right:
        return ""
    if path.suffix not in PICTURES:
        return f"is not what the records of profile {profile} say"
    first, last = PICTURES[path.suffix]
    return None if held.startswith(first) and held.rstrip().endswith(last) else "is no whole picture"
