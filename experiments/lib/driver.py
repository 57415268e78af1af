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

from experiments.lib import checkpoint
from experiments.lib.errors import UserError
from experiments.lib.program import Program, Train, compile_train

CHECKPOINT_SECONDS = 5.0  # legs shorter than this are not each worth a checkpoint
MEMORY_SHARE = 0.6  # of the memory that is free when a program is compiled


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
    train: Train,
    root_key: jax.Array,
    seeds: int,
    *,
    unfinished: Path,
    watcher: Watcher,
    chunk: int | None = None,
    memory_limit: int | None = None,
) -> Outcome:
    """Trains seeds 0..seeds-1 of a run to the end, from its checkpoints where it was stopped before.

    Seed i's key is `fold_in(root_key, i)`, whatever the number of seeds.

    Args:
      unfinished: the folder for this run's checkpoints; remove it once the outcome is stored.
      chunk: seeds held on the devices at a time; None takes as many as memory holds.
      memory_limit: bytes that one device may use; None asks the device.

    Raises:
      UserError: not even one seed fits into memory, or the checkpoints cannot be written.
    """
    devices = jax.local_devices()[:seeds]
    size = _round_up(min(chunk or seeds, seeds), len(devices))
    program = compile_train(train, size, devices)
    limit = memory_limit if memory_limit is not None else _memory_limit(devices[0])
    while program.bytes_per_device > limit:
        if size <= len(devices):
            raise UserError(
                f"One seed of this run needs {program.bytes_per_device / 1e9:.1f} GB on a device, "
                f"but {limit / 1e9:.1f} GB may be used: close other programs or choose a smaller batch."
            )
        size = _round_up(size // 2, len(devices))
        watcher.remark(f"memory holds fewer seeds at a time: {size} instead of {seeds}")
        program = compile_train(train, size, devices)
    outcomes = []
    for start in range(0, seeds, size):
        keys = jax.vmap(lambda i: jax.random.fold_in(root_key, i))(np.arange(start, start + size))
        folder = unfinished / f"seeds-{start}-{size}"
        wanted = min(seeds - start, size)  # the seeds beyond only fill up the devices
        outcome = _run_chunk(train, program, keys, folder, watcher, wanted=wanted, keep=start + size < seeds)
        outcomes.append(outcome._replace(metrics={name: array[:wanted] for name, array in outcome.metrics.items()}))
    return Outcome(
        metrics={name: np.concatenate([outcome.metrics[name] for outcome in outcomes]) for name in outcomes[0].metrics},
        wall_seconds=sum(outcome.wall_seconds for outcome in outcomes),
        cpu_seconds=sum(outcome.cpu_seconds for outcome in outcomes),
    )


def _run_chunk(
    train: Train, program: Program, keys: jax.Array, folder: Path, watcher: Watcher, *, wanted: int, keep: bool
) -> Outcome:
    """Trains one chunk of seeds, of which the first `wanted` are told to the watcher.

    `keep` says that other chunks follow, so that its end is worth a checkpoint.
    """
    wall_start, cpu_start = time.perf_counter(), time.process_time()
    steps = train.network_steps * wanted
    checkpoints = checkpoint.Checkpoints(folder) if folder.exists() else None
    progress = None
    if checkpoints is not None:
        progress, remark = checkpoints.restore(program.state_shapes)
        if remark:
            watcher.remark(remark)
    if progress is None:
        progress = checkpoint.Progress(
            0, program.init(jax.device_put(keys, program.sharding), *program.data), {}, 0.0, 0.0
        )
    state = jax.device_put(progress.state, program.sharding)
    rows = {name: [array] for name, array in progress.metrics.items()}
    earlier = progress
    watcher.advance(steps * min(earlier.leg, train.legs))

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
            for name, array in jax.device_get(metrics).items():
                rows[name] = [*(rows.get(name, []) if name not in train.last else []), array[:, None]]
            watcher.advance(steps if leg < train.legs else 0)
            ended = leg + 1 == len(program.legs)
            if keep if ended else time.perf_counter() - saved_at > CHECKPOINT_SECONDS:
                checkpoints = checkpoints or checkpoint.Checkpoints(folder)
                checkpoints.save(snapshot(leg + 1))
                saved_at = time.perf_counter()
    finally:
        if checkpoints is not None:
            checkpoints.close()
    done = snapshot(len(program.legs))
    return Outcome(done.metrics, done.wall_seconds, done.cpu_seconds)


def _round_up(number: int, multiple: int) -> int:
    return max(1, -(-number // multiple)) * multiple


def _memory_limit(device: jax.Device) -> int:
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return int(MEMORY_SHARE * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)))
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file)
    free = int(fields["MemAvailable"].split()[0]) * 1024
    return int(MEMORY_SHARE * free / jax.local_device_count())
