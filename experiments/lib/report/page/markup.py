"""The small pieces of HTML that every part of the page is made of; nothing reaches the page unescaped but by these."""

import html
import re


def text(value: object) -> str:
    """Returns text as HTML shows it, also within an attribute's quotes."""
    return html.escape(str(value))


def prose(note: str) -> str:
    """Returns a sentence of a note; what stands between backticks is code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", text(note))


def items(notes: tuple[str, ...]) -> str:
    """Returns notes as a list; nothing where there are none."""
    return f'<ul class="notes">{"".join(f"<li>{prose(note)}</li>" for note in notes)}</ul>' if notes else ""


def folded(summary: str, inside: str) -> str:
    """Returns what opens by a click on `summary`, which is text; `inside` is HTML."""
    return f"<details><summary>{text(summary)}</summary>{inside}</details>"


def grid(caption: str, header: tuple[str, ...], lines: list[tuple[str, ...]], *, kind: str = "") -> str:
    """Returns a table in a box of its own to scroll in: the first column names the lines.

    Args:
      caption: text; the table's title, and the name of its box.
      header, lines: HTML; the first of each line is its name.
      kind: a class for the style sheet.
    """
    head = "".join(f'<th scope="col">{name}</th>' if name else "<td></td>" for name in header)
    body = "\n".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>' for name, *cells in lines
    )
    return (
        f'<div class="box {kind}" role="region" tabindex="0" aria-label="{text(caption)}"><table>'
        f"<caption>{text(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )
