"""What all cells have in common as Flax modules: parameters by name, precision, training and test behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from flax.core import FrozenDict

from nalu._src.arrays import precise, result_dtype, widened
from nalu._src.rules import register
from nalu._src.snapping import Snapped

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


class Facts(NamedTuple):
    """What is known of a cell. `docs/cells.md` is made from it, and the tests hold the cell to it.

    Attributes:
      title: the name in full.
      equation: how the cell computes y, with weights as in its function.
      exact: operations on positive a and b that it computes exactly at weights where its penalty (or saturation)
        draws it.
      exact_signed: those that it computes exactly for a and b of either sign, too.
      fails: where it does not do what one may expect.
      start: how its parameters start.
      source: where it was published.
    """

    title: str
    equation: str
    exact: tuple[str, ...]
    exact_signed: tuple[str, ...]
    fails: str
    start: str
    source: str


class Cell(nn.Module):
    """A layer on the last axis, `[..., I]` to `[..., features]`, that stands where `nn.Dense(features)` would.

    A cell defines the fields `features`, `dtype` and `param_dtype`, `starts`, `compute`, what `nalu.read` needs
    (`snapped`, `formulas`) and the class attributes below.

    A call computes what the cell is for, its test behaviour. Where an rng called "noise" is given,
    `cell.apply(variables, x, rngs={"noise": key})`, it computes what it is trained with. Only sNMU, NRU and NMRU tell
    the two apart; a training loop gives the key to all, as it would for `nn.Dropout`.

    `dtype` is the type of the result, by default what inputs and parameters promote to; the arithmetic has the
    precision of float32 at least. `param_dtype` is the type of the parameters, float32 also under `jax_enable_x64`.

    Attributes:
      facts: a `Facts`.
      published: a `Recipe`, the published training.
      rules: parameter name -> `Rule`, for those that have one.
      trained_otherwise: whether training and test behaviour differ.
    """

    rules = FrozenDict({})
    trained_otherwise = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        register(cls.rules)

    # The four that raise are what each cell gives: Flax's metaclass leaves no room for abstract methods, and the
    # contract test calls all four of every cell.

    @nn.nowrap
    def starts(self, inputs: int) -> dict[str, tuple[nn.initializers.Initializer, tuple[int, ...]]]:
        """Returns the initialiser and the shape of each parameter, by name."""
        raise NotImplementedError

    @nn.nowrap
    def compute(
        self, params: dict[str, Array], x: Float[Array, "*batch I"], key: Array | None
    ) -> Float[Array, "*batch O"]:
        """Returns y; in training `key` is one for random numbers, otherwise None."""
        raise NotImplementedError

    @nn.nowrap
    def snapped(self, params: dict[str, Array], x: Float[Array, "N I"]) -> Snapped:
        """Returns the cell at the exact weights that are nearest; x is what its gates are judged at."""
        raise NotImplementedError

    @nn.nowrap
    def formulas(self, nearest: dict[str, Array], x: list[Any]) -> list[Any]:
        """Returns the formula of each output at exact weights, from the formulas of the inputs."""
        raise NotImplementedError

    @nn.nowrap
    def evaluate(self, params: dict[str, Any], x: Any, key: Array | None = None) -> Float[Array, "*batch O"]:
        """Returns `compute` with the precision that the cell's `dtype` says."""
        x, params = jnp.asarray(x), {name: jnp.asarray(value) for name, value in params.items()}
        result = result_dtype(self.dtype, x, *params.values())
        params = {name: widened(value, precise(result)) for name, value in params.items()}
        return self.compute(params, widened(x, precise(result)), key).astype(result)

    @nn.compact
    def __call__(self, x: Any) -> Float[Array, "*batch O"]:
        x = jnp.asarray(x)
        if x.ndim == 0:
            raise ValueError("x is a single number: its last axis must hold the inputs, as in [3.0].")
        starts = self.starts(x.shape[-1])
        params = {name: self.param(name, init, shape, self.param_dtype) for name, (init, shape) in starts.items()}
        key = self.make_rng("noise") if self.trained_otherwise and self.has_rng("noise") else None
        return self.evaluate(params, x, key)
