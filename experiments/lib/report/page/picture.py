"""Makes drawn pictures small enough to stand inside a page, as addresses that hold them."""

import base64
import io

from PIL import Image

# A third of the bytes, where SVG with its glyphs takes more. The colours of curves come out right to 6 of 255; with 64
# colours, where there are many bands, two of them become one.
_COLOURS = 256


def as_png(png: bytes) -> str:
    """Returns the picture of a PNG file, in a palette of its own, as a `data:` address."""
    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    small.save(buffer, format="PNG", optimize=True)
    return _address("image/png", min(buffer.getvalue(), png, key=len))


def as_gif(gif: bytes) -> str:
    """Returns a GIF file, which has a palette already, as a `data:` address."""
    return _address("image/gif", gif)


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
