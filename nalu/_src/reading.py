"""What a trained cell, or a stack of cells, has learnt: the formula as text, and the network with exact weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from nalu._src.formula import Input, text_of
from nalu._src.stack import inputs_of, layers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array

NEAR = 0.1  # a weight further than this from all exact ones is near none


class Formula(NamedTuple):
    """What was learnt.

    Attributes:
      text: a line for each output, `y = x1 * x2 / x3`; with `~` in place of `=` where a weight is near nothing.
      distance: the largest distance of a weight from what it was snapped to.
      distances: for each cell of the stack, the distance of each weight by the weight's name.
      near: whether no distance exceeds 0.1.
      network_error: root mean square error of the network on the data, or None without data.
      formula_error: that of the formula, which is the network at exact weights.
    """

    text: str
    distance: float
    distances: tuple[dict[str, Array], ...]
    near: bool
    network_error: float | None
    formula_error: float | None

    def __str__(self) -> str:
        if self.near:
            said = f"(weights within {self.distance:.2g} of these)"
        else:
            every = [leaf.ravel() for leaf in jax.tree.leaves(self.distances)]
            far, total = sum(int((leaf > NEAR).sum()) for leaf in every), sum(leaf.size for leaf in every)
            said = f"(no formula: {far} of {total} weights are near nothing, the furthest by {self.distance:.2g})"
        lines = [self.text, said]
        if self.network_error is not None:
            lines.append(f"error: network {self.network_error:.3g}, formula {self.formula_error:.3g}")
        return "\n".join(lines)


def read(
    model: Any,
    variables: Any = None,
    names: Sequence[str] | None = None,
    *,
    x: Any = None,
    y: Any = None,
) -> Formula:
    """Says what a cell or a stack of cells has learnt.

    Weights are snapped to -1, 0 and 1, exponents also to 1/2 (the NPU's to any half up to 3), gates to open and shut.
    `|a|` is written where a cell loses the sign of a. Where a weight is near none of these it says so.

    Args:
      model: a cell, an `nn.Sequential` of cells or a list of cells; or these of `nalu.nnx` and `nnx.Sequential`.
      variables: what `init` of the model returns, trained, or the parameters in it; a list of them for a list of
        cells; nothing for NNX, whose modules hold theirs.
      names: of the inputs; x1, x2, ... by default.
      x: `[N, I]` inputs, with y `[N]` or `[N, O]` to measure both errors on. The NALU's gate depends on x and is judged
        on these; without x at inputs of 1.

    Returns:
      A `Formula`; print it.

    Raises:
      ValueError: the model has another layer than cells, or parameters of several seeds, or x, y and names do not fit.
    """
    layers, _ = layers_of(model, variables)
    inputs = inputs_of(layers)
    given = [f"x{n + 1}" for n in range(inputs)] if names is None else list(names)
    if len(given) != inputs:
        raise ValueError(f"names has {len(given)} names, but the first cell has {inputs} inputs.")
    at = _data(x, inputs)
    formulas: list[Any] = [Input(name, place) for place, name in enumerate(given)]
    exact, distances, learnt = at, [], at
    for cell, params in layers:
        snapped = cell.snapped(params, learnt)
        formulas = cell.formulas(snapped.nearest, formulas)
        distances.append({name: jnp.abs(w - snapped.nearest[name]) for name, w in snapped.weights.items()})
        learnt, exact = cell.evaluate(params, learnt), cell.evaluate(snapped.params, exact)
    distance = max(float(leaf.max()) for leaf in jax.tree.leaves(distances))
    errors = (None, None)
    if y is not None:
        if x is None:
            raise ValueError("y needs the x that it belongs to.")
        target = jnp.asarray(y).reshape(learnt.shape) if jnp.size(y) == learnt.size else None
        if target is None:
            raise ValueError(f"y has the shape {jnp.shape(y)}, but the network gives {learnt.shape}.")
        errors = tuple(float(jnp.sqrt(jnp.mean((predicted - target) ** 2))) for predicted in (learnt, exact))
    outputs = ["y"] if len(formulas) == 1 else [f"y{n + 1}" for n in range(len(formulas))]
    near = distance <= NEAR
    sign = "=" if near else "~"
    text = "\n".join(f"{name} {sign} {text_of(each)}" for name, each in zip(outputs, formulas, strict=True))
    return Formula(text, distance, tuple(distances), near, *errors)


def snap(model: Any, variables: Any = None, *, x: Any = None) -> Any:
    """Returns the parameters at which the weights are exactly what `read` takes them for.

    From then on extrapolation has no error but rounding. Weights that are near nothing are snapped, too; `read` says
    whether there are any.

    Args:
      model, variables, x: see `read`.

    Returns:
      What `variables` is, with other values; for NNX an `nnx.State` for `nnx.update(model, ...)`.
    """
    layers, rebuild = layers_of(model, variables)
    learnt, params = _data(x, inputs_of(layers)), []
    for cell, each in layers:
        snapped = cell.snapped(each, learnt).params
        params.append({name: snapped[name].astype(value.dtype) for name, value in each.items()})
        learnt = cell.evaluate(each, learnt)
    return rebuild(params)


def _data(x: Any, inputs: int) -> Array:
    if x is None:
        return jnp.ones((1, inputs))
    x = jnp.asarray(x)
    if x.ndim != 2 or x.shape[1] != inputs:
        raise ValueError(f"x has the shape {x.shape}, but must be [N, {inputs}].")
    return x
