"""Galleries: what their three files hold."""

import csv
import io

import matplotlib
import matplotlib.image
import numpy as np
import pytest

from experiments.lib.report import Gallery, Picture
from experiments.lib.report.figures.drawing import draw

RNG = np.random.default_rng(0)
PICTURES = tuple(
    Picture(f"number {i}", RNG.integers(0, 256, (28, 56)).astype(np.uint8), f"truth {i}\nthe answer, {i}.5")
    for i in range(5)
)


def gallery(pictures=PICTURES, columns=2, notes=("a note",)):
    return Gallery("table4", "table4_examples", "A title", pictures, columns, notes)


@pytest.fixture(scope="module")
def files():
    return draw(gallery())


def read(files):
    """Returns the picture file's pixels `[H, W]`, 0 for black."""
    return matplotlib.image.imread(io.BytesIO(files["png"]))[..., :3].mean(axis=2)


def test_a_gallery_is_a_picture_in_two_formats(files):
    assert set(files) == {"png", "svg", "csv"}
    assert files["png"].startswith(b"\x89PNG\r\n\x1a\n")
    height, width = read(files).shape
    assert width > 1500
    assert height > 700
    assert b"<svg" in files["svg"][:1000]
    assert files["svg"].rstrip().endswith(b"</svg>")
    assert files["svg"].count(b"<image") == 5


def test_the_csv_holds_the_captions_in_order(files):
    lines = list(csv.DictReader(io.StringIO(files["csv"].decode())))
    expected = [
        {"picture": str(i + 1), "title": f"number {i}", "caption": f"truth {i}; the answer, {i}.5"} for i in range(5)
    ]
    assert lines == expected


def test_drawing_again_gives_the_same_bytes(files):
    assert draw(gallery()) == files
    assert b"<dc:date>" not in files["svg"]


@pytest.mark.parametrize(
    "other",
    [
        gallery(columns=3),
        gallery(notes=()),
        gallery((*PICTURES[:4], PICTURES[4]._replace(pixels=255 - PICTURES[4].pixels))),
        gallery((*PICTURES[:4], PICTURES[4]._replace(caption="another"))),
    ],
    ids=["columns", "notes", "pixels", "caption"],
)
def test_another_gallery_gives_another_picture(files, other):
    assert draw(other)["png"] != files["png"]


def test_every_text_is_in_the_drawing(monkeypatch):
    monkeypatch.setitem(matplotlib.rcParamsDefault, "svg.fonttype", "none")  # texts stay texts
    svg = draw(gallery())["svg"].decode()
    for text in ("A title", "a note", *(f"number {i}" for i in range(5)), "truth 4", "the answer, 4.5"):
        assert text in svg, text


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_is_drawn_black_on_white(ink):
    page = read(draw(gallery((Picture("", np.full((28, 28), ink, np.uint8), ""),), columns=1, notes=())))
    middle = page[page.shape[0] // 2, page.shape[1] // 2]
    assert middle == (0 if ink else 1)


def test_pictures_are_upright_and_side_by_side():
    """The first picture has ink in its upper left quarter, the second in its lower right."""
    pixels = np.zeros((2, 2, 2), np.uint8)
    pixels[0, 0, 0] = pixels[1, 1, 1] = 255
    dark = read(draw(gallery(tuple(Picture("", p, "") for p in pixels), columns=2, notes=()))) < 0.1
    width = dark.shape[1]
    left, right = dark[:, : width // 2], dark[:, width // 2 :]
    rows = [np.flatnonzero(half.sum(axis=1) > 100) for half in (left, right)]
    columns = [np.flatnonzero(half.sum(axis=0) > 100) for half in (left, right)]
    assert all(len(found) > 300 for found in (*rows, *columns))
    assert rows[0].max() <= rows[1].min()
    assert columns[0].max() < width * 0.27
    assert columns[1].min() + width // 2 > width * 0.73
