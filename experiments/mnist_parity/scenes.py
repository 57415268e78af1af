"""Images of several digits on black, after Segui, Pujol and Vitria (2015): the label is the number of even ones.

A scene is drawn from its key alone, so a finite set of scenes is a finite set of keys and takes no memory.

Axes: B scenes of a set, D digits of a scene at most, N digits to choose from, P proposals, H and W pixels of a scene.
"""

import jax
import jax.numpy as jnp

from ..lib.training.train import Train

SIDE, DIGIT = 100, 28  # pixels: of a scene (Segui et al.), and of an MNIST image
MOST = 5  # digits (Segui et al.)
APART = 22  # pixels at least between two digits, across or down; ours: MNIST's ink is at most 20 across and down
Digits = tuple[jax.Array, jax.Array]  # images [N, 28, 28] and labels [N]
PROPOSALS = 16  # layouts tried at a time; of five digits about one in twenty-five is far enough apart


def draw(key: jax.Array, images: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns a scene `[H, W]` of ink in [0, 1], and how many of its digits are even.

    The number of digits is U{0..5}; which digits, independent draws; where, uniform over the layouts in which any two
    are `APART` apart.

    Args:
      images, labels: `[N, 28, 28]` uint8 and `[N]`, the digits to choose from.
    """
    key_number, key_digits, key_layout = jax.random.split(key, 3)
    number = jax.random.randint(key_number, (), 0, MOST + 1)
    chosen_D = jax.random.randint(key_digits, (MOST,), 0, len(labels))
    there_D = jnp.arange(MOST) < number
    corners_D2 = layout(key_layout, number)
    return compose(images[chosen_D], corners_D2, there_D), jnp.sum(there_D & (labels[chosen_D] % 2 == 0))


def layout(key: jax.Array, number: jax.Array) -> jax.Array:
    """Returns the upper left corners `[D, 2]` (row, column); the first `number` are apart, the others mean nothing."""
    first, second = jnp.arange(MOST)[:, None], jnp.arange(MOST)[None]
    free = (first >= second) | (second >= number)

    def propose(state: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        key, _, _ = state
        key, key_proposals = jax.random.split(key)
        corners_PD2 = jax.random.randint(key_proposals, (PROPOSALS, MOST, 2), 0, SIDE - DIGIT + 1)
        distances_PDD = jnp.abs(corners_PD2[:, :, None] - corners_PD2[:, None]).max(axis=3)
        good_P = ((distances_PDD >= APART) | free[None]).all(axis=(1, 2))
        return key, good_P.any(), corners_PD2[good_P.argmax()]

    start = (key, jnp.bool_(False), jnp.zeros((MOST, 2), jnp.int32))
    return jax.lax.while_loop(lambda state: ~state[1], propose, start)[2]


def compose(digits_DHW: jax.Array, corners_D2: jax.Array, there_D: jax.Array) -> jax.Array:
    """Returns the scene with the digits at their corners; where margins overlap, ink adds up to 1 at most.

    Placing is two products with 0/1 matrices, which is exact and fast on every backend.
    """
    ink = digits_DHW.astype(jnp.float32) / 255 * there_D[:, None, None]
    places = corners_D2[:, :, None] + jnp.arange(DIGIT)[None, None]
    onto = (places[..., None] == jnp.arange(SIDE)[None, None, None]).astype(jnp.float32)  # [D, 2, DIGIT, SIDE]
    widened = jnp.einsum("dij,djw->diw", ink, onto[:, 1])
    return jnp.minimum(jnp.einsum("dih,diw->hw", onto[:, 0], widened), 1)


def draw_many(key: jax.Array, indices_B: jax.Array, digits: Digits) -> tuple[jax.Array, jax.Array]:
    """Returns the scenes with these numbers in the set that `key` stands for, and their labels."""
    return jax.vmap(lambda i: draw(jax.random.fold_in(key, i), *digits))(indices_B)


def show(key: jax.Array, number: int, digits: Digits) -> Train:
    """Returns a run without training that stores the first scenes of a set, `[number, H, W]` uint8, and labels."""

    def leg(state: jax.Array, images: jax.Array, labels: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        scenes_BHW, labels_B = draw_many(key, jnp.arange(number), (images, labels))
        return state, {"scenes": jnp.round(255 * scenes_BHW).astype(jnp.uint8), "labels": labels_B}

    return Train(init=lambda key, *_: jnp.int32(0), leg=leg, legs=1, network_steps=0, data=digits)
