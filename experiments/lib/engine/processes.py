"""Several processes that run one program together through `jax.distributed`: on the nodes of a cluster, on a TPU slice.

Every process runs the same command. The devices of all are one mesh, over which the seeds are spread; the first process
alone looks at the store, says what is to be done, writes and speaks. One process alone is the usual case, in which all
functions here do next to nothing.
"""

import json
import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Sharding

from ..errors import UserError, usage_error
from . import machine

VARIABLES = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")


def join() -> None:
    """Joins the other processes of this job, if there are any, and starts the devices; call before their first use.

    A Slurm step of several tasks and a TPU slice of several hosts are recognised; anywhere else the variables
    `JAX_COORDINATOR_ADDRESS` (host:port of the first process), `JAX_NUM_PROCESSES` and `JAX_PROCESS_ID` say it.

    Raises:
      UserError: the variables are incomplete, the others do not answer, or the devices do not start.
    """
    _join()
    machine.start()


def _join() -> None:
    given = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    recognised = os.environ.get("SLURM_STEP_NUM_TASKS", "1") not in ("", "0", "1") or "," in os.environ.get(
        "TPU_WORKER_HOSTNAMES", ""
    )
    if not given and not recognised:
        return
    arguments: dict[str, Any] = {}
    if given:
        numbers = [int(given[name]) for name in VARIABLES[1:] if given.get(name, "").isdecimal()]
        if VARIABLES[0] not in given or len(numbers) < 2 or numbers[1] >= numbers[0]:
            raise usage_error(
                f"{', '.join(given)} is set: for several processes {VARIABLES[0]} must be the first one's host:port, "
                f"{VARIABLES[1]} their number and {VARIABLES[2]} this one's, from 0."
            )
        arguments = {"coordinator_address": given[VARIABLES[0]], "num_processes": numbers[0], "process_id": numbers[1]}
    try:
        jax.distributed.initialize(**arguments)
    except (RuntimeError, ValueError) as error:
        first_line = (str(error).splitlines() or ["no reason given"])[0]
        raise UserError(
            f"The other processes of this job do not answer ({first_line}): "
            "start all of them with the same command, and check the coordinator's address."
        ) from error


def is_first() -> bool:
    """Says whether this process is the one that reads the store, writes and speaks."""
    return jax.process_index() == 0


def devices(most: int) -> list[jax.Device]:
    """Returns the devices of all processes; of a process that is alone no more than `most`."""
    return jax.local_devices()[:most] if jax.process_count() == 1 else jax.devices()


def share(value: Any) -> Any:
    """Returns the first process's `value`, plain data as JSON has it, in every process."""
    return value if jax.process_count() == 1 else json.loads(share_bytes(json.dumps(value).encode()))


def share_bytes(data: bytes) -> bytes:
    """Returns the first process's bytes in every process."""
    if jax.process_count() == 1:
        return data
    length = int(multihost_utils.broadcast_one_to_all(np.array(len(data), np.int32)))
    mine = np.frombuffer(data, np.uint8) if is_first() else np.zeros(length, np.uint8)
    return np.asarray(multihost_utils.broadcast_one_to_all(mine)).astype(np.uint8).tobytes()


def on_first_process(action: Callable[[], None]) -> None:
    """Calls `action` in the first process alone; the sentence with which it fails there is raised in all."""
    failure = None
    if is_first():
        try:
            action()
        except UserError as error:
            failure = error
    told = share(None if failure is None else [str(failure), failure.status])
    if failure is not None:
        raise failure
    if told is not None:
        raise UserError(told[0], status=told[1])


def put(tree: Any, sharding: Sharding) -> Any:
    """Returns a tree of arrays, the same in every process, on the devices of all."""
    if jax.process_count() == 1:
        return jax.device_put(tree, sharding)

    def one(leaf: Any) -> jax.Array:
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(one(jax.random.key_data(leaf)))
        array = np.asarray(leaf)
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    return jax.tree.map(one, tree)


def gather(tree: Any) -> Any:
    """Returns arrays that are spread over the processes as NumPy arrays, whole in each; keys as key data."""
    plain = jax.tree.map(
        lambda leaf: jax.random.key_data(leaf) if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf, tree
    )
    if jax.process_count() == 1:
        return jax.device_get(plain)
    return multihost_utils.process_allgather(plain, tiled=True)


def least(number: int) -> int:
    """Returns the smallest of the processes' numbers, to about seven digits where there are several."""
    return number if jax.process_count() == 1 else int(multihost_utils.process_allgather(np.float32(number)).min())
