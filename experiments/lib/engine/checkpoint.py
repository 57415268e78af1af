"""Checkpoints between the legs of an unfinished run, kept by Orbax and removed when the run is stored.

A checkpoint holds the training state and the metrics so far of some seeds, as flat lists of arrays whose rows are the
seeds; the tree they belong to is rebuilt from the program. Its folder says which seeds they are, and nothing else of it
depends on the machine, so that a run goes on with other devices and with more or fewer seeds at a time. A damaged
checkpoint costs its run a fresh start, or the step to the one before, never more. Of several processes the first keeps
them, and tells the others what it finds.

Axes: S seeds.
"""

import hashlib
import io
import logging
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ..errors import UserError
from ..store import files, records
from . import processes

SEAL = "sha256"  # beside a checkpoint's files, their digest: Orbax takes bits that flipped for numbers

ROOM = 2**17  # bytes beside the arrays that a checkpoint takes, at most


class Progress(NamedTuple):
    """How far some seeds have come: `leg` legs done, their metrics `{name: [S, leg, ...]}` and the cost so far.

    Every leaf of `state` is `[S, ...]`, too.
    """

    leg: int
    state: Any
    metrics: dict[str, np.ndarray]
    wall_seconds: float
    cpu_seconds: float


class Chunk(NamedTuple):
    """Seeds that are trained together: `seeds` of them from `first` on."""

    first: int
    seeds: int

    def folder(self, unfinished: Path) -> Path:
        """Returns where their checkpoints lie."""
        return unfinished / f"seeds-{self.first}-{self.seeds}"


class Checkpoints:
    """The checkpoints of one chunk of seeds, in a folder of its own."""

    def __init__(self, unfinished: Path, chunk: Chunk):
        self._chunk, self._folder, self._manager = chunk, chunk.folder(unfinished), None
        processes.on_first_process(self._open)

    def _open(self) -> None:
        import orbax.checkpoint as ocp  # takes over a second: only where something is long enough to be saved

        logging.getLogger("absl").setLevel(logging.CRITICAL)  # what is damaged is told by `restore`
        files.make_folder(self._folder)
        self._ocp = ocp
        alone = ocp.options.MultiprocessingOptions(active_processes={0}, barrier_sync_key_prefix=self._folder.name)
        options = ocp.CheckpointManagerOptions(
            max_to_keep=2,
            enable_async_checkpointing=False,
            **({"multiprocessing_options": alone, "create": False} if jax.process_count() > 1 else {}),
        )
        self._manager = ocp.CheckpointManager(self._folder.absolute(), options=options)

    def save(self, progress: Progress) -> None:
        """Saves; what was saved before stays until this is whole.

        Args:
          progress: of the chunk's seeds; its state may have further rows, which only fill up the devices.

        Raises:
          UserError: the folder cannot be written or the disk is full.
        """
        seeds = self._chunk.seeds
        leaves = [np.asarray(leaf)[:seeds] for leaf in jax.tree.leaves(processes.gather(progress.state))]
        metrics = progress.metrics
        tree = {  # Orbax saves no array without elements: of these there are the shapes
            "state": [leaf for leaf in leaves if leaf.size],
            "metrics": {name: array for name, array in metrics.items() if array.size},
            "empty": {f"{a.dtype.str} {name}": np.array(a.shape) for name, a in metrics.items() if not a.size},
            "cost": np.array([progress.wall_seconds, progress.cpu_seconds]),
        }
        processes.on_first_process(lambda: self._write(progress.leg, tree))

    def _write(self, leg: int, tree: dict[str, Any]) -> None:
        # Where the disk is full, Orbax prints the troubles of its threads beside our sentence: so ask before.
        files.require_room(self._folder, ROOM + 2 * sum(array.nbytes for array in jax.tree.leaves(tree)))
        try:
            self._manager.save(leg, args=self._ocp.args.StandardSave(tree), force=True)
            self._manager.wait_until_finished()
            files.write_atomically(self._folder / str(leg) / SEAL, self._digest(leg))
        except OSError as error:
            raise files.explain(error, self._folder) from error
        except ValueError as error:
            if "No space left" in str(error) or "RESOURCE_EXHAUSTED" in str(error):
                raise UserError(
                    f"The disk that holds {self._folder} is full: free some space and repeat the command; "
                    "finished runs are kept."
                ) from error
            raise

    def restore(self, like: Any, wanted: Chunk, rows: int) -> tuple[Progress | None, str]:
        """Returns the latest whole checkpoint and a remark for the user where one was damaged.

        Args:
          like: the state of one seed, with the tree, shapes and types to restore, concrete or abstract.
          wanted: the seeds to return, all of them of this chunk; they have their share of its cost.
          rows: how many rows the state shall have; those beyond the seeds repeat the last one.
        """
        expected = jax.tree.leaves(jax.eval_shape(_without_keys, like))
        found, remark = self._latest(expected) if self._manager is not None else (None, "")
        found, remark = _shared(found), processes.share(remark)
        if found is None:
            return None, remark
        first, share = wanted.first - self._chunk.first, wanted.seeds / self._chunk.seeds
        taken = first + np.minimum(np.arange(rows), wanted.seeds - 1)
        wall_seconds, cpu_seconds = (share * float(value) for value in found["cost"])
        return Progress(
            leg=found["leg"],
            state=_with_keys([leaf[taken] for leaf in found["state"]], like),
            metrics={name: array[taken[: wanted.seeds]] for name, array in found["metrics"].items()},
            wall_seconds=wall_seconds,
            cpu_seconds=cpu_seconds,
        ), remark

    def _latest(self, expected: list[Any]) -> tuple[dict[str, Any] | None, str]:
        remark = ""
        for leg in sorted(self._manager.all_steps(), reverse=True):
            seal = self._folder / str(leg) / SEAL
            if not seal.exists():  # the process was killed just then
                remark = f"the checkpoint after leg {leg} is not whole, going back"
                self._manager.delete(leg)
                continue
            try:
                if seal.read_bytes() != self._digest(leg):
                    raise ValueError("its files have changed")
                tree = self._manager.restore(leg, args=self._ocp.args.StandardRestore())
                leaves = tree["state"]
                wanted = [((self._chunk.seeds, *leaf.shape), leaf.dtype) for leaf in expected]
                if [(leaf.shape, leaf.dtype) for leaf in leaves] != [each for each in wanted if 0 not in each[0]]:
                    raise ValueError("it belongs to another program")
                filled = iter(leaves)
                tree["state"] = [np.zeros(*each) if 0 in each[0] else next(filled) for each in wanted]
                for name, shape in tree.pop("empty", {}).items():
                    dtype, _, name = name.partition(" ")
                    tree["metrics"][name] = np.zeros(tuple(shape), dtype)
                if any(len(array) != self._chunk.seeds for array in tree["metrics"].values()):
                    raise ValueError("its metrics are of other seeds")
                if any(array.shape[1] not in (1, leg) for array in tree["metrics"].values()):
                    raise ValueError("its metrics are incomplete")
                if len(tree["cost"]) != 2:
                    raise ValueError("its cost is incomplete")
                return {"leg": leg, **tree}, remark
            except Exception as error:  # whatever a damaged file makes Orbax raise
                what = (str(error).splitlines() or [type(error).__name__])[0][:80]
                remark = f"the checkpoint after leg {leg} is damaged ({what}), going back"
                self._manager.delete(leg)  # Orbax would refuse to save that leg again
        return None, remark

    def _digest(self, leg: int) -> bytes:
        digest = hashlib.sha256()
        for path in sorted((self._folder / str(leg)).rglob("*")):
            if path.is_file() and path.name != SEAL:
                data = path.read_bytes()
                digest.update(f"{path.relative_to(self._folder)} {len(data)}\n".encode() + data)
        return digest.hexdigest().encode()

    def close(self) -> None:
        """Releases Orbax's threads."""
        if self._manager is not None:
            self._manager.close()


def _shared(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Returns in every process what the first one found."""
    if jax.process_count() == 1 or processes.share(found is None):
        return found
    buffer = io.BytesIO()
    if found is not None:
        arrays = {f"state{i}": leaf for i, leaf in enumerate(found["state"])}
        arrays |= {f"metric {name}": array for name, array in found["metrics"].items()}
        np.savez(buffer, cost=found["cost"], leg=found["leg"], **arrays)
    with np.load(io.BytesIO(processes.share_bytes(buffer.getvalue()))) as archive:
        leaves = sum(name.startswith("state") for name in archive.files)
        return {
            "leg": int(archive["leg"]),
            "cost": archive["cost"],
            "state": [archive[f"state{i}"] for i in range(leaves)],
            "metrics": {name[7:]: archive[name] for name in archive.files if name.startswith("metric ")},
        }


def kept(unfinished: Path, seed: int) -> list[Chunk]:
    """Returns the chunks with this seed of which there are checkpoints, the furthest first.

    There is more than one where the seeds were once trained in other chunks, as on a machine with more memory.
    """
    found = []
    for folder in unfinished.glob("seeds-*-*"):
        _, first, seeds = folder.name.split("-")
        if first.isdecimal() and seeds.isdecimal() and int(first) <= seed < int(first) + int(seeds):
            legs = [int(path.name) for path in folder.glob("[0-9]*") if path.name.isdecimal()]
            found.append((max(legs, default=0), int(seeds), int(first)))
    return [Chunk(first, seeds) for leg, seeds, first in sorted(found, reverse=True) if leg]


def discard(folder: Path) -> None:
    """Removes the checkpoints of a run that is stored."""
    shutil.rmtree(folder, ignore_errors=True)


def _is_key(leaf: Any) -> bool:
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _without_keys(state: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.random.key_data(leaf) if _is_key(leaf) else leaf, state)


def _with_keys(leaves: list[np.ndarray], like: Any) -> Any:
    tree = jax.tree.structure(like)
    wrapped = [
        jax.random.wrap_key_data(leaf) if _is_key(model) else leaf
        for leaf, model in zip(leaves, jax.tree.leaves(like), strict=True)
    ]
    return jax.tree.unflatten(tree, wrapped)


def unfinished_folder(root: Path, address: records.Address) -> Path:
    """Returns where an unfinished run keeps its checkpoints."""
    return Path(root) / ".unfinished" / address.digest
