"""The store of finished runs: content-addressed, append-only, shared by any number of processes.

A run is addressed by what determines its numbers: the experiment, its VERSION, the config, the variant and the
numerics. It exists if and only if its `.json` exists, which is moved into place after its `.npz`; so a killed
process leaves nothing half-finished behind, and resuming means running what is missing.

    <root>/<experiment>/<digest>.npz    {metric: array [S, ...]}
    <root>/<experiment>/<digest>.json   the address in clear, the arrays' shapes and digest, the provenance
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError
from . import files

SCHEMA = 1
# The numerical settings of every run; `threefry_partitionable=False` makes random bits 1.4 times cheaper on a CPU, and
# changes every stream.
NUMERICS = {"dtype": "float32", "matmul_precision": "highest", "threefry_partitionable": False}


class Finished(NamedTuple):
    """One finished run as read from the store."""

    experiment: str
    variant: dict[str, Any]  # what this run varies, e.g. {"cell": "nalu"}
    arrays: dict[str, np.ndarray]  # every array leads with the seed axis S
    digest: str
    provenance: dict[str, Any]  # commit, versions, device, wall_seconds, date, profile, ...


class Address(NamedTuple):
    """What determines a run's numbers; its digest is the run's name."""

    experiment: str
    version: int
    config: dict[str, Any]
    variant: dict[str, Any]
    numerics: dict[str, Any]

    @property
    def name(self) -> str:
        """What the run is called where it is spoken of."""
        return f"{self.experiment} {self.choice}".rstrip()

    @property
    def choice(self) -> str:
        """What sets it apart from the experiment's other runs."""
        return " ".join(map(str, self.variant.values()))

    @property
    def digest(self) -> str:
        text = json.dumps(self._asdict(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def path_of(root: Path, address: Address, suffix: str) -> Path:
    """Returns where the run of this address lies under `root`."""
    return Path(root) / address.experiment / f"{address.digest}{suffix}"


def exists(root: Path, address: Address) -> bool:
    """Says whether the run is finished and stored.

    Raises:
      UserError: the store cannot be read.
    """
    try:
        return path_of(root, address, ".json").exists()
    except OSError as error:
        raise UserError(
            f"{root} cannot be read ({error.strerror}): make the folder readable or choose another with --runs-dir."
        ) from error


def save(root: Path, address: Address, arrays: dict[str, np.ndarray], provenance: dict[str, Any]) -> None:
    """Stores a finished run.

    Raises:
      UserError: the store cannot be written.
    """
    packed = pack(arrays)
    record = {
        "schema": SCHEMA,
        "digest": address.digest,
        **address._asdict(),
        "arrays": {name: {"shape": array.shape, "dtype": str(array.dtype)} for name, array in arrays.items()},
        "npz_sha256": hashlib.sha256(packed).hexdigest(),
        "provenance": provenance,
    }
    files.write_atomically(path_of(root, address, ".npz"), packed)
    files.write_atomically(path_of(root, address, ".json"), (json.dumps(record, indent=1) + "\n").encode())


def load(root: Path, address: Address) -> Finished:
    """Returns a stored run.

    Raises:
      UserError: the record is missing, truncated or foreign.
    """
    return read(path_of(root, address, ".json"), expected=address)


def read(path: Path, *, expected: Address | None = None) -> Finished:
    """Returns the stored run whose `.json` is at `path`.

    Raises:
      UserError: the record is unreadable, truncated, or not the run that its name says.
    """
    remedy = f"remove {path.with_suffix('.*')} and repeat the command to run it again (a published one: git checkout)."
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        packed = path.with_suffix(".npz").read_bytes()
    except (ValueError, OSError) as error:
        raise UserError(f"The record {path} cannot be read ({error}): {remedy}") from error
    try:
        address = Address(**{name: record[name] for name in Address._fields})
        intact = record["schema"] == SCHEMA and address.digest == record["digest"] == path.stem
        same = hashlib.sha256(packed).hexdigest() == record["npz_sha256"]
        provenance = dict(record["provenance"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"The record {path} is not one of this project's: {remedy}") from error
    if not intact or (expected is not None and address != expected):
        raise UserError(f"The record {path} is not the run that its name says: {remedy}")
    if not same:
        raise UserError(f"The record {path.with_suffix('.npz')} is truncated or was changed: {remedy}")
    return Finished(
        experiment=address.experiment,
        variant=address.variant,
        arrays=unpack(packed),
        digest=address.digest,
        provenance=provenance,
    )


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """Returns arrays as the bytes of an `.npz`; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: arrays[name] for name in sorted(arrays)})
    return buffer.getvalue()


def unpack(packed: bytes) -> dict[str, np.ndarray]:
    """Returns the arrays of an `.npz`.

    Raises:
      ValueError: the bytes are no such file.
    """
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, KeyError) as error:
        raise ValueError(str(error)) from error


def copy(address: Address, source: Path, target: Path) -> None:
    """Copies a run from one store to another, after reading it whole; at no moment is half of one there.

    Raises:
      UserError: the record is damaged, or the target cannot be written.
    """
    load(source, address)
    data = {suffix: path_of(source, address, suffix).read_bytes() for suffix in (".npz", ".json")}
    present = {suffix: path_of(target, address, suffix) for suffix in data}
    if all(path.exists() and path.read_bytes() == data[suffix] for suffix, path in present.items()):
        return
    files.remove(present[".json"])  # another record of the same run goes before the new one comes
    for suffix, path in present.items():
        files.write_atomically(path, data[suffix])


def remove_others(root: Path, experiment: str, kept: list[Address]) -> list[Path]:
    """Removes an experiment's runs that are not among `kept`, and returns where they lay.

    Raises:
      UserError: the store cannot be written.
    """
    digests = {address.digest for address in kept}
    others = [path for path in sorted((Path(root) / experiment).glob("*.json")) if path.stem not in digests]
    for path in others:
        files.remove(path)
        files.remove(path.with_suffix(".npz"))
    return others


def find(results: list[Finished], **variant: Any) -> Finished | None:
    """Returns the first result whose variant has these values, or None if it has not been run yet."""
    for result in results:
        if all(result.variant.get(key) == value for key, value in variant.items()):
            return result
    return None


def best_of(runs: Sequence[Finished], error: Callable[[Finished], np.ndarray]) -> Finished:
    """Returns a run each of whose seeds is that of the run where its error is least; the rest is the first run's.

    Args:
      runs: with arrays of the same names and shapes.
      error: run -> `[S]`, what chooses, never what is reported; what is not a number is as bad as infinite.
    """
    error_RS = np.stack([np.asarray(error(run), np.float64) for run in runs])
    chosen_S = np.where(np.isnan(error_RS), np.inf, error_RS).argmin(axis=0)
    seeds_S = np.arange(len(chosen_S))
    names = runs[0].arrays
    return runs[0]._replace(
        arrays={name: np.stack([run.arrays[name] for run in runs])[chosen_S, seeds_S] for name in names}
    )


def grouped(runs: Sequence[Finished], *names: str) -> dict[tuple[Any, ...], list[Finished]]:
    """Returns the runs by what their variants say of these names, for instance before `best_of` chooses among rates."""
    found: dict[tuple[Any, ...], list[Finished]] = {}
    for run in runs:
        found.setdefault(tuple(run.variant[name] for name in names), []).append(run)
    return found
