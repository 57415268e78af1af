"""Convolution and max-pooling as one matrix product: the one place where the project convolves.

XLA's CPU backend convolves slowly inside a loop, and training is a loop over steps inside a loop over seeds. Here an
image is cut into overlapping tiles; one product takes a whole tile to all its outputs, with the kernel laid out as a
(Toeplitz) matrix whose columns come in the order of the four places within a pool, so that pooling is three maximums.
That is more multiplications than a convolution needs, but in a shape at which CPUs are fast. Accelerators convolve.

Axes: B images, H and W pixels, C channels in, O channels out, K side of the kernel, N tiles.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp


def convolve_and_pool(
    x_BHWC: jax.Array, kernel_KKCO: jax.Array, bias_O: jax.Array, *, tile: int | None, filled: float = 1.0
) -> jax.Array:
    """Returns the maximum over 2x2 pools of the convolution (without padding) plus bias.

    A last row or column of outputs that fills no pool is left out, as in PyTorch.

    Args:
      tile: outputs along the side of a tile, an even number; it changes speed only, and only on a CPU. With None the
        image is not cut, as on an accelerator.
      filled: share of the tiles that usually holds anything but zeros; below 1, the empty tiles of a batch with fewer
        are not multiplied, on a CPU. That is for first layers: it leaves out the gradient of x itself in empty tiles.

    Returns:
      `[B, (H - K + 1) // 2, (W - K + 1) // 2, O]`.
    """
    if tile is None or jax.default_backend() != "cpu":
        return _by_convolution(x_BHWC, kernel_KKCO) + bias_O[None, None, None]
    return _by_tiles(x_BHWC, kernel_KKCO, tile, filled) + bias_O[None, None, None]


def _by_convolution(x_BHWC: jax.Array, kernel_KKCO: jax.Array) -> jax.Array:
    y_BHWO = jax.lax.conv_general_dilated(
        x_BHWC, kernel_KKCO, window_strides=(1, 1), padding="VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    b, h, w, o = y_BHWO.shape
    return y_BHWO[:, : h // 2 * 2, : w // 2 * 2].reshape(b, h // 2, 2, w // 2, 2, o).max(axis=(2, 4))


def _by_tiles(x_BHWC: jax.Array, kernel_KKCO: jax.Array, tile: int, filled: float) -> jax.Array:
    b, h, w, _ = x_BHWC.shape
    k, o = kernel_KKCO.shape[0], kernel_KKCO.shape[-1]
    pooled_h, pooled_w = (h - k + 1) // 2, (w - k + 1) // 2
    rows, columns = -(-2 * pooled_h // tile), -(-2 * pooled_w // tile)
    side, half = tile + k - 1, tile // 2
    tiles = _cut(_cut(x_BHWC, rows, tile, side, axis=1), columns, tile, side, axis=3)  # [B, rows, side, columns, ...]
    tiles = tiles.transpose(0, 1, 3, 2, 4, 5).reshape(b * rows * columns, -1)
    matrix = _toeplitz(kernel_KKCO, tile)

    def multiply(tiles: jax.Array) -> jax.Array:
        places = jnp.split(tiles @ matrix, 4, axis=1)
        return jnp.maximum(jnp.maximum(places[0], places[1]), jnp.maximum(places[2], places[3]))

    pooled = _multiply_filled(multiply, tiles, math.ceil(filled * len(tiles))) if filled < 1 else multiply(tiles)
    pooled = pooled.reshape(b, rows, columns, half, half, o).transpose(0, 1, 3, 2, 4, 5)
    return pooled.reshape(b, rows * half, columns * half, o)[:, :pooled_h, :pooled_w]


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
    c, o = kernel_KKCO.shape[2:]
    matrix = _shifts(_shifts(kernel_KKCO, tile, axis=0), tile, axis=2)  # [tile, side, tile, side, C, O]
    side, half = matrix.shape[1], tile // 2
    matrix = matrix.reshape(half, 2, side, half, 2, side, c, o)  # an output's row is 2 * its pool's + its place in it
    return matrix.transpose(2, 5, 6, 1, 4, 0, 3, 7).reshape(side * side * c, 4 * half * half * o)


def _shifts(x: jax.Array, count: int, *, axis: int) -> jax.Array:
    """Replaces an axis by [count, side], side = count + size - 1: what stood there, moved on by 0, 1, ... places.

    Rows of side + 1, read as rows of side, move on by one place each.
    """
    size = x.shape[axis]
    side = count + size - 1
    padding = [(0, 0)] * x.ndim
    padding[axis] = (0, side + 1 - size)
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    rows = jnp.broadcast_to(jnp.expand_dims(jnp.pad(x, padding), axis), (*before, count, side + 1, *after))
    flat = rows.reshape(*before, count * (side + 1), *after)
    return jax.lax.slice_in_dim(flat, 0, count * side, axis=axis).reshape(*before, count, side, *after)


def _multiply_filled(multiply: Any, tiles_N: jax.Array, room: int) -> jax.Array:
    """Returns `multiply(tiles)`, of which empty tiles give zeros: done for `room` tiles if no more hold anything."""
    filled_N = (tiles_N != 0).any(axis=1)
    count = filled_N.sum()

    def some(tiles_N: jax.Array) -> jax.Array:
        row_N = jnp.where(filled_N, jnp.cumsum(filled_N) - 1, room)  # of a tile among the filled ones
        tile_R = jnp.nonzero(filled_N, size=room, fill_value=0)[0]
        products_R = jnp.where((jnp.arange(room) < count)[:, None], multiply(tiles_N[tile_R]), 0)
        return _spread(products_R, row_N, tile_R, count)

    return jax.lax.cond(count <= room, some, multiply, tiles_N)


@jax.custom_vjp
def _spread(products_R: jax.Array, row_N: jax.Array, tile_R: jax.Array, count: jax.Array) -> jax.Array:
    """Returns each tile's products, zeros for the empty ones. Its gradient is a gather, too; JAX would scatter."""
    return jnp.concatenate([products_R, jnp.zeros_like(products_R[:1])])[row_N]


def _spread_forward(products_R: jax.Array, row_N: jax.Array, tile_R: jax.Array, count: jax.Array) -> Any:
    return _spread(products_R, row_N, tile_R, count), (tile_R, count)


def _spread_backward(kept: Any, gradient_N: jax.Array) -> Any:
    tile_R, count = kept
    return jnp.where((jnp.arange(len(tile_R)) < count)[:, None], gradient_N[tile_R], 0), None, None, None


_spread.defvjp(_spread_forward, _spread_backward)
