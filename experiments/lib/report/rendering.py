"""Renders a store: every artefact's tables and figures, the claims, the index and the page.

Where it is the store of published results, the repository's front page is brought up to date, too.
"""

import types
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from experiments.lib import suite
from experiments.lib.cli import commands
from experiments.lib.errors import UserError
from experiments.lib.report import front_page, report
from experiments.lib.report.claims import Verdict


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
    collected = suite.collect(chosen, root)
    summaries, quantities, parts = [], [], []
    for artefact, (tables, figures, runs) in sorted(collected.items()):
        beside = published / "tables" / f"{artefact}.csv" if published and published != root else None
        beside = beside if beside and beside.exists() else None
        option = "" if profile == "quick" else f" PROFILE={profile}"
        summaries.append(
            report.write_artefact(
                root,
                artefact,
                tables,
                figures,
                runs,
                command=typed.get(artefact, f"make {artefact}{option}"),
                published=beside,
            )
        )
        parts.append(report.page_part(root, summaries[-1], tables, figures, runs, beside))
        quantities.extend(quantity for table in tables for quantity in table.quantities)
        names = [f"tables/{artefact}.md", *(f"figures/{figure.name}.png" for figure in figures)]
        console.print(f"{artefact}: {', '.join(str(root / name) for name in names)}", highlight=False)
    if not collected:
        return None
    verdicts = report.write_claims(root, quantities)
    report.write_index(root, summaries, verdicts)
    report.write_page(root, parts, verdicts)
    console.print(f"all: {root / 'README.md'}, {root / 'report.html'}", highlight=False)
    if root.resolve() == commands.PUBLISHED.resolve():
        tables_of = {artefact: tables for artefact, (tables, _, _) in collected.items()}
        front_page.write(commands.PUBLISHED.parent / "README.md", tables_of, verdicts)
    return verdicts
