"""How much memory a program may use on a device: a share of what is free there now."""

from pathlib import Path

import jax

SHARE = 0.6  # of the memory that is free when a program is compiled
CGROUPS, MINE = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def limit(device: jax.Device) -> int:
    """Returns the bytes that a program may use on a device of this process."""
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return int(SHARE * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)))
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file)
    free = min(int(fields["MemAvailable"].split()[0]) * 1024, _allowed_here())
    return int(SHARE * free / jax.local_device_count())


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
