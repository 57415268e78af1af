"""Convolution and max-pooling as one matrix product: the one place where the project convolves.

XLA's CPU backend convolves slowly inside a loop, and training is a loop over steps inside a loop over seeds. Here an
image is cut into overlapping tiles; one product takes a whole tile to all its outputs, with the kernel laid out as a
(Toeplitz) matrix whose columns come in the order of the four places within a pool, so that pooling is three maximums.
That is more multiplications than a convolution needs, but in a shape at which CPUs are fast. Accelerators convolve.

Axes: B images, H and W pixels, C channels in, O channels out, K side of the kernel.
"""

import math

import jax
import jax.numpy as jnp


def convolve_and_pool(x_BHWC: jax.Array, kernel_KKCO: jax.Array, bias_O: jax.Array, *, tile: int) -> jax.Array:
    """Returns the maximum over 2x2 pools of the convolution (without padding) plus bias.

    A last row or column of outputs that fills no pool is left out, as in PyTorch.

    Args:
      tile: outputs along the side of a tile, an even number; it changes speed only, and only on a CPU.

    Returns:
      `[B, (H - K + 1) // 2, (W - K + 1) // 2, O]`.
    """
    if jax.default_backend() == "cpu":
        return _by_tiles(x_BHWC, kernel_KKCO, bias_O, tile)
    return _by_convolution(x_BHWC, kernel_KKCO, bias_O)


def _by_convolution(x_BHWC: jax.Array, kernel_KKCO: jax.Array, bias_O: jax.Array) -> jax.Array:
    y_BHWO = jax.lax.conv_general_dilated(
        x_BHWC, kernel_KKCO, window_strides=(1, 1), padding="VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    b, h, w, o = y_BHWO.shape
    pooled = y_BHWO[:, : h // 2 * 2, : w // 2 * 2].reshape(b, h // 2, 2, w // 2, 2, o).max(axis=(2, 4))
    return pooled + bias_O[None, None, None]


def _by_tiles(x_BHWC: jax.Array, kernel_KKCO: jax.Array, bias_O: jax.Array, tile: int) -> jax.Array:
    b, h, w, c = x_BHWC.shape
    k, o = kernel_KKCO.shape[0], kernel_KKCO.shape[-1]
    pooled_h, pooled_w = (h - k + 1) // 2, (w - k + 1) // 2
    rows, columns = -(-2 * pooled_h // tile), -(-2 * pooled_w // tile)
    side = tile + k - 1
    tiles = _cut(
        _cut(x_BHWC, rows, tile, side, axis=1), columns, tile, side, axis=3
    )  # [B, rows, side, columns, side, C]
    tiles = tiles.transpose(0, 1, 3, 2, 4, 5).reshape(b * rows * columns, side * side * c)
    products = tiles @ _toeplitz(kernel_KKCO, tile)  # [tiles, 4 * (tile / 2)^2 * O]
    places = jnp.split(products, 4, axis=1)
    pooled = jnp.maximum(jnp.maximum(places[0], places[1]), jnp.maximum(places[2], places[3]))
    half = tile // 2
    pooled = pooled.reshape(b, rows, columns, half, half, o).transpose(0, 1, 3, 2, 4, 5)
    pooled = pooled.reshape(b, rows * half, columns * half, o)[:, :pooled_h, :pooled_w]
    return pooled + bias_O[None, None, None]


def _cut(x: jax.Array, count: int, stride: int, side: int, *, axis: int) -> jax.Array:
    """Replaces an axis by [count, side]: overlapping stretches of it, one every `stride`, with zeros beyond its end."""
    blocks = math.ceil(side / stride)
    size = (count + blocks - 1) * stride
    x = jax.lax.slice_in_dim(x, 0, min(size, x.shape[axis]), axis=axis)
    padding = [(0, 0)] * x.ndim
    padding[axis] = (0, size - x.shape[axis])
    x = jnp.pad(x, padding)
    x = x.reshape(*x.shape[:axis], count + blocks - 1, stride, *x.shape[axis + 1 :])
    shifted = [jax.lax.slice_in_dim(x, i, i + count, axis=axis) for i in range(blocks)]
    return jax.lax.slice_in_dim(jnp.concatenate(shifted, axis=axis + 1), 0, side, axis=axis + 1)


def _toeplitz(kernel_KKCO: jax.Array, tile: int) -> jax.Array:
    """Returns `[side * side * C, 4 * (tile / 2)^2 * O]`, which takes a tile to its outputs."""
    places = [(y, x) for y in (0, 1) for x in (0, 1)]
    starts = range(0, tile, 2)
    shifts = [(y + dy, x + dx) for dy, dx in places for y in starts for x in starts]
    shifted = [jnp.pad(kernel_KKCO, ((dy, tile - 1 - dy), (dx, tile - 1 - dx), (0, 0), (0, 0))) for dy, dx in shifts]
    matrix = jnp.stack(shifted, axis=3)
    return matrix.reshape(matrix.shape[0] * matrix.shape[1] * matrix.shape[2], -1)
