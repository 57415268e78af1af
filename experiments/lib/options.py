"""Settings on the command line: `--name value` options over the configs of one or several experiments."""

import contextlib
import dataclasses
import io
import itertools
import typing
from collections.abc import Sequence
from typing import Any

import tyro

from experiments.lib.config import TYPE_NAMES, require, suggest
from experiments.lib.errors import UserError, usage_error


def print_help(configs: dict[str, Any], *, program: str) -> None:
    """Prints the settings of each config."""
    for name, config in configs.items():
        print(f"Settings of the experiment {name}:")
        with contextlib.suppress(SystemExit):
            tyro.cli(type(config), default=config, args=["--help"], prog=program)


def override_from_arguments(configs: dict[str, Any], arguments: Sequence[str], *, program: str) -> dict[str, Any]:
    """Returns the configs with command-line options over them; an option reaches every config that has its field.

    Raises:
      UserError: an option is no config's field, or a value has the wrong type or is impossible.
    """
    options = _split(arguments)
    fields = {name: {field.name for field in dataclasses.fields(config)} for name, config in configs.items()}
    known = sorted(set().union(*fields.values()))
    for field in options:
        require(
            field in known,
            f"There is no setting --{field.replace('_', '-')}{suggest(field, known, dashes=True)}; "
            f"there are {', '.join('--' + name.replace('_', '-') for name in known)}.",
        )
    result = {}
    for name, config in configs.items():
        mine = {field: words for field, words in options.items() if field in fields[name]}
        try:
            result[name] = _parse(config, list(itertools.chain(*mine.values()))) if mine else config
        except SystemExit:
            raise usage_error(_wrong_type(config, mine, program)) from None
    return result


def parse_quietly(*arguments: Any, **options: Any) -> Any:
    """Calls `tyro.cli` without its own message, which fills half a screen; still raises SystemExit where it would."""
    with contextlib.redirect_stderr(io.StringIO()):
        return tyro.cli(*arguments, **options)


def _parse(config: Any, words: list[str]) -> Any:
    return parse_quietly(type(config), default=config, args=words)


def _wrong_type(config: Any, options: dict[str, list[str]], program: str) -> str:
    """Says which option the parser did not take, and what it should be."""
    hints = typing.get_type_hints(type(config))
    for field, (flag, *values) in options.items():
        try:
            _parse(config, [flag, *values])
        except SystemExit:
            given = f"is '{' '.join(values)}'" if values else "has no value"
            kind = TYPE_NAMES.get(hints[field], "of another type")
            return f"{flag} {given}, but must be {kind}; see {program} --help."
        except UserError:
            pass  # impossible alone, but well-formed
    return f"The settings are not understood; see {program} --help."


def _split(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Groups `--field value ...` words by field."""
    options: dict[str, list[str]] = {}
    field = None
    for word in arguments:
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            field = flag[2:].replace("-", "_")
            require(field not in options, f"{flag} is given twice.")
            options[field] = [flag] + ([value] if equals else [])
        else:
            require(field is not None, f"'{word}' is not understood here: settings are given as --name value.")
            options[field].append(word)
    return options
