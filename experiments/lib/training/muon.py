"""Muon (Jordan et al. 2024) for weight matrices, Adam with Nesterov's momentum (Dozat 2016) for everything else.

Axes: L lanes; K, C, I and O as in `convolution` and `convnet`.
"""

from typing import Any

import jax
import optax
from optax.contrib import MuonDimensionNumbers

RMS = 0.2  # of a matrix's update, the size of Adam's in practice (Liu et al. 2025)


def muon_and_adam(
    *, beta: float, adam_b2: float, weight_decay: float = 0.0, adam_rate: float = 1.0, adam_layers: tuple[str, ...] = ()
) -> optax.GradientTransformation:
    """Returns the transformation of gradients, without the learning rate; weights decay where Muon works.

    Muon takes what is called "kernel", `[L, ..., I, O]`, as Flax does for its dense, convolutional and recurrent
    layers: each lane's is a matrix with one column an output. The weights of NAC and NALU have other names.

    Args:
      adam_rate: Adam's learning rate, times Muon's.
      adam_layers: names of layers whose kernels are Adam's all the same.
    """

    def dimensions(params: Any) -> Any:
        def of_leaf(path: Any, leaf: jax.Array) -> MuonDimensionNumbers | None:
            names = [getattr(entry, "key", None) for entry in path]
            if names[-1:] != ["kernel"] or set(names) & set(adam_layers):
                return None
            return MuonDimensionNumbers(tuple(range(1, leaf.ndim - 1)), leaf.ndim - 1)

        return jax.tree_util.tree_map_with_path(of_leaf, params)

    chosen = optax.contrib.muon(
        learning_rate=1.0,
        adam_learning_rate=adam_rate,
        beta=beta,
        adam_b2=adam_b2,
        weight_decay=weight_decay,
        muon_weight_dimension_numbers=dimensions,
        consistent_rms=RMS,
    )
    return optax.chain(chosen, optax.scale(-1.0))  # the training loop subtracts


def faster(name: str, factor: float) -> optax.GradientTransformation:
    """Returns the transformation that multiplies the updates of `params[name]` by a factor."""

    def mask(params: Any) -> Any:
        return {key: jax.tree.map(lambda _, chosen=key == name: chosen, value) for key, value in params.items()}

    return optax.masked(optax.scale(factor), mask)
