"""Settings on the command line: `--name value` becomes what a profile would hold, and goes through the same door."""

import contextlib
import dataclasses
import typing
from collections.abc import Callable, Sequence
from typing import Any

import tyro

from . import config
from .config import TYPE_NAMES, require, suggest

READ: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    str: str,
    bool: {"true": True, "True": True, "false": False, "False": False}.__getitem__,
}


def print_help(configs: dict[str, Any], *, program: str) -> None:
    """Prints the settings of each config."""
    for name, each in configs.items():
        print(f"Settings of the experiment {name}:")
        with contextlib.suppress(SystemExit):
            tyro.cli(tyro.conf.FlagConversionOff[type(each)], default=each, args=["--help"], prog=program)


def override(configs: dict[str, Any], words: Sequence[str], *, options: Sequence[str] = ()) -> dict[str, Any]:
    """Returns the configs with settings as typed over them; a setting reaches every config that has its field.

    Args:
      options: what else could have been meant by a word that is no field: the command's own options.

    Raises:
      UserError: a setting is no config's field, or a value has the wrong type or is impossible.
    """
    words_of = _split(words)
    fields = {name: {field.name for field in dataclasses.fields(each)} for name, each in configs.items()}
    known = sorted(set().union(*fields.values()))
    for field in words_of:
        require(
            field in known,
            f"There is no setting --{field.replace('_', '-')}{suggest(field, [*known, *options], dashes=True)}; "
            f"there are {', '.join('--' + name.replace('_', '-') for name in known)}.",
        )
    result = {}
    for name, each in configs.items():
        source, hints = f"{name}, as typed", typing.get_type_hints(type(each))
        values = {
            field: _read(given, hints[field], f"{source}: {field}")
            for field, given in words_of.items()
            if field in fields[name]
        }
        result[name] = config.override(each, values, source=source)
    return result


def _split(words: Sequence[str]) -> dict[str, list[str]]:
    """Returns the words of each field of `--field word ...`; `--field=word` is the same."""
    found: dict[str, list[str]] = {}
    field = None
    for word in words:
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            field = flag[2:].replace("-", "_")
            found.setdefault(field, []).extend([value] if equals else [])
        else:
            require(field is not None, f"'{word}' is not understood here: settings are given as --name value.")
            found[field].append(word)
    return found


def _read(words: list[str], hint: Any, where: str) -> Any:
    """Returns typed words as a profile would hold them; one that is no such value stays a text, refused as there."""
    if typing.get_origin(hint) is tuple:
        kinds = config.entry_types(hint, len(words))
        return list(map(_value, words, kinds)) if len(kinds) == len(words) else words
    if hint is bool and not words:
        return True
    number = f"{len(words)} values" if words else "no value"
    require(len(words) == 1, f"{where} has {number}, but must be {TYPE_NAMES[hint]}.")
    return _value(words[0], hint)


def _value(word: str, kind: type) -> Any:
    try:
        return READ[kind](word)
    except (ValueError, KeyError):
        return word
