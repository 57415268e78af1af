"""The store: a run is there whole or not at all, under a name that says what determines its numbers."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from experiments.lib import config
from experiments.lib.errors import UserError
from experiments.lib.store import files
from experiments.lib.store import records as store
from tests import processes

ARRAYS = {"error_S": np.arange(6, dtype=np.float32).reshape(3, 2), "steps_S": np.zeros((3, 1), np.int32)}
ADDRESS = store.Address("toy", 1, {"seeds": 3, "rate": 0.1, "limits": [0.0, 1.0]}, {"cell": "nalu"}, store.NUMERICS)


@pytest.fixture
def stored(tmp_path) -> Path:
    store.save(tmp_path, ADDRESS, ARRAYS, {"device": "x"})
    return store.path_of(tmp_path, ADDRESS, ".json")


def same(arrays: dict[str, np.ndarray]) -> bool:
    return arrays.keys() == ARRAYS.keys() and all(
        arrays[name].dtype == ARRAYS[name].dtype and arrays[name].tobytes() == ARRAYS[name].tobytes() for name in ARRAYS
    )


def test_what_is_saved_is_loaded(tmp_path, stored):
    assert store.exists(tmp_path, ADDRESS)
    run = store.load(tmp_path, ADDRESS)
    assert same(run.arrays)
    assert (run.experiment, run.variant, run.digest) == ("toy", {"cell": "nalu"}, ADDRESS.digest)
    assert run.provenance == {"device": "x"}
    assert store.read(stored).digest == ADDRESS.digest
    assert sorted(path.name for path in stored.parent.iterdir()) == [f"{ADDRESS.digest}{s}" for s in (".json", ".npz")]


def test_values_that_are_not_finite_survive(tmp_path):
    odd = {"error_S": np.array([np.nan, np.inf, -np.inf, 1e-45], np.float32)}
    store.save(tmp_path, ADDRESS, odd, {})
    assert store.load(tmp_path, ADDRESS).arrays["error_S"].tobytes() == odd["error_S"].tobytes()


def test_equal_arrays_give_equal_bytes_in_any_order_at_any_time(monkeypatch):
    one = store.pack(ARRAYS)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert store.pack(dict(reversed(ARRAYS.items()))) == one
    assert store.pack({**ARRAYS, "error_S": ARRAYS["error_S"] + 1}) != one


@pytest.mark.parametrize(
    "change",
    [
        {"experiment": "other"},
        {"version": 2},
        {"config": {**ADDRESS.config, "seeds": 4}},
        {"config": {**ADDRESS.config, "rate": 0.1000001}},
        {"config": {**ADDRESS.config, "limits": [0.0, 2.0]}},
        {"config": {**ADDRESS.config, "more": None}},
        {"variant": {"cell": "nac"}},
        {"numerics": {**store.NUMERICS, "matmul_precision": "default"}},
    ],
)
def test_whatever_changes_the_numbers_changes_the_name(change):
    assert ADDRESS._replace(**change).digest != ADDRESS.digest


@dataclasses.dataclass(frozen=True)
class Config:
    seeds: int = 3
    rate: float = 0.1
    name: str = "a"
    limits: tuple[float, ...] = (0.0, 1.0)
    cells: tuple[str, ...] = config.selects(("nac", "nalu"))


def test_every_field_of_a_config_is_in_the_name_but_those_that_select():
    def digest(cfg: Config) -> str:
        return ADDRESS._replace(config=config.as_data(cfg, address=True)).digest

    changes = {"seeds": 4, "rate": 0.2, "name": "b", "limits": (0.0,)}
    assert {field.name for field in dataclasses.fields(Config)} == {*changes, "cells"}
    for name, value in changes.items():
        assert digest(dataclasses.replace(Config(), **{name: value})) != digest(Config()), name
    assert digest(Config(cells=("nac",))) == digest(Config())


def test_the_name_does_not_depend_on_the_order_of_keys_or_the_process():
    shuffled = ADDRESS._replace(config=dict(reversed(ADDRESS.config.items())))
    assert shuffled.digest == ADDRESS.digest
    fixed = store.Address("toy", 1, {"seeds": 3}, {"cell": "nalu"}, {})
    assert fixed.digest == "bde827168a0eacf5", "published records would lose their names"


def test_a_run_exists_only_when_it_is_whole(tmp_path, monkeypatch):
    write = files.write_atomically
    written = []

    def dies_before_the_second(path, data):
        if written:
            raise KeyboardInterrupt
        written.append(path.suffix)
        write(path, data)

    monkeypatch.setattr(files, "write_atomically", dies_before_the_second)
    with pytest.raises(KeyboardInterrupt):
        store.save(tmp_path, ADDRESS, ARRAYS, {})
    assert written == [".npz"]
    assert not store.exists(tmp_path, ADDRESS)
    monkeypatch.undo()
    store.save(tmp_path, ADDRESS, ARRAYS, {})
    assert same(store.load(tmp_path, ADDRESS).arrays)


def change_record(path: Path, **values) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


DAMAGES = {
    "no npz": (lambda path: path.with_suffix(".npz").unlink(), r"cannot be read \(.*No such file.*npz"),
    "truncated npz": (
        lambda path: path.with_suffix(".npz").write_bytes(path.with_suffix(".npz").read_bytes()[:-20]),
        "npz is truncated or was changed",
    ),
    "empty npz": (lambda path: path.with_suffix(".npz").write_bytes(b""), "npz is truncated or was changed"),
    "another's npz": (
        lambda path: path.with_suffix(".npz").write_bytes(store.pack({"error_S": np.ones(3)})),
        "npz is truncated or was changed",
    ),
    "truncated json": (lambda path: path.write_bytes(path.read_bytes()[:100]), "cannot be read"),
    "empty json": (lambda path: path.write_bytes(b""), "cannot be read"),
    "no text": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "cannot be read"),
    "a list": (lambda path: path.write_text("[]"), "is not one of this project's"),
    "foreign": (lambda path: path.write_text('{"hello": "world"}'), "is not one of this project's"),
    "foreign config": (lambda path: change_record(path, config="x"), "is not the run that its name says"),
    "other config": (lambda path: change_record(path, config={"seeds": 4}), "is not the run that its name says"),
    "other digest": (lambda path: change_record(path, digest="0" * 16), "is not the run that its name says"),
    "other schema": (lambda path: change_record(path, schema=99), "is not the run that its name says"),
    "no provenance": (lambda path: change_record(path, provenance=None), "is not one of this project's"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_record_is_one_sentence_with_the_remedy(tmp_path, stored, damage):
    do, sentence = DAMAGES[damage]
    do(stored)
    with pytest.raises(UserError, match=sentence) as caught:
        store.load(tmp_path, ADDRESS)
    assert f"remove {stored.with_suffix('.*')} and repeat the command" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.status == 1


def test_another_run_s_files_under_this_name_are_told(tmp_path, stored):
    other = ADDRESS._replace(variant={"cell": "nac"})
    store.save(tmp_path, other, ARRAYS, {})
    for suffix in (".json", ".npz"):
        store.path_of(tmp_path, other, suffix).replace(store.path_of(tmp_path, ADDRESS, suffix))
    with pytest.raises(UserError, match="is not the run that its name says"):
        store.load(tmp_path, ADDRESS)


def test_copying_reads_the_run_first(tmp_path, stored):
    store.copy(ADDRESS, tmp_path, tmp_path / "published")
    for suffix in (".json", ".npz"):
        copied = store.path_of(tmp_path / "published", ADDRESS, suffix)
        assert copied.read_bytes() == stored.with_suffix(suffix).read_bytes()
    stored.with_suffix(".npz").write_bytes(b"")
    with pytest.raises(UserError, match="truncated"):
        store.copy(ADDRESS, tmp_path, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_copying_over_another_record_never_leaves_halves_of_both(tmp_path, stored, monkeypatch):
    target = tmp_path / "published"
    store.save(target, ADDRESS, {"x": np.zeros(3)}, {"date": "before"})
    written = files.write_atomically

    def killed_between(path, data):
        written(path, data)
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "write_atomically", killed_between)
    with pytest.raises(KeyboardInterrupt):
        store.copy(ADDRESS, tmp_path, target)
    assert not store.exists(target, ADDRESS), "neither the old nor the new one is there, rather than a mixture"
    monkeypatch.setattr(files, "write_atomically", written)
    store.copy(ADDRESS, tmp_path, target)
    assert store.load(target, ADDRESS).provenance == store.load(tmp_path, ADDRESS).provenance


SAVE = """
import sys; import numpy as np; from pathlib import Path; from experiments.lib.store import records as store
from tests import processes
for number in range(20):
    address = store.Address("toy", 1, {"number": number}, {}, {})
    store.save(Path(sys.argv[1]), address, {"x": np.full(1000, number)}, {"by": sys.argv[2]})
    assert store.load(Path(sys.argv[1]), address).arrays["x"][0] == number
"""


@pytest.mark.process
def test_two_processes_share_a_store(tmp_path):
    both = [processes.start("-c", SAVE, tmp_path, name) for name in ("one", "two")]
    for process in both:
        assert processes.answer(process) == (0, "", "")
    records = sorted((tmp_path / "toy").glob("*.json"))
    assert len(records) == 20
    assert len(list((tmp_path / "toy").iterdir())) == 40, "nothing temporary is left"
    for path in records:
        store.read(path)


def test_every_seed_of_the_best_of_some_runs_is_that_of_the_run_where_its_error_is_least():
    errors_RS = np.array([[0.3, 0.1, np.nan], [0.2, np.inf, 5.0]])
    runs = [
        store.Finished("toy", {"rate": r}, {"validation": errors_RS[r], "test": np.array([10, 11, 12]) * 10**r}, "", {})
        for r in range(2)
    ]
    best = store.best_of(runs, lambda run: run.arrays["validation"])
    assert best.arrays["test"].tolist() == [100, 11, 120]
    assert best.arrays["validation"].tolist() == [0.2, 0.1, 5.0]
