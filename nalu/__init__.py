"""Neural arithmetic cells for JAX and Flax: pure functions, and Linen modules that stand in for `nn.Dense`.

    y = nalu.nalu(x, nalu.nac_weights(w_hat, m_hat), g)     # the paper's equations
    y = nalu.NALU(features=8)(x)                            # inside a Linen module
    hs = nn.RNN(nalu.Accumulator(nalu.NALU(features=2)))    # over time
    loss = error + 0.01 * nalu.penalty(params)              # what draws weights to -1, 0 and 1
    params = nalu.project(params)                           # clipped after the step, where the cell says so

`nalu.CELLS` has all cells by name. They have two behaviours where their papers have two: `cell.apply(variables, x)` is
the test's, `cell.apply(variables, x, rngs={"noise": key})` the training's.

Extrapolation is only as exact as the products are: on accelerators set
`jax.config.update("jax_default_matmul_precision", "highest")`.

Source: Trask et al. 2018, "Neural Arithmetic Logic Units", arXiv 1808.00508, and what followed it; each cell names its
own.
"""

import importlib
from typing import Any

from nalu._src.cell import Cell, Facts
from nalu._src.cells import CELLS
from nalu._src.inalu import INALU, inalu
from nalu._src.inalu_shared import INALUShared
from nalu._src.mc_fc import MCFC, mc_fc
from nalu._src.modified_real_npu import ModifiedRealNPU
from nalu._src.mul_mc_fc import MulMCFC, mul_mc_fc
from nalu._src.nac import NAC, nac, nac_weights
from nalu._src.nac_mul import NACMul, log_nac
from nalu._src.nac_mul_sigmoid import NACMulSigmoid
from nalu._src.nalu import NALU, nalu
from nalu._src.nau import NAU, nau
from nalu._src.nmru import NMRU, nmru
from nalu._src.nmu import NMU, nmu
from nalu._src.npu import NPU, npu
from nalu._src.nru import NRU, nru, nru_training
from nalu._src.reading import Formula, read, snap
from nalu._src.real_npu import RealNPU, real_npu
from nalu._src.recipe import Recipe, ramp
from nalu._src.recurrent import Accumulator, Recurrent
from nalu._src.rules import Rule, l1, penalty, project, projection
from nalu._src.snmu import SNMU, snmu

__all__ = [
    "CELLS",
    "INALU",
    "MCFC",
    "NAC",
    "NALU",
    "NAU",
    "NMRU",
    "NMU",
    "NPU",
    "NRU",
    "SNMU",
    "Accumulator",
    "Cell",
    "Facts",
    "Formula",
    "INALUShared",
    "ModifiedRealNPU",
    "MulMCFC",
    "NACMul",
    "NACMulSigmoid",
    "RealNPU",
    "Recipe",
    "Recurrent",
    "Rule",
    "inalu",
    "l1",
    "log_nac",
    "mc_fc",
    "mul_mc_fc",
    "nac",
    "nac_weights",
    "nalu",
    "nau",
    "nmru",
    "nmu",
    "npu",
    "nru",
    "nru_training",
    "penalty",
    "project",
    "projection",
    "ramp",
    "read",
    "real_npu",
    "snap",
    "snmu",
]


def __getattr__(name: str) -> Any:
    """Imports `nalu.nnx` when it is first named: NNX takes as long to import as Linen."""
    if name == "nnx":
        return importlib.import_module("nalu.nnx")
    raise AttributeError(f"module 'nalu' has no attribute {name!r}")
