"""The page's claims: what the paper says, whether our seeds bear it out, and the buttons that choose among verdicts."""

from collections import Counter

from .. import claims
from .markup import prose, text

MARKS = {"holds": "✓", "partly": "◐", "fails": "✗", "open": "○"}


def claims_html(verdicts: list[claims.Verdict]) -> str:
    """Returns the list of an artefact's claims; nothing where the paper makes none."""
    if not verdicts:
        return ""
    lines = "\n".join(_claim(verdict) for verdict in verdicts)
    return f'<h3>The paper\'s claims</h3>\n<ul class="claims">\n{lines}\n</ul>'


def tally(verdicts: list[claims.Verdict]) -> str:
    """Returns how many claims have which verdict."""
    counts = Counter(verdict.verdict for verdict in verdicts)
    return " ".join(_badge(name, f"{counts[name]} {name}") for name in claims.VERDICTS if counts[name])


def filter_html(verdicts: tuple[claims.Verdict, ...]) -> str:
    """Returns the buttons with their counts; they are hidden until the script is there to answer them."""
    counts = Counter(verdict.verdict for verdict in verdicts)
    buttons = [f'<button type="button" data-choose="all" aria-pressed="true">all {len(verdicts)}</button>']
    buttons += [
        f'<button type="button" class="{name}" data-choose="{name}" aria-pressed="false">'
        f'<span class="mark">{MARKS[name]}</span> {name} {counts[name]}</button>'
        for name in claims.VERDICTS
    ]
    return (
        '<div id="filter" role="group" aria-label="Show claims by verdict" hidden>'
        f'<span>Claims:</span> {" ".join(buttons)} <span id="shown" role="status"></span></div>'
    )


def _badge(name: str, words: str) -> str:
    return f'<span class="verdict {name}">{MARKS[name]} {text(words)}</span>'


def _claim(verdict: claims.Verdict) -> str:
    claim = verdict.claim
    doubt = "" if claim.seen == "sure" else f" ({claim.seen})"
    note = f"<small>{prose(claim.note)}</small>" if claim.note else ""
    facts = [f"section {claim.section}"] if claim.section else []
    if verdict.verdict == "open":
        facts.append(f"missing: {len(verdict.missing)}" if verdict.missing else "not run")
    else:
        share, low, high = (f"{100 * value:.0f}" for value in (verdict.share, verdict.low, verdict.high))
        facts.append(f"true in {share} % [{low}, {high}] of {verdict.seeds} seeds")
    if verdict.selected is not None:
        facts.append(f"on the selected seeds it {'holds' if verdict.selected else 'fails'}")
    facts += [f"profile {', '.join(verdict.profiles)}"] if verdict.profiles else []
    facts += [f"records {', '.join(verdict.records)}"] if verdict.records else []
    return (
        f'<li data-verdict="{verdict.verdict}">{_badge(verdict.verdict, verdict.verdict)}<div>'
        f"<p>{text(claim.claim + doubt)}</p>{note}"
        f'<small class="test">Test: {text(claim.test)}</small><small>{text("; ".join(facts))}</small></div></li>'
    )
