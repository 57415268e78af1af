"""Puts pictures after one another into an animated GIF."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from experiments.lib.report.artefacts import Picture

_ZOOM, _MARGIN, _LINE = 5, 12, 26  # screen pixels: of a picture's pixel, around it, and for a line of text
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
    page = np.full((height + 2 * (_MARGIN + _LINE), width + 2 * _MARGIN, 3), 255, np.uint8)
    page[_MARGIN + _LINE : -_MARGIN - _LINE, _MARGIN:-_MARGIN] = large
    frame = Image.fromarray(page)
    pen, font = ImageDraw.Draw(frame), ImageFont.load_default(size=18)
    pen.text((_MARGIN, _MARGIN - 3), picture.title, fill=(34, 34, 34), font=font)
    pen.text((_MARGIN, page.shape[0] - _MARGIN - _LINE + 5), picture.caption, fill=(34, 34, 34), font=font)
    return frame
