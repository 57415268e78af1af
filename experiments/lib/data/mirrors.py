"""Downloads published files from the first mirror that has them; a machine without a network is told soon."""

import queue
import threading
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from ..errors import UserError
from ..store import files

PATIENCE = 10.0  # seconds: for a mirror's first answer, and between two pieces of a file
PIECE = 1 << 16  # bytes


def fetch(sums: dict[str, str], folder: Path, mirrors: tuple[str, ...], *, console: Console | None = None) -> str:
    """Downloads files into `folder`: each appears whole and with the right checksum (pooch sees to it), or not at all.

    Args:
      sums: the SHA-256 sum of each file by name; a file that is there with another sum is replaced.
      mirrors: addresses that a file's name is put behind, in order of preference.
      console: shows a bar for each file where it is a terminal.

    Returns:
      Why a file could not be had, in a few words; nothing where all are there.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")  # it says each address otherwise
    try:
        files.make_folder(folder)
    except UserError:
        return f"{folder} cannot be written"
    failure = "no mirror answers"
    for mirror in mirrors:
        if not _answers(mirror + next(iter(sums))):
            continue
        try:
            with Progress(
                TextColumn("  {task.description}"), BarColumn(bar_width=30), DownloadColumn(),
                console=console, transient=True, disable=console is None or not console.is_terminal,
            ) as progress:  # fmt: skip
                for name, sha256 in sums.items():
                    get = pooch.HTTPDownloader(_Bar(progress, name), chunk_size=PIECE, timeout=PATIENCE)
                    pooch.retrieve(mirror + name, f"sha256:{sha256}", fname=name, path=folder, downloader=get)
            return ""
        except OSError as error:  # every error of a connection is one, too, but without the system's words
            failure = error.strerror or f"the connection broke off or {name} is not there"
        except ValueError:
            failure = f"what came as {name} has a wrong checksum"
    return failure


class _Bar:
    """What pooch asks of a progress bar, drawn by rich."""

    total = 0  # set by pooch, once it knows

    def __init__(self, progress: Progress, name: str):
        self._progress, self._task = progress, progress.add_task(name, total=None)

    def update(self, size: int) -> None:
        self._progress.update(self._task, total=self.total or None, advance=size)

    def reset(self) -> None:
        self._progress.reset(self._task)

    def close(self) -> None:
        pass


def _answers(address: str) -> bool:
    """Says whether a mirror answers in time, whatever it says.

    It is asked in a thread that may be left behind: looking up a name, and trying each of a host's many addresses,
    have no time limit of their own.
    """
    import pooch

    answer: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def ask():
        try:
            pooch.HTTPDownloader(timeout=PATIENCE)(address, None, None, check_only=True)
        except OSError:
            answer.put(False)
        else:
            answer.put(True)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.get(timeout=PATIENCE)
    except queue.Empty:
        return False
