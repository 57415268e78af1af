"""Where and with what a run was made: recorded beside its numbers, and no part of its address."""

import datetime
import functools
import importlib
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..places import ROOT


def surroundings() -> dict[str, Any]:
    """Returns device, date, commit, versions and platform."""
    import jax

    devices = jax.devices()
    kind = devices[0].device_kind if devices[0].platform != "cpu" else processor()
    packages = ("jax", "jaxlib", "flax", "optax", "numpy")
    return {
        "device": f"{len(devices)} x {kind}",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.import_module(name).__version__ for name in packages},
        },
        "platform": f"{sys.platform} {platform.machine()}",
    }


def processor() -> str:
    """Returns the processor's name; a device of JAX here is one of its cores."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return f"CPU core ({line.split(':', 1)[1].strip()})"
    except OSError:
        pass
    return f"CPU core ({platform.processor() or platform.machine()})"


@functools.cache
def commit() -> str:
    """Returns the commit of the code when this was first asked, marked where files differed from it.

    Ask when the code is loaded: it may be edited while it runs. Empty outside of a checkout of this project.
    """
    # Git's own variables, as a hook has them, would have it look into another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_OPTIONAL_LOCKS"] = "0"

    def git(*words: str) -> str:
        answer = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, timeout=10, check=True, env=environment)
        return os.fsdecode(answer.stdout).strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != ROOT:  # installed somewhere below another's checkout
            return ""
        return git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    except (OSError, subprocess.SubprocessError):
        return ""
