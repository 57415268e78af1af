"""Hard knocks on the toy, from outside: the trials of `make knocks` hold, and notice what does not.

Slow on purpose: every trial starts real commands in processes of their own.
"""

import errno
import fcntl
import json
import os
import random
import shutil
import signal
import zlib
from pathlib import Path

import numpy as np
import pytest

from experiments.lib.engine import checkpoint, machine
from experiments.lib.errors import UserError
from experiments.lib.store import files, records
from tests import processes
from tests.knocks import clock, comparing, outside, publishing, side_by_side
from tests.knocks.findings import Finding, Result, Trial, none_of, verdict
from tests.knocks.outside import Answer, Moment, Place

NUMERICS = {"dtype": "float32"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """One folder of compiled programs for all trials."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(tmp_path, cache, monkeypatch) -> Place:
    """Where a trial works; its commands are the toy's."""
    for name, value in processes.IN_HASTE.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "p.toml").write_text("[toy]\nseeds = 2\nsteps = 4\nlegs = 2\n")
    return Place(tmp_path, cache, random.Random(1), print, ("-m", "tests.toy"))


@pytest.fixture
def words(place) -> tuple[str, ...]:
    return ("run", "toy", "--profile", str(place.folder / "p.toml"))


def check(findings: list[Finding], least: int) -> None:
    """Every one of at least so many findings holds."""
    assert [finding for finding in findings if not finding.held] == []
    assert len(findings) >= least


@pytest.mark.process
def test_four_processes_on_one_store_train_every_run_once(place, words):
    check(side_by_side.trial(place, (4,), words), least=8)


@pytest.mark.process
def test_a_clock_that_runs_backwards_changes_nothing(place, words):
    check(clock.trial(place, words), least=8)


@pytest.mark.process
def test_publishing_that_is_stopped_or_killed_leaves_only_whole_records(place, words):
    check(publishing.trial(place, 2, words, words[-1], folders=("an empty folder",)), least=7)


@pytest.fixture
def stores(tmp_path) -> tuple[Path, Path]:
    """Two equal stores with a run, a table and an index."""
    one, other = tmp_path / "one", tmp_path / "other"
    address = records.Address("toy", 1, {"seeds": 2}, {"cell": "nac"}, NUMERICS)
    records.save(one, address, {"error_S": np.arange(8, dtype=np.float32)}, {"wall_seconds": 1.5})
    (one / "tables").mkdir()
    (one / "tables" / "toy.csv").write_text("row,median\na,0.25\n")
    (one / "README.md").write_text("| **toy** | 2 | 45 s | 2026-01-01T10:00:00+00:00 |\n")
    shutil.copytree(one, other)
    return one, other


def differences(one: Path, other: Path) -> list[list[str]]:
    return [found(one, other) for found in (comparing.records, comparing.rendered, comparing.left_behind)]


def record_of(root: Path) -> Path:
    (path,) = root.glob("toy/*.json")
    return path


def rewrite(path: Path, change) -> None:
    path.write_text(change(path.read_text()))


def plant_other_bits(root: Path) -> None:
    """One bit of one number is another, in a record that is sound."""
    record, run = json.loads(record_of(root).read_text()), records.read(record_of(root))
    error_S = run.arrays["error_S"].copy()
    error_S.view(np.uint32)[3] ^= 1
    address = records.Address(**{name: record[name] for name in records.Address._fields})
    records.save(root, address, {"error_S": error_S}, run.provenance)


PLANTED = {
    "other bits": (plant_other_bits, 0),
    "a cut record": (lambda root: record_of(root).with_suffix(".npz").write_bytes(b"PK"), 0),
    "a missing record": (lambda root: record_of(root).unlink(), 0),
    "another setting": (
        lambda root: rewrite(record_of(root), lambda text: text.replace('"seeds": 2', '"seeds": 3')),
        0,
    ),
    "another number": (lambda root: rewrite(root / "tables" / "toy.csv", lambda text: text.replace("0.25", "0.26")), 1),
    "another index": (lambda root: rewrite(root / "README.md", lambda text: text.replace("| 2 |", "| 3 |")), 1),
    "a missing table": (lambda root: (root / "tables" / "toy.csv").unlink(), 1),
    "half a file": (lambda root: (root / "toy" / ".x.npz.1.tmp").write_bytes(b"PK"), 2),
    "checkpoints": (lambda root: (root / ".unfinished" / "x").mkdir(parents=True), 2),
}


def test_equal_stores_have_no_differences(stores):
    assert differences(*stores) == [[], [], []]


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_difference_is_noticed(stores, planted):
    plant, kind = PLANTED[planted]
    plant(stores[1])
    found = differences(*stores)
    assert len(found[kind]) >= 1, "the comparison that is made for it"
    assert not none_of("", found[kind], "all").held
    assert differences(*reversed(stores))[kind] == found[kind], "whichever store comes first"


def test_provenance_may_differ(stores):
    rewrite(record_of(stores[1]), lambda text: text.replace("1.5", "2.5"))
    rewrite(stores[1] / "README.md", lambda text: text.replace("45 s", "2 min").replace("2026-01-01", "2025-12-31"))
    assert differences(*stores) == [[], [], []]


def test_what_a_network_cost_may_differ_and_nothing_beside_it(stores):
    line = "arena,simple product,NALU,a,CPU-seconds a network,0.1\n"
    box = "<table><caption>CPU-seconds a network: a</caption>\n<td>0.1</td>\n</table>\n<td>0.1</td>\n"
    for store in stores:
        rewrite(store / "tables" / "toy.csv", lambda text: text + line)
        (store / "report.html").write_text(box)
    rewrite(stores[1] / "tables" / "toy.csv", lambda text: text.replace("0.1", "0.2"))
    rewrite(stores[1] / "report.html", lambda text: text.replace("0.1", "0.2", 1))
    assert differences(*stores) == [[], [], []]
    rewrite(stores[1] / "report.html", lambda text: text.replace("0.1", "0.2"))
    assert differences(*stores) == [[], ["report.html"], []]


def test_a_record_that_cannot_be_loaded_is_noticed(stores):
    assert comparing.unsound(stores[0]) == []
    record_of(stores[0]).with_suffix(".npz").unlink()
    assert len(comparing.unsound(stores[0])) == 1


@pytest.mark.parametrize(
    ("answer", "well", "refuses"),
    [
        (Answer(0, "told", "", 1.0), True, False),
        (Answer(0, "told", "UserWarning: odd\n", 1.0), False, False),
        (Answer(1, "", "experiments: The disk is full: free some space.\n", 1.0), False, True),
        (Answer(1, "", "experiments: Something else.\n", 1.0), False, False),
        (Answer(2, "", "experiments: The disk is full: free some space.\n", 1.0), False, False),
        (Answer(1, "", "Traceback (most recent call last):\nexperiments: The disk is full.\n", 1.0), False, False),
    ],
)
def test_only_a_calm_answer_passes(answer, well, refuses):
    assert (answer.well, answer.refuses("is full")) == (well, refuses)


def test_a_run_that_is_trained_twice_is_counted_twice():
    lines = "toy: 2 of 2 runs to train\n  [1/2] toy line: 16 seed-steps in 3 s; all runs: 50 %, 1 s left\n"
    other = "  [1/2] toy line: 50 %, 3 seed-steps/s, 1 s left\n  [2/2] toy shifted: 1.6k seed-steps in 3 s\n"
    told = [Answer(0, text, "", 1.0) for text in (lines, other, lines)]
    assert side_by_side.times_trained(told) == {"toy line": 2, "toy shifted": 1}


@pytest.mark.parametrize(("line", "times"), [("-3 s left", 1), ("  -0.5k seed-steps/s", 1), ("in [-5, 5], 3 s", 0)])
def test_negative_times_are_noticed(line, times):
    assert len(clock.NEGATIVE.findall(line)) == times


@pytest.mark.process
def test_a_process_is_struck_when_its_moment_comes(place, tmp_path):
    code = "import pathlib, sys, time; pathlib.Path(sys.argv[1], 'x.json').touch(); time.sleep(1800)"
    (tmp_path / "runs" / "toy").mkdir(parents=True)
    script = place._replace(program=("-c", code))
    told = outside.strike(
        script, tmp_path / "runs", (Moment("", outside.records),), signal.SIGKILL, tmp_path / "runs" / "toy"
    )
    assert told.status == -signal.SIGKILL
    assert outside.records(tmp_path / "runs"), "not before"


def test_what_did_not_hold_or_was_not_tried_is_told():
    trial = Trial("toy", "a fault", lambda place: [])
    held, failed = Finding("it holds", True, "1"), Finding("it does not", False, "0")
    assert verdict([Result(trial, [held, held], 1.0)]) == "2 of 2 held."
    results = [Result(trial, [held, failed], 1.0), Result(trial, [], 0.0, "only root can")]
    assert verdict(results) == "1 of 2 held, 1 of 2 faults not tried."


def test_what_a_killed_process_left_of_a_file_goes_with_the_next_write(tmp_path):
    path = tmp_path / "a.json"
    (tmp_path / ".a.json.1.tmp").write_bytes(b"half")
    (tmp_path / ".a.json.3.tmp").write_bytes(b"")
    (tmp_path / ".b.json.1.tmp").write_bytes(b"another file's")
    with open(tmp_path / ".a.json.2.tmp", "wb") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        living.write(b"half")
        living.flush()
        files.write_atomically(path, b"whole")
        assert sorted(each.name for each in tmp_path.iterdir()) == [".a.json.2.tmp", ".b.json.1.tmp", "a.json"]
    files.write_atomically(path, b"whole again")
    assert sorted(each.name for each in tmp_path.iterdir()) == [".b.json.1.tmp", "a.json"]


def test_a_file_that_is_taken_away_before_it_is_locked_is_opened_anew(tmp_path, monkeypatch):
    lock, taken = fcntl.flock, []

    def taken_first(file, operation):
        if not taken:
            taken.append(file.name)
            os.unlink(file.name)  # as a process does that finds it without a lock
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", taken_first)
    files.write_atomically(tmp_path / "a.json", b"whole")
    assert len(taken) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"whole"


WRITE = """
import sys; from pathlib import Path; from experiments.lib.store import files
for number in range(400): files.write_atomically(Path(sys.argv[1]), bytes(1000))
"""


@pytest.mark.process
def test_processes_that_write_the_same_file_do_not_take_each_other_s_for_left_behind(tmp_path):
    for writer in [processes.start("-c", WRITE, tmp_path / "a.json") for _ in range(4)]:
        assert processes.answer(writer) == (0, "", "")
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


CHUNK = checkpoint.Chunk(0, 2)
STATE = {"w": np.random.default_rng(0).normal(size=(2, 50, 40)).astype(np.float32)}


def progress(leg: int) -> checkpoint.Progress:
    return checkpoint.Progress(leg, STATE, {"error": np.ones((2, leg), np.float32)}, 1.0, 2.0)


@pytest.fixture
def saved(tmp_path) -> Path:
    """A folder with the checkpoints after two legs."""
    checkpoints = checkpoint.Checkpoints(tmp_path, CHUNK)
    for leg in (1, 2):
        checkpoints.save(progress(leg))
    checkpoints.close()
    return CHUNK.folder(tmp_path)


def restored(folder: Path) -> tuple[checkpoint.Progress | None, str]:
    checkpoints = checkpoint.Checkpoints(folder.parent, CHUNK)
    try:
        return checkpoints.restore({"w": STATE["w"][0]}, CHUNK, rows=2)
    finally:
        checkpoints.close()


def test_a_single_bit_of_a_checkpoint_that_flips_is_noticed(saved):
    found, remark = restored(saved)
    assert (found.leg, remark) == (2, "")
    largest = max((path for path in (saved / "2").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 1
    largest.write_bytes(data)
    found, remark = restored(saved)
    assert remark == "the checkpoint after leg 2 is damaged (its files have changed), going back"
    assert found.leg == 1
    np.testing.assert_array_equal(found.state["w"], STATE["w"])


def test_a_checkpoint_whose_process_was_killed_before_its_seal_is_not_used(saved):
    (saved / "2" / checkpoint.SEAL).unlink()
    found, remark = restored(saved)
    assert (found.leg, remark) == (1, "the checkpoint after leg 2 is not whole, going back")


def test_a_checkpoint_for_which_the_disk_has_no_room_is_told_before_orbax_meets_it(saved, monkeypatch, capfd):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    checkpoints = checkpoint.Checkpoints(saved.parent, CHUNK)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match="is full: free some space and repeat the command"):
        checkpoints.save(progress(3))
    checkpoints.close()
    assert capfd.readouterr().err == ""
    monkeypatch.undo()
    assert restored(saved)[0].leg == 2, "what was saved before stays"


def test_compiled_programs_that_were_cut_short_are_removed(tmp_path):
    whole = zlib.compress(bytes(range(256)) * 100)
    for name, data in {"a-cache": whole, "b-cache": whole[:-9], "c-cache": b"", "d-cache": b"(another packing"}.items():
        (tmp_path / name).write_bytes(data)
    machine.remove_cut_short(tmp_path)
    assert {path.name for path in tmp_path.glob("*-cache")} == {"a-cache", "d-cache"}
    (tmp_path / "a-cache").write_bytes(whole[:-9])
    machine.remove_cut_short(tmp_path)
    assert {path.name for path in tmp_path.glob("*-cache")} == {"d-cache"}, "also at a later start"


def test_arrays_without_elements_come_back_as_they_were(tmp_path):
    checkpoints = checkpoint.Checkpoints(tmp_path, CHUNK)
    state = {**STATE, "none": np.zeros((2, 0, 3), np.float32)}
    metrics = {"error": np.ones((2, 1, 4), np.float32), "no queries": np.zeros((2, 1, 0, 5), np.int32)}
    checkpoints.save(checkpoint.Progress(1, state, metrics, 1.0, 1.0))
    found, remark = checkpoints.restore({name: array[0] for name, array in state.items()}, CHUNK, rows=2)
    checkpoints.close()
    assert remark == "" and found.leg == 1
    for one, two in ((state, found.state), (metrics, found.metrics)):
        for name, array in one.items():
            np.testing.assert_array_equal(array, two[name])
            assert (array.dtype, array.shape) == (two[name].dtype, two[name].shape)
