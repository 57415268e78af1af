"""The IDX format of MNIST's files: a magic number, the dimensions, then bytes; mostly gzipped."""

import gzip
import math
import struct
import zlib

import numpy as np

KINDS = {1: "labels", 3: "images"}  # by rank
GZIP = b"\x1f\x8b"  # how a gzip file begins (RFC 1952)
UNSIGNED_BYTES = 0x0800  # the magic number is this plus the rank


def unpack(packed: bytes) -> bytes:
    """Returns what a file holds, which may be gzipped.

    Raises:
      ValueError: it is a damaged gzip file; the message continues a sentence that begins with its name.
    """
    if not packed.startswith(GZIP):
        return packed
    try:
        return gzip.decompress(packed)
    except EOFError:
        raise ValueError("is cut short") from None
    except (OSError, zlib.error):
        raise ValueError("is a damaged gzip file") from None


def parse(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the array of an IDX file.

    Args:
      data: the file, unpacked.
      shape: the one that it must have: `(N,)` for labels, `(N, H, W)` for images.

    Returns:
      uint8, read-only.

    Raises:
      ValueError: it is no such file; the message continues a sentence that begins with its name.
    """
    header = struct.Struct(f">{1 + len(shape)}I")
    if len(data) < header.size:
        raise ValueError("is too short for an IDX file")
    magic, *found = header.unpack_from(data)
    expected = UNSIGNED_BYTES + len(shape)
    if magic >> 16:
        raise ValueError("is no IDX file, packed or unpacked")
    if magic != expected:
        raise ValueError(f"opens with {magic}, but a file of {KINDS[len(shape)]} opens with {expected}")
    if tuple(found) != shape:
        raise ValueError(f"holds {_times(found)} values, but must hold {_times(shape)}")
    if len(data) != header.size + math.prod(shape):
        raise ValueError(f"has {len(data) - header.size} bytes of data, but must have {math.prod(shape)}")
    return np.frombuffer(data, np.uint8, offset=header.size).reshape(shape)


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
