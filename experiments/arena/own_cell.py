"""A cell of the user's own, named as `package.module:Class`: imported, and looked at before anything is trained.

It is any Flax module with `features`, on `[..., inputs]`. What its training needs it may say itself, as attributes of
the class:

    operations    the operations that it is asked for; all of them unless it says so
    published     its training, a `nalu.Recipe`; Adam with 1e-3 unless it says so
    penalty       (parameters) -> what is added to the loss
    project       (parameters) -> parameters, after every step
"""

import importlib
import os
import sys
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..lib.config import require
from ..lib.errors import UserError, usage_error

ITEMS = 3


def load(name: str) -> type[nn.Module]:
    """Returns the class that a name says.

    Raises:
      UserError: it cannot be imported, or is no Flax module with `features`.
    """
    place, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # as for any script of the user's own
    try:
        found = getattr(importlib.import_module(place), attribute, None)
    except Exception as error:  # whatever the user's file raises
        sentence = str(error).splitlines()[0] if str(error) else ""
        raise usage_error(f"{name} cannot be imported ({type(error).__name__}: {sentence}).") from None
    require(found is not None, f"{place} has no {attribute}: name the class as module:Class.")
    is_module = isinstance(found, type) and issubclass(found, nn.Module)
    require(is_module, f"{name} is no Flax module: it must be a class that inherits from flax.linen.Module.")
    fields = getattr(found, "__dataclass_fields__", {})
    require("features" in fields, f"{name} has no field `features`, the number of outputs: write `features: int`.")
    return found


def check(name: str, cell: type[nn.Module]) -> None:
    """Raises a usage error, in one sentence, unless the cell can be trained."""
    for features, inputs in ((1, 2), (2, 4)):
        x = jnp.linspace(1.0, 2.0, ITEMS * inputs).reshape(ITEMS, inputs)
        try:
            params = cell(features).init(jax.random.key(0), x)
            y = cell(features).apply(params, x)
        except UserError:
            raise
        except Exception as error:
            sentence = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise usage_error(f"{name} fails on {inputs} inputs and {features} outputs: {sentence}") from None
        require(len(jax.tree.leaves(params)) > 0, f"{name} has no parameters: there is nothing to train.")
        wanted = (ITEMS, features)
        shape = tuple(jnp.shape(y))
        require(
            shape == wanted,
            f"{name} gives the shape {shape} for {ITEMS} items of {inputs} inputs, but must give {wanted}.",
        )
        require(bool(jnp.isfinite(y).all()), f"{name} is not finite at its start, on numbers from 1 to 2.")
        loss = lambda params, x=x, features=features: jnp.sum(cell(features).apply(params, x) ** 2)  # noqa: E731
        finite = [bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(jax.grad(loss)(params))]
        require(all(finite), f"{name} has a gradient that is not finite at its start, on numbers from 1 to 2.")


def operations(name: str, cell: type[nn.Module], known: tuple[str, ...]) -> tuple[str, ...]:
    """Returns what the cell is asked for."""
    wanted: Any = getattr(cell, "operations", known)
    unknown = [each for each in wanted if each not in known]
    require(not unknown, f"{name} names the operation {unknown[:1]}, but there are {', '.join(known)}.")
    return tuple(each for each in known if each in wanted)
