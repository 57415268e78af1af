"""The cells as NNX modules over the same functions: `nalu.nnx.NAC(in_features, out_features, rngs=nnx.Rngs(0))`.

Parameters have the names that they have in Linen, so that `nalu.penalty`, `nalu.project`, `nalu.read` and `nalu.snap`
work on these modules and on their states alike. A module is in training until `model.eval()`, as an `nnx.Dropout` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flax import nnx

from nalu._src import cells
from nalu._src.cell import Cell as LinenCell

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


class Cell(nnx.Module):
    """A layer on the last axis, `[..., in_features]` to `[..., out_features]`.

    Args:
      in_features, out_features: numbers of inputs and outputs.
      rngs: "params" for the start, "noise" for the training of cells that have some.
      options: the fields of the Linen module of the same name: `dtype`, `param_dtype`, initialisers and others.

    Attributes:
      deterministic: whether it computes what it is for, or what it is trained with; set by `train()` and `eval()`.
      cell: the Linen module of the same name, without parameters.
    """

    linen: type[LinenCell]

    def __init__(self, in_features: int, out_features: int, *, rngs: nnx.Rngs, **options: Any) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.cell = self.linen(out_features, parent=None, **options)
        for name, (init, shape) in self.cell.starts(in_features).items():
            setattr(self, name, nnx.Param(init(rngs.params(), shape, self.cell.param_dtype)))
        self.deterministic = False
        if self.cell.trained_otherwise:
            self.noise = rngs["noise"].fork()

    def __call__(self, x: Any) -> Float[Array, "*batch O"]:
        params = {name: getattr(self, name)[...] for name in self.cell.starts(self.in_features)}
        training = self.cell.trained_otherwise and not self.deterministic
        return self.cell.evaluate(params, x, self.noise() if training else None)


def of(cell: type[LinenCell]) -> type[Cell]:
    """Returns the NNX module of a Linen cell, for instance of one of your own."""

    class Twin(Cell):
        linen = cell

    Twin.__name__ = Twin.__qualname__ = cell.__name__
    Twin.__doc__ = f"`nalu.{cell.__name__}` as an NNX module; see `nalu.nnx.Cell`.\n\n    {cell.facts.equation}\n"
    return Twin


CELLS = {name: of(cell) for name, cell in cells.CELLS.items()}
NAC = CELLS["nac"]
NACMul = CELLS["nac_mul"]
NACMulSigmoid = CELLS["nac_mul_sigmoid"]
NALU = CELLS["nalu"]
NAU = CELLS["nau"]
NMU = CELLS["nmu"]
SNMU = CELLS["snmu"]
INALU = CELLS["inalu"]
INALUShared = CELLS["inalu_shared"]
NPU = CELLS["npu"]
RealNPU = CELLS["real_npu"]
ModifiedRealNPU = CELLS["modified_real_npu"]
NRU = CELLS["nru"]
NMRU = CELLS["nmru"]
MCFC = CELLS["mc_fc"]
MulMCFC = CELLS["mul_mc_fc"]
