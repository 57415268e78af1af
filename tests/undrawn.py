"""Rendering without its pictures: for tests of tables, claims and pages, since drawing takes most of the time."""

from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image


def leave_pictures_out(patch: pytest.MonkeyPatch) -> None:
    """Has figures saved as one pixel; what is written beside them, their points among it, stays as it is."""

    def one_pixel(figure: Figure, file: Any, **_: Any) -> None:
        Image.new("L", (1, 1)).save(file, "PNG")

    patch.setattr(Figure, "savefig", one_pixel)


def leave_layout_out(patch: pytest.MonkeyPatch) -> None:
    """Has figures not even laid out, for what draws dozens of them: `tests/test_experiments.py` lays out each kind."""
    patch.setattr(Figure, "draw_without_rendering", lambda figure: None)
    patch.setattr(Figure, "get_tightbbox", lambda figure: Bbox.unit())
