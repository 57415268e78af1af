"""Configs: a frozen dataclass of defaults, a TOML profile over it, the command line over both.

Unknown keys, wrong types and impossible values are errors that name what is valid. What a setting may be stands at the
setting: a number's annotation is one of `Count`, `Size`, `Positive` ..., a text's default is `one_of` or `selects`. An
experiment's `Config` calls `check` in `__post_init__`, and there requires what its settings must be to each other.
"""

import dataclasses
import difflib
import functools
import math
import tomllib
import typing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from .errors import UserError, usage_error
from .places import PROFILES

TYPE_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
MOST = 2**31 - 1  # JAX counts in 32 bits, and no number here has a reason to be larger
LARGEST = 10**6  # size of anything: the products of two stay within what can be counted, if not in memory
SHOWN = 60  # characters of a mistaken value


class Limit(NamedTuple):
    """What a number may be, as the annotation of a setting says it: `Annotated[int, Limit(...)]`.

    Attributes:
      holds: says whether a finite number is one.
      wanted: the same in words, after "must be".
      most: the largest size of a number that holds.
    """

    holds: Callable[[Any], bool]
    wanted: str
    most: int = MOST


def at_most(most: int) -> Limit:
    """Returns the limit of a number of things to hold at once."""
    return Limit(lambda number: 0 < number <= most, f"above zero and at most {most}")


def share(low: float, high: float) -> Limit:
    """Returns the limit of a share of a whole."""
    return Limit(lambda number: low <= number <= high, f"a share from {low} to {high}")


ABOVE_ZERO = Limit(lambda number: number > 0, "above zero and finite")
NOT_NEGATIVE = Limit(lambda number: number >= 0, "finite and not negative")
ROOT = Limit(lambda number: 0 <= number < 2**32, f"a whole number from 0 to {2**32 - 1}", most=2**32)

Count = Annotated[int, ABOVE_ZERO]  # steps, seeds: how often something is done
Size = Annotated[int, at_most(LARGEST)]  # how many are held at once
Natural = Annotated[int, NOT_NEGATIVE]  # zero, too
Root = Annotated[int, ROOT]  # what a key is made of: 32 bits
Positive = Annotated[float, ABOVE_ZERO]
NotNegative = Annotated[float, NOT_NEGATIVE]
Share = Annotated[float, share(0, 1)]
Finite = Annotated[float, Limit(lambda number: True, "finite")]  # of whatever sign

DISTINCT = "distinct"  # annotates a list of numbers that names at least one, and none twice


def one_of(default: str, among: Sequence[str]) -> Any:
    """Declares a field that holds one of these names."""
    return dataclasses.field(default=default, metadata={"among": _distinct(among)})


def some_of(default: Sequence[str], among: Sequence[str]) -> Any:
    """Declares a field that holds a non-empty selection of these names, without repeats."""
    return dataclasses.field(default=tuple(default), metadata={"among": _distinct(among)})


def selects(default: Sequence[Any], among: Sequence[str] | None = None) -> Any:
    """Declares a field that chooses which runs exist and changes none of them: it is no part of their address.

    Args:
      among: what it may name, as for `some_of`; unless it is given, the experiment itself checks what it names.
    """
    names = {} if among is None else {"among": _distinct(among)}
    return dataclasses.field(default=tuple(default), metadata={"selects": True, **names})


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def check(config: Any) -> None:
    """Raises a usage error for the first setting that is not what it declares."""
    hints = _hints(type(config))
    for field in dataclasses.fields(config):
        value, hint = getattr(config, field.name), hints[field.name]
        for number, limit in _limited(value, hint):
            finite = isinstance(number, int) or math.isfinite(number)
            sentence = f"{field.name} is {shown(number)}, but must be"
            require(finite and limit.holds(number), f"{sentence} {limit.wanted}.")
            require(abs(number) <= limit.most, f"{sentence} at most {limit.most} in size.")
        if DISTINCT in getattr(hint, "__metadata__", ()):
            _require_distinct(field.name, value)
        if known := field.metadata.get("among"):
            names = (value,) if isinstance(value, str) else value
            _require_distinct(field.name, names, known)
            for name in names:
                sentence = f"{field.name} has no '{name}'{suggest(name, known)}; there are {', '.join(known)}."
                require(name in known, sentence)


@functools.cache
def _hints(of: type) -> dict[str, Any]:
    return typing.get_type_hints(of, include_extras=True)


def _limited(value: Any, hint: Any) -> Iterator[tuple[Any, Limit]]:
    """Returns each number of a value with its limit; `hint` is the annotation of the value."""
    for limit in getattr(hint, "__metadata__", ()):
        if isinstance(limit, Limit):
            yield value, limit
    bare = hint.__origin__ if hasattr(hint, "__metadata__") else hint
    if typing.get_origin(bare) is tuple:
        for entry, item in zip(value, entry_types(bare, len(value)), strict=True):
            yield from _limited(entry, item)


def entry_types(hint: Any, number: int) -> list[Any]:
    """Returns the annotation of each entry of a tuple that should have this number of entries."""
    (item, *rest) = typing.get_args(hint)
    return [item] * number if rest == [Ellipsis] else [item, *rest]


def _require_distinct(name: str, values: Sequence[Any], known: Sequence[str] = ()) -> None:
    of = f" of {', '.join(known)}" if known else ""
    require(len(values) > 0, f"{name} is empty: name at least one{of}.")
    require(len(set(values)) == len(values), f"{name} names something twice: {', '.join(map(str, values))}.")


def require(condition: bool, sentence: str) -> None:
    """Raises a usage error with this sentence unless the condition holds."""
    if not condition:
        raise usage_error(sentence)


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


def profile_names() -> list[str]:
    """Returns the names of the profiles that come with the project."""
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def load_profile(profile: str) -> dict[str, dict[str, Any]]:
    """Returns the sections of a profile: what each experiment overrides.

    Args:
      profile: a name in `configs/`, or the path of a TOML file.

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
    close = [] if word in known else difflib.get_close_matches(word, list(known), n=1)
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
    if typing.get_origin(hint) is tuple:
        require(isinstance(value, list), f"{where} is {shown(value)}, but must be a list.")
        items = entry_types(hint, len(value))
        number = f"{len(value)} value{'s' * (len(value) != 1)}"
        require(len(items) == len(value), f"{where} has {number}, but must have {len(items)}.")
        return tuple(_coerce(entry, kind, where) for entry, kind in zip(value, items, strict=True))
    if hint is float and type(value) is int:
        return float(value) if abs(value) < 2**1000 else math.inf  # which no setting accepts
    require(type(value) is hint, f"{where} is {shown(value)}, but must be {TYPE_NAMES.get(hint, hint)}.")
    return value
