"""Settings on the command line: `--name value` options over the configs of one or several experiments."""

import contextlib
import dataclasses
import io
import itertools
import typing
import unicodedata
from collections.abc import Sequence
from typing import Any

import tyro

from .config import TYPE_NAMES, require, shown, suggest
from .errors import UserError, usage_error


def print_help(configs: dict[str, Any], *, program: str) -> None:
    """Prints the settings of each config."""
    for name, config in configs.items():
        print(f"Settings of the experiment {name}:")
        with contextlib.suppress(SystemExit):
            tyro.cli(_type(config), default=config, args=["--help"], prog=program)


def override_from_arguments(
    configs: dict[str, Any], arguments: Sequence[str], *, program: str, others: Sequence[str] = ()
) -> dict[str, Any]:
    """Returns the configs with command-line options over them; an option reaches every config that has its field.

    Args:
      others: what else could have been meant by a word that is no field: the command's own options.

    Raises:
      UserError: an option is no config's field, or a value has the wrong type or is impossible.
    """
    options = _split(arguments)
    fields = {name: {field.name for field in dataclasses.fields(config)} for name, config in configs.items()}
    known = sorted(set().union(*fields.values()))
    for field in options:
        require(
            field in known,
            f"There is no setting --{field.replace('_', '-')}{suggest(field, [*known, *others], dashes=True)}; "
            f"there are {', '.join('--' + name.replace('_', '-') for name in known)}.",
        )
    result = {}
    for name, config in configs.items():
        hints = typing.get_type_hints(type(config))
        mine = {field: words for field, words in options.items() if field in fields[name]}
        mine |= {field: [*words, "True"] for field, words in mine.items() if hints[field] is bool and len(words) == 1}
        try:
            result[name] = _parse(config, list(itertools.chain(*mine.values()))) if mine else config
        except SystemExit:
            raise usage_error(_wrong_type(config, mine, program)) from None
        except UserError as error:
            which = f"{name}: " if len(configs) > 1 else ""
            raise UserError(f"{which}{error}", status=error.status) from None
    return result


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


def _parse(config: Any, words: list[str]) -> Any:
    return parse_quietly(_type(config), default=config, args=words)


def _type(config: Any) -> Any:
    """Returns the config's type for the parser: what is true or false has a value, like any other setting."""
    return tyro.conf.FlagConversionOff[type(config)]


def _wrong_type(config: Any, options: dict[str, list[str]], program: str) -> str:
    """Says which option the parser did not take, and what it should be."""
    hints = typing.get_type_hints(type(config))
    for field, (flag, *values) in options.items():
        try:
            _parse(config, [flag, *values])
        except SystemExit:
            given = f"is {shown(' '.join(values))}" if values else "has no value"
            return f"{flag} {given}, but must be {_kind(hints[field])}; see {program} --help."
        except UserError:
            pass  # impossible alone, but well-formed
    return f"The settings are not understood; see {program} --help."


def _kind(hint: Any) -> str:
    """Says what a value must be, e.g. "2 values, each a number"."""
    items = typing.get_args(hint)
    if typing.get_origin(hint) is not tuple:
        return TYPE_NAMES.get(hint, "of another type")
    number = "a list of values" if items[-1] is Ellipsis else f"{len(items)} values"
    return f"{number}, each {TYPE_NAMES[items[0]]}"


def _split(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Groups `--field value ...` words by field."""
    options: dict[str, list[str]] = {}
    field = None
    for word in arguments:
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            field = flag[2:].replace("-", "_")
            require(field not in options, f"{flag} is given twice.")
            options[field] = [flag] + ([_value(value)] if equals else [])
        else:
            require(field is not None, f"'{word}' is not understood here: settings are given as --name value.")
            options[field].append(_value(word))
    return options


def _value(word: str) -> str:
    """Returns a value as the parser spells it."""
    return word.capitalize() if word in ("true", "false") else word
