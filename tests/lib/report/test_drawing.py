"""Figures: what their three files hold."""

import csv
import io

import numpy as np
import pytest
from scipy import optimize

from experiments.lib.report import Curve, Figure, Panel
from experiments.lib.report.figures import curve_labels
from experiments.lib.report.figures.drawing import draw

X = np.linspace(-20, 20, 41, dtype=np.float32)


def figure(labels=20):
    ours = tuple(
        Curve(f"cell {i}", X, np.abs(X) * i / 20, np.abs(X) * i / 25, np.abs(X) * i / 15) for i in range(labels)
    )
    paper = Curve("cell 3", np.array([-20.0, 20.0]), np.array([3.0, 3.5]), style="paper")
    broken = Curve("broken", X, np.where(X > 0, np.nan, 0.1).astype(np.float32), style="extra")
    frame = {"x_label": "x", "y_label": "error", "training_range": (-5.0, 5.0)}
    panels = (
        Panel("first", curves=(*ours, paper), x_limits=(-20, 20), y_limits=(0, 15), **frame),
        Panel("second", curves=(broken, Curve("cell 3", X, np.exp(X), style="paper")), y_scale="log", **frame),
    )
    return Figure("figure1", "figure1", "A title", panels, ("n = 100 seeds",))


EDGES = (0.12345678905, 1.00000000005, 123456.78905, 1e-05, 2 / 3, -98.7654321055)  # most: of the tenth digit


@pytest.mark.parametrize("towards", [-np.inf, np.inf])
def test_the_last_bit_of_a_number_changes_no_digit_that_a_figure_draws(towards):
    """Processors differ in it: `np.logspace(-5, 3, 161)[0]` is 1e-05 on one and 9.999999999999999e-06 on another."""
    exact = np.array(EDGES)

    def lines(values):
        curve = Curve("cell", values, values, values, values, each=np.array([values]))
        return draw(Figure("figure1", "figure1", "A title", (Panel("first", "x", "y", (curve,)),)))["csv"]

    assert np.all(np.nextafter(exact, towards) != exact)
    assert lines(np.nextafter(exact, towards)) == lines(exact)


def test_what_float32_holds_is_in_the_file_to_the_last_bit():
    values = np.nextafter(np.float32([0.1, 15.056746, 98.37]), np.float32(np.inf), dtype=np.float32)
    curve = Curve("cell", values, values)
    held = draw(Figure("figure1", "figure1", "A title", (Panel("first", "x", "y", (curve,)),)))["csv"]
    read = [float(line["y"]) for line in csv.DictReader(io.StringIO(held.decode()))]
    np.testing.assert_array_equal(np.float32(read), values)


@pytest.fixture(scope="module")
def files():
    return draw(figure())


def test_the_pictures_are_pictures(files):
    assert files["png"].startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(files["png"][i : i + 4]) for i in (16, 20))
    assert width > 1500
    assert height > 700
    assert b"<svg" in files["svg"][:1000]
    assert files["svg"].rstrip().endswith(b"</svg>")


def test_the_csv_holds_exactly_what_was_drawn(files):
    lines = list(csv.DictReader(io.StringIO(files["csv"].decode())))
    assert list(lines[0]) == ["panel", "curve", "style", "x", "y", "low", "high"]
    for panel in figure().panels:
        for curve in panel.curves:
            mine = [
                li for li in lines if [li["panel"], li["curve"], li["style"]] == [panel.title, curve.label, curve.style]
            ]
            for name in ("x", "y", "low", "high"):
                values = getattr(curve, name)
                read = np.array([float(line[name] or "nan") for line in mine])
                expected = np.full(len(curve.x), np.nan) if values is None else values
                np.testing.assert_array_equal(read.astype(expected.dtype), expected)
    assert len(lines) == 20 * 41 + 2 + 41 + 41


def test_drawing_again_gives_the_same_bytes(files):
    assert draw(figure()) == files
    assert b"<dc:date>" not in files["svg"]


def test_another_figure_gives_another_picture(files):
    assert draw(figure(labels=3))["png"] != files["png"]


@pytest.mark.parametrize("curves", [(), (Curve("gone", X, np.full(41, np.nan)),)])
def test_a_panel_whose_runs_are_missing_or_diverged_is_still_drawn(curves):
    files = draw(Figure("figure1", "figure1", "t", (Panel("p", "x", "y", curves, (-5, 5)),)))
    assert files["png"].startswith(b"\x89PNG")


@pytest.mark.parametrize("names", [1, 2, 5, 15])
def test_names_of_curves_are_moved_as_little_as_least_squares_allow(names):
    """Isotonic regression, as scipy computes it, of what must not come nearer than a gap."""
    heights = np.sort(np.random.default_rng(names).uniform(size=names))
    gaps = min(curve_labels._LABEL_GAP, 1 / max(names - 1, 1)) * np.arange(names)
    expected = np.clip(optimize.isotonic_regression(heights - gaps).x, 0, 1 - gaps[-1]) + gaps
    np.testing.assert_allclose(curve_labels._spread(heights), expected, atol=1e-12)
