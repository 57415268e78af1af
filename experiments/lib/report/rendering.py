"""Renders a store: every artefact's tables and figures, the claims, the index and the page.

Where it is the store of published results, the repository's front page is brought up to date, too.
"""

import types
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from .. import suite
from ..cli import commands
from ..errors import UserError
from ..store import files
from ..store.records import Finished
from . import claims, front_page, printing
from .artefacts import Figure, Gallery, Quantity, Table
from .claims import Verdict
from .figures import drawing
from .index import Summary, render_index
from .page import page
from .table_files import render_table_csv, render_table_markdown, render_table_tex
from .tables import read_published

CLAIM_COLUMNS = (
    "artefact", "claim", "section", "seen", "test", "verdict", "share", "share_low", "share_high",
    "selected", "seeds", "profile", "record", "note",
)  # fmt: skip


def render(
    chosen: list[suite.Experiment], root: Path, *, profile: str, published: Path | None, console: Console
) -> None:
    """Writes what the report says of the runs at `root`, and names the files.

    Args:
      published: the published results to show beside a user's own; None when rendering the published ones.

    Raises:
      UserError: there is nothing to render, a record is damaged, or the folder cannot be written.
    """
    if render_if_any(chosen, root, profile=profile, published=published, console=console) is None:
        raise UserError(
            f"{root} holds no finished run of profile {profile}: train with `make reproduce-all` "
            "(published numbers are in results/)."
        )


def render_if_any(
    chosen: list[suite.Experiment],
    root: Path,
    *,
    profile: str,
    published: Path | None,
    console: Console,
    typed: Mapping[str, str] = types.MappingProxyType({}),
) -> tuple[Verdict, ...] | None:
    """Does what `render` does and returns the verdicts on the paper's claims; None where there is nothing to render.

    Args:
      typed: by artefact, the command that made it where that is not `make` with the profile.
    """
    collected = collect(chosen, root)
    summaries, quantities, parts = [], [], []
    for artefact, (tables, figures, runs) in sorted(collected.items()):
        beside = published / "tables" / f"{artefact}.csv" if published and published != root else None
        beside = beside if beside and beside.exists() else None
        option = "" if profile == "quick" else f" PROFILE={profile}"
        summaries.append(
            write_artefact(
                root,
                artefact,
                tables,
                figures,
                runs,
                command=typed.get(artefact, f"make {artefact}{option}"),
                published=beside,
            )
        )
        parts.append(page_part(root, summaries[-1], tables, figures, runs, beside))
        quantities.extend(quantity for table in tables for quantity in table.quantities)
        names = [f"tables/{artefact}.md", *(f"figures/{figure.name}.png" for figure in figures)]
        console.print(f"{artefact}: {', '.join(str(root / name) for name in names)}", highlight=False)
    if not collected:
        return None
    verdicts = write_claims(root, quantities)
    write_index(root, summaries, verdicts)
    write_page(root, parts, verdicts)
    console.print(f"all: {root / 'README.md'}, {root / 'report.html'}", highlight=False)
    if root.resolve() == commands.PUBLISHED.resolve():
        tables_of = {artefact: tables for artefact, (tables, _, _) in collected.items()}
        front_page.write(commands.PUBLISHED.parent / "README.md", tables_of, verdicts)
    return verdicts


def write_artefact(
    root: Path,
    artefact: str,
    tables: list[Table],
    figures: list[Figure],
    records: list[Finished],
    command: str,
    published: Path | None = None,
) -> Summary:
    """Writes `tables/<artefact>.{csv,md,tex}` and `figures/<name>.{png,svg,csv}` under `root`.

    Args:
      records: the finished runs that the tables and figures were made of.
      command: what a user types to make this artefact.
      published: the published `tables/<artefact>.csv`, shown beside a user's own run; None or absent: not shown.

    Returns:
      What the index says of the artefact.

    Raises:
      UserError: a file cannot be written.
    """
    if tables:
        rendered = {
            "csv": render_table_csv(tables),
            "md": render_table_markdown(tables, read_published(published)),
            "tex": render_table_tex(tables),
        }
        for suffix, data in rendered.items():
            files.write_atomically(root / "tables" / f"{artefact}.{suffix}", data)
    for figure in figures:
        for suffix, data in drawing.draw(figure).items():
            files.write_atomically(root / "figures" / f"{figure.name}.{suffix}", data)
    quantities = [quantity for table in tables for quantity in table.quantities]
    sizes = {len(quantity.values_S) for quantity in quantities} or {
        len(values) for record in records for values in record.arrays.values()
    }
    provenance = [record.provenance for record in records]
    return Summary(
        artefact=artefact,
        title="; ".join(dict.fromkeys(drawn.title for drawn in figures or tables)),
        has_tables=bool(tables),
        figures=tuple((figure.name, figure.title) for figure in figures),
        seeds=(min(sizes), max(sizes)) if sizes else None,
        profiles=_distinct(provenance, "profile"),
        devices=_distinct(provenance, "device"),
        wall_seconds=sum(float(entry.get("wall_seconds", 0.0)) for entry in provenance),
        date=max(_distinct(provenance, "date"), default=""),
        command=command,
    )


def write_claims(root: Path, quantities: list[Quantity]) -> tuple[claims.Verdict, ...]:
    """Writes `claims.csv`, the verdict on every claim of the paper, under `root`, and returns the verdicts."""
    verdicts = claims.evaluate(claims.all_claims(), quantities)
    files.write_atomically(root / "claims.csv", render_claims_csv(verdicts))
    return verdicts


def render_claims_csv(verdicts: tuple[claims.Verdict, ...]) -> bytes:
    """Returns the CSV file of the verdicts; several profiles or records in one field are parted by `|`."""
    return printing.csv_bytes(CLAIM_COLUMNS, (_claim_line(verdict) for verdict in verdicts))


def _claim_line(verdict: claims.Verdict) -> list[str | int]:
    claim = verdict.claim
    return [
        *(claim.artefact, claim.claim, claim.section, claim.seen, claim.test, verdict.verdict),
        *(printing.tidy(share) for share in (verdict.share, verdict.low, verdict.high)),
        {True: "holds", False: "fails", None: ""}[verdict.selected],
        *(verdict.seeds, "|".join(verdict.profiles), "|".join(verdict.records), claim.note),
    ]


def write_index(root: Path, summaries: list[Summary], verdicts: tuple[claims.Verdict, ...]) -> None:
    """Writes the index, `README.md`, under `root`."""
    files.write_atomically(root / "README.md", render_index(summaries, verdicts))


def page_part(
    root: Path,
    summary: Summary,
    tables: list[Table],
    figures: list[Figure],
    records: list[Finished],
    published: Path | None = None,
) -> page.Part:
    """Returns what the page shows of an artefact; its figures are those that `write_artefact` wrote under `root`."""
    drawn = []
    for figure in figures:
        suffixes = ("png", "gif") if isinstance(figure, Gallery) and figure.moving else ("png",)
        drawn.append({s: (root / "figures" / f"{figure.name}.{s}").read_bytes() for s in suffixes})
    return page.Part(summary, tables, figures, records, drawn, read_published(published))


def write_page(root: Path, parts: list[page.Part], verdicts: tuple[claims.Verdict, ...]) -> None:
    """Writes the page that needs no other file, `report.html`, under `root`."""
    files.write_atomically(root / "report.html", page.render_page(parts, verdicts))


def _distinct(provenance: list[dict], name: str) -> tuple[str, ...]:
    return tuple(sorted({str(entry[name]) for entry in provenance if name in entry}))


def collect(chosen: list[suite.Experiment], root: Path) -> dict[str, tuple[list[Table], list[Figure], list[Finished]]]:
    """Returns tables, figures and runs of every artefact of which the store holds at least one run."""
    collected: dict[str, tuple[list[Table], list[Figure], list[Finished]]] = {}
    for experiment in sorted(chosen, key=lambda experiment: experiment.module.PLACE):
        results = experiment.results(root)
        if not results:
            continue
        module = experiment.module
        tables = module.tables(experiment.config, results) if hasattr(module, "tables") else []
        figures = module.figures(experiment.config, results) if hasattr(module, "figures") else []
        for artefact in module.ARTEFACTS:
            entry = collected.setdefault(artefact, ([], [], []))
            entry[0].extend(table for table in tables if table.artefact == artefact)
            entry[1].extend(figure for figure in figures if figure.artefact == artefact)
            entry[2].extend(results)
    return collected
