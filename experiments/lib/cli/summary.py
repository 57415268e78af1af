"""What a command says at its end: which of the paper's claims its runs bear out."""

from collections import Counter
from collections.abc import Collection, Sequence

from rich.console import Console

from ..report import claims

MARKS = {"holds": "+", "partly": "~", "fails": "-", "open": "?"}


def tell(verdicts: Sequence[claims.Verdict], artefacts: Collection[str], console: Console) -> None:
    """Prints every claim of these artefacts under its artefact's tally, and the tally of all."""
    found = [verdict for verdict in verdicts if verdict.claim.artefact in artefacts]
    if not found:
        return
    console.print("\nThe paper's claims (+ holds, ~ partly, - fails, ? open):", highlight=False)
    for artefact in dict.fromkeys(verdict.claim.artefact for verdict in found):
        its = [verdict for verdict in found if verdict.claim.artefact == artefact]
        console.print(f"{artefact}: {_tally(its)}", highlight=False)
        for verdict in its:
            console.print(
                f"  {MARKS[verdict.verdict]} {verdict.claim.claim}{_share(verdict)}", highlight=False, markup=False
            )
    if len(artefacts) > 1:
        console.print(f"all: {_tally(found)}", highlight=False)
    if any("smoke" in verdict.profiles for verdict in found):
        console.print("These are of the profile smoke, and mean nothing.", highlight=False)


def _tally(verdicts: Sequence[claims.Verdict]) -> str:
    counts = Counter(verdict.verdict for verdict in verdicts)
    plural = {"holds": "hold", "fails": "fail"}
    told = ", ".join(
        f"{counts[name]} {name if counts[name] == 1 else plural.get(name, name)}"
        for name in claims.VERDICTS
        if counts[name]
    )
    return f"of {len(verdicts)} claims {told}" if len(verdicts) > 1 else told


def _share(verdict: claims.Verdict) -> str:
    return "" if verdict.verdict == "open" else f" ({100 * verdict.share:.0f} % of {verdict.seeds} seeds)"
