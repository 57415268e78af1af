"""The index of the rendered results: what was run, what it says of the paper's claims, and where to look."""

import re
from typing import NamedTuple

from . import claims, printing
from .artefacts import Artefact
from .table_files import escape, grid_markdown

_HEADER = ("artefact", "claims", "seeds", "profile", "device", "wall time", "date", "command", "look at")


class Summary(NamedTuple):
    """What the index says of one artefact.

    Attributes:
      figures: (name, title) of each.
      seeds: smallest and largest number of seeds, or None where nothing has been run.
      wall_seconds: summed over its runs.
      date: of its latest run.
    """

    artefact: str
    title: str
    has_tables: bool
    figures: tuple[tuple[str, str], ...]
    seeds: tuple[int, int] | None
    profiles: tuple[str, ...]
    devices: tuple[str, ...]
    wall_seconds: float
    date: str
    command: str

    @property
    def seeds_in_words(self) -> str:
        low, high = self.seeds or (0, 0)
        return f"{low}" if low == high else f"{low} to {high}"


def summarise(artefact: Artefact, command: str) -> Summary:
    """Returns what the index says of an artefact that `command` makes."""
    sizes = {len(quantity.values_S) for quantity in artefact.quantities} or {
        len(values) for run in artefact.runs for values in run.arrays.values()
    }
    return Summary(
        artefact=artefact.name,
        title="; ".join(dict.fromkeys(shown.title for shown in artefact.figures or artefact.tables)),
        has_tables=bool(artefact.tables),
        figures=tuple((figure.name, figure.title) for figure in artefact.figures),
        seeds=(min(sizes), max(sizes)) if sizes else None,
        profiles=_distinct(artefact, "profile"),
        devices=_distinct(artefact, "device"),
        wall_seconds=sum(float(run.provenance.get("wall_seconds", 0.0)) for run in artefact.runs),
        date=max(_distinct(artefact, "date"), default=""),
        command=command,
    )


def _distinct(artefact: Artefact, name: str) -> tuple[str, ...]:
    return tuple(sorted({str(run.provenance[name]) for run in artefact.runs if name in run.provenance}))


def render_index(summaries: list[Summary], verdicts: tuple[claims.Verdict, ...]) -> bytes:
    """Returns the Markdown file of the index."""
    by_artefact = {s.artefact: [v for v in verdicts if v.claim.artefact == s.artefact] for s in summaries}
    parts = [
        "# Results",
        "Generated from the stored records; do not edit. All numbers: `tables/*.csv`; all claims: `claims.csv`.",
        grid_markdown(_HEADER, [_line(summary, by_artefact[summary.artefact]) for summary in summaries]),
        f"{claims.RULE} Some claims are of a failure: there, `fails` means that the model does better here.",
    ]
    if any("smoke" in summary.profiles for summary in summaries):
        parts.append("**The smoke profile only shows that everything runs: its numbers and verdicts mean nothing.**")
    for summary in summaries:
        parts.append(f"## {summary.artefact}: {escape(summary.title)}")
        parts += [f"![{escape(title)}](figures/{name}.png)" for name, title in summary.figures]
        if summary.has_tables:
            parts.append(f"[The numbers beside the paper's](tables/{summary.artefact}.md)")
        if by_artefact[summary.artefact]:
            parts.append(_claims(by_artefact[summary.artefact]))
    return ("\n\n".join(parts) + "\n").encode()


def commands(text: str) -> dict[str, str]:
    """Returns the command of each artefact in an index that `render_index` made; nothing of any other text."""
    return dict(re.findall(r"^\| \*\*(\w+)\*\* \|.* \| `([^`]+)` \| [^|]*\|$", text, re.MULTILINE))


def _line(summary: Summary, verdicts: list[claims.Verdict]) -> tuple[str, ...]:
    counts = claims.tally(verdicts).items()
    tally = "<br>".join(f"{count}&nbsp;{_mark(verdict)}" for verdict, count in counts)
    name = summary.artefact
    links = [f"[table](tables/{name}.md) ([csv](tables/{name}.csv), [tex](tables/{name}.tex))"] * summary.has_tables
    links += [
        f"[{figure}](figures/{figure}.png) ([svg](figures/{figure}.svg), [csv](figures/{figure}.csv))"
        for figure, _ in summary.figures
    ]
    if summary.seeds is None:
        run = ("not run yet", "", "", "", "")
    else:
        run = (
            summary.seeds_in_words,
            escape(", ".join(summary.profiles)),
            escape(", ".join(summary.devices)),
            printing.duration(summary.wall_seconds),
            escape(summary.date),
        )
    return (f"**{name}**", tally, *run, f"`{summary.command}`", "<br>".join(links))


def _claims(verdicts: list[claims.Verdict]) -> str:
    return grid_markdown(("the paper's claim", "verdict", "seeds", "selected", "test"), [_claim(v) for v in verdicts])


def _claim(verdict: claims.Verdict) -> tuple[str, ...]:
    claim = verdict.claim
    sentence = escape(claim.claim) + claim.doubt
    if claim.note:
        sentence += f"<br><sub>{escape(claim.note)}</sub>"
    test = f"<sub>{escape(claim.test)}</sub>"
    return (sentence, _mark(verdict.verdict), escape(verdict.share_in_words), verdict.selected_in_words, test)


def _mark(verdict: str) -> str:
    return f"{claims.MARKS[verdict].markdown}&nbsp;{verdict}"
