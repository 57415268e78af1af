"""What tables and figures call the cells of `nalu.CELLS`: the names that the field writes."""

import nalu

_NAMES = {  # where it is not the class's
    "nac_mul": "NAC mul",
    "nac_mul_sigmoid": "NAC mul sigmoid",
    "snmu": "sNMU",
    "inalu": "iNALU",
    "inalu_shared": "iNALU shared",
    "modified_real_npu": "RealNPU modified",
    "mc_fc": "MC-FC",
    "mul_mc_fc": "Mul MC-FC",
}


def title_of(name: str) -> str:
    """Returns what the field calls a cell of `nalu.CELLS`."""
    return _NAMES.get(name) or nalu.CELLS[name].__name__
