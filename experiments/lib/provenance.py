"""Where and with what a run was made: recorded beside its numbers, and no part of its address."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any


def surroundings() -> dict[str, Any]:
    """Returns device, date, commit, versions and platform."""
    import jax

    devices = jax.devices()
    kind = devices[0].device_kind if devices[0].platform != "cpu" else _processor()
    packages = ("jax", "jaxlib", "flax", "optax", "numpy")
    return {
        "device": f"{len(devices)} x {kind}",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in packages},
        },
        "platform": f"{sys.platform} {platform.machine()}",
    }


def _processor() -> str:
    """Returns the processor's name; a device of JAX here is one of its cores."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return f"CPU core ({line.split(':', 1)[1].strip()})"
    except OSError:
        pass
    return f"CPU core ({platform.processor() or platform.machine()})"


def _commit() -> str:
    """Returns the commit of the code, marked where files differ from it; empty outside of a checkout."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True, env=environment,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
