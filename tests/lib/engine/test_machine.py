"""How much memory a run may use: of what is free, and of what a container or a batch system allows."""

import pytest

from experiments.lib.engine import machine


class Device:
    def __init__(self, stats):
        self.stats = stats

    def memory_stats(self):
        return self.stats


def test_a_device_that_knows_its_memory_is_asked():
    assert machine.memory_limit(Device({"bytes_limit": 1000, "bytes_in_use": 200})) == 480


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A process in a/b, of which the outer group may use 5 GB more, the inner one 1 GB more."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for folder, most, now in ((inner.parent, "9000000000", "4000000000"), (inner, "3000000000", "2000000000")):
        (folder / "memory.max").write_text(most + "\n")
        (folder / "memory.current").write_text(now + "\n")
    (tmp_path / "cgroup").write_text("0::/a/b\n")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    monkeypatch.setattr(machine, "MINE", tmp_path / "cgroup")
    monkeypatch.setattr(machine.jax, "local_device_count", lambda: 2)
    return inner


def test_the_smallest_rest_of_the_groups_around_a_process_is_what_it_may_use(groups):
    assert machine.memory_limit(Device(None)) == 0.6 * 1e9 / 2
    (groups / "memory.max").write_text("max\n")
    assert machine.memory_limit(Device(None)) <= 0.6 * 5e9 / 2


def test_without_groups_what_the_machine_has_free_counts(groups, tmp_path):
    (tmp_path / "cgroup").unlink()
    assert machine.memory_limit(Device(None)) > 0
