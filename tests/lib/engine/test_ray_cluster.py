"""A Ray cluster of two workers on this machine: a worker that is killed costs nothing but time."""

import os
import signal
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from experiments.lib import suite
from experiments.lib.engine import local, ray_cluster
from experiments.lib.errors import UserError
from experiments.lib.places import ROOT
from tests import processes

pytest.importorskip("ray", reason="Ray is an optional extra; `make test` installs it")

MODELS = ("nac", "nalu")
WORDS = ("run", "figure1", "--models", *MODELS, "--seeds", "2", "--steps", "1000", "--legs", "10", "--profile", "smoke")

# Every process that Python starts here notes what it moves into place in the store.
NOTES = """
import os, sys

def note(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith(".json"):
        with open(os.environ["MOVED"], "a") as file:
            file.write(os.path.basename(arguments[1]) + "\\n")
sys.addaudithook(note)
"""


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NOTES)
    return {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "MOVED": str(tmp_path / "moved"),
        "RAY_ADDRESS": "",
        "RAY_worker_niceness": "0",  # or workers wait for whatever else the machine does
    }


def command(folder: Path, *words: str) -> tuple[str | Path, ...]:
    return ("-m", "experiments", *WORDS, "--runs-dir", folder, *words)


def workers(place: Path) -> list[int]:
    """Returns the processes in which a run is trained for the test at `place`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            named = (process / "cmdline").read_bytes().startswith(b"ray::_train")
            if named and str(place).encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue  # it has ended
    return found


def arrays(folder: Path) -> dict[str, bytes]:
    return {
        f"{path.name} {name}": array.tobytes()
        for path in sorted(folder.glob("identity/*.npz"))
        for name, array in np.load(path).items()
    }


@pytest.mark.process
def test_a_killed_worker_loses_nothing_and_repeats_nothing_that_is_done(tmp_path, environment):
    process = processes.start(*command(tmp_path / "ray", "--engine", "ray"), folder=tmp_path, **environment)

    killed = []

    def kill_one_at_work() -> bool:
        busy, locks = workers(tmp_path), list((tmp_path / "ray" / ".unfinished").glob("*.lock"))
        if len(locks) >= len(busy) >= min(2, os.cpu_count()):
            os.kill(busy[0], signal.SIGKILL)
            killed.append(busy[0])
        return bool(killed)

    processes.until(kill_one_at_work, process)
    status, told, wrong = processes.answer(process)
    assert killed, (told, wrong)
    assert (status, wrong) == (0, ""), told
    moved = (tmp_path / "moved").read_text().split()
    records = sorted(path.name for path in (tmp_path / "ray" / "identity").glob("*.json"))
    assert len(records) == len(MODELS)
    assert sorted(moved) == records, "each run came to its end once"

    # On one core, as each worker: then the programs are the same, and so are the bits.
    one_core = (
        "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execv(sys.argv[1], sys.argv[1:])"
    )
    here = processes.run("-c", one_core, sys.executable, *command(tmp_path / "local"), **environment)
    assert here.status == 0, here.wrong
    assert arrays(tmp_path / "ray") == arrays(tmp_path / "local")


def test_more_cores_than_a_node_has_are_one_sentence(tmp_path, monkeypatch):
    """Of a cluster that only says what it has; one that is there is asked the same by the test above."""
    nodes = [{"Alive": True, "Resources": {"CPU": 4.0}}, {"Alive": False, "Resources": {"CPU": 9000.0}}]
    cluster = types.SimpleNamespace(cluster_resources=lambda: {"CPU": 4.0}, nodes=lambda: nodes)
    monkeypatch.setattr(ray_cluster, "_start", lambda: cluster)
    order = local.Order(tmp_path, "smoke", "run figure1")
    with pytest.raises(UserError, match="No node can have 4096 cores for a run: choose fewer with --cores.") as caught:
        ray_cluster.train_missing(
            suite.experiments("figure1", "smoke"), order, published=tmp_path, console=Console(quiet=True), cores=4096
        )
    assert caught.value.status == 2
