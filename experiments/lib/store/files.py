"""The one module that writes files: whole or not at all, and with a clear word where the disk says no."""

import errno
import fcntl
import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import UserError


def write_atomically(path: Path, data: bytes) -> None:
    """Writes `data` to a temporary name beside `path` and moves it into place, so that no reader sees half a file.

    A process that is killed meanwhile leaves its temporary file; whoever next writes to `path` removes it.

    Raises:
      UserError: the folder cannot be written or the disk is full; what was at `path` before is untouched.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _open_as_ours(temporary) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, path)
    except OSError as error:
        try:
            temporary.unlink(missing_ok=True)
        except OSError:
            pass  # the first error is the one to tell
        raise explain(error, path) from error
    _remove_left_behind(path)


def _open_as_ours(temporary: Path) -> BinaryIO:
    """Opens a temporary file under a lock that says we live; anew where it was taken for one that was left behind."""
    for _ in range(5):
        file = open(temporary, "wb")  # noqa: SIM115  (the caller closes it)
        with suppress(OSError):  # not every file system has locks; where there are none, nothing is taken away
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            break
        file.close()
    return file


def _remove_left_behind(path: Path) -> None:
    """Removes what killed processes left of their writing to `path`; a living one holds a lock on its file."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with suppress(OSError), open(left, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), left.stat()):  # else it was moved into place meanwhile
                left.unlink()


def remove(path: Path) -> None:
    """Removes a file, if it is there.

    Raises:
      UserError: the folder cannot be written.
    """
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise explain(error, path) from error


def make_folder(path: Path) -> None:
    """Creates a folder that can be written to.

    Raises:
      UserError: it cannot be created or written.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):  # has no name, so that nothing is left of it however we end
            pass
    except OSError as error:
        raise explain(error, path) from error


def user_cache(name: str) -> Path:
    """Returns where something is kept for all checkouts of a user: `~/.cache/nalu/NAME`, or in `$XDG_CACHE_HOME`.

    Raises:
      UserError: there is no home folder.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nalu" / name
    except RuntimeError:  # no HOME, and a user whom the system does not know, as in a container
        raise UserError("There is no home folder: name a folder for what is kept with XDG_CACHE_HOME.") from None


def require_room(folder: Path, size: int) -> None:
    """Makes sure that the disk has room for `size` more bytes, for what would not say calmly that it has not.

    Raises:
      UserError: it has not.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise explain(error, folder) from error


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Holds an advisory lock on `path` while the block runs; yields False where another process holds it.

    The operating system drops the lock when its holder dies, however it dies, so that no stale lock can block a run.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+b")  # noqa: SIM115  (closed below, after the block)
    except OSError as error:
        raise explain(error, path) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise UserError(
                    f"The file system of {path} has no file locks, which keep two processes from training the same "
                    "run: choose a folder on another one with --runs-dir."
                ) from error
            raise explain(error, path) from error
        yield True


def explain(error: OSError, path: Path) -> UserError:
    """Returns the sentence for an operating system's refusal to write at `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(
            f"The disk that holds {path} is full: free some space and repeat the command; finished runs are kept."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(
            f"{path} cannot be written (permission denied or read-only): "
            "make the folder writable or choose another with --runs-dir."
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return UserError(
            f"{path} cannot be written because a file or folder is in the way: move it or choose another --runs-dir."
        )
    return UserError(f"{path} cannot be written ({error.strerror}): check the disk, then repeat the command.")
