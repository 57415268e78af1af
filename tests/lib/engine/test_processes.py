"""Two processes on one machine run one command together through `jax.distributed`, as the nodes of a cluster would."""

import shutil
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

from experiments.lib.cli import main
from experiments.lib.engine import machine
from tests import processes

pytestmark = pytest.mark.process
PROFILE = "[toy]\nseeds = 5\nsteps = {steps}\nlegs = 8\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("processes")
    (place / "p.toml").write_text(PROFILE.format(steps=80))
    return place


def start(place: Path, *words: str, number: int, **variables: str) -> list[subprocess.Popen]:
    """Starts `python WORDS` so many times, as processes that belong together where there are several."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    started = []
    for process in range(number):
        together = {
            "JAX_COORDINATOR_ADDRESS": f"localhost:{port}",
            "JAX_NUM_PROCESSES": str(number),
            "JAX_PROCESS_ID": str(process),
        }
        around = {"TOY_CHECKPOINT_SECONDS": "0", **(together if number > 1 else {}), **variables}
        started.append(processes.start(*words, folder=place, **around))
    return started


def run(place: Path, folder: str, *, number: int) -> list[subprocess.Popen]:
    words = ("-m", "tests.toy", "run", "toy", "--profile", "p.toml", "--runs-dir", folder)
    return start(place, *words, number=number)


def wait(started: list[subprocess.Popen]) -> list[processes.Answer]:
    return [processes.answer(process) for process in started]


def arrays(folder: Path) -> dict[str, np.ndarray]:
    return {
        f"{path.stem} {name}": array
        for path in sorted(folder.glob("toy/*.npz"))
        for name, array in np.load(path).items()
    }


@pytest.fixture(scope="module")
def alone(place):
    ((status, _, wrong),) = wait(run(place, "alone", number=1))
    assert (status, wrong) == (0, "")
    return arrays(place / "alone")


def same_numbers(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys() and found
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-6, err_msg=name)


def test_two_processes_that_are_killed_go_on_to_the_numbers_of_one_and_the_first_alone_speaks(place, alone):
    started = run(place, "two", number=2)
    assert processes.until(lambda: list((place / "two").glob(".unfinished/*/seeds-*/[1-9]")), *started)
    for process in started:
        process.kill()
    wait(started)
    unfinished = list((place / "two").glob(".unfinished/*/seeds-*/[1-9]"))
    assert [path for path in unfinished if path.name != "8"]
    (first, second) = wait(run(place, "two", number=2))
    assert first[0] == second[0] == 0, (first, second)
    assert "damaged" not in first[1]
    assert "[2/2] toy shifted: " in first[1] and "two/report.html" in first[1]
    assert "toy" not in second[1]
    same_numbers(arrays(place / "two"), alone)


def test_what_the_first_process_cannot_write_ends_all_with_its_sentence(place):
    (place / "file").write_text("in the way")
    for status, _, wrong in wait(run(place, "file", number=2)):
        assert status == 1
        assert "experiments: file cannot be written because a file or folder is in the way" in wrong
        assert "Traceback" not in wrong


SHARES = """
import jax, numpy as np
from tests import toy
from experiments.lib.engine import machine, processes
from experiments.lib.engine.program import compile_train
machine.prepare(cores=2)
processes.join()
train = toy.make_train(toy.Config(), model="line")
devices = processes.devices(8)
assert len(devices) == 4 and len(jax.local_devices()) == 2
program = compile_train(train, 8, devices)
state = program.init(processes.put(jax.random.split(jax.random.key(0), 8), program.sharding))
state, metrics = program.legs[0](state)
mine = [shard.data.shape for shard in metrics["error_L"].addressable_shards]
assert mine == [(2, 2)] * 2, mine
assert processes.gather(metrics)["error_L"].shape == (8, 2)
text = program.legs[0].as_text()
assert not any(word in text for word in ("all-reduce", "all-gather", "collective-permute")), "seeds talk to each other"
assert processes.share(["first", jax.process_index()]) == ["first", 0]
assert processes.least(10 + jax.process_index()) == 10
"""


def test_each_process_trains_its_share_of_the_seeds(place):
    for status, _, wrong in wait(start(place, "-c", SHARES, number=2)):
        assert status == 0, wrong


@pytest.mark.parametrize(
    "variables",
    [
        {"JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "0"},
        {"JAX_COORDINATOR_ADDRESS": "localhost:1", "JAX_NUM_PROCESSES": "two", "JAX_PROCESS_ID": "0"},
    ],
)
def test_half_a_description_of_the_others_is_one_sentence(monkeypatch, tmp_path, capfd, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(machine, "prepare", lambda: None)
    assert main.answer(["run", "figure1", "--profile", "smoke", "--runs-dir", str(tmp_path / "never")]) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.startswith("experiments: ") and told.err.count("\n") == 1
    assert "JAX_COORDINATOR_ADDRESS must be" in told.err
    assert not (tmp_path / "never").exists()


def test_a_store_that_one_process_began_is_finished_by_two(place, alone):
    shutil.copytree(place / "alone", place / "half")
    for path in sorted((place / "half" / "toy").glob("*"))[:2]:
        path.unlink()
    (first, second) = wait(run(place, "half", number=2))
    assert first[0] == second[0] == 0, (first, second)
    assert "toy: 1 of 2 runs to train" in first[1]
    same_numbers(arrays(place / "half"), alone)
