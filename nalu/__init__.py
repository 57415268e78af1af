"""Neural arithmetic cells for JAX and Flax: pure functions, and Linen modules that stand in for `nn.Dense`.

    y = nalu.nalu(x, nalu.nac_weights(w_hat, m_hat), g)     # the paper's equations
    y = nalu.NALU(features=8)(x)                            # inside a Linen module
    hs = nn.RNN(nalu.Accumulator(nalu.NALU(features=2)))    # over time

Extrapolation is only as exact as the products are: on accelerators set
`jax.config.update("jax_default_matmul_precision", "highest")`.

Source: Trask et al. 2018, "Neural Arithmetic Logic Units", arXiv 1808.00508.
"""

from nalu._src.nac import NAC, nac, nac_weights
from nalu._src.nalu import NALU, log_nac, nalu
from nalu._src.recurrent import Accumulator, Recurrent

CELLS = {"nac": NAC, "nalu": NALU}

__all__ = ["CELLS", "NAC", "NALU", "Accumulator", "Recurrent", "log_nac", "nac", "nac_weights", "nalu"]
