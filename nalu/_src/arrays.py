"""What every cell does with the arrays that it is given: precision, shapes, weights of each item."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array


def result_dtype(dtype: Any, *arrays: Array) -> Any:
    """Returns `dtype`, or, where it is None, the floating-point type that the arrays promote to.

    Raises:
      TypeError: an array does not hold real numbers.
    """
    found = jnp.result_type(*arrays)
    if not any(jnp.issubdtype(found, kind) for kind in (jnp.floating, jnp.integer, jnp.bool_)):
        raise TypeError(f"The cells compute with real numbers: {found.name} is none.")
    if dtype is not None:
        return jnp.dtype(dtype)
    return found if jnp.issubdtype(found, jnp.floating) else jnp.promote_types(found, jnp.float32)


def precise(dtype: Any) -> Any:
    """Returns the type to compute with: float32 at least, because the logarithm of a half is off by a per cent."""
    return jnp.promote_types(dtype, jnp.float32)


def widened(x: Array, dtype: Any) -> Array:
    """Returns x with the precision of `dtype`; a slope that a half cannot hold comes back as its largest number."""
    return _from_half(x, jnp.dtype(dtype)) if x.dtype in (jnp.float16, jnp.bfloat16) else x.astype(dtype)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))  # no forward mode, which only halves have to do without
def _from_half(x: Array, dtype: Any) -> Array:
    return x.astype(dtype)


def _from_half_forward(x: Array, dtype: Any) -> tuple[Array, Array]:
    return x.astype(dtype), jnp.zeros((), x.dtype)


def _from_half_backward(dtype: Any, of_type: Array, slope: Array) -> tuple[Array]:
    most = float(jnp.finfo(of_type.dtype).max)
    return (jnp.clip(slope, -most, most).astype(of_type.dtype),)


_from_half.defvjp(_from_half_forward, _from_half_backward)


def equation(*shapes: str) -> Callable[[Callable], Callable]:
    """Makes of the equation of one item a function of items with any leading axes.

    Args:
      shapes: of the arguments that follow x, `[I]`, in terms of I, of O (outputs) and numbers: "I O", "2I O", "I",
        "I #O" where there may be one instead of O. "... I" is an argument that every item has of its own.

    The function takes everything that `jnp.asarray` takes, computes in float32 at least and returns the type that its
    arguments promote to. Its arguments may be led by x's leading axes: then every item has weights of its own, for
    instance from a hypernetwork. Other shapes raise ValueError in a sentence.
    """
    return functools.partial(_on_items, shapes=shapes, mapped=True)


def batched_equation(*shapes: str) -> Callable[[Callable], Callable]:
    """The same for an equation written for all items at once, such as `x @ w`."""
    return functools.partial(_on_items, shapes=shapes, mapped=False)


def _on_items(function: Callable, *, shapes: tuple[str, ...], mapped: bool) -> Callable:
    signature = inspect.signature(function)
    names = list(signature.parameters)[: 1 + len(shapes)]

    @functools.wraps(function)
    def of_items(*args: Any, **kwargs: Any) -> Array:
        options = signature.bind(*args, **kwargs).arguments
        x, *weights = (jnp.asarray(options.pop(name)) for name in names)
        led = _led(x, names[1:], weights, shapes)
        result = result_dtype(None, x, *weights)
        arrays = [widened(array, precise(result)) for array in (x, *weights)]
        evaluate = functools.partial(function, **options)
        if mapped or any(own and not shape.startswith("...") for own, shape in zip(led, shapes, strict=True)):
            for _ in range(x.ndim - 1):
                evaluate = jax.vmap(evaluate, in_axes=(0, *(0 if own else None for own in led)))
        return evaluate(*arrays).astype(result)

    return of_items


def _led(x: Array, names: list[str], weights: list[Array], shapes: tuple[str, ...]) -> list[bool]:
    """Says of each argument whether it is led by x's leading axes, and refuses what has the wrong shape."""
    if x.ndim == 0:
        raise ValueError("x is a single number: its last axis must hold the inputs, as in [3.0].")
    sizes, led = {"I": x.shape[-1]}, []
    for name, weight, shape in zip(names, weights, shapes, strict=True):
        axes = shape.removeprefix("... ").split()
        leading, core = weight.shape[: -len(axes)], weight.shape[-len(axes) :]
        fits = len(core) == len(axes) and all(_fits(axis, n, sizes) for axis, n in zip(axes, core, strict=True))
        own = leading == x.shape[:-1] and (x.ndim > 1 or shape.startswith("..."))
        if not fits or not (own if shape.startswith("...") else own or not leading):
            known = ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
            raise ValueError(
                f"{name} has the shape {weight.shape} and x {x.shape}: {name} must be [{', '.join(axes)}] with {known}"
                + ", led by the leading axes of x"
                + ("." if shape.startswith("...") else " where every item has weights of its own.")
            )
        led.append(own)
    return led


def _fits(axis: str, size: int, sizes: dict[str, int]) -> bool:
    """Says whether an axis has the size that its name means; the first one met tells what O is."""
    if axis.startswith("#"):
        return size == 1 or _fits(axis[1:], size, sizes)
    factor, axis = (int(axis[:-1]), axis[-1]) if axis[:-1] else (1, axis)
    return size == factor * sizes.setdefault(axis, size // factor)
