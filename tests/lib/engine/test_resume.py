"""A real run in a process of its own, killed and stopped: the same command goes on, and ends with the same bits."""

import random
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests import processes

pytestmark = pytest.mark.process
SENTENCE = "experiments: Stopped; the same command goes on from here.\n"
WORDS = ("run", "figure1", "--models", "nac", "--seeds", "2", "--steps", "300", "--legs", "15", "--batch", "8")

# Figure 1 with a checkpoint after each leg; with `LEG,EVENTS` it kills itself after so many files from then on.
FIGURE1 = """
import os, signal, sys
from experiments.__main__ import main
from experiments.lib.engine import checkpoint, driver

driver.CHECKPOINT_SECONDS = 0
leg, events = map(int, sys.argv.pop(1).split(","))
counted, save = [], checkpoint.Checkpoints.save

def save_and_count(self, progress):
    counted.extend([None] * (progress.leg == leg))
    save(self, progress)

def strike(event, _):
    if counted and event in ("open", "os.mkdir", "os.rename"):
        counted.append(event)
        if len(counted) > events: os.kill(os.getpid(), signal.SIGKILL)

checkpoint.Checkpoints.save = save_and_count
sys.addaudithook(strike)
main()
"""


def start(folder: Path, *words: str | Path) -> subprocess.Popen:
    """Starts a run that minds Ctrl-C, also where the tests were started in the background and do not."""
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return processes.start(*words, "--runs-dir", folder, TOY_CHECKPOINT_SECONDS="0")
    finally:
        signal.signal(signal.SIGINT, ours)


def latest_leg(folder: Path) -> int:
    """Returns the last leg whose checkpoint is on disk."""
    names = [path.name for path in folder.glob(".unfinished/*/seeds-*/*")]
    return max((int(name) for name in names if name.isdigit()), default=0)


def arrays(folder: Path) -> dict[str, bytes]:
    return {
        f"{path.name} {name}": array.tobytes()
        for path in sorted(folder.glob("*/*.npz"))
        for name, array in np.load(path).items()
    }


def test_a_run_killed_again_and_again_ends_with_the_same_bits(tmp_path):
    def figure1(folder: Path, strike: str) -> processes.Answer:
        return processes.answer(start(folder, "-c", FIGURE1, strike, *WORDS, "--profile", "smoke"))

    whole = figure1(tmp_path / "whole", "-1,0")
    assert (whole.status, whole.wrong) == (0, "")
    chance = random.Random(1)
    for leg in (1, 12):
        killed = figure1(tmp_path / "killed", f"{leg},{chance.randrange(1, 40)}")
        assert killed.status == -signal.SIGKILL
        assert latest_leg(tmp_path / "killed") >= leg - 1
        assert not arrays(tmp_path / "killed")
    resumed = figure1(tmp_path / "killed", "-1,0")
    assert (resumed.status, resumed.wrong) == (0, "")
    assert "damaged" not in resumed.told
    assert arrays(tmp_path / "killed") == arrays(tmp_path / "whole")
    assert not list((tmp_path / "killed").glob(".unfinished/*/")), "checkpoints are gone once the run is stored"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_stopped_in_the_middle_of_a_leg_says_one_sentence(tmp_path, number, status):
    """Of a leg that takes longer than anybody waits."""
    profile = tmp_path / "p.toml"
    profile.write_text("[toy]\nseeds = 2\nsteps = 2000000000\nlegs = 2\n")
    process = start(tmp_path / "runs", "-m", "tests.toy", "run", "toy", "--profile", profile)
    assert process.stdout.readline() == "toy: 2 of 2 runs to train\n"
    before = processes.cpu_seconds(process)
    assert processes.until(lambda: processes.cpu_seconds(process) > before + 2, process), "compiled and at work"
    process.send_signal(number)
    assert processes.answer(process)._replace(told="") == (status, "", SENTENCE)


# A signal reaches the command as it begins to import a module.
INTERRUPTED = """
import os, signal, sys
from experiments.__main__ import main

sys.addaudithook(lambda event, told: event == "import" and told[0] == MODULE and os.kill(os.getpid(), signal.SIGINT))
main()
"""


@pytest.mark.parametrize("module", ["jax", "optax"])
def test_a_run_stopped_while_it_starts_says_one_sentence(tmp_path, module):
    code = INTERRUPTED.replace("MODULE", repr(module))
    process = start(tmp_path / "runs", "-c", code, "run", "figure1", "--profile", "smoke")
    assert processes.answer(process) == (130, "", SENTENCE)
