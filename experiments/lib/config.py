"""Configs: a frozen dataclass of defaults, a TOML profile over it, the command line over both.

Unknown keys, wrong types and impossible values are errors that name what is valid. An experiment's `Config` checks
its own values in `__post_init__` with `require`.
"""

import dataclasses
import difflib
import math
import tomllib
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .errors import UserError, usage_error
from .places import PROFILES

TYPE_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
MOST = 2**31 - 1  # JAX counts in 32 bits, and no number here has a reason to be larger
LARGEST = 10**6  # size of anything: the products of two stay within what can be counted, if not in memory
SHOWN = 60  # characters of a mistaken value


def selects(default: Any) -> Any:
    """Declares a field that chooses which runs exist and changes none of them: it is no part of their address."""
    return dataclasses.field(default=default, metadata={"selects": True})


def require(condition: bool, sentence: str) -> None:
    """Raises a usage error with this sentence unless the condition holds."""
    if not condition:
        raise usage_error(sentence)


def require_positive(config: Any, *names: str) -> None:
    """Raises a usage error unless each named field, or each of its entries, is a number above zero."""
    _require_each(config, names, lambda number: number > 0, "above zero and finite")


def require_sizes(config: Any, *names: str, most: int = LARGEST) -> None:
    """Raises a usage error unless each named field, or each of its entries, is a number of things to hold at once."""
    _require_each(config, names, lambda number: 0 < number <= most, f"above zero and at most {most}")


def require_not_negative(config: Any, *names: str) -> None:
    """Raises a usage error unless each named field, or each of its entries, is zero or a number above it."""
    _require_each(config, names, lambda number: number >= 0, "finite and not negative")


def require_finite(config: Any, *names: str) -> None:
    """Raises a usage error unless each named field, or each of its entries, is a number of whatever sign."""
    _require_each(config, names, lambda number: True, "finite")


def _require_each(config: Any, names: Sequence[str], holds: Callable[[Any], bool], wanted: str) -> None:
    for name in names:
        value = getattr(config, name)
        for number in value if isinstance(value, tuple) else (value,):
            finite = isinstance(number, int) or math.isfinite(number)
            require(finite and holds(number), f"{name} is {shown(number)}, but must be {wanted}.")
            require(abs(number) <= MOST, f"{name} is {shown(number)}, but must be at most {MOST} in size.")


def require_seeds(config: Any) -> None:
    """Raises a usage error unless `seeds` and `root` make keys: at least one seed, and a root of 32 bits."""
    require_positive(config, "seeds")
    sentence = f"root is {shown(config.root)}, but must be a whole number from 0 to {2**32 - 1}."
    require(0 <= config.root < 2**32, sentence)


def shown(value: Any) -> str:
    """Returns a value as a sentence shows it: not more than its beginning if it is long."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits, which Python does not print
        return "too long to be shown"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def require_divides(config: Any, divisor: str, *names: str) -> None:
    """Raises a usage error unless the field `divisor` divides each named field."""
    by = getattr(config, divisor)
    for name in names:
        value = getattr(config, name)
        require(value % by == 0, f"{name} is {value}, which {divisor} = {by} does not divide.")


def require_members(name: str, values: Sequence[str], known: Sequence[str]) -> None:
    """Raises a usage error unless `values` is a non-empty selection of `known` without repeats."""
    require(len(values) > 0, f"{name} is empty: name at least one of {', '.join(known)}.")
    require(len(set(values)) == len(values), f"{name} names something twice: {', '.join(values)}.")
    for value in values:
        require(value in known, f"{name} has no '{value}'{suggest(value, known)}; there are {', '.join(known)}.")


def profile_names() -> list[str]:
    """Returns the names of the profiles that come with the project."""
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def load_profile(profile: str) -> dict[str, dict[str, Any]]:
    """Returns the sections of a profile: what each experiment overrides.

    Args:
      profile: a name in `experiments/configs/`, or the path of a TOML file.

    Raises:
      UserError: there is no such profile, or it is not TOML with one section an experiment.
    """
    path = Path(profile) if profile.endswith(".toml") else PROFILES / f"{profile}.toml"
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
    except FileNotFoundError:
        names = profile_names()
        raise usage_error(
            f"There is no profile '{profile}'{suggest(profile, names)}; there are {', '.join(names)}, "
            "or give the path of a .toml file."
        ) from None
    except (ValueError, OSError, RecursionError) as error:  # of the text, of the file, of lists in lists in lists
        raise usage_error(f"The profile {path} cannot be read: {error}.") from error
    for section, values in sections.items():
        require(
            isinstance(values, dict), f"{path}: '{section}' stands outside of a section: put it under [experiment]."
        )
    return sections


def check_sections(sections: dict[str, Any], experiments: Sequence[str]) -> None:
    """Raises a usage error if the profile has a section that is no experiment's."""
    for section in sections:
        require(
            section in experiments,
            f"The profile has a section [{section}], which is no experiment{suggest(section, experiments)}; "
            f"there are {', '.join(experiments)}.",
        )


def override(config: Any, values: dict[str, Any], *, source: str) -> Any:
    """Returns `config` with `values` in place of its own.

    Raises:
      UserError: a key is unknown or a value has the wrong type or is impossible; says where (`source`).
    """
    hints = typing.get_type_hints(type(config))
    checked = {}
    for key, value in values.items():
        require(
            key in hints, f"{source}: there is no setting '{key}'{suggest(key, hints)}; there are {', '.join(hints)}."
        )
        checked[key] = _coerce(value, hints[key], f"{source}: {key}")
    try:
        return dataclasses.replace(config, **checked)
    except UserError as error:
        raise UserError(f"{source}: {error}", status=error.status) from None


def suggest(word: str, known: Any, *, dashes: bool = False) -> str:
    """Returns ' (did you mean ...?)' where a known word is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    if not close:
        return ""
    return f" (did you mean {'--' + close[0].replace('_', '-') if dashes else repr(close[0])}?)"


def as_data(config: Any, *, address: bool = False) -> dict[str, Any]:
    """Returns the config's fields as plain data; with `address`, without those that only select runs."""
    return {
        field.name: _plain(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if not (address and field.metadata.get("selects"))
    }


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _coerce(value: Any, hint: Any, where: str) -> Any:
    """Returns a TOML value as the annotated type; a whole number serves as a float, nothing else is converted."""
    origin = typing.get_origin(hint)
    if origin is tuple:
        require(isinstance(value, list), f"{where} is {shown(value)}, but must be a list.")
        (item, *rest) = typing.get_args(hint)
        items = [item] * len(value) if rest == [Ellipsis] else [item, *rest]
        require(len(items) == len(value), f"{where} has {len(value)} values, but must have {len(items)}.")
        return tuple(_coerce(entry, kind, where) for entry, kind in zip(value, items, strict=True))
    if origin in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        return _coerce(value, kinds[0], where)
    if hint is float and type(value) is int:
        return float(value) if abs(value) < 2**1000 else math.inf  # which no setting accepts
    require(type(value) is hint, f"{where} is {shown(value)}, but must be {TYPE_NAMES.get(hint, hint)}.")
    return value
