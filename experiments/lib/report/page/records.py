"""The page's provenance: of which runs an artefact is made, where, when, by which code and command."""

import json

from ...store.records import Finished
from .. import printing
from .markup import folded, grid, text

_HEADER = ("record", "run", "seeds", "profile", "device", "date", "commit", "wall time", "command")


def records_html(records: list[Finished]) -> str:
    """Returns the folded table of the runs."""
    if not records:
        return ""
    table = grid("Where the numbers come from", _HEADER, [_line(record) for record in records], kind="records")
    count = "one run" if len(records) == 1 else f"{len(records)} runs"
    return f"<h3>Provenance</h3>\n{folded(f'{count}: records, devices, dates, commits, commands', table)}"


def _line(record: Finished) -> tuple[str, ...]:
    facts = record.provenance
    variant = ", ".join(f"{key} {_plain(value)}" for key, value in record.variant.items())
    wall = printing.duration(float(facts["wall_seconds"])) if "wall_seconds" in facts else ""
    return (
        f"<code>{text(record.digest)}</code>",
        text(f"{record.experiment}: {variant}" if variant else record.experiment),
        *(text(facts.get(name, "")) for name in ("seeds", "profile", "device", "date", "commit")),
        text(wall),
        f"<code>{text(facts.get('command', ''))}</code>",
    )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
