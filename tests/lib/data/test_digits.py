"""The digits: MNIST is the original or refused by name, downloads are whole or not at all, the stand-in says so."""

import gzip
import hashlib
import http.server
import os
import socket
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import requests
from rich.console import Console

from experiments.lib.data import digits, idx, mirrors
from experiments.lib.errors import UserError

REAL = [Path(os.environ["NALU_TESTS_MNIST"])] if "NALU_TESTS_MNIST" in os.environ else []  # see conftest.py
# MNIST is not in the repository and tests download nothing; the other tests hold the same with made-up files.
of_mnist_itself = pytest.mark.skipif(not REAL, reason="MNIST is not here: set NALU_DATA to its folder")
ORIGINALS = digits.FILES
NAMES = [file.name for file in digits.FILES]
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES


def pack(*shape: int, magic: int | None = None, data: bytes | None = None) -> bytes:
    """Returns a gzipped IDX file by hand: bytes 0, 1, 2, ... in the given shape."""
    magic = {1: 2049, 3: 2051}[len(shape)] if magic is None else magic
    header = struct.pack(f">{1 + len(shape)}I", magic, *shape)
    return gzip.compress(header + (bytes(range(int(np.prod(shape)))) if data is None else data), mtime=0)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


SMALL = dict(zip(NAMES, (pack(5, 2, 3), pack(5), pack(4, 2, 3), pack(4)), strict=True))
SHAPES = dict(zip(NAMES, ((5, 2, 3), (5,), (4, 2, 3), (4,)), strict=True))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Returns the cache of a user who has nothing yet; four tiny files stand for MNIST's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("NALU_DATA", raising=False)
    small = [
        digits.File(name, sha256(SMALL[name]), sha256(gzip.decompress(SMALL[name])), SHAPES[name]) for name in NAMES
    ]
    monkeypatch.setattr(digits, "FILES", tuple(small))
    monkeypatch.setattr(digits, "MIRRORS", (silent_address(),))
    return tmp_path / "cache" / "nalu" / "mnist"


def silent_address() -> str:
    """Returns an address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


@pytest.fixture
def distrusted(monkeypatch):
    """A proxy with a certificate of its own in front of every mirror."""

    def head(*_, **options):
        asked.append(options)
        raise requests.exceptions.SSLError("certificate verify failed: self-signed certificate in certificate chain")

    asked: list[dict] = []
    monkeypatch.setattr(requests, "head", head)
    monkeypatch.setattr(digits, "MIRRORS", ("https://one.example/mnist/", "https://two.example/"))
    for name in mirrors.CERTIFICATES:
        monkeypatch.delenv(name, raising=False)
    return asked


@pytest.fixture
def serve():
    """Returns a function that starts a server of the given files and returns its address and what it was asked for."""
    running = []

    def start(contents: dict[str, bytes], *, cut: str = "") -> tuple[str, list[str]]:
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self):
                self._answer()

            def do_GET(self):
                asked.append(self.path[1:])
                body = self._answer()
                self.wfile.write(body[: len(body) // 2] if self.path[1:] == cut else body)

            def _answer(self) -> bytes:
                body = contents.get(self.path[1:])
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                return body or b""

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/", asked

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


def lay(folder: Path, contents: dict[str, bytes] = SMALL) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# The format


def test_a_file_by_hand_is_read():
    images = idx.parse(idx.unpack(pack(2, 2, 3)), (2, 2, 3))
    np.testing.assert_array_equal(images, [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]])
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(idx.parse(gzip.decompress(pack(3, data=b"\x05\x00\xff")), (3,)), [5, 0, 255])


@pytest.mark.parametrize(
    ("packed", "shape", "sentence"),
    [
        (pack(3)[:-9], (3,), "is cut short"),
        (b"<html>not here</html>", (3,), "is no IDX file, packed or unpacked"),
        (pack(3)[:12] + b"\xff\xff" + pack(3)[14:], (3,), "is a damaged gzip file"),
        (gzip.compress(b"\0\0\x08", mtime=0), (3,), "is too short for an IDX file"),
        (b"", (3,), "is too short for an IDX file"),
        (pack(3), (3, 1, 1), "is too short for an IDX file"),
        (pack(9), (9, 1, 1), "opens with 2049, but a file of images opens with 2051"),
        (pack(3, 1, 1), (3,), "opens with 2051, but a file of labels opens with 2049"),
        (pack(3, magic=0x0D01), (3,), "opens with 3329, but a file of labels opens with 2049"),
        (pack(4), (3,), "holds 4 values, but must hold 3"),
        (pack(2, 3, 2), (2, 2, 3), "holds 2 x 3 x 2 values, but must hold 2 x 2 x 3"),
        (pack(3, data=b"12"), (3,), "has 2 bytes of data, but must have 3"),
        (pack(3, data=b"1234"), (3,), "has 4 bytes of data, but must have 3"),
    ],
)
def test_a_file_of_another_form_is_refused(packed, shape, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        idx.parse(idx.unpack(packed), shape)


# The user's folder


def test_a_named_folder_is_read_and_left_alone(tmp_path, monkeypatch, cache):
    folder = lay(tmp_path / "mine")
    before = names(folder)
    told = []
    assert digits.prepare(folder, told.append) == "mnist"
    data = digits.load("mnist", folder)
    assert data.train_images.shape == (5, 2, 3)
    assert data.test_labels.tolist() == [0, 1, 2, 3]
    assert (data.name, data.notice, told) == ("MNIST", "", [])
    assert names(folder) == before
    assert not cache.exists()
    monkeypatch.setenv("NALU_DATA", str(folder))
    assert digits.prepare(None, told.append) == "mnist"
    assert digits.load("mnist") is data  # read once


def test_arrays_that_everyone_shares_cannot_be_changed(tmp_path):
    for data in (digits.load("mnist", lay(tmp_path / "mine")), digits.load("uci-digits")):
        assert not any(array.flags.writeable for array in data[:4])
        assert data.train_labels.dtype == data.test_labels.dtype == np.int32


def unpacked(name: str) -> bytes:
    return gzip.decompress(SMALL[name])


LAYOUTS = {
    "torchvision's root": {f"MNIST/raw/{name.removesuffix('.gz')}": unpacked(name) for name in NAMES},
    "torchvision's folder": {f"raw/{name}": SMALL[name] for name in NAMES},
    "unpacked": {name.removesuffix(".gz"): unpacked(name) for name in NAMES},
    "a full stop for a hyphen": {name.removesuffix(".gz").replace("-idx", ".idx"): unpacked(name) for name in NAMES},
    "each in a folder": {f"{2 * f'/{name[:-3]}'}"[1:]: unpacked(name) for name in NAMES},
    "packed again": {name: gzip.compress(unpacked(name), compresslevel=1, mtime=7) for name in NAMES},
    "unpacked under the packed name": {name: unpacked(name) for name in NAMES},
    "a damaged one beside a good one": {TRAIN_IMAGES: b"cut", **{name[:-3]: unpacked(name) for name in NAMES}},
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_file_counts_by_what_it_holds_wherever_other_programs_lay_it(tmp_path, layout):
    for name, data in layout.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert digits.prepare(tmp_path / "mine", pytest.fail) == "mnist"
    data = digits.load("mnist", tmp_path / "mine")
    assert data.train_images.ravel().tolist() == list(range(30))
    assert data.test_labels.tolist() == [0, 1, 2, 3]


def test_an_unpacked_file_of_another_data_set_is_refused_by_name(tmp_path):
    folder = lay(
        tmp_path / "mine", {name[:-3]: unpacked(name) for name in NAMES} | {TEST_LABELS[:-3]: b"\0\0\x08\1\0\0\0\4abcd"}
    )
    with pytest.raises(UserError, match=f"{folder}/{TEST_LABELS[:-3]} differs from the original"):
        digits.prepare(folder, pytest.fail)


@of_mnist_itself
def test_the_published_sums_are_those_of_the_original_files():
    for file in ORIGINALS:
        packed = (REAL[0] / file.name).read_bytes()
        assert (sha256(packed), sha256(gzip.decompress(packed))) == (file.sha256, file.content_sha256)


DAMAGES = {
    "truncated": ({TEST_IMAGES: SMALL[TEST_IMAGES][:-9]}, f"{TEST_IMAGES} is cut short"),
    "corrupt": ({TRAIN_LABELS: b"\0" + SMALL[TRAIN_LABELS][1:]}, f"{TRAIN_LABELS} is no IDX file, packed or unpacked"),
    "labels for images": (
        {TRAIN_IMAGES: SMALL[TRAIN_LABELS]},
        f"{TRAIN_IMAGES} holds what belongs into {TRAIN_LABELS}",
    ),
    "test for train": ({TRAIN_LABELS: SMALL[TEST_LABELS]}, f"{TRAIN_LABELS} holds what belongs into {TEST_LABELS}"),
    "one bit": (
        {TEST_LABELS: pack(4, data=b"\0\1\2\4")},
        f"{TEST_LABELS} differs from the original (wrong SHA-256 sum)",
    ),
    "another data set": ({TEST_LABELS: pack(7)}, f"{TEST_LABELS} holds 7 values, but must hold 4"),
}


@pytest.mark.parametrize(("damage", "wrong"), DAMAGES.values(), ids=DAMAGES)
def test_a_wrong_file_is_refused_by_name(tmp_path, cache, damage, wrong):
    folder = lay(tmp_path / "mine", SMALL | damage)
    for refused in (lambda: digits.load("mnist", folder), lambda: digits.prepare(folder, print)):
        with pytest.raises(UserError) as caught:
            refused()
        sentence = f"{folder}/{wrong}: put MNIST's original file in its place and repeat the command."
        assert (str(caught.value), caught.value.status) == (sentence, 2)

    lay(cache, SMALL | damage)
    for refused in (lambda: digits.load("mnist"), lambda: digits.prepare(None, lambda _: None)):
        with pytest.raises(UserError) as caught:
            refused()
        sentence = f"{cache}/{wrong}: remove it and repeat the command."
        assert (str(caught.value), caught.value.status) == (sentence, 1)


def test_a_missing_file_is_told_by_name(tmp_path):
    folder = lay(tmp_path / "mine")
    (folder / TEST_LABELS).unlink()
    sentence = (
        f"{folder}/{TEST_LABELS} cannot be read (No such file or directory): "
        "put MNIST's four original files there, packed or unpacked, or leave out --data and NALU_DATA to have them "
        "downloaded."
    )
    for refused in (lambda: digits.load("mnist", folder), lambda: digits.prepare(folder, print)):
        with pytest.raises(UserError) as caught:
            refused()
        assert str(caught.value) == sentence
    with pytest.raises(UserError, match=f"nalu/mnist/{TRAIN_IMAGES} cannot be read .* a network connection, or name"):
        digits.load("mnist")


# Mirrors


def test_the_next_mirror_is_tried_and_the_files_are_kept(monkeypatch, cache, serve):
    nothing, _ = serve({})
    wrong, _ = serve(dict.fromkeys(NAMES, b"Please log in."))
    cut, _ = serve(SMALL, cut=TEST_IMAGES)
    whole, asked = serve(SMALL)
    monkeypatch.setattr(digits, "MIRRORS", (silent_address(), nothing, wrong, cut, whole))
    told = []
    assert digits.prepare(None, told.append) == "mnist"
    assert told == [f"Downloading MNIST into {cache} (12 MB, once)."]
    assert asked == [TEST_IMAGES, TEST_LABELS]  # the others came whole from the mirror that broke off
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == SMALL
    assert digits.load("mnist").train_labels.tolist() == [0, 1, 2, 3, 4]
    monkeypatch.setattr(digits, "MIRRORS", ())
    assert digits.prepare(None, told.append) == "mnist"
    assert len(told) == 1


@pytest.mark.parametrize(
    ("contents", "failure"),
    [
        (SMALL, f"the connection broke off or {TRAIN_LABELS} is not there"),
        ({TRAIN_IMAGES: SMALL[TRAIN_IMAGES]}, f"the connection broke off or {TRAIN_LABELS} is not there"),
        (SMALL | {TRAIN_LABELS: SMALL[TRAIN_LABELS][:-9]}, f"what came as {TRAIN_LABELS} has a wrong checksum"),
    ],
    ids=["broken off", "absent", "wrong"],
)
def test_a_failed_download_leaves_nothing_half_written(monkeypatch, cache, serve, contents, failure):
    address, _ = serve(contents, cut=TRAIN_LABELS if contents is SMALL else "")
    monkeypatch.setattr(digits, "MIRRORS", (address,))
    told = []
    assert digits.prepare(None, told.append) == "uci-digits"
    assert told[1].startswith(f"MNIST could not be downloaded ({failure}): going on with")
    assert names(cache) == [TRAIN_IMAGES]


def test_a_damaged_file_of_the_cache_is_replaced_where_there_is_a_network(monkeypatch, cache, serve):
    lay(cache, SMALL | {TEST_LABELS: b"half"})
    address, asked = serve(SMALL)
    monkeypatch.setattr(digits, "MIRRORS", (address,))
    assert digits.prepare(None, lambda _: None) == "mnist"
    assert asked == [TEST_LABELS]
    assert (cache / TEST_LABELS).read_bytes() == SMALL[TEST_LABELS]


def test_a_bar_is_shown_on_a_terminal_only(monkeypatch, tmp_path, serve, capsys):
    address, _ = serve(SMALL)
    monkeypatch.setattr(digits, "MIRRORS", (address,))
    for terminal in (True, False):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / str(terminal)))
        with open(tmp_path / "screen", "w+", encoding="utf-8") as screen:
            console = Console(file=screen, force_terminal=terminal, width=100)
            assert digits.prepare(None, lambda _: None, console=console) == "mnist"
            screen.seek(0)
            assert (TRAIN_IMAGES in screen.read()) == terminal
    assert capsys.readouterr() == ("", "")


def test_a_certificate_that_is_not_trusted_is_told_and_nothing_goes_on_with_the_stand_in(cache, distrusted):
    with pytest.raises(UserError) as caught:
        digits.prepare(None, lambda _: None)
    assert (str(caught.value), caught.value.status) == (
        "The certificate of one.example is not trusted, as behind a company's proxy: name a file that holds the "
        "proxy's certificate with SSL_CERT_FILE or REQUESTS_CA_BUNDLE, or put the files into a folder and name it "
        "with --data, and repeat the command.",
        1,
    )
    assert [options.get("verify") for options in distrusted] == [None, None]


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_certificates_that_the_user_names_are_trusted(monkeypatch, distrusted, name):
    monkeypatch.setenv(name, "/etc/company.pem")
    with pytest.raises(UserError):
        digits.prepare(None, lambda _: None)
    assert [options["verify"] for options in distrusted] == ["/etc/company.pem"] * 2


def test_a_file_of_certificates_that_is_not_there_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    monkeypatch.setattr(digits, "MIRRORS", ("https://127.0.0.1:9/",))
    with pytest.raises(
        UserError, match=r"REQUESTS_CA_BUNDLE is .*/none.pem, but there is no such file of certificates"
    ):
        digits.prepare(None, lambda _: None)


def test_a_mirror_that_is_trusted_helps_where_another_is_not(monkeypatch, cache, serve):
    address, _ = serve(SMALL)
    head = requests.head

    def distrust(url, **options):
        if url.startswith("https"):
            raise requests.exceptions.SSLError("certificate verify failed")
        return head(url, **options)

    monkeypatch.setattr(requests, "head", distrust)
    monkeypatch.setattr(digits, "MIRRORS", ("https://one.example/", address))
    assert digits.prepare(None, lambda _: None) == "mnist"


def test_a_proxy_that_lets_nothing_through_is_said(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", silent_address())
    monkeypatch.setattr(digits, "MIRRORS", ("http://one.example/",))
    told = []
    assert digits.prepare(None, told.append) == "uci-digits"
    assert "(the proxy lets nothing through): going on with UCI digits" in told[1]


def test_without_a_home_folder_the_stand_in_is_used_and_said(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    told = []
    assert digits.prepare(None, told.append) == "uci-digits"
    assert told == [
        "MNIST cannot be kept (there is no home folder): going on with UCI digits, a stand-in; not comparable with the "
        "paper."
    ]
    assert digits.load("uci-digits").name == "UCI digits"


# The stand-in


def test_without_a_network_the_stand_in_is_used_and_said(cache):
    told = []
    assert digits.prepare(None, told.append) == "uci-digits"
    assert told == [
        f"Downloading MNIST into {cache} (12 MB, once).",
        "MNIST could not be downloaded (no mirror answers): "
        "going on with UCI digits, a stand-in; not comparable with the paper.",
    ]
    data = digits.load("uci-digits")
    assert data.name == "UCI digits"
    assert data.notice == "UCI digits stand-in: not comparable with the paper"


def test_a_mirror_that_keeps_silent_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(mirrors, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setattr(digits, "MIRRORS", (f"http://127.0.0.1:{deaf.getsockname()[1]}/",))
        told = []
        assert digits.prepare(None, told.append) == "uci-digits"
    assert "(no mirror answers)" in told[1]


def test_where_nothing_can_be_kept_the_stand_in_is_used(cache):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"in the way")
    told = []
    assert digits.prepare(None, told.append) == "uci-digits"
    assert told[1].startswith(f"MNIST could not be downloaded ({cache} cannot be written): going on with")


def test_the_stand_in_is_laid_out_like_mnist():
    data = digits.load("uci-digits")
    assert (data.train_images.shape, data.train_labels.shape) == ((1297, 28, 28), (1297,))
    assert (data.test_images.shape, data.test_labels.shape) == ((500, 28, 28), (500,))
    images = np.concatenate([data.train_images, data.test_images])
    assert images.dtype == np.uint8
    assert images.max() == 255
    margin = np.ones((28, 28), bool)
    margin[4:24, 4:24] = False
    assert not images[:, margin].any()
    assert images[:, [4, 23]].any()
    assert set(data.train_labels.tolist()) == set(data.test_labels.tolist()) == set(range(10))
    assert len({image.tobytes() for image in images}) == 1797  # so no image is in both halves, either
    # optdigits.names: the class counts of the file that scikit-learn carries.
    counts = np.bincount(np.concatenate([data.train_labels, data.test_labels]))
    np.testing.assert_array_equal(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])


def test_the_stand_in_s_images_are_the_originals_enlarged_with_their_labels():
    """A pixel's centre lies at (p + 1/2) / 2.5 - 1/2 of the original, held at its edge, and linear between pixels."""
    from sklearn import datasets

    originals = datasets.load_digits()
    at = np.clip((np.arange(20) + 0.5) / 2.5 - 0.5, 0, 7)
    weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(8)))  # [20, 8]
    enlarged = 255 / 16 * (weights @ originals.images @ weights.T)  # [1797, 20, 20]
    data = digits.load("uci-digits")
    images = np.concatenate([data.train_images, data.test_images])[:, 4:24, 4:24].astype(float)
    labels = np.concatenate([data.train_labels, data.test_labels])
    nearest = (images.reshape(1797, 400) @ enlarged.reshape(1797, 400).T - (enlarged**2).sum((1, 2)) / 2).argmax(1)
    assert sorted(nearest) == list(range(1797))
    np.testing.assert_allclose(images, enlarged[nearest], rtol=0, atol=0.5 + 1e-9)
    np.testing.assert_array_equal(labels, originals.target[nearest])


def test_the_stand_in_is_the_same_each_time():
    first = digits.load("uci-digits")
    digits._stand_in.cache_clear()
    second = digits.load("uci-digits")
    assert second is not first
    for a, b in zip(first[:4], second[:4], strict=True):
        np.testing.assert_array_equal(a, b)


# MNIST itself


@of_mnist_itself
def test_mnist_is_the_one_that_was_published(monkeypatch):
    monkeypatch.undo()  # the real names and sums
    data = digits.load("mnist", REAL[0])
    assert (data.train_images.shape, data.train_labels.shape) == ((60_000, 28, 28), (60_000,))
    assert (data.test_images.shape, data.test_labels.shape) == ((10_000, 28, 28), (10_000,))
    assert (data.train_images.dtype, data.name, data.notice) == (np.uint8, "MNIST", "")
    assert data.train_labels[0] == 5
    test_counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    np.testing.assert_array_equal(np.bincount(data.test_labels), test_counts)
    counts = np.bincount(data.train_images.ravel(), minlength=256)
    shares, values = counts / counts.sum(), np.arange(256) / 255
    mean = shares @ values
    assert mean == pytest.approx(0.1307, abs=5e-5)
    assert np.sqrt(shares @ (values - mean) ** 2) == pytest.approx(0.3081, abs=5e-5)
