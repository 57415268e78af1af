"""How much memory a run may use: of what is free, and of what a container or a batch system allows."""

import jax
import pytest

from experiments.lib.engine import machine


class Device:
    def __init__(self, stats):
        self.stats = stats

    def memory_stats(self):
        return self.stats


def test_a_device_that_knows_its_memory_is_asked():
    assert machine.memory_limit(Device({"bytes_limit": 1000, "bytes_in_use": 200})) == 480


VERSIONS = {
    "v2": ("0::/a/b\n", "", "memory.max", "memory.current", "max"),
    "v1": (
        "11:cpu,cpuacct:/a\n9:hugetlb,memory:/a/b\n1:name=systemd:/x\n0::/y\n",
        "memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "9223372036854771712",
    ),
}


@pytest.fixture(params=VERSIONS)
def groups(request, tmp_path, monkeypatch):
    """A process in a/b, of which the outer group may use 5 GB more, the inner one 1 GB more; how to lift a limit."""
    told, top, limit, usage, unlimited = VERSIONS[request.param]
    inner = tmp_path / top / "a" / "b"
    inner.mkdir(parents=True)
    for folder, most, now in ((inner.parent, "9000000000", "4000000000"), (inner, "3000000000", "2000000000")):
        (folder / limit).write_text(most + "\n")
        (folder / usage).write_text(now + "\n")
    (tmp_path / "cgroup").write_text(told)
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    monkeypatch.setattr(machine, "MINE", tmp_path / "cgroup")
    monkeypatch.setattr(jax, "local_device_count", lambda: 2)
    return lambda folder: (folder / limit).write_text(unlimited + "\n"), inner


def test_the_smallest_rest_of_the_groups_around_a_process_is_what_it_may_use(groups):
    lift, inner = groups
    assert machine.memory_limit(Device(None)) == 0.6 * 1e9 / 2
    lift(inner)
    assert machine.memory_limit(Device(None)) <= 0.6 * 5e9 / 2
    lift(inner.parent)
    assert machine.memory_limit(Device(None)) > 0


def test_a_container_that_sees_its_own_group_alone_is_held_to_it(groups, tmp_path):
    """Docker with v1 names the group as the host does, and shows the container its own as the first."""
    _, inner = groups
    for path in inner.iterdir():
        path.rename(inner.parents[1] / path.name)
    (tmp_path / "cgroup").write_text((tmp_path / "cgroup").read_text().replace("/a/b", "/docker/1f2e"))
    assert machine.memory_limit(Device(None)) == 0.6 * 1e9 / 2


def test_a_group_that_is_full_leaves_nothing(groups):
    _, inner = groups
    for path in inner.iterdir():
        path.write_text("2000000000\n" if "usage" in path.name or "current" in path.name else "1000000000\n")
    assert machine.memory_limit(Device(None)) == 0


def test_without_groups_what_the_machine_has_free_counts(groups, tmp_path):
    (tmp_path / "cgroup").unlink()
    assert machine.memory_limit(Device(None)) > 0
