"""Same command, same machine, same bits: nothing hangs on the order of a set, a compilation cache or the clock.

That a run which was stopped ends with the same bits is tested in `test_resume.py`.
"""

import json
from pathlib import Path

import pytest

from tests import processes

pytestmark = pytest.mark.process

WORDS = ("run", "figure1", "--profile", "smoke", "--models", "nac")
OF_THE_DAY = ("date", "wall_seconds", "cpu_seconds")


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[Path, Path]:
    """Two stores, each trained by a process with hashes and a compilation cache of its own."""
    folders, started = [], []
    for seed in ("1", "2"):
        folder = tmp_path_factory.mktemp(f"hash{seed}")
        own = {"PYTHONHASHSEED": seed, "XDG_CACHE_HOME": str(folder / "cache")}
        started.append(processes.start("-m", "experiments", *WORDS, "--runs-dir", folder / "runs", **own))
        folders.append(folder / "runs")
    for process in started:
        status, _, wrong = processes.answer(process)
        assert (status, wrong) == (0, "")
    return tuple(folders)


def bytes_of(folder: Path, *patterns: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for pattern in patterns for path in folder.glob(pattern)}


def test_arrays_are_equal_bit_for_bit(both):
    one, other = (bytes_of(folder, "*/*.npz") for folder in both)
    assert len(one) == 1
    assert one == other


def test_records_differ_in_nothing_but_the_hour_and_what_it_took(both):
    def texts(folder: Path) -> dict[str, str]:
        found = {}
        for path in folder.glob("*/*.json"):
            record = json.loads(path.read_text())
            for name in OF_THE_DAY:
                assert record["provenance"].pop(name) is not None
            found[path.name] = json.dumps(record)  # in the order of the file
        return found

    one, other = map(texts, both)
    assert len(one) == 1
    assert one == other


def test_what_is_rendered_is_equal_byte_for_byte(both):
    one, other = (bytes_of(folder, "tables/*", "figures/*", "claims.csv") for folder in both)
    assert {"tables/figure1.md", "figures/figure1.svg", "claims.csv"} <= set(one)
    assert one == other
