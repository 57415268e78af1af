"""Commands as a user starts them, in processes of their own: the one place where tests start Python anew.

Such tests bear the mark `process`; `conftest.py` sees to it, and has them run one after the other.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from experiments.lib.places import ROOT

PATIENCE = 1800.0  # seconds: only what hangs takes as long, however busy the machine is

# What has a command compile in a third of the time: no test asks how fast or to which last digit it computes.
# Of XLA's options only those that this version has: any other ends the process.
FLAGS = ("--xla_cpu_parallel_codegen_split_count=1",)
if metadata.version("jaxlib").startswith("0.10."):
    FLAGS = ("--xla_cpu_use_fusion_emitters=false", *FLAGS)
IN_HASTE = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1", "XLA_FLAGS": " ".join(FLAGS)}


class Answer(NamedTuple):
    """How a command ended: with its status, its standard output and its standard error."""

    status: int
    told: str
    wrong: str


def start(
    *words: str | Path,
    folder: Path = ROOT,
    program=(sys.executable,),
    streams=None,
    in_haste: bool = True,
    **variables: str,
) -> subprocess.Popen:
    """Starts `python WORDS` in a folder, with the project at hand and variables beside those of the environment.

    Args:
      program: what to start in place of Python.
      streams: for what is not to be read here: of `subprocess.Popen`, by name.
      in_haste: False compiles as a user's commands do, for what trains long.
    """
    return subprocess.Popen(
        [*map(str, program), *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(IN_HASTE if in_haste else {}), **variables},
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **(streams or {})},
    )


def answer(process: subprocess.Popen) -> Answer:
    """Waits for the end of a command."""
    try:
        told, wrong = process.communicate(timeout=PATIENCE)
    except BaseException:
        process.kill()
        raise
    return Answer(process.returncode, told, wrong)


def run(*words: str | Path, **options) -> Answer:
    """Runs `python WORDS` to its end, with the options of `start`."""
    return answer(start(*words, **options))


def cpu_seconds(process: subprocess.Popen) -> float:
    """Returns what a process has computed so far, which no other process makes longer or shorter."""
    used = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, used[11:13])) / os.sysconf("SC_CLK_TCK")


def until(condition: Callable[[], Any], *processes: subprocess.Popen) -> bool:
    """Waits until a condition holds, and says whether it did before one of the processes ended."""
    while not (holds := condition()) and all(process.poll() is None for process in processes):
        time.sleep(0.01)
    return bool(holds or condition())
