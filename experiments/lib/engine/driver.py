"""The driver: the one place that compiles, spreads seeds over devices, advances legs and survives interruption.

An experiment gives pure functions over ONE seed; the driver alone writes jit, the loop over seeds, the sharding over
devices and the checkpoints.

Axes: S seeds, E legs.
"""

import time
from pathlib import Path
from typing import NamedTuple, Protocol

import jax
import numpy as np

from ..errors import UserError
from ..training.train import Measured, Train
from . import checkpoint, machine, processes
from .program import Program, compile_train

CHECKPOINT_SECONDS = 5.0  # legs shorter than this are not each worth a checkpoint
OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # how XLA's errors begin


class Watcher(Protocol):
    """What the driver tells whoever shows progress."""

    def advance(self, network_steps: int) -> None: ...
    def remark(self, sentence: str) -> None: ...


class Outcome(NamedTuple):
    """A finished training: metrics `{name: [S, E, ...]}`, and its cost over all sessions that it took."""

    metrics: dict[str, np.ndarray]
    wall_seconds: float
    cpu_seconds: float


def run_seeds(
    train: Train | Measured,
    root_key: jax.Array,
    seeds: int,
    *,
    unfinished: Path,
    watcher: Watcher,
    chunk: int | None = None,
    memory_limit: int | None = None,
) -> Outcome:
    """Trains seeds 0..seeds-1 of a run to the end, from its checkpoints where it was stopped before.

    Seed i's key is `fold_in(root_key, i)`, whatever the number of seeds. A run may go on with other devices, and with
    more or fewer seeds at a time: its numbers are then the same up to rounding, and otherwise bit for bit.

    Args:
      unfinished: the folder for this run's checkpoints; remove it once the outcome is stored.
      chunk: seeds held on the devices at a time; None takes as many as memory holds.
      memory_limit: bytes that one device may use; None asks the device.

    Raises:
      UserError: not even one seed fits into memory, or the checkpoints cannot be written.
    """
    if isinstance(train, Measured):
        return _measured(train, seeds, watcher)
    devices = processes.devices(seeds)
    limit = processes.least(memory_limit if memory_limit is not None else machine.memory_limit(jax.local_devices()[0]))
    size, program = _fitting(train, _round_up(min(chunk or seeds, seeds), len(devices)), devices, limit, watcher)
    outcomes, start = [], 0
    while start < seeds:
        current, rows, earlier = _earlier(program, unfinished, start, seeds, size, len(devices), watcher)
        ended = earlier is not None and earlier.leg == len(program.legs)
        try:
            fitting = program if rows == size or ended else compile_train(train, rows, devices)
            # Made anew at the same size after a stop, and at half of it after running out of memory.
            keys = jax.vmap(lambda i: jax.random.fold_in(root_key, i))(np.arange(start, start + rows))
            keep = start + current.seeds < seeds
            outcome = _run_chunk(train, fitting, keys, unfinished, current, earlier, watcher, keep=keep)
        except jax.errors.JaxRuntimeError as error:
            if OUT_OF_MEMORY not in str(error):
                raise
            if jax.process_count() > 1:  # the others do not know, and wait
                raise UserError(
                    f"A device of process {jax.process_index()} is out of memory with {size} seeds at a time: "
                    "repeat the command with --chunk and fewer."
                ) from error
            if size <= len(devices):
                raise UserError(
                    f"The device has not the memory for one seed of this run ({str(error).splitlines()[0][:80]}): "
                    "close other programs or choose a smaller batch, then repeat the command."
                ) from error
            outcome = None
        if outcome is None:  # after the error is let go of, and with it what it held
            watcher.remark(f"out of memory with {size} seeds at a time; going on with {_half(size, len(devices))}")
            size, program = _fitting(train, _half(size, len(devices)), devices, limit, watcher)
            continue
        outcomes.append(outcome)
        start += current.seeds
    return Outcome(
        metrics={name: np.concatenate([outcome.metrics[name] for outcome in outcomes]) for name in outcomes[0].metrics},
        wall_seconds=sum(outcome.wall_seconds for outcome in outcomes),
        cpu_seconds=sum(outcome.cpu_seconds for outcome in outcomes),
    )


def _measured(train: Measured, seeds: int, watcher: Watcher) -> Outcome:
    """Measures seed after seed; every process does the same, and the first stores it.

    What NumPy computed in 64 bits is rounded to what a record's address says of its numbers.
    """
    wall_start, cpu_start = time.perf_counter(), time.process_time()
    measured = []
    for seed in range(seeds):
        measured.append(train.measure(seed))
        watcher.advance(train.network_steps)
    stacked = {name: np.stack([each[name] for each in measured])[:, None] for name in measured[0]}
    metrics = {name: array.astype(jax.dtypes.canonicalize_dtype(array.dtype)) for name, array in stacked.items()}
    return Outcome(metrics, time.perf_counter() - wall_start, time.process_time() - cpu_start)


def _fitting(train: Train, size: int, devices: list[jax.Device], limit: int, watcher: Watcher) -> tuple[int, Program]:
    """Returns the program for as many seeds at a time as memory holds, no more than `size`, and their number."""
    wanted, program = size, compile_train(train, size, devices)
    while program.bytes_per_device > limit:
        if size <= len(devices):
            raise UserError(
                f"One seed of this run needs {program.bytes_per_device / 1e9:.1f} GB on a device, "
                f"but {limit / 1e9:.1f} GB may be used: close other programs or choose a smaller batch."
            )
        size = _half(size, len(devices))
        watcher.remark(f"memory holds fewer seeds at a time: {size} instead of {wanted}")
        program = compile_train(train, size, devices)
    return size, program


def _earlier(
    program: Program, unfinished: Path, start: int, seeds: int, size: int, devices: int, watcher: Watcher
) -> tuple[checkpoint.Chunk, int, checkpoint.Progress | None]:
    """Returns the seeds from `start` on to train together, the rows of their state, and how far they have come.

    They are those of a checkpoint, as far as memory holds them, or else the next `size`. Rows beyond the seeds only
    fill up the devices. Chunks that are cut as in a run that was never stopped have `size` rows, of one program.
    """
    like = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), program.state_shapes)
    usual = checkpoint.Chunk(start, min(size, seeds - start))

    def rows_for(chunk: checkpoint.Chunk) -> int:
        return size if chunk == usual and start % size == 0 else _round_up(chunk.seeds, devices)

    for kept in processes.share(checkpoint.kept(unfinished, start)):
        source = checkpoint.Chunk(*kept)
        chunk = checkpoint.Chunk(start, min(usual.seeds, source.first + source.seeds - start))
        checkpoints = checkpoint.Checkpoints(unfinished, source)
        try:
            earlier, remark = checkpoints.restore(like, chunk, rows_for(chunk))
        finally:
            checkpoints.close()
        if remark:
            watcher.remark(remark)
        if earlier is not None:
            return chunk, rows_for(chunk), earlier
    return usual, rows_for(usual), None


def _run_chunk(
    train: Train,
    program: Program,
    keys: jax.Array,
    unfinished: Path,
    chunk: checkpoint.Chunk,
    earlier: checkpoint.Progress | None,
    watcher: Watcher,
    *,
    keep: bool,
) -> Outcome:
    """Trains one chunk of seeds; `keep` says that other chunks follow, so that its end is worth a checkpoint."""
    wall_start, cpu_start = time.perf_counter(), time.process_time()
    steps = train.network_steps * chunk.seeds
    checkpoints = None
    if earlier is None:
        state = program.init(processes.put(keys, program.sharding), *program.data)
        earlier = checkpoint.Progress(0, None, {}, 0.0, 0.0)
    else:
        state = processes.put(earlier.state, program.sharding)
        earlier = earlier._replace(state=None)  # the devices hold it
    rows = {name: [array] for name, array in earlier.metrics.items()}
    told = steps * min(earlier.leg, train.legs)
    watcher.advance(told)

    def snapshot(leg: int) -> checkpoint.Progress:
        return checkpoint.Progress(
            leg=leg,
            state=state,
            metrics={name: np.concatenate(arrays, axis=1) for name, arrays in rows.items()},
            wall_seconds=earlier.wall_seconds + time.perf_counter() - wall_start,
            cpu_seconds=earlier.cpu_seconds + time.process_time() - cpu_start,
        )

    saved_at = time.perf_counter()
    try:
        for leg in range(earlier.leg, len(program.legs)):
            state, metrics = program.legs[leg](state, *program.data)
            for name, array in processes.gather(metrics).items():
                array = array[: chunk.seeds, None]
                rows[name] = [*(rows.get(name, []) if name not in train.last else []), array]
            now = steps if leg < train.legs else 0
            told += now
            watcher.advance(now)
            ended = leg + 1 == len(program.legs)
            if keep if ended else processes.share(time.perf_counter() - saved_at > CHECKPOINT_SECONDS):
                checkpoints = checkpoints or checkpoint.Checkpoints(unfinished, chunk)
                checkpoints.save(snapshot(leg + 1))
                saved_at = time.perf_counter()
    except jax.errors.JaxRuntimeError:
        watcher.advance(-told)  # the chunk begins again
        raise
    finally:
        if checkpoints is not None:
            checkpoints.close()
    done = snapshot(len(program.legs))
    return Outcome(done.metrics, done.wall_seconds, done.cpu_seconds)


def _round_up(number: int, multiple: int) -> int:
    return max(1, -(-number // multiple)) * multiple


def _half(size: int, devices: int) -> int:
    return _round_up(size // 2, devices)
