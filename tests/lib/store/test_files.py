"""Files are written whole or not at all, and a refusal of the disk is one clear sentence."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.lib.errors import UserError
from experiments.lib.store import files
from tests import processes


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writing_creates_folders_replaces_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    files.write_atomically(path, b"one")
    files.write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "The disk that holds .* is full: free some space and repeat the command"),
        (errno.EDQUOT, "The disk that holds .* is full"),
        (errno.EROFS, "cannot be written .*read-only.*: make the folder writable or choose another with --runs-dir"),
        (errno.EACCES, "cannot be written .*permission denied"),
        (errno.EIO, r"cannot be written \(Input/output error\): check the disk, then repeat the command"),
    ],
)
def test_a_refusal_is_told_and_leaves_what_was_there(tmp_path, monkeypatch, call, code, sentence):
    path = tmp_path / "file"
    files.write_atomically(path, b"old")

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(UserError, match=sentence) as caught:
        files.write_atomically(path, b"new")
    assert caught.value.status == 1
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_really_full_disk_is_told(tmp_path):
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")  # another test fakes the full disk for everybody
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not permitted here")  # as in many containers
    try:
        files.write_atomically(disk / "kept", b"old")
        with pytest.raises(UserError, match=r"The disk that holds .*kept is full"):
            files.write_atomically(disk / "kept", bytes(1_000_000))
        assert names(disk) == ["kept"]
        assert (disk / "kept").read_bytes() == b"old"
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for refused in (
        lambda: files.write_atomically(tmp_path / "file" / "below", b""),
        lambda: files.make_folder(tmp_path / "file"),
        lambda: files.make_folder(tmp_path / "file" / "below"),
        lambda: files.locked(tmp_path / "file" / "lock").__enter__(),
    ):
        with pytest.raises(UserError, match="a file or folder is in the way: move it or choose another --runs-dir"):
            refused()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="a file or folder is in the way"):
        files.write_atomically(tmp_path / "folder", b"")
    assert names(tmp_path) == ["file", "folder"]


def test_a_folder_where_nothing_can_be_written_is_told():
    with pytest.raises(UserError, match="/proc/here cannot be written"):
        files.make_folder(Path("/proc/here"))


def test_a_folder_that_can_be_written_is_left_empty(tmp_path):
    files.make_folder(tmp_path / "a" / "b")
    assert names(tmp_path / "a" / "b") == []


HOLD = "import sys; from experiments.lib.store import files; from pathlib import Path\n" + (
    "with files.locked(Path(sys.argv[1])) as mine: print(mine, flush=True); sys.stdin.read()"
)


@pytest.mark.process
def test_a_lock_is_one_process_s_until_it_dies(tmp_path):
    path = tmp_path / "below" / "lock"
    holder = processes.start("-c", HOLD, path, streams={"stdin": subprocess.PIPE})
    with holder:
        assert holder.stdout.readline() == "True\n"
        with files.locked(path) as mine:
            assert not mine
        holder.kill()
    for _ in range(2):
        with files.locked(path) as mine:
            assert mine
