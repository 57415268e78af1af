"""All cells by name; a new one is a line here."""

from nalu._src.inalu import INALU
from nalu._src.inalu_shared import INALUShared
from nalu._src.mc_fc import MCFC
from nalu._src.modified_real_npu import ModifiedRealNPU
from nalu._src.mul_mc_fc import MulMCFC
from nalu._src.nac import NAC
from nalu._src.nac_mul import NACMul
from nalu._src.nac_mul_sigmoid import NACMulSigmoid
from nalu._src.nalu import NALU
from nalu._src.nau import NAU
from nalu._src.nmru import NMRU
from nalu._src.nmu import NMU
from nalu._src.npu import NPU
from nalu._src.nru import NRU
from nalu._src.real_npu import RealNPU
from nalu._src.snmu import SNMU

CELLS = {
    "nac": NAC,
    "nac_mul": NACMul,
    "nac_mul_sigmoid": NACMulSigmoid,
    "nalu": NALU,
    "nau": NAU,
    "nmu": NMU,
    "snmu": SNMU,
    "inalu": INALU,
    "inalu_shared": INALUShared,
    "npu": NPU,
    "real_npu": RealNPU,
    "modified_real_npu": ModifiedRealNPU,
    "nru": NRU,
    "nmru": NMRU,
    "mc_fc": MCFC,
    "mul_mc_fc": MulMCFC,
}
