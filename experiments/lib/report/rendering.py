"""Renders a store: every artefact's tables and figures, the claims, the index and the page.

Where it is the store of published results, the repository's front page is brought up to date, too.
"""

import types
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from ..errors import UserError
from ..places import CHECKOUT, PUBLISHED, making
from ..store import files
from ..suite import Experiment
from . import claims, controls, front_page, printing
from .artefacts import Artefact
from .claims import Verdict
from .figures import drawing
from .index import render_index, summarise
from .page import page
from .table_files import render_table_csv, render_table_markdown, render_table_tex
from .tables import Published, read_published

CLAIM_COLUMNS = (
    *("artefact", "claim", "section", "seen", "test", "verdict", "share", "share_low", "share_high"),
    *("selected", "seeds", "profile", "record", "note"),
)


def render(
    experiments: list[Experiment], root: Path, *, profile: str, published: Path | None, console: Console
) -> None:
    """Writes what the report says of the runs at `root`, and names the files.

    Args:
      published: the published results to show beside a user's own; None when rendering the published ones.

    Raises:
      UserError: there is nothing to render, a record is damaged, or the folder cannot be written.
    """
    if render_if_any(experiments, root, profile=profile, published=published, console=console) is None:
        where = " (published numbers are in results/)" if CHECKOUT else ""
        raise UserError(f"{root} holds no finished run of profile {profile}: train with `{making('all')}`{where}.")


def render_if_any(
    experiments: list[Experiment],
    root: Path,
    *,
    profile: str,
    published: Path | None,
    console: Console,
    made_by: Mapping[str, str] = types.MappingProxyType({}),
) -> tuple[Verdict, ...] | None:
    """Does what `render` does and returns the verdicts on the paper's claims; None where there is nothing to render.

    Args:
      made_by: by artefact, the command that made it where that is not the usual one of the profile.
    """
    collected = collect(experiments, root)
    if not collected:
        return None
    commands = {name: made_by.get(name, making(name, profile)) for name in collected}
    if (compared := controls.artefact(collected)) is not None:
        collected[compared.name], commands[compared.name] = compared, making("all", profile)
    verdicts = write(root, collected, commands, published=published, console=console)
    if root.resolve() == PUBLISHED.resolve():
        tables = [table for artefact in collected.values() for table in artefact.tables]
        front_page.write(PUBLISHED.parent, tables, verdicts)
    return verdicts


def collect(experiments: list[Experiment], root: Path) -> dict[str, Artefact]:
    """Returns by name what the store at `root` holds of every artefact of which there is at least one run."""
    collected: dict[str, Artefact] = {}
    for experiment in sorted(experiments, key=lambda experiment: experiment.module.PLACE):
        results = experiment.results(root)
        if not results:
            continue
        module = experiment.module
        tables = module.tables(experiment.config, results) if hasattr(module, "tables") else []
        figures = module.figures(experiment.config, results) if hasattr(module, "figures") else []
        for name in module.ARTEFACTS:
            artefact = collected.setdefault(name, Artefact(name, [], [], []))
            artefact.tables.extend(table for table in tables if table.artefact == name)
            artefact.figures.extend(figure for figure in figures if figure.artefact == name)
            artefact.runs.extend(results)
    return collected


def write(
    root: Path,
    artefacts: Mapping[str, Artefact],
    commands: Mapping[str, str],
    *,
    published: Path | None,
    console: Console,
) -> tuple[Verdict, ...]:
    """Writes tables, figures, claims, index and page of these artefacts under `root`, and returns the verdicts.

    Args:
      commands: what a user types to make each of them.

    Raises:
      UserError: a file cannot be written.
    """
    parts = []
    for name, artefact in sorted(artefacts.items()):
        drawn = {figure.name: drawing.draw(figure) for figure in artefact.figures}
        shown = published is not None and published != root
        numbers = read_published(published / "tables" / f"{name}.csv") if shown else {}
        _write_artefact(root, artefact, drawn, numbers)
        parts.append(page.Part(summarise(artefact, commands[name]), artefact, drawn, numbers))
        places = [f"tables/{name}.md", *(f"figures/{figure}.png" for figure in drawn)]
        console.print(f"{name}: {', '.join(str(root / place) for place in places)}", highlight=False)
    quantities = [quantity for artefact in artefacts.values() for quantity in artefact.quantities]
    verdicts = claims.evaluate(claims.all_claims(), quantities)
    files.write_atomically(root / "claims.csv", render_claims_csv(verdicts))
    files.write_atomically(root / "README.md", render_index([part.summary for part in parts], verdicts))
    files.write_atomically(root / "report.html", page.render_page(parts, verdicts))
    console.print(f"all: {root / 'README.md'}, {root / 'report.html'}", highlight=False)
    return verdicts


def _write_artefact(root: Path, artefact: Artefact, drawn: dict[str, dict[str, bytes]], published: Published) -> None:
    """Writes `tables/<artefact>.{csv,md,tex}` and, as they are drawn, `figures/<name>.{png,svg,csv}` under `root`."""
    tables = artefact.tables
    if tables:
        files.write_atomically(root / "tables" / f"{artefact.name}.csv", render_table_csv(tables))
        files.write_atomically(root / "tables" / f"{artefact.name}.md", render_table_markdown(tables, published))
        files.write_atomically(root / "tables" / f"{artefact.name}.tex", render_table_tex(tables))
    for name, contents in drawn.items():
        for suffix, data in contents.items():
            files.write_atomically(root / "figures" / f"{name}.{suffix}", data)


def render_claims_csv(verdicts: tuple[Verdict, ...]) -> bytes:
    """Returns the CSV file of the verdicts; several profiles or records in one field are parted by `|`."""
    return printing.csv_bytes(CLAIM_COLUMNS, (_claim_line(verdict) for verdict in verdicts))


def _claim_line(verdict: Verdict) -> list[str | int]:
    claim = verdict.claim
    return [
        *(claim.artefact, claim.claim, claim.section, claim.seen, claim.test, verdict.verdict),
        *(printing.tidy(share) for share in (verdict.share, verdict.low, verdict.high)),
        *(verdict.selected_in_words, verdict.seeds, "|".join(verdict.profiles), "|".join(verdict.records), claim.note),
    ]
