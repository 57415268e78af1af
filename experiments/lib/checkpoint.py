"""Checkpoints between the legs of an unfinished run, kept by Orbax and removed when the run is stored.

A checkpoint holds the training state and the metrics so far, as flat lists of arrays; the tree they belong to is
rebuilt from the program. A damaged checkpoint costs its run a fresh start, or the step to the one before, never more.
"""

import logging
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.lib import files
from experiments.lib.errors import UserError


class Progress(NamedTuple):
    """How far a chunk of seeds has come: `leg` legs done, their metrics `{name: [S, leg, ...]}` and the cost so far."""

    leg: int
    state: Any
    metrics: dict[str, np.ndarray]
    wall_seconds: float
    cpu_seconds: float


class Checkpoints:
    """The checkpoints of one chunk of seeds, in a folder of its own."""

    def __init__(self, folder: Path):
        import orbax.checkpoint as ocp  # takes over a second: only where something is long enough to be saved

        logging.getLogger("absl").setLevel(logging.ERROR)
        files.make_folder(folder)
        self._folder = folder
        self._ocp = ocp
        options = ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False)
        self._manager = ocp.CheckpointManager(folder.absolute(), options=options)

    def save(self, progress: Progress) -> None:
        """Saves; what was saved before stays until this is whole.

        Raises:
          UserError: the folder cannot be written or the disk is full.
        """
        tree = {
            "state": [np.asarray(leaf) for leaf in jax.tree.leaves(_without_keys(progress.state))],
            "metrics": dict(progress.metrics),
            "cost": np.array([progress.wall_seconds, progress.cpu_seconds]),
        }
        try:
            self._manager.save(progress.leg, args=self._ocp.args.StandardSave(tree), force=True)
            self._manager.wait_until_finished()
        except OSError as error:
            raise files.explain(error, self._folder) from error
        except ValueError as error:
            if "No space left" in str(error) or "RESOURCE_EXHAUSTED" in str(error):
                raise UserError(
                    f"The disk that holds {self._folder} is full: free some space and repeat the command; "
                    "finished runs are kept."
                ) from error
            raise

    def restore(self, like: Any) -> tuple[Progress | None, str]:
        """Returns the latest whole checkpoint and a remark for the user where one was damaged.

        Args:
          like: a state with the tree, shapes and types to restore, concrete or abstract.
        """
        remark = ""
        expected = jax.tree.leaves(jax.eval_shape(_without_keys, like))
        for leg in sorted(self._manager.all_steps(), reverse=True):
            try:
                tree = self._manager.restore(leg, args=self._ocp.args.StandardRestore())
                leaves = tree["state"]
                if [(leaf.shape, leaf.dtype) for leaf in leaves] != [(leaf.shape, leaf.dtype) for leaf in expected]:
                    raise ValueError("it belongs to another program")
                if any(array.shape[1] not in (1, leg) for array in tree["metrics"].values()):
                    raise ValueError("its metrics are incomplete")
                wall_seconds, cpu_seconds = (float(value) for value in tree["cost"])
                return Progress(leg, _with_keys(leaves, like), tree["metrics"], wall_seconds, cpu_seconds), remark
            except Exception as error:  # whatever a damaged file makes Orbax raise
                remark = f"the checkpoint after leg {leg} is damaged ({str(error).splitlines()[0][:80]}), going back"
                self._manager.delete(leg)  # Orbax would refuse to save that leg again
        return None, remark

    def close(self) -> None:
        """Releases Orbax's threads."""
        self._manager.close()


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
