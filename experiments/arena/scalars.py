"""Small networks written out in scalars, so that the items of a batch are the last axis of all that is computed.

A layer of two inputs is a handful of multiplications. Given to XLA as `[items, 2]` times `[2, 1]` for many networks
side by side it becomes loops over two elements; written out, scalar by scalar, every operation is one long loop over
networks and items, which a CPU does several times faster. `written_out` does that to any function of small arrays: it
traces the function and carries every array as its single elements.

Elementwise operations, products, sums and what only moves elements are written out; any other is given the arrays that
it wants.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from . import elementary

MOST = 64  # elements of an array that is written out

ELEMENTWISE = {
    "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil",
    "clamp", "convert_element_type", "copy", "cos", "cosh", "div", "eq", "erf", "erf_inv", "exp", "exp2", "expm1",
    "floor", "ge", "gt", "integer_pow", "is_finite", "le", "lgamma", "log", "log1p", "logistic", "lt", "max", "min",
    "mul", "ne", "neg", "nextafter", "not", "or", "pow", "rem", "round", "rsqrt", "select_n", "sign", "sin", "sinh",
    "sqrt", "square", "stop_gradient", "sub", "tan", "tanh", "xor",
}  # fmt: skip
REDUCTIONS = {
    "reduce_sum": jax.lax.add,
    "reduce_prod": jax.lax.mul,
    "reduce_max": jax.lax.max,
    "reduce_min": jax.lax.min,
    "reduce_and": jax.lax.bitwise_and,
    "reduce_or": jax.lax.bitwise_or,
}
SUBSTITUTES = {"cos": elementary.cos, "sin": elementary.sin, "pow": elementary.power}
CALLS = ("pjit", "jit", "closed_call", "core_call")


def written_out(function: Callable[..., Any], *, pads: bool = False) -> Callable[..., Any]:
    """Returns the same function of pytrees of arrays, written out in scalars.

    Args:
      pads: write out padding, too, and with it the gradient of a product of more than two factors: faster, but
        rounded otherwise than what was recorded without.
    """

    def scalar_by_scalar(*args: Any) -> Any:
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*args)
        given = [_apart(leaf) for leaf in jax.tree.leaves(args)]
        results = _interpret(closed.jaxpr, closed.consts, given, pads=pads)
        return jax.tree.unflatten(jax.tree.structure(shapes), [_together(result) for result in results])

    return scalar_by_scalar


Scalars = Any  # an array of scalars (dtype object), or an array of JAX that is too large or of keys


def _apart(array: Any) -> Scalars:
    """Returns an array's elements, as an array of scalars."""
    if isinstance(array, jax.Array) and jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key):
        return array
    if np.size(array) > MOST:
        return array
    scalars = np.empty(np.shape(array), object)
    flat = jnp.reshape(array, -1) if scalars.ndim else array
    for i, place in enumerate(np.ndindex(scalars.shape)):
        scalars[place] = flat[i] if scalars.ndim else flat
    return scalars


def _together(scalars: Scalars) -> jax.Array:
    if not _is_apart(scalars):
        return scalars
    if scalars.size == 1:
        return jnp.reshape(scalars.item(), scalars.shape)
    return jnp.stack([jnp.asarray(scalar) for scalar in scalars.ravel()]).reshape(scalars.shape)


def _is_apart(scalars: Scalars) -> bool:
    return isinstance(scalars, np.ndarray) and scalars.dtype == object


def _interpret(jaxpr: Any, constants: Sequence[Any], given: Sequence[Scalars], *, pads: bool = False) -> list[Scalars]:
    """Returns what a function makes of scalars; `pads`: write out its padding, too."""
    values = dict(zip(jaxpr.constvars, map(_apart, constants), strict=True))
    values |= dict(zip(jaxpr.invars, given, strict=True))

    def read(atom: Any) -> Scalars:
        return _apart(atom.val) if isinstance(atom, core.Literal) else values[atom]

    for equation in jaxpr.eqns:
        inputs = [*map(read, equation.invars)]
        values.update(zip(equation.outvars, _apply(equation, inputs, pads=pads), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _apply(equation: Any, inputs: list[Scalars], *, pads: bool) -> list[Scalars]:
    name, params = equation.primitive.name, equation.params
    if name in CALLS:
        inner = params["jaxpr"]
        return _interpret(inner.jaxpr, inner.consts, inputs, pads=pads)
    small = all(out.aval.size <= MOST for out in equation.outvars) and all(map(_is_apart, inputs))
    if small and name == "min" and any(unbounded := [_is_infinite(atom) for atom in equation.invars]):
        return [np.broadcast_to(inputs[unbounded.index(False)], equation.outvars[0].aval.shape)]
    if small and name in ELEMENTWISE:
        return [_elementwise(equation, inputs)]
    if small and name == "custom_jvp_call" and all(atom.aval.dtype == jnp.float32 for atom in equation.invars):
        return _with_its_own_derivative(equation, inputs, pads=pads)
    if small and name in MOVES and (name != "pad" or (pads and not _cuts(equation.params))):
        return [MOVES[name](params, *inputs)]
    if small and name in REDUCTIONS:
        return [_reduced(inputs[0], params["axes"], REDUCTIONS[name])]
    if small and name == "dot_general":
        return [_product(*inputs, params["dimension_numbers"])]
    return [_apart(array) for array in _bind(equation, *map(_together, inputs))]


def _only_interleaves_two(jaxpr: Any) -> bool:
    """Says whether all padding in a function makes two scalars of one, as the gradient of a product of two does.

    The products of more factors stay as they are, unless the caller asks for all padding: written out they are rounded
    otherwise, and records hold them.
    """
    for equation in jaxpr.eqns:
        if equation.primitive.name in CALLS and not _only_interleaves_two(equation.params["jaxpr"].jaxpr):
            return False
        if equation.primitive.name == "pad" and (_cuts(equation.params) or equation.outvars[0].aval.size > 2):
            return False
    return True


def _cuts(params: dict[str, Any]) -> bool:
    """Says whether padding takes elements away, which `_pad` does not do."""
    return any(min(low, high) < 0 for low, high, _ in params["padding_config"])


def _is_infinite(atom: Any) -> bool:
    """Says whether an operand bounds nothing as the least of two; its slope would cost a division for every item."""
    return isinstance(atom, core.Literal) and bool(np.all(np.asarray(atom.val) == np.inf))


def _bind(equation: Any, *arrays: Any) -> list[Any]:
    found = equation.primitive.bind(*arrays, **equation.primitive.get_bind_params(equation.params))
    return found if equation.primitive.multiple_results else [found]


def _elementwise(equation: Any, inputs: list[Scalars]) -> Scalars:
    shape = equation.outvars[0].aval.shape
    arrays, result = [np.broadcast_to(array, shape) for array in inputs], np.empty(shape, object)
    for place in np.ndindex(shape):
        scalars = (array[place] for array in arrays)
        if equation.primitive.name in SUBSTITUTES and equation.outvars[0].aval.dtype == jnp.float32:
            result[place] = SUBSTITUTES[equation.primitive.name](*scalars)
        else:
            (result[place],) = _bind(equation, *scalars)
    return result


def _with_its_own_derivative(equation: Any, inputs: list[Scalars], *, pads: bool) -> list[Scalars]:
    """Returns what a function with a derivative of its own does, both written out."""
    shapes = [array.shape for array in inputs]
    closed = equation.params["call_jaxpr"]

    def packed(flat: Sequence[Any]) -> list[Scalars]:
        rest, arrays = list(flat), []
        for shape in shapes * (len(flat) // sum(map(_size, shapes))):
            array = np.empty(shape, object)
            for place in np.ndindex(shape):
                array[place] = rest.pop(0)
            arrays.append(array)
        return arrays

    def flat(arrays: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(scalar for array in arrays for scalar in _elements(array))

    @jax.custom_jvp
    def value(*scalars: Any) -> tuple[Any, ...]:
        return flat(_interpret(closed.jaxpr, closed.consts, packed(scalars), pads=pads))

    @value.defjvp
    def _(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        like = tuple(jax.ShapeDtypeStruct(atom.aval.shape, atom.aval.dtype) for atom in equation.invars)
        slope = jax.make_jaxpr(lambda at, along: jax.jvp(lambda *x: tuple(_bind(equation, *x)), at, along))(like, like)
        its_pads = pads or _only_interleaves_two(slope.jaxpr)
        results = _interpret(slope.jaxpr, slope.consts, packed([*primals, *tangents]), pads=its_pads)
        values = len(results) // 2
        return flat(results[:values]), flat(results[values:])

    results, found = list(value(*flat(inputs))), []
    for atom in equation.outvars:
        array = np.empty(atom.aval.shape, object)
        for place in np.ndindex(array.shape):
            array[place] = results.pop(0)
        found.append(array)
    return found


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def _elements(array: Scalars) -> list[Any]:
    return list(array.ravel()) if _is_apart(array) else list(_apart(array).ravel())


def _product(left: Scalars, right: Scalars, numbers: Any) -> Scalars:
    (left_summed, right_summed), (left_batch, right_batch) = numbers

    def parted(array: Scalars, batch: Sequence[int], summed: Sequence[int]) -> tuple[Scalars, list[int]]:
        free = [axis for axis in range(array.ndim) if axis not in (*batch, *summed)]
        sizes = [[array.shape[axis] for axis in axes] for axes in (batch, free, summed)]
        return array.transpose(*batch, *free, *summed).reshape([int(np.prod(s)) for s in sizes]), sizes[1]

    a, a_free = parted(left, left_batch, left_summed)
    b, b_free = parted(right, right_batch, right_summed)
    result = np.empty((a.shape[0], a.shape[1], b.shape[1]), object)
    for n, i, j in itertools.product(*map(range, result.shape)):
        result[n, i, j] = functools.reduce(jax.lax.add, map(jax.lax.mul, a[n, i], b[n, j]))
    return result.reshape([*(left.shape[axis] for axis in left_batch), *a_free, *b_free])


def _reduced(array: Scalars, axes: Sequence[int], combine: Callable[..., Any]) -> Scalars:
    kept = [axis for axis in range(array.ndim) if axis not in axes]
    rows = array.transpose(*kept, *axes).reshape(int(np.prod([array.shape[axis] for axis in kept])), -1)
    result = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        result[i] = functools.reduce(combine, row)
    return result.reshape([array.shape[axis] for axis in kept])


def _broadcast(params: dict[str, Any], array: Scalars) -> Scalars:
    shape = [1] * len(params["shape"])
    for size, axis in zip(array.shape, params["broadcast_dimensions"], strict=True):
        shape[axis] = size
    return np.broadcast_to(array.reshape(shape), params["shape"])


def _slice(params: dict[str, Any], array: Scalars) -> Scalars:
    strides = params["strides"] or (1,) * array.ndim
    return array[tuple(map(slice, params["start_indices"], params["limit_indices"], strides))]


def _pad(params: dict[str, Any], array: Scalars, filling: Scalars) -> Scalars:
    places, shape = [], []
    for size, (low, high, between) in zip(array.shape, params["padding_config"], strict=True):
        end = low + size + max(size - 1, 0) * between
        places.append(slice(low, end, between + 1))
        shape.append(end + high)
    result = np.full(shape, filling.item(), object)
    result[tuple(places)] = array
    return result


MOVES: dict[str, Callable[..., Scalars]] = {
    "broadcast_in_dim": _broadcast,
    "reshape": lambda params, array: array.reshape(params["new_sizes"]),
    "squeeze": lambda params, array: np.squeeze(array, params["dimensions"]),
    "transpose": lambda params, array: array.transpose(params["permutation"]),
    "rev": lambda params, array: np.flip(array, params["dimensions"]),
    "slice": _slice,
    "pad": _pad,
    "concatenate": lambda params, *arrays: np.concatenate(arrays, params["dimension"]),
}
