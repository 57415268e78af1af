"""Parameters at random, for tests that ask for any: drawing them costs no program, as a network's own start does."""

from typing import Any

import jax
import numpy as np


def draw_parameters(network: Any, *inputs: Any, seed: int = 0, scale: float = 0.3) -> Any:
    """Returns parameters as `network.init(key, *inputs)` does, but normal by `scale`."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(network.init, jax.random.key(0), *inputs)
    return jax.tree.map(lambda leaf: np.asarray(scale * rng.standard_normal(leaf.shape), leaf.dtype), shapes)
