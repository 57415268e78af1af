"""The words of a command line: refused where a parser would guess, and told on one line."""

import contextlib
import io
import unicodedata
from collections.abc import Sequence
from typing import Any

import tyro

from ..config import require


def check_words(words: Sequence[str], *, single: Sequence[str] = ()) -> None:
    """Refuses what the parser would take in silence, and not as it was meant.

    Args:
      single: options that have one value each, among settings that may have several.

    Raises:
      UserError: a word is empty or no text, an option is given twice, or a word follows the value of a single option.
    """
    for place, word in enumerate(words):
        flag, equals, value = word.partition("=")
        require(not _holds_no_text(word), f"{word!r} is not understood here: it is no text.")
        empty = not word or (word.startswith("--") and equals and not value)
        require(not empty, f"'{word}' has no value: perhaps it is a variable that is not set.")
        require(word != "--", "'--' is not understood here.")
        if flag in single:
            for beyond in words[place + (1 if equals else 2) :][:1]:
                require(beyond.startswith("--"), f"'{beyond}' is not understood here: {flag} has one value.")
    flags = [word.partition("=")[0].replace("_", "-").replace("--no-", "--") for word in words if word.startswith("--")]
    for flag in flags:
        require(flags.count(flag) == 1, f"{flag} is given twice.")


def _holds_no_text(word: str) -> bool:
    """Says whether a word holds what is not printed: control characters, or bytes that are not UTF-8."""
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in word)


def on_one_line(sentence: str) -> str:
    """Returns a sentence without line breaks and without what a terminal would obey."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in sentence)


def parse_quietly(*arguments: Any, **options: Any) -> Any:
    """Calls `tyro.cli` without its own message, which fills half a screen; still raises SystemExit where it would."""
    with contextlib.redirect_stderr(io.StringIO()):
        return tyro.cli(*arguments, **options)
