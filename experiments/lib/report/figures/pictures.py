"""Draws pictures with captions: galleries, and rows of pictures above other figures."""

import io

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image, ImageDraw, ImageFont

from ..artefacts import Gallery, Picture

COLUMNS = ("picture", "title", "caption")
_WIDTH, _GAP = 10.0, 0.25  # inches: of the whole, and between pictures
_TITLE, _LINE = 0.3, 0.185  # inches above a picture, and for each line of its caption
_SMALL = 1.25  # inches: a picture of a row
_ZOOM, _MARGIN, _FRAME_LINE = 5, 12, 26  # screen pixels: of a picture's pixel, around it, and for a line of text
_SHOWN, _SHOWN_LAST = 450, 2500  # milliseconds of a picture


def gif(pictures: tuple[Picture, ...]) -> bytes:
    """Returns the animation of coloured pictures of one size, titles above and captions below, again and again."""
    frames = [_frame(picture) for picture in pictures]
    first, *others = (frame.quantize(64, dither=Image.Dither.NONE) for frame in frames)
    shown = [_SHOWN] * len(others) + [_SHOWN_LAST]
    buffer = io.BytesIO()
    first.save(buffer, format="GIF", save_all=True, append_images=others, duration=shown, loop=0, optimize=True)
    return buffer.getvalue()


def _frame(picture: Picture) -> Image.Image:
    large = picture.pixels.repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)
    height, width = large.shape[:2]
    page = np.full((height + 2 * (_MARGIN + _FRAME_LINE), width + 2 * _MARGIN, 3), 255, np.uint8)
    page[_MARGIN + _FRAME_LINE : -_MARGIN - _FRAME_LINE, _MARGIN:-_MARGIN] = large
    frame = Image.fromarray(page)
    pen, font = ImageDraw.Draw(frame), ImageFont.load_default(size=18)
    pen.text((_MARGIN, _MARGIN - 3), picture.title, fill=(34, 34, 34), font=font)
    pen.text((_MARGIN, page.shape[0] - _MARGIN - _FRAME_LINE + 5), picture.caption, fill=(34, 34, 34), font=font)
    return frame


def canvas(gallery: Gallery) -> matplotlib.figure.Figure:
    """Returns the drawn gallery."""
    rows = -(-len(gallery.pictures) // gallery.columns)
    width = (_WIDTH - _GAP * (gallery.columns - 1)) / gallery.columns
    height = max(width * picture.pixels.shape[0] / picture.pixels.shape[1] for picture in gallery.pictures)
    lines = max(picture.caption.count("\n") + 1 for picture in gallery.pictures)
    row_height = _TITLE + height + lines * _LINE + 0.1
    total = rows * row_height
    canvas = matplotlib.figure.Figure(figsize=(_WIDTH, total))
    FigureCanvasAgg(canvas)
    for i, picture in enumerate(gallery.pictures):
        left = (i % gallery.columns) * (width + _GAP)
        bottom = total - (i // gallery.columns) * row_height - _TITLE - height
        axes = canvas.add_axes((left / _WIDTH, bottom / total, width / _WIDTH, height / total))
        _show(axes, picture)
        canvas.text(left / _WIDTH, (bottom + height + 0.06) / total, picture.title, fontsize=9.5, fontweight="bold")
        below = {"fontsize": 8.5, "va": "top", "linespacing": 1.3, "color": "#222222"}
        canvas.text(left / _WIDTH, (bottom - 0.06) / total, picture.caption, **below)
    canvas.text(0, 1 + 0.1 / total, gallery.title, fontsize=13, fontweight="bold", va="bottom")
    if gallery.notes:
        canvas.text(0, 0, "\n".join(gallery.notes), fontsize=8, color="#555555", va="top", linespacing=1.4)
    return canvas


def draw_row(canvas: matplotlib.figure.Figure, pictures: tuple[Picture, ...], left: float, bottom: float) -> float:
    """Draws small pictures side by side, their titles above them, and returns where their titles end.

    Args:
      left, bottom: where the row begins, in fractions of the canvas, as is what is returned.
    """
    width, height = canvas.get_size_inches()
    for i, picture in enumerate(pictures):
        x = left + i * (_SMALL + _GAP / 2) / width
        axes = canvas.add_axes((x, bottom, _SMALL / width, _SMALL / height))
        _show(axes, picture)
        axes.set_title(picture.title, fontsize=9, loc="left", pad=4)
        axes.set_xlabel(picture.caption, fontsize=8.5, loc="left", labelpad=4)
    return bottom + (_SMALL + _TITLE) / height


def _show(axes: Axes, picture: Picture) -> None:
    pixels = picture.pixels if picture.pixels.ndim == 3 else 255 - picture.pixels
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color("#bbbbbb")


def captions(gallery: Gallery) -> list[list[str]]:
    """Returns what the pictures say, line by line."""
    return [[str(i + 1), p.title, p.caption.replace("\n", "; ")] for i, p in enumerate(gallery.pictures)]
