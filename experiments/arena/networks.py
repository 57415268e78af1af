"""A Flax module as the arena trains it: its parameters, what it computes of one item, and what its training needs.

Any module with `features` will do. What it is trained with it may say itself, as the cells of `nalu` do: `published` is
a `nalu.Recipe`, and the names of parameters with rules have a penalty and bounds.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu

from . import scalars


class Network(NamedTuple):
    """A network of one seed and lane.

    Attributes:
      init: key -> parameters.
      apply: (parameters, items `[I, N]`, key or None) -> `[O, N]`; a key makes it training.
      project: parameters -> parameters within their bounds.
      penalty: parameters -> what the modules themselves add to the loss.
      snap: (parameters, items `[I, N]`) -> the parameters with exact weights that they are nearest to; None where
        nothing says what these are.
    """

    init: Callable[[jax.Array], Any]
    apply: Callable[[Any, jax.Array, jax.Array | None], jax.Array]
    project: Callable[[Any], Any]
    penalty: Callable[[Any], jax.Array]
    snap: Callable[[Any, jax.Array], Any] | None = None


class Stack(nn.Module):
    """Layers one after the other."""

    layers: tuple[nn.Module, ...]

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self.layers:
            x = layer(x)
        return x


def network(module: nn.Module, inputs: int, *, pads: bool = False) -> Network:
    """Returns a module of so many inputs, written out in scalars and mapped over items, which come last.

    Args:
      pads: see `scalars.written_out`.
    """

    def init(key: jax.Array) -> Any:
        return module.init(key, jnp.ones((1, inputs)))

    def of_item(params: Any, x_I: jax.Array, key: jax.Array | None) -> jax.Array:
        rngs = {} if key is None else {"noise": key}
        return module.apply(params, x_I[None], rngs=rngs)[0]

    written = scalars.written_out(of_item, pads=pads)

    def apply(params: Any, x_IN: jax.Array, key: jax.Array | None) -> jax.Array:
        if key is None:
            one = lambda x_I: written(params, x_I, None)  # noqa: E731
            return jax.vmap(one, in_axes=-1, out_axes=-1)(x_IN)
        keys_N = jax.random.split(key, x_IN.shape[1])
        return jax.vmap(lambda x_I, key: written(params, x_I, key), in_axes=(-1, 0), out_axes=-1)(x_IN, keys_N)

    def project(params: Any) -> Any:
        params = nalu.project(params)
        for layer in _layers(module):
            params = layer.project(params) if hasattr(layer, "project") else params
        return params

    def penalty(params: Any) -> jax.Array:
        own = [getattr(layer, "penalty", None) for layer in _layers(module)]
        return sum((each(params) for each in own if each is not None), jnp.zeros(()))

    def snap(params: Any, x_IN: jax.Array) -> Any:
        if isinstance(module, nn.Dense):
            return jax.tree.map(jnp.round, params)
        return {"params": module.snapped(params["params"], x_IN.T).params}

    readable = isinstance(module, nn.Dense) or hasattr(module, "snapped")
    return Network(init, apply, project, penalty, snap if readable else None)


def _layers(module: nn.Module) -> list[nn.Module]:
    """Returns the kinds of layers of a module, each once: two layers of one kind share what they say of parameters."""
    layers = module.layers if isinstance(module, Stack) else (module,)
    return list({type(layer): layer for layer in layers}.values())
