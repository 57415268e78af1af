"""What this machine can do: how JAX is prepared, what memory a program may take, where compiled programs are kept.

Extrapolation error is the result here, so products are computed in full float32 everywhere (accelerators would
otherwise use TF32 or bfloat16); `records.NUMERICS` says it, and is part of every record's address. Compiled programs
only save time: no fault of theirs is told.
"""

import os
import warnings
import zlib
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..store import files
from ..store.records import NUMERICS

UNTOLD = "Error (reading|writing) persistent compilation cache entry"  # JAX then compiles anew
STAMP = "checked"
MEMORY_SHARE = 0.6  # of the memory that is free when a program is compiled
CGROUPS, MINE = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def keep_programs_in(folder: Path) -> None:
    """Has JAX keep in `folder` what takes long to compile; where it cannot be written JAX keeps nothing."""
    import jax

    try:
        files.make_folder(folder)
    except UserError:
        return
    warnings.filterwarnings("ignore", UNTOLD, UserWarning)
    remove_cut_short(folder)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


def remove_cut_short(folder: Path) -> None:
    """Removes programs that a kill or a full disk cut short: JAX could not read them, and would never replace them.

    Only those are read that are newer than the last look.
    """
    stamp = folder / STAMP
    try:
        since = stamp.stat().st_mtime - 60 if stamp.exists() else 0.0
        new = [path for path in folder.glob("*-cache") if path.stat().st_mtime >= since]
        for path in new:
            if not _is_whole(path.read_bytes()):
                files.remove(path)
        if new:
            files.write_atomically(stamp, b"")
    except (OSError, UserError):
        pass  # another process was faster, or the folder cannot be written


def _is_whole(packed: bytes) -> bool:
    """Says whether a compiled program is whole; of one that is packed in another way than by zlib, that it is."""
    if packed[:1] not in (b"", b"x"):
        return True
    try:
        zlib.decompress(packed)
    except zlib.error:
        return False
    return True


def memory_limit(device: Any) -> int:
    """Returns the bytes that a program may use on a device of JAX that is this process's."""
    import jax

    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return int(MEMORY_SHARE * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)))
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file)
    free = min(int(fields["MemAvailable"].split()[0]) * 1024, _allowed_here())
    return int(MEMORY_SHARE * free / jax.local_device_count())


def _allowed_here() -> float:
    """Returns the bytes that a container or a batch system still allows this process's group; inf without a limit."""
    try:
        groups = MINE.read_text(encoding="ascii").splitlines()
        folder = CGROUPS / next(line for line in groups if line.startswith("0::")).removeprefix("0::").lstrip("/")
        limits = [place for place in (folder, *folder.parents) if (place / "memory.max").exists()]
        return min(
            (int(most) - int((place / "memory.current").read_text())
             for place in limits if (most := (place / "memory.max").read_text().strip()) != "max"),
            default=float("inf"),
        )  # fmt: skip
    except (OSError, ValueError, StopIteration):
        return float("inf")


def prepare(*, cores: int | None = None) -> None:
    """Configures JAX; call once, before the first use of a device.

    On a CPU every core becomes a device of its own, with single-threaded programs: the programs here are far too
    small to be worth splitting, so seeds are spread over the cores as they are over accelerators.

    Args:
      cores: CPU devices to offer; None takes the cores this process may use.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_cpu_multi_thread_eigen" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()

    import jax  # after the flags: they are read when the first backend starts

    jax.config.update("jax_default_matmul_precision", NUMERICS["matmul_precision"])
    jax.config.update("jax_threefry_partitionable", NUMERICS["threefry_partitionable"])
    jax.config.update("jax_num_cpu_devices", cores or len(os.sched_getaffinity(0)))
    keep_programs_in(files.user_cache("jax"))
