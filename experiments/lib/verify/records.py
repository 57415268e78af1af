"""What a sound record is: what it says of its arrays is true, and of its origin nothing is missing.

The store's own reading comes first: schema, name and sums. What that cannot see is looked for here, and a record is
looked at to the end: all that is wrong with it is said, not the first thing alone.

Axes: S seeds.
"""

import datetime
import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError
from ..store import records

FIELDS = {"schema", "digest", *records.Address._fields, "arrays", "npz_sha256", "provenance"}
COSTS = ("network_steps", "wall_seconds", "cpu_seconds")
TEXTS = ("profile", "command", "device", "platform")
WIDTHS = {"float32": 4, "float64": 8}  # bytes of the widest number, by the type that an address says
VERSIONS = ("python", "jax", "jaxlib", "flax", "optax", "numpy")
PROVENANCE = {"seeds", "date", "commit", "versions", *COSTS, *TEXTS}

# A value that is not finite has three honest origins. Its seed counted steps whose gradient was not finite, in an array
# whose name begins with COUNTS; or it is an error far outside of the range of training, where a network that learnt
# well may still overflow: there a seed fails, and counts as one that failed, without any step that went wrong; or it is
# the error inside of a network that its record says has diverged, before the first error was taken.
COUNTS = "nonfinite"
OUTSIDE = ("extrapolation", "error_", "far", "times ")
ARENA, OUTSIDE_IN_ARENA = "arena_", ("test", "squared")  # all tests of the arena are outside
INSIDE_IN_ARENA, DIVERGED = "validation", "diverged"


class Checked(NamedTuple):
    """What was found in one record.

    Attributes:
      faults: a sentence for each thing that is wrong.
      values: how many numbers it holds.
      overflown: of arrays that hold values which are not finite and may be so, how many.
      skipping: seeds that counted steps which were not finite.
    """

    faults: tuple[str, ...]
    seeds: int = 0
    values: int = 0
    overflown: tuple[tuple[str, int], ...] = ()
    skipping: int = 0


def check(path: Path) -> Checked:
    """Returns what is to be said of the record whose `.json` is at `path`."""
    try:
        arrays = records.read(path).arrays
        record = json.loads(path.read_text(encoding="utf-8"))
    except UserError as error:
        return Checked((str(error),))
    except (ValueError, OSError, zlib.error, zipfile.BadZipFile) as error:
        return Checked((f"The record {path} cannot be read ({error}).",))
    faults = [*_form(record, path, arrays), *_origin(record)]
    seeds = record["config"].get("seeds") if isinstance(record["config"], dict) else None
    values = sum(array.size for array in arrays.values())
    if not isinstance(seeds, int) or not arrays or any(array.shape[:1] != (seeds,) for array in arrays.values()):
        faults.append(f"its arrays do not all begin with the axis of its {seeds} seeds")
        return Checked(_sentences(path, faults), 0, values)
    skipped_S = np.zeros(seeds, bool)
    for name, array in arrays.items():
        if name.startswith(COUNTS):
            skipped_S |= (array != 0).reshape(seeds, -1).any(axis=1)
    in_arena = str(record["experiment"]).startswith(ARENA)
    outside = (*OUTSIDE, *OUTSIDE_IN_ARENA) if in_arena else OUTSIDE
    overflown = []
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            faults.append(f"'{name}' holds no numbers")
            continue
        odd = ~np.isfinite(array)
        odd_S = odd.reshape(seeds, -1).sum(axis=1)
        if not odd_S.any():
            continue
        diverged = np.asarray(arrays.get(DIVERGED, False)).astype(bool)
        told = in_arena and name == INSIDE_IN_ARENA and diverged.shape == odd.shape and not (odd & ~diverged).any()
        if name.startswith(outside) or told or not odd_S[~skipped_S].any():
            overflown.append((name, int(odd_S.sum())))
        else:
            which = ", ".join(map(str, np.flatnonzero((odd_S > 0) & ~skipped_S)))
            faults.append(
                f"'{name}' holds {odd_S[~skipped_S].sum()} values that are not finite, of seeds that counted no such "
                f"step ({which})"
            )
    return Checked(_sentences(path, faults), seeds, values, tuple(overflown), int(skipped_S.sum()))


def _form(record: dict[str, Any], path: Path, arrays: dict[str, np.ndarray]) -> list[str]:
    """Says what is wrong with the record as a form."""
    faults = []
    if set(record) != FIELDS:
        faults.append(f"its fields are not those of a record ({', '.join(sorted(set(record) ^ FIELDS))})")
    if record["experiment"] != path.parent.name:
        faults.append(f"it is a run of {record['experiment']} and lies in the wrong folder")
    held = {name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in arrays.items()}
    said = record.get("arrays")
    said = said if isinstance(said, dict) else {}
    if wrong := sorted(name for name in {*held, *said} if held.get(name) != said.get(name)):
        faults.append(f"its .npz does not hold the arrays that it tells ({', '.join(wrong)})")
    # Arrays may be narrower than what they were computed in: integers, and weights that are kept to be watched.
    computed = record["numerics"].get("dtype") if isinstance(record["numerics"], dict) else None
    if computed not in WIDTHS:
        faults.append(f"its address says {computed!r} of the numbers' type, but it must be one of {', '.join(WIDTHS)}")
    elif wide := sorted(name for name, array in arrays.items() if array.dtype.itemsize > WIDTHS[computed]):
        kinds = ", ".join(f"'{name}' as {arrays[name].dtype}" for name in wide)
        faults.append(f"it holds {kinds}, but its address says that all was computed in {computed}")
    return faults


def _origin(record: dict[str, Any]) -> list[str]:
    """Says what is wrong with the provenance."""
    facts = record["provenance"]
    if missing := sorted(PROVENANCE - set(facts)):
        return [f"its provenance lacks {', '.join(missing)}"]
    wrong = [name for name in TEXTS if not isinstance(facts[name], str) or not facts[name]]
    wrong += [name for name in COSTS if not _is_cost(facts[name])]
    if not isinstance(facts["versions"], dict) or not set(VERSIONS) <= set(facts["versions"]):
        wrong.append("versions")
    if not isinstance(facts["commit"], str):  # it is empty outside of a checkout
        wrong.append("commit")
    if isinstance(record["config"], dict) and facts["seeds"] != record["config"].get("seeds"):
        wrong.append("seeds")
    try:
        datetime.datetime.fromisoformat(facts["date"])
    except (TypeError, ValueError):
        wrong.append("date")
    return [f"its provenance says of {', '.join(wrong)} what cannot be"] if wrong else []


def _is_cost(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0


def _sentences(path: Path, faults: list[str]) -> tuple[str, ...]:
    return tuple(f"The record {path} is not sound: {fault}." for fault in faults)
