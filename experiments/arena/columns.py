"""The columns of a protocol: as published, and tuned, each with runs, grids and files of its own."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ..lib.config import require
from ..lib.report.artefacts import Figure
from ..lib.store.records import Finished
from . import published, report
from .report import Result
from .tuned import TUNED

NOTE = (
    "Tuned: as published, but for the learning rate and the scale of the start, of which nine choices were compared by "
    "the error inside the training range, on other seeds (`arena_search`)."
)

Column = tuple[str, str, list[Result]]  # settings, what the protocol is called with them, what its records say


def runs(asked: Iterable[tuple[dict[str, Any], tuple[str, str]]], settings: Collection[str]) -> list[dict[str, Any]]:
    """Returns each run as published and, where the search has found settings for it, tuned.

    Args:
      asked: (the run, its cell or network and what the search calls its operation).
      settings: which of the two, "published" and "tuned".
    """
    found: list[dict[str, Any]] = []
    for run, searched in asked:
        if "published" in settings:
            found.append(run)
        if "tuned" in settings and searched in TUNED:
            found.append({**run, "settings": "tuned", **TUNED[searched]._asdict()})
    return found


def check_settings(cells: Iterable[str], settings: Collection[str]) -> None:
    """Raises a usage error if a cell of the user's own is asked to be tuned alone."""
    for name in cells:
        sentence = f"settings is tuned alone, but no search has been made for {name}: add published."
        require("published" in settings or ":" not in name, sentence)


def settings_of(run: Finished) -> str:
    """Returns which column a run is of; where nothing is said, it is trained as published."""
    return run.variant.get("settings", "published")


def split(
    artefact: str,
    results: list[Finished],
    protocols: Mapping[str, str],
    results_of: Callable[[list[Finished]], list[Result]],
) -> list[Column]:
    """Returns the columns of an experiment, with its published records where these runs are of a user's own cell.

    Args:
      protocols: settings -> what the protocol is called with them.
      results_of: records -> what they say.
    """
    results = published.with_published(artefact, results)
    return [
        (settings, protocol, results_of([run for run in results if settings_of(run) == settings]))
        for settings, protocol in protocols.items()
    ]


def grid(layers: str, settings: str = "published") -> str:
    """Returns the grid at a glance that a column belongs to, of "one layer" for instance."""
    return f"{layers}, as published" if settings == "published" else f"{layers}, {settings}"


def figures(artefact: str, its: Iterable[Column], operations: Sequence[str], *far_says: str) -> list[Figure]:
    """Returns success over the tolerance and how far the solved networks hold, in files of each column's own."""
    made = []
    for settings, protocol, results in its:
        name = artefact if settings == "published" else f"{artefact}_{settings}"
        made += report.figures(artefact, protocol, results, operations, *far_says, name=name)
    return made
