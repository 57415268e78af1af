"""Renders what the store holds and writes it beside the store: tables, figures, claims, an index and a page.

Rendering is pure and knows no clock, so that the same store gives the same bytes.
"""

from pathlib import Path

from experiments.lib.report import claims, printing
from experiments.lib.report.artefacts import Figure, Finished, Gallery, Quantity, Table
from experiments.lib.report.figures import drawing
from experiments.lib.report.index import Summary, render_index
from experiments.lib.report.page import page
from experiments.lib.report.table_csv import read_published, render_table_csv
from experiments.lib.report.table_markdown import render_table_markdown
from experiments.lib.report.table_tex import render_table_tex
from experiments.lib.store import files

CLAIM_COLUMNS = (
    "artefact", "claim", "section", "seen", "test", "verdict", "share", "share_low", "share_high",
    "selected", "seeds", "profile", "record", "note",
)  # fmt: skip


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
