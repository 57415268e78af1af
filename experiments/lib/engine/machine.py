"""What this machine can do: how JAX is prepared, what memory a program may take, where compiled programs are kept.

Extrapolation error is the result here, so products are computed in full float32 everywhere (accelerators would
otherwise use TF32 or bfloat16); `records.NUMERICS` says it, and is part of every record's address, and `environment`
sees to it. Compiled programs only save time: no fault of theirs is told.
"""

import os
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import UserError, usage_error
from ..places import installing
from ..store import files
from . import environment

UNTOLD = "Error (reading|writing) persistent compilation cache entry"  # JAX then compiles anew
STAMP = "checked"
MEMORY_SHARE = 0.6  # of the memory that is free when a program is compiled
CGROUPS, MINE = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def keep_programs() -> None:
    """Has JAX keep what takes long to compile, in the folder of the user's choice or else in the user's cache.

    Where it cannot be written JAX keeps nothing.
    """
    import jax

    warnings.filterwarnings("ignore", UNTOLD, UserWarning)
    if not jax.config.jax_enable_compilation_cache:
        return
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        try:
            folder = files.user_cache("jax")
            files.make_folder(folder)
        except UserError:
            return
        remove_cut_short(folder)
        jax.config.update("jax_compilation_cache_dir", str(folder))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
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
    free = max(0, min(int(fields["MemAvailable"].split()[0]) * 1024, _allowed_here()))
    return int(MEMORY_SHARE * free / jax.local_device_count())


def _allowed_here() -> float:
    """Returns the bytes that a container or a batch system still allows this process's groups; inf without a limit.

    A process is in one group of cgroup v2 (`0::/a/b`), and with v1 in one of memory (`9:memory:/a/b`); what the groups
    around it allow counts as well. In a container the first of them may be all that can be seen.
    """
    try:
        groups = [line.split(":", 2) for line in MINE.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return float("inf")
    rests = [float("inf")]
    for _, kinds, path in groups:
        if kinds and "memory" not in kinds.split(","):
            continue
        top = CGROUPS / "memory" if kinds else CGROUPS
        most, now = ("memory.limit_in_bytes", "memory.usage_in_bytes") if kinds else ("memory.max", "memory.current")
        folder = top / path.lstrip("/")
        for place in (folder, *folder.parents):
            with suppress(OSError, ValueError):  # v2 says `max` where there is no limit
                rests.append(
                    int((place / most).read_text(encoding="ascii")) - int((place / now).read_text(encoding="ascii"))
                )
    return min(rests)


def prepare(*, cores: int | None = None) -> None:
    """Configures JAX; call once, before the first use of a device.

    On a CPU every core becomes a device of its own, with single-threaded programs: the programs here are far too
    small to be worth splitting, so seeds are spread over the cores as they are over accelerators.

    Args:
      cores: CPU devices to offer; None takes the cores this process may use, or as many as the user has JAX offer.

    Raises:
      UserError: the environment holds what may change numbers, or what JAX cannot understand.
    """
    environment.prepare(cores)
    keep_programs()


def start() -> None:
    """Starts JAX on its devices, which other processes of the job must have been joined for.

    Raises:
      UserError: there are none of the kind that the user asks for, or they do not work.
    """
    import jax

    try:
        jax.devices()
    except Exception as error:  # of another kind with every device, and every version of JAX
        reason = (str(error).splitlines() or ["no reason given"])[0].partition(" (set JAX_PLATFORMS")[0]
        for name in ("JAX_PLATFORMS", "JAX_PLATFORM_NAME"):
            if asked := os.environ.get(name):
                raise usage_error(
                    f"JAX has no device of the kind that {name}={asked} asks for, or none that works ({reason[:200]}): "
                    f"install what it needs (`{installing('cuda')}` for NVIDIA's), or unset {name} to train on what "
                    "there is."
                ) from error
        raise UserError(
            f"JAX can start none of its devices ({reason[:200]}): set JAX_PLATFORMS=cpu to train without an "
            "accelerator, and unset other variables of JAX."
        ) from error
