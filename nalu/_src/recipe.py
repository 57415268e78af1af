"""How a cell was trained where it was published, as data that a training loop uses without knowing the cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp

from nalu._src.rules import l1, penalty

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


def ramp(step: Array | int, start: float | int, end: float | int) -> Float[Array, "*steps"]:
    """Returns `min(max((step - start) / (end - start), 0), 1)`: 0 until `start`, 1 from `end` on."""
    return jnp.clip((step - start) / (end - start), 0.0, 1.0)


class Recipe(NamedTuple):
    """The published training of a cell.

    Attributes:
      optimiser: "adam" or "rmsprop".
      learning_rate: constant.
      steps: how many steps the schedules below are for.
      penalty: strength of `nalu.penalty` once it is fully on.
      penalty_from, penalty_to: the steps between which it grows from 0 to its strength.
      penalty_below: the penalty counts only while the loss of the batch is below this.
      l1: strengths of `nalu.l1`, at first and at last; it grows tenfold in between.
      l1_every: the steps after which it does.
      clip_value: bound for each element of the gradient, or None.
      clip_norm: bound for the norm of the gradient, or None.
      source: where it stands.
    """

    optimiser: str
    learning_rate: float
    steps: int
    penalty: float = 0.0
    penalty_from: float = 0.0
    penalty_to: float = 1.0
    penalty_below: float = float("inf")
    l1: tuple[float, float] = (0.0, 0.0)
    l1_every: float = 10_000.0
    clip_value: float | None = None
    clip_norm: float | None = None
    source: str = ""

    @property
    def regularised(self) -> bool:
        """Whether `regulariser` is ever anything but 0."""
        return bool(self.penalty or self.l1[1])

    def regulariser(self, params: Any, step: Array | int, loss: Array | float = 0.0) -> Float[Array, ""]:
        """Returns what the publication adds to the loss at a step; 0, whatever the step, for cells without.

            penalty ramp(step) nalu.penalty(params) + min(l1[0] 10^floor(step / l1_every), l1[1]) nalu.l1(params)

        Args:
          params: any tree with cells in it.
          step: how many steps have been taken.
          loss: of this batch, without any regulariser.
        """
        total = jnp.zeros(())
        if self.penalty:
            share = ramp(step, self.penalty_from, self.penalty_to)
            total += self.penalty * jnp.where(loss < self.penalty_below, share, 0.0) * penalty(params)
        if self.l1[1]:
            first, last = self.l1
            total += jnp.minimum(first * 10.0 ** jnp.floor(step / self.l1_every), last) * l1(params)
        return total

    def over(self, steps: int) -> Recipe:
        """Returns the recipe for a training of another length: every time in it scaled with the length."""
        scale = steps / self.steps
        return self._replace(
            steps=steps,
            penalty_from=scale * self.penalty_from,
            penalty_to=scale * self.penalty_to,
            l1_every=scale * self.l1_every,
        )
