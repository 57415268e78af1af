"""The driver: every seed is its own, whatever the batch, the devices, the memory and the interruptions."""

import contextlib
import dataclasses
import functools
import inspect
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.lib.engine import checkpoint, driver
from experiments.lib.engine.program import Program, compile_train
from experiments.lib.errors import UserError
from experiments.lib.store.records import NUMERICS
from experiments.lib.training.train import Measured, Train
from tests import processes, toy

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


class Watcher:
    """Keeps what the driver says; stops the run as soon as `stop_at` advances have been told."""

    def __init__(self, stop_at: int | None = None):
        self.steps, self.advances, self.remarks, self.stop_at = 0, 0, [], stop_at

    def advance(self, network_steps: int) -> None:
        self.steps += network_steps
        self.advances += 1
        if self.stop_at is not None and self.advances > self.stop_at:
            raise KeyboardInterrupt

    def remark(self, sentence: str) -> None:
        self.remarks.append(sentence)


TRAIN = toy.make_train(toy.Config(), model="line")


@pytest.fixture(autouse=True)
def as_in_a_real_run():
    numerics = NUMERICS["threefry_partitionable"], NUMERICS["matmul_precision"]
    with jax.threefry_partitionable(numerics[0]), jax.default_matmul_precision(numerics[1]):
        yield


@functools.cache
def compiled(train: Train, seeds: int, devices: tuple[jax.Device, ...]) -> Program:
    return compile_train(train, seeds, list(devices))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the toy with a checkpoint after every leg; a program is compiled once for all tests."""
    monkeypatch.setattr(driver, "CHECKPOINT_SECONDS", 0)

    def compile_once(train: Train, seeds: int, devices: list[jax.Device]) -> Program:
        return compile_train(train, seeds, devices) if train.data else compiled(train, seeds, tuple(devices))

    monkeypatch.setattr(driver, "compile_train", compile_once)

    def run(seeds: int = 3, watcher: Watcher | None = None, folder: str = "unfinished", **options) -> driver.Outcome:
        return driver.run_seeds(
            options.pop("train", TRAIN),
            jax.random.key(5),
            seeds,
            unfinished=tmp_path / folder,
            watcher=watcher or Watcher(),
            **options,
        )

    return run


@pytest.fixture
def uninterrupted(tmp_path_factory):
    """Returns what a run of so many seeds is that is not stopped; each is run once for all tests."""

    def uninterrupted(seeds: int = 3) -> dict[str, np.ndarray]:
        if seeds not in WHOLE:
            devices = tuple(jax.local_devices()[:1])
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(driver, "CHECKPOINT_SECONDS", 1000)
                patch.setattr(driver, "compile_train", lambda train, seeds, _: compiled(train, seeds, devices))
                folder = tmp_path_factory.mktemp("whole")
                WHOLE[seeds] = driver.run_seeds(
                    TRAIN, jax.random.key(5), seeds, unfinished=folder, watcher=Watcher()
                ).metrics
        return WHOLE[seeds]

    return uninterrupted


WHOLE: dict[int, dict[str, np.ndarray]] = {}


def same_bits(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_metrics_lead_with_seeds_and_legs_and_keep_only_the_last_where_asked(run):
    watcher = Watcher()
    outcome = run(seeds=3, watcher=watcher)
    shapes = {name: array.shape for name, array in outcome.metrics.items()}
    assert shapes == {"error_L": (3, 4, 2), "slope_L": (3, 1, 2), "nonfinite_L": (3, 4, 2)}
    np.testing.assert_allclose(
        outcome.metrics["error_L"][:, -1], np.abs(outcome.metrics["slope_L"][:, 0] - np.array(toy.SLOPES)), rtol=1e-6
    )
    assert watcher.steps == 3 * 2 * 8
    assert outcome.wall_seconds > 0 and outcome.cpu_seconds > 0


def test_a_seed_does_not_depend_on_the_number_of_seeds_or_the_chunk(run):
    five = run(seeds=5, folder="five").metrics  # groups of two and one left over
    for folder, seeds, chunk in (("three", 3, None), ("chunks", 5, 3), ("singles", 5, 1)):
        fewer = run(seeds=seeds, chunk=chunk, folder=folder).metrics
        for name in five:
            assert fewer[name].shape[0] == seeds
            np.testing.assert_allclose(fewer[name], five[name][:seeds], rtol=1e-5, atol=1e-6, err_msg=folder)
    assert len({array.tobytes() for array in five["slope_L"]}) == 5, "every seed is another one"


def test_a_seed_is_the_plain_functions_called_with_its_key(run):
    metrics = run(seeds=2).metrics
    state = TRAIN.init(jax.random.fold_in(jax.random.key(5), 1))
    for leg in range(TRAIN.legs):
        state, alone = jax.jit(TRAIN.leg)(state)
        np.testing.assert_allclose(metrics["error_L"][1, leg], alone["error_L"], rtol=1e-5)


def test_what_does_not_fit_into_memory_is_done_in_chunks(run):
    devices = tuple(jax.local_devices()[:1])
    used = [compiled(TRAIN, seeds, devices).bytes_per_device for seeds in (3, 6)]
    watcher = Watcher()
    chunked = run(seeds=6, watcher=watcher, memory_limit=sum(used) // 2, folder="chunked")
    whole = run(seeds=6, folder="whole")
    assert any("memory holds fewer seeds" in remark for remark in watcher.remarks)
    assert watcher.steps == 6 * 2 * 8
    for name in whole.metrics:
        np.testing.assert_allclose(chunked.metrics[name], whole.metrics[name], rtol=1e-5, atol=1e-6)


@pytest.fixture
def scarce(run, monkeypatch):
    """Makes every leg run out of memory, from the given one on, that holds more seeds than it may."""
    compile_once = driver.compile_train

    def scarce(most: int, *, from_leg: int = 0) -> None:
        def compile_scarce(train: Train, seeds: int, devices: list[jax.Device]) -> Program:
            def exhausted(state, *data):
                raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1099511627776 bytes.")

            program = compile_once(train, seeds, devices)
            legs = tuple(exhausted if i >= from_leg and seeds > most else leg for i, leg in enumerate(program.legs))
            return program._replace(legs=legs)

        monkeypatch.setattr(driver, "compile_train", compile_scarce)

    return scarce


@pytest.mark.parametrize("from_leg", [0, 2])
def test_a_chunk_that_runs_out_of_memory_is_done_in_halves(run, scarce, from_leg):
    whole = run(seeds=6, folder="whole").metrics
    scarce(most=2, from_leg=from_leg)
    watcher = Watcher()
    halved = run(seeds=6, watcher=watcher).metrics
    sizes = [(6, 3), (3, 1)] if jax.local_device_count() == 1 else [(6, 4), (4, 2)]
    assert watcher.remarks == [
        f"out of memory with {size} seeds at a time; going on with {half}" for size, half in sizes
    ]
    assert watcher.steps == 6 * 2 * 8, "what was lost is not counted"
    for name in whole:
        np.testing.assert_allclose(halved[name], whole[name], rtol=1e-5, atol=1e-6)


def test_out_of_memory_with_a_single_seed_is_told(run, scarce):
    scarce(most=0)
    with pytest.raises(UserError, match="The device has not the memory for one seed of this run .*smaller batch"):
        run(seeds=3)


def test_another_failure_of_a_device_is_not_taken_for_lack_of_memory(run, monkeypatch):
    def fail(state, *data):
        raise jax.errors.JaxRuntimeError("INTERNAL: the device is lost")

    compile_once = driver.compile_train
    monkeypatch.setattr(driver, "compile_train", lambda *given: compile_once(*given)._replace(legs=(fail,) * 4))
    with pytest.raises(jax.errors.JaxRuntimeError, match="the device is lost"):
        run()


def test_a_seed_that_does_not_fit_alone_is_told(run):
    with pytest.raises(UserError, match="One seed of this run needs .* but .* may be used") as caught:
        run(memory_limit=1)
    assert caught.value.status == 1


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4])
def test_a_run_stopped_after_any_leg_goes_on_bit_for_bit(run, uninterrupted, stop_at):
    whole = uninterrupted()
    with pytest.raises(KeyboardInterrupt):
        run(watcher=Watcher(stop_at=stop_at))
    watcher = Watcher()
    resumed = run(watcher=watcher)
    assert same_bits(resumed.metrics, whole)
    assert watcher.steps == 3 * 2 * 8, "what was done before counts as done"
    assert watcher.advances == 1 + 4 - (stop_at - 1), "and is not done again"


def test_a_run_stopped_in_any_chunk_goes_on_bit_for_bit(run):
    whole = run(seeds=4, chunk=2, folder="whole")
    for stop_at in (2, 3, 7, 9):
        folder = f"stopped-{stop_at}"
        with pytest.raises(KeyboardInterrupt):
            run(seeds=4, chunk=2, folder=folder, watcher=Watcher(stop_at=stop_at))
        assert same_bits(run(seeds=4, chunk=2, folder=folder).metrics, whole.metrics)


@pytest.mark.parametrize(("before", "after"), [(None, 2), (None, 1), (2, None), (1, 3), (3, 2)])
@pytest.mark.parametrize("stop_at", [3, 8])
def test_a_stopped_run_goes_on_with_more_or_fewer_seeds_at_a_time(run, uninterrupted, before, after, stop_at):
    whole = uninterrupted(5)
    stopped = Watcher(stop_at=stop_at)
    with contextlib.suppress(KeyboardInterrupt):
        run(seeds=5, chunk=before, watcher=stopped)
    watcher = Watcher()
    resumed = run(seeds=5, chunk=after, watcher=watcher)
    assert resumed.metrics.keys() == whole.keys()
    for name, array in whole.items():
        assert resumed.metrics[name].shape == array.shape
        np.testing.assert_allclose(resumed.metrics[name], array, rtol=1e-5, atol=1e-6)
    assert watcher.remarks == []
    assert watcher.steps == 5 * 2 * 8


def test_what_was_done_of_a_run_is_not_done_again_in_other_chunks(run, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        run(seeds=4, watcher=Watcher(stop_at=3))  # at its third leg, which is not saved
    legs = []
    compile_once = driver.compile_train

    def count(train: Train, seeds: int, devices: list[jax.Device]) -> Program:
        program = compile_once(train, seeds, devices)
        return program._replace(
            legs=tuple(lambda state, leg=leg: legs.append(seeds) or leg(state) for leg in program.legs)
        )

    monkeypatch.setattr(driver, "compile_train", count)
    run(seeds=4, chunk=2)
    assert legs == [2, 2] * 2, "two legs of each half were left"


def test_checkpoints_name_the_seeds_they_hold_and_nothing_of_the_machine(run, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(seeds=3, watcher=Watcher(stop_at=2))
    assert [path.name for path in (tmp_path / "unfinished").iterdir()] == ["seeds-0-3"]


def damage(folder: Path) -> int:
    """Cuts every file of the latest checkpoint in half; returns its leg."""
    latest = max((path for path in folder.glob("seeds-*/*") if path.name.isdigit()), key=lambda path: int(path.name))
    for path in latest.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return int(latest.name)


@pytest.mark.parametrize("stop_at", [2, 4])
def test_a_damaged_checkpoint_costs_a_step_back_and_is_told(run, uninterrupted, tmp_path, stop_at):
    whole = uninterrupted()
    with pytest.raises(KeyboardInterrupt):
        run(watcher=Watcher(stop_at=stop_at))
    leg = damage(tmp_path / "unfinished")
    watcher = Watcher()
    resumed = run(watcher=watcher)
    assert same_bits(resumed.metrics, whole)
    (remark,) = watcher.remarks
    assert f"the checkpoint after leg {leg} is damaged" in remark


def test_after_a_damaged_checkpoint_a_second_stop_loses_nothing(run, uninterrupted, tmp_path):
    whole = uninterrupted()
    with pytest.raises(KeyboardInterrupt):
        run(watcher=Watcher(stop_at=3))
    damage(tmp_path / "unfinished")
    with pytest.raises(KeyboardInterrupt):
        run(watcher=Watcher(stop_at=3))
    watcher = Watcher()
    assert same_bits(run(watcher=watcher).metrics, whole)
    assert watcher.remarks == [] and watcher.advances < 1 + 4


def test_checkpoints_of_another_program_are_not_used(run):
    with pytest.raises(KeyboardInterrupt):
        run(watcher=Watcher(stop_at=3))
    other = TRAIN._replace(
        init=lambda key: {**TRAIN.init(key)._asdict(), "more": jax.numpy.zeros(2)},
        leg=lambda state: (state, {"more": state["more"]}),
    )
    run(train=other, watcher=(watcher := Watcher()))
    assert "it belongs to another program" in watcher.remarks[0]


def test_short_runs_leave_no_checkpoints(run, tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "CHECKPOINT_SECONDS", 1000)
    run()
    assert not (tmp_path / "unfinished").exists()


def test_a_full_disk_is_one_sentence(run, monkeypatch):
    def save(self, *arguments, **options):
        raise ValueError("RESOURCE_EXHAUSTED: No space left on device")

    import orbax.checkpoint

    monkeypatch.setattr(orbax.checkpoint.CheckpointManager, "save", save)
    with pytest.raises(UserError, match="is full: free some space and repeat the command"):
        run()


def test_discarding_removes_the_checkpoints(run, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(watcher=Watcher(stop_at=2))
    checkpoint.discard(tmp_path / "unfinished")
    checkpoint.discard(tmp_path / "unfinished")
    assert not (tmp_path / "unfinished").exists()


SPREAD = """
import os, sys
import jax, numpy as np
from tests import toy
from pathlib import Path
from experiments.lib.engine import driver, machine
from experiments.lib.engine.program import compile_train
os.environ["XDG_CACHE_HOME"] = sys.argv[1]
machine.prepare(cores=8)
class Watcher:
    steps = 0
    def advance(self, steps): self.steps += steps
    def remark(self, sentence): print(sentence)
train = toy.make_train(toy.Config(), model="line")
assert jax.local_device_count() == 8
program = compile_train(train, 16, jax.local_devices())
state = program.init(jax.device_put(jax.random.split(jax.random.key(0), 16), program.sharding))
state, metrics = program.legs[0](state)
shards = metrics["error_L"].addressable_shards
assert [shard.data.shape for shard in shards] == [(2, 2)] * 8 and len({shard.device for shard in shards}) == 8
text = program.legs[0].as_text()
assert not any(word in text for word in ("all-reduce", "all-gather", "collective-permute")), "seeds talk to each other"
watcher = Watcher()
outcome = driver.run_seeds(train, jax.random.key(5), 11, unfinished=Path(sys.argv[1]) / "u", watcher=watcher)
assert watcher.steps == 11 * 2 * 8, watcher.steps
class Stopped(Watcher):
    def advance(self, steps):
        super().advance(steps)
        if self.steps > 11 * 2 * 4: raise KeyboardInterrupt
driver.CHECKPOINT_SECONDS = 0
try:
    driver.run_seeds(train, jax.random.key(5), 11, unfinished=Path(sys.argv[1]) / "unfinished", watcher=Stopped())
except KeyboardInterrupt:
    pass
np.savez(Path(sys.argv[1]) / "spread.npz", **outcome.metrics)
"""


@pytest.mark.process
def test_seeds_are_spread_over_eight_devices_and_stay_the_same(run, tmp_path):
    answer = processes.run("-c", SPREAD, tmp_path, XLA_FLAGS="")
    assert answer.status == 0, answer.wrong
    watcher = Watcher()
    resumed = run(seeds=11, watcher=watcher).metrics  # what the other process was stopped in, on eight devices
    assert watcher.advances == 1 + 2, "half of it was done already"
    alone = run(seeds=11, folder="alone").metrics
    with np.load(tmp_path / "spread.npz") as spread:
        for name in alone:
            for found in (spread[name], resumed[name]):
                assert found.shape == alone[name].shape
                np.testing.assert_allclose(found, alone[name], rtol=1e-5, atol=1e-6)


def test_the_size_of_a_leg_changes_nothing_but_the_rows(run):
    metrics = run().metrics
    halves = run(train=toy.make_train(dataclasses.replace(toy.Config(), legs=2), model="line"), folder="halves").metrics
    np.testing.assert_allclose(halves["error_L"], metrics["error_L"][:, 1::2], rtol=1e-5, atol=1e-6)


def reader(numbers):
    """Returns a training whose seeds add up numbers of one shared table, at places of their own, less a shared bias."""
    import jax

    from experiments.lib.training.train import Train

    def init(key, table, shared):
        return key, table[:1].sum() - shared["bias"]

    def leg(state, table, shared):
        key, total = state
        key, key_place = jax.random.split(key)
        place = jax.random.randint(key_place, (), 0, len(table))
        total = total + table[place] - shared["bias"]
        return (key, total), {"total": total, "place": place}

    return Train(init, leg, legs=4, network_steps=2, data=(numbers, {"bias": numbers[1]}))


NUMBERS = np.arange(100, dtype=np.float32) ** 2


def check_sums(metrics, seeds):
    """What the seeds say of the shared data, against NumPy's sums."""
    places_SE = metrics["place"]
    assert places_SE.shape == (seeds, 4)
    assert len({tuple(places) for places in places_SE.tolist()}) == seeds, "every seed reads for itself"
    expected_SE = NUMBERS[0] - NUMBERS[1] + np.cumsum(NUMBERS[places_SE] - NUMBERS[1], axis=1)
    np.testing.assert_array_equal(metrics["total"], expected_SE)


def test_all_seeds_of_all_chunks_read_the_same_data(run):
    check_sums(run(seeds=3, chunk=2, train=READER).metrics, 3)


def test_a_resumed_run_reads_the_same_data_to_its_finish(run):
    train = READER._replace(finish=READER.leg)
    whole = run(train=train, folder="whole").metrics
    with pytest.raises(KeyboardInterrupt):
        run(train=train, watcher=Watcher(stop_at=3))
    assert same_bits(run(train=train).metrics, whole)
    assert whole["place"].shape == (3, 5)
    np.testing.assert_array_equal(np.diff(whole["total"], axis=1), NUMBERS[whole["place"][:, 1:]] - NUMBERS[1])


READER = reader(NUMBERS)
SHARED = """
import os, sys
import jax, numpy as np
from pathlib import Path
from experiments.lib.engine import driver, machine
from experiments.lib.engine.program import compile_train
os.environ["XDG_CACHE_HOME"] = sys.argv[1]
machine.prepare(cores=3)
driver.CHECKPOINT_SECONDS = 0
class Watcher:
    stop_at, advances = None, 0
    def advance(self, steps):
        self.advances += 1
        if self.advances == self.stop_at: raise KeyboardInterrupt
    def remark(self, sentence): print(sentence)
train = reader(np.arange(100, dtype=np.float32) ** 2)
program = compile_train(train, 6, jax.local_devices())
for leaf in jax.tree.leaves(program.data):
    assert [shard.data.shape for shard in leaf.addressable_shards] == [leaf.shape] * 3
    assert len({shard.device for shard in leaf.addressable_shards}) == 3, "each device holds all of it, once"
watcher = Watcher()
watcher.stop_at = 3
try:
    driver.run_seeds(train, jax.random.key(5), 5, unfinished=Path(sys.argv[1]) / "u", watcher=watcher)
except KeyboardInterrupt:
    assert any((Path(sys.argv[1]) / "u").iterdir())
outcome = driver.run_seeds(train, jax.random.key(5), 5, unfinished=Path(sys.argv[1]) / "u", watcher=Watcher())
np.savez(Path(sys.argv[1]) / "shared.npz", **outcome.metrics)
"""


@pytest.mark.process
def test_seeds_on_several_devices_read_the_same_data_also_after_a_stop(run, tmp_path):
    answer = processes.run("-c", inspect.getsource(reader) + SHARED, tmp_path, XLA_FLAGS="")
    assert answer.status == 0, answer.wrong
    with np.load(tmp_path / "shared.npz") as shared:
        metrics = {name: shared[name] for name in shared.files}
    check_sums(metrics, 5)
    assert same_bits(metrics, run(seeds=5, train=READER).metrics)


def test_a_run_in_plain_python_has_its_seeds_in_order(tmp_path):
    watcher = Watcher()
    train = Measured(lambda seed: {"square": np.array([seed, seed**2]), "half": np.float64(seed / 2)})
    outcome = driver.run_seeds(train, jax.random.key(0), 3, unfinished=tmp_path / "none", watcher=watcher)
    assert outcome.metrics["square"].tolist() == [[[0, 0]], [[1, 1]], [[2, 4]]]
    types = {name: array.dtype.name for name, array in outcome.metrics.items()}
    assert types == {"square": "int32", "half": NUMERICS["dtype"]}, "as a record's address says"
    assert watcher.steps == 3
