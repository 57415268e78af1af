"""Downloads published files from the first mirror that has them; a machine without a network is told soon."""

import os
import queue
import threading
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from ..errors import UserError
from ..store import files

PATIENCE = 10.0  # seconds: for a mirror's first answer, and between two pieces of a file
PIECE = 1 << 16  # bytes
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")  # name a file of them; the first counts


def fetch(sums: dict[str, str], folder: Path, mirrors: tuple[str, ...], *, console: Console | None = None) -> str:
    """Downloads files into `folder`: each appears whole and with the right checksum (pooch sees to it), or not at all.

    Args:
      sums: the SHA-256 sum of each file by name; a file that is there with another sum is replaced.
      mirrors: addresses that a file's name is put behind, in order of preference.
      console: shows a bar for each file where it is a terminal.

    Returns:
      Why a file could not be had, in a few words; nothing where all are there.

    Raises:
      UserError: no mirror helped, and the certificate of one is not trusted, as behind a company's proxy.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # it says each address otherwise
    try:
        files.make_folder(folder)
    except UserError:
        return f"{folder} cannot be written"
    failure, distrusted = "no mirror answers", ""
    for mirror in mirrors:
        answer = _ask(mirror + next(iter(sums)))
        if answer is not None:
            distrusted = distrusted or _distrust(answer, mirror)
            if isinstance(answer, requests.exceptions.ProxyError):
                failure = "the proxy lets nothing through"
            continue
        try:
            with Progress(
                TextColumn("  {task.description}"),
                BarColumn(bar_width=30),
                DownloadColumn(),
                console=console,
                transient=True,
                disable=console is None or not console.is_interactive,
            ) as progress:
                for name, sha256 in sums.items():
                    get = pooch.HTTPDownloader(_Bar(progress, name), chunk_size=PIECE, **_options())
                    pooch.retrieve(mirror + name, f"sha256:{sha256}", fname=name, path=folder, downloader=get)
            return ""
        except OSError as error:  # every error of a connection is one, too, but without the system's words
            failure = error.strerror or f"the connection broke off or {name} is not there"
        except ValueError:
            failure = f"what came as {name} has a wrong checksum"
    if distrusted:
        raise UserError(distrusted)
    return failure


def _options() -> dict[str, Any]:
    """Returns how long to wait, and whose certificates to trust: those that the user names, or else the usual ones."""
    named = [os.environ[name] for name in CERTIFICATES if os.environ.get(name)]
    return {"timeout": PATIENCE, **({"verify": named[0]} if named else {})}


def _distrust(error: Exception, mirror: str) -> str:
    """Returns the sentence for a certificate that is not trusted, and nothing for any other trouble with a mirror."""
    import requests

    host = mirror.split("/")[2]
    otherwise = "or put the files into a folder and name it with --data, and repeat the command."
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"The certificate of {host} is not trusted, as behind a company's proxy: name a file that holds the "
            f"proxy's certificate with SSL_CERT_FILE or REQUESTS_CA_BUNDLE, {otherwise}"
        )
    for name in CERTIFICATES:
        if (file := os.environ.get(name)) and file in str(error):
            return f"{name} is {file}, but there is no such file of certificates: correct or unset it, {otherwise}"
    return ""


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


def _ask(address: str) -> Exception | None:
    """Returns the error with which a mirror cannot be asked; None where it answers in time, whatever it says.

    It is asked in a thread that may be left behind: looking up a name, and trying each of a host's many addresses,
    have no time limit of their own.
    """
    import requests

    answer: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            requests.head(address, allow_redirects=True, **_options())
        except Exception as error:  # what a strange proxy or certificate makes of it, too
            answer.put(error)
        else:
            answer.put(None)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.get(timeout=PATIENCE)
    except queue.Empty:
        return TimeoutError()
