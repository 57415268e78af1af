"""A real run in a process of its own, killed and stopped: the same command goes on, and the numbers are the same bits.

The first test is slow on purpose: it runs Figure 1 as a user does.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from experiments.lib.places import ROOT

SENTENCE = "experiments: Stopped; the same command goes on from here.\n"
EVERY_LEG = "import experiments.lib.engine.driver as driver; driver.CHECKPOINT_SECONDS = 0"
FIGURE1 = f"{EVERY_LEG}; from experiments.__main__ import main; main()"
WORDS = ("run", "figure1", "--models", "nac", "--seeds", "2", "--steps", "20000", "--legs", "25", "--batch", "8")


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """One compilation cache for all runs."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        "TOY_CHECKPOINT_SECONDS": "0",
    }


def start(command: list, folder: Path, environment: dict[str, str]) -> subprocess.Popen:
    """Starts a run that minds Ctrl-C, also where the tests were started in the background and do not."""
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, *command, "--runs-dir", folder], cwd=ROOT, env=environment, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, ours)


def wait_for_checkpoint(process: subprocess.Popen, folder: Path, leg: int) -> None:
    """Waits until a checkpoint of this leg or a later one is on disk, or the process has ended."""
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        names = [path.name for path in folder.glob(".unfinished/*/seeds-*/*") if path.name.isdigit()]
        if any(int(name) >= leg for name in names):
            return
        time.sleep(0.01)


def arrays(folder: Path) -> dict[str, bytes]:
    return {
        f"{path.name} {name}": array.tobytes()
        for path in sorted(folder.glob("*/*.npz"))
        for name, array in np.load(path).items()
    }


def test_a_run_killed_again_and_again_ends_with_the_same_bits(tmp_path, environment):
    command = ["-c", FIGURE1, *WORDS, "--profile", "smoke"]
    whole = start(command, tmp_path / "whole", environment)
    told, wrong = whole.communicate(timeout=120)
    assert whole.returncode == 0, wrong
    chance = random.Random(1)
    for leg in (1, 12):
        killed = start(command, tmp_path / "killed", environment)
        wait_for_checkpoint(killed, tmp_path / "killed", leg)
        time.sleep(chance.uniform(0, 0.1))
        killed.kill()
        killed.communicate()
        assert killed.returncode == -signal.SIGKILL, "it was still training"
        assert not arrays(tmp_path / "killed")
    resumed = start(command, tmp_path / "killed", environment)
    told, wrong = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, wrong
    assert wrong == ""
    assert "damaged" not in told
    assert arrays(tmp_path / "killed") == arrays(tmp_path / "whole")
    assert not list((tmp_path / "killed").glob(".unfinished/*/")), "checkpoints are gone once the run is stored"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_says_one_sentence_at_once(tmp_path, environment, number, status):
    profile = tmp_path / "p.toml"
    profile.write_text("[toy]\nseeds = 2\nsteps = 100000000\nlegs = 2\n")  # a leg of minutes
    process = start(["-m", "tests.toy", "run", "toy", "--profile", profile], tmp_path / "runs", environment)
    assert process.stdout.readline() == "toy: 2 of 2 runs to train\n"
    time.sleep(3)
    before = time.monotonic()
    process.send_signal(number)
    _, wrong = process.communicate(timeout=60)
    assert time.monotonic() - before < 30, "also in the middle of a leg, of minutes"
    assert (process.returncode, wrong) == (status, SENTENCE)


@pytest.mark.parametrize("seconds", [0.6, 1.2])
def test_a_run_stopped_while_it_starts_says_one_sentence(tmp_path, environment, seconds):
    command = ["-m", "experiments", "run", "figure1", "--profile", "smoke"]
    process = start(command, tmp_path / "runs", environment)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    told, wrong = process.communicate(timeout=60)
    assert (process.returncode, told, wrong) == (130, "", SENTENCE)
