"""MNIST, or a stand-in where it cannot be had: the one module that reads data sets.

MNIST comes from the folder that the user names, else from the user's cache, which `prepare` alone fills. A file counts
by what it holds, whether it is packed or not. Which of the two data sets a run used belongs to its address, so that the
stand-in never passes for MNIST.
"""

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console

from ..errors import UserError
from ..store import files
from . import idx, mirrors

Part = tuple[np.ndarray, np.ndarray]  # images [N, 28, 28] uint8 and labels [N]

MNIST, STAND_IN = "mnist", "uci-digits"

NOTICE = "UCI digits stand-in: not comparable with the paper"

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")

PLACES = (".", "raw", "MNIST/raw")  # within the user's folder: torchvision's root, and what it makes below

TEST_IMAGES = 500  # of the stand-in's 1,797


class Digits(NamedTuple):
    """Images with one written digit each; the arrays are read-only, since everyone shares them."""

    train_images: np.ndarray  # [N, 28, 28] uint8, ink is 255
    train_labels: np.ndarray  # [N] int32, so that sums of labels do not overflow
    test_images: np.ndarray
    test_labels: np.ndarray
    name: str
    notice: str  # what a table must say; empty for MNIST


class File(NamedTuple):
    """One of MNIST's original files: the sums of it, and of what it holds when it is unpacked."""

    name: str
    sha256: str
    content_sha256: str
    shape: tuple[int, ...]


FILES = (  # in the order of Digits; LeCun, Cortes and Burges
    File(
        "train-images-idx3-ubyte.gz",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        (60_000, 28, 28),
    ),
    File(
        "train-labels-idx1-ubyte.gz",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        (60_000,),
    ),
    File(
        "t10k-images-idx3-ubyte.gz",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        (10_000, 28, 28),
    ),
    File(
        "t10k-labels-idx1-ubyte.gz",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        (10_000,),
    ),
)


def split(source: str, hold_out: float) -> tuple[Part, Part, Part]:
    """Returns the three parts; the last `hold_out` of the training digits are for validation.

    Raises:
      UserError: see `digits.load`.
    """
    data = load(source)
    held_out = round(hold_out * len(data.train_labels))
    return (
        (data.train_images[:-held_out], data.train_labels[:-held_out]),
        (data.train_images[-held_out:], data.train_labels[-held_out:]),
        (data.test_images, data.test_labels),
    )


def suffix(source: str) -> str:
    """Returns what the title of every table and figure on these digits ends with."""
    return "" if source == MNIST else f" ({NOTICE})"


def prepare(folder: Path | None, say: Callable[[str], None], *, console: Console | None = None) -> str:
    """Returns the source that a run uses, after checking MNIST's files and downloading what the cache lacks.

    Args:
      folder: where the user says that MNIST is, and nothing is ever written; None takes `$NALU_DATA`, and without it
        the user's cache.
      say: called with each sentence that the user should read.
      console: shows a bar for each download where it is a terminal.

    Raises:
      UserError: a file of the named folder is missing or wrong, or one of the cache is damaged and no mirror helps, or
        the certificate of a mirror is not trusted.
    """
    outcome = "going on with UCI digits, a stand-in; not comparable with the paper"
    try:
        place, named = _place(folder)
    except UserError as error:
        say(f"MNIST cannot be kept ({str(error).partition(':')[0].lower()}): {outcome}.")
        return STAND_IN
    if named:
        for file in FILES:
            _read(place, named, file)
        return MNIST
    wanted = {file.name: file.sha256 for file in FILES if _sha256(place / file.name) != file.sha256}
    if not wanted:
        return MNIST
    say(f"Downloading MNIST into {place} (12 MB, once).")
    failure = mirrors.fetch(wanted, place, MIRRORS, console=console)
    if not failure:
        return MNIST
    for file in FILES:
        if os.path.exists(place / file.name):
            _read(place, named, file)  # refuses one that is damaged
    say(f"MNIST could not be downloaded ({failure}): {outcome}.")
    return STAND_IN


def load(source: str, folder: Path | None = None) -> Digits:
    """Returns a data set, read once in a process; never downloads.

    Args:
      source: "mnist" or "uci-digits".
      folder: as in `prepare`.

    Raises:
      UserError: a file of MNIST is missing, damaged or another file.
    """
    return _mnist(*_place(folder)) if source == MNIST else _stand_in()


@functools.cache
def _mnist(place: Path, named: bool) -> Digits:
    train_images, train_labels, test_images, test_labels = (
        idx.parse(_read(place, named, file), file.shape) for file in FILES
    )
    return _digits(train_images, train_labels, test_images, test_labels, name="MNIST", notice="")


@functools.cache
def _stand_in() -> Digits:
    """Returns the UCI digits (E. Alpaydin and C. Kaynak 1998), 8x8, in MNIST's layout: 20x20 within a margin of 4."""
    from scipy import ndimage
    from sklearn import datasets  # takes a second

    bunch = datasets.load_digits()
    enlarged = ndimage.zoom(bunch.images / 16, (1, 2.5, 2.5), order=1, mode="nearest", grid_mode=True)
    images = np.pad(np.rint(255 * enlarged).astype(np.uint8), ((0, 0), (4, 4), (4, 4)))
    order = np.random.RandomState(0).permutation(len(images))  # the generator whose stream NumPy has frozen
    train, test = order[:-TEST_IMAGES], order[-TEST_IMAGES:]
    return _digits(
        images[train], bunch.target[train], images[test], bunch.target[test], name="UCI digits", notice=NOTICE
    )


def _digits(train_images, train_labels, test_images, test_labels, *, name: str, notice: str) -> Digits:
    arrays = (train_images, train_labels.astype(np.int32), test_images, test_labels.astype(np.int32))
    for array in arrays:
        array.setflags(write=False)
    return Digits(*arrays, name, notice)


def _place(folder: Path | None) -> tuple[Path, bool]:
    """Returns where MNIST is looked for, and whether the user said so."""
    if name := folder or os.environ.get("NALU_DATA"):
        return Path(name).expanduser(), True
    return files.user_cache("mnist"), False


def _sha256(path: Path) -> str:
    """Returns a file's SHA-256 sum; nothing where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _candidates(place: Path, named: bool, file: File) -> list[Path]:
    """Returns where a file may lie, its own name first.

    In the user's folder it may be unpacked, spelt `train-images.idx3-ubyte`, or lie in a folder of that name, as other
    distributions of MNIST have it.
    """
    original = place / file.name
    if not named:
        return [original]
    kind = file.name.partition("-idx")[0]
    folders = [place / below for below in PLACES]
    others = [path for folder in folders for path in sorted(folder.glob(f"{kind}[-._]idx*"))]
    others += [path for folder in others if folder.is_dir() for path in sorted(folder.glob(f"{kind}[-._]idx*"))]
    found = [path for path in others if path.is_file() and path != original]
    return [original, *found] if original.exists() or not found else found


def _read(place: Path, named: bool, file: File) -> bytes:
    """Returns what one of MNIST's files holds, which has the published checksum.

    Raises:
      UserError: it does not, or cannot be read.
    """
    refusals = []
    for path in _candidates(place, named, file):
        try:
            return _content(path, named, file)
        except UserError as error:
            refusals.append(error)
    raise refusals[0]


def _content(path: Path, named: bool, file: File) -> bytes:
    status = 2 if named else 1
    try:
        packed = path.read_bytes()
    except OSError as error:
        remedy = (
            "put MNIST's four original files there, packed or unpacked, or leave out --data and NALU_DATA to have them "
            "downloaded"
            if named
            else "repeat the command with a network connection, or name a folder that holds MNIST with --data"
        )
        raise UserError(f"{path} cannot be read ({error.strerror}): {remedy}.", status=status) from error
    try:
        content = idx.unpack(packed)
        found = hashlib.sha256(content).hexdigest()
        if found == file.content_sha256:
            return content
        if other := [known.name for known in FILES if known.content_sha256 == found]:
            raise ValueError(f"holds what belongs into {other[0]}")
        idx.parse(content, file.shape)
        raise ValueError("differs from the original (wrong SHA-256 sum)")
    except ValueError as error:
        remedy = "put MNIST's original file in its place" if named else "remove it"
        raise UserError(f"{path} {error}: {remedy} and repeat the command.", status=status) from None
