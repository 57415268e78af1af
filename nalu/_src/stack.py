"""The cells of a model with their parameters: one cell, a Linen or NNX sequence of cells, or a list of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from flax import linen as nn

from nalu._src.cell import Cell

if TYPE_CHECKING:
    from jax import Array


def layers_of(model: Any, variables: Any) -> tuple[list[tuple[Cell, dict[str, Array]]], Any]:
    """Returns cells with their parameters, and the function that puts changed parameters in their place again."""
    if variables is None:
        return _nnx_layers(model)
    if isinstance(model, nn.Sequential):
        wrapped = "params" in variables
        inner = variables["params"] if wrapped else variables
        names = [f"layers_{n}" for n in range(len(model.layers))]
        layers = [_layer(cell, inner.get(name)) for cell, name in zip(model.layers, names, strict=True)]

        def rebuild(params: list[Any]) -> Any:
            new = dict(zip(names, params, strict=True))
            return {**variables, "params": new} if wrapped else new

        return layers, rebuild
    if isinstance(model, list | tuple):
        if len(model) != len(variables):
            raise ValueError(f"{len(model)} cells need the variables of as many, not of {len(variables)}.")
        layers = [_layer(cell, _inner(each)) for cell, each in zip(model, variables, strict=True)]
        return layers, lambda params: type(variables)(map(_outer, variables, params))
    return [_layer(model, _inner(variables))], lambda params: _outer(variables, params[0])


def _nnx_layers(model: Any) -> tuple[list[tuple[Cell, dict[str, Array]]], Any]:
    """The same for NNX modules, which hold their parameters."""
    from flax import nnx  # only for those who use it: it takes as long to import as Linen

    if isinstance(model, Cell | nn.Sequential):
        raise ValueError("A Linen module has no parameters of its own: give what its init returned, trained.")
    modules = list(model.layers) if isinstance(model, nnx.Sequential) else [model]
    layers = []
    for module in modules:
        cell = getattr(module, "cell", None)
        names = cell.starts(module.in_features) if isinstance(cell, Cell) else ()
        layers.append(_layer(cell if names else module, {name: getattr(module, name)[...] for name in names}))

    def rebuild(params: list[Any]) -> Any:
        state = nnx.state(model, nnx.Param)
        pieces = [state["layers"][n] for n in range(len(modules))] if isinstance(model, nnx.Sequential) else [state]
        for piece, new in zip(pieces, params, strict=True):
            for name, value in new.items():
                piece[name] = piece[name].replace(value)
        return state

    return layers, rebuild


def _inner(variables: Any) -> Any:
    return variables.get("params", variables)


def _outer(variables: Any, params: Any) -> Any:
    return {**variables, "params": params} if "params" in variables else params


def _layer(cell: Any, params: Any) -> tuple[Cell, dict[str, Array]]:
    if not isinstance(cell, Cell):
        raise ValueError(f"Only cells can be read, and a {type(cell).__name__} is none: read the cells by themselves.")
    params = {name: jnp.asarray(value) for name, value in nn.meta.unbox(params or {}).items()}
    if missing := [name for name in cell.starts(1) if name not in params]:
        raise ValueError(
            f"A {type(cell).__name__} has no {', '.join(missing)} among its parameters: "
            "give what the model's own init returned, trained."
        )
    expected = {name: shape for name, (_, shape) in cell.starts(_inputs(cell, params)).items()}
    for name, value in params.items():
        if value.shape != expected.get(name):
            raise ValueError(
                f"{name} has the shape {value.shape}, but a {type(cell).__name__} needs {expected.get(name)}: "
                "give the parameters of one seed, for instance jax.tree.map(lambda leaf: leaf[0], params)."
            )
    return cell, params


def inputs_of(layers: list[tuple[Cell, dict[str, Array]]]) -> int:
    """Returns the number of inputs of the first cell."""
    return _inputs(*layers[0])


def _inputs(cell: Cell, params: dict[str, Array]) -> int:
    """Returns the number of inputs, from the first axis of a parameter that leads with them, once or twice."""
    one, two = cell.starts(1), cell.starts(2)
    name = next(name for name in one if one[name][1][0] != two[name][1][0])
    return params[name].shape[0] // one[name][1][0]
