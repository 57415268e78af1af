"""Who takes part in the arena: every cell, what it can be asked for, and how its publication trains it.

Cells are those of `nalu`; the starts and settings here are those of the published benchmark where they are not the
cell's own.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import jax
from flax import linen as nn

import nalu

from ..lib.config import require, suggest
from . import own_cell
from .networks import Stack

ALL = ("a + b", "a - b", "a * b", "a / b")
SUMS, PRODUCTS = ALL[:2], ALL[2:]


@dataclasses.dataclass(frozen=True)
class Entrant:
    """One that takes part.

    Attributes:
      title: its name in tables.
      module: (features, inputs of the layer) -> the layer, with its published start.
      operations: what it is asked for.
      recipe: its published training of the single module; `quotient` replaces it for a / b.
    """

    title: str
    module: Callable[[int, int], nn.Module]
    operations: tuple[str, ...]
    recipe: nalu.Recipe
    quotient: nalu.Recipe | None = None

    def recipe_of(self, operation: str) -> nalu.Recipe:
        return self.quotient if operation == "a / b" and self.quotient else self.recipe


def saturated(inputs: int, features: int) -> nn.initializers.Initializer:
    """Returns the start of NAC's and NALU's weights in the published benchmarks: U[-r, r], so that fan * Var(W) = 2.

    fan is inputs + features, at least 5. For small layers r is 9.47, where tanh and sigmoid are saturated.

    Source: Madsen and Johansen 2020, arXiv 2001.05016, in their code.
    """
    fan = max(inputs + features, 5)

    def excess(r: float) -> float:
        tanh_squared, sigmoid_squared = 1 - math.tanh(r) / r, (r - math.tanh(r / 2)) / (2 * r)
        return fan * tanh_squared * sigmoid_squared - 2

    low, high = 1e-3, 1e3
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if excess(middle) > 0 else (middle, high)
    return symmetric(high)


def symmetric(r: float) -> nn.initializers.Initializer:
    """Returns the initialiser that draws from U[-r, r]."""
    return lambda key, shape, dtype=None: jax.random.uniform(key, shape, minval=-r, maxval=r)


def normal(mean: float, deviation: float) -> nn.initializers.Initializer:
    """Returns the initialiser that draws from N(mean, deviation)."""
    return lambda key, shape, dtype=None: mean + deviation * jax.random.normal(key, shape)


def _plain(cell: Any) -> Callable[[int, int], nn.Module]:
    return lambda features, inputs: cell(features)


def _saturated(cell: Any) -> Callable[[int, int], nn.Module]:
    def module(features: int, inputs: int) -> nn.Module:
        start = saturated(inputs, features)
        return cell(features, w_hat_init=start, m_hat_init=start)

    return module


def inalu(cell: Any) -> Callable[[int, int], nn.Module]:
    """Returns an iNALU of this class with the start of the published benchmark."""
    starts = {"w_hat_init": normal(0.88, 0.2), "m_hat_init": normal(0.5, 0.2), "g_init": normal(0.0, 0.2)}
    return lambda features, inputs: cell(features, **starts)


ADAM = nalu.Recipe("adam", 1e-3, 50_000, source="Mistry et al. 2022, arXiv 2101.09530, single module")
INALU = nalu.Recipe(  # the benchmark's, in place of the authors' RMSProp in turns
    "adam",
    1e-3,
    50_000,
    clip_value=0.1,
    penalty=0.05,
    penalty_from=9_999,
    penalty_to=10_000,
    penalty_below=1.0,
    source="Mistry et al. 2022, arXiv 2101.09530, single module",
)
_OF_PRODUCTS, _OF_QUOTIENTS = (1e-7, 1e-5), (1e-9, 1e-7)  # L1 of the power units


def _entrant(title: str, name: str, operations: tuple[str, ...], module: Any = None) -> Entrant:
    cell = nalu.CELLS[name]
    return Entrant(title, module or _plain(cell), operations, cell.published)


def _power(title: str, name: str) -> Entrant:
    cell = nalu.CELLS[name]
    of_products = cell.published._replace(l1=_OF_PRODUCTS)
    return Entrant(title, _plain(cell), PRODUCTS, of_products, cell.published._replace(l1=_OF_QUOTIENTS))


ENTRANTS: dict[str, Entrant] = {
    "linear": Entrant("linear", lambda features, inputs: nn.Dense(features, use_bias=False), SUMS, ADAM),
    "nac": _entrant("NAC", "nac", SUMS, _saturated(nalu.CELLS["nac"])),
    "nac_mul": _entrant("NAC mul", "nac_mul", PRODUCTS, _saturated(nalu.CELLS["nac_mul"])),
    "nac_mul_sigmoid": dataclasses.replace(_entrant("NAC mul, sigmoid", "nac_mul_sigmoid", PRODUCTS[:1]), recipe=ADAM),
    "nalu": _entrant("NALU", "nalu", ALL, _saturated(nalu.CELLS["nalu"])),
    "inalu": Entrant("iNALU", inalu(nalu.CELLS["inalu"]), ALL, INALU),
    "inalu_shared": Entrant("iNALU, shared", inalu(nalu.CELLS["inalu_shared"]), ALL, INALU),
    "nau": _entrant("NAU", "nau", SUMS),
    "nmu": _entrant("NMU", "nmu", PRODUCTS[:1]),
    "snmu": _entrant("sNMU", "snmu", PRODUCTS[:1]),
    "npu": _power("NPU", "npu"),
    "real_npu": _power("RealNPU", "real_npu"),
    "modified_real_npu": _power("RealNPU, modified", "modified_real_npu"),
    "nru": _entrant("NRU", "nru", PRODUCTS),
    "nmru": _entrant("NMRU", "nmru", PRODUCTS),
    "mc_fc": _entrant("MC-FC", "mc_fc", SUMS[:1]),
    "mul_mc_fc": _entrant("Mul MC-FC", "mul_mc_fc", PRODUCTS[:1]),
}


# Networks of two layers for products of sums: (title, the layer that adds, the layer that multiplies).
PAIRS: dict[str, tuple[str, str, str]] = {
    "nmu": ("NAU, NMU", "nau", "nmu"),
    "nalu": ("NALU, NALU", "nalu", "nalu"),
    "nac_mul": ("NAC, NAC mul", "nac", "nac_mul"),
    "nac_mul_sigmoid": ("NAC, NAC mul sigmoid", "nac", "nac_mul_sigmoid"),
    "snmu": ("NAU, sNMU", "nau", "snmu"),
    "inalu": ("iNALU, iNALU", "inalu", "inalu"),
    "real_npu": ("NAU, RealNPU", "nau", "real_npu"),
    "modified_real_npu": ("NAU, RealNPU modified", "nau", "modified_real_npu"),
    "nmru": ("NAU, NMRU", "nau", "nmru"),
    "linear": ("linear, linear", "linear", "linear"),
}


def pair_names(name: str) -> tuple[str, str, str]:
    """Returns the title and the layers of a pair; a cell of the user's own makes both."""
    return PAIRS[name] if name in PAIRS else (", ".join([entrant(name).title] * 2), name, name)


def pair(name: str) -> nn.Module:
    """Returns the network 4-2-1 of a pair."""
    _, first, second = pair_names(name)
    return Stack((entrant(first).module(2, 4), entrant(second).module(1, 2)))


def recipe_of_pair(name: str, steps: int) -> nalu.Recipe:
    """Returns how a pair is trained: as its second layer, over so many steps.

    For NAU and NMU Madsen and Johansen turn the penalty on after a million steps, which these networks never see.
    """
    recipe = entrant(pair_names(name)[2]).recipe
    return recipe._replace(penalty=0.0) if name in ("nmu", "snmu") else recipe.over(steps)


@functools.cache
def entrant(name: str) -> Entrant:
    """Returns who takes part under a name, which may be `package.module:Class`, a cell of the user's own.

    Raises:
      UserError: the cell of the user's own cannot be imported, or is no Flax module with `features`.
    """
    if ":" not in name:
        return ENTRANTS[name]
    cell = own_cell.load(name)
    title = name.rpartition(":")[2]
    recipe = getattr(cell, "published", ADAM)
    return Entrant(title, _plain(cell), own_cell.operations(name, cell, ALL), recipe)


@functools.cache
def try_out(name: str) -> None:
    """Raises a usage error, in one sentence, if the name is of a cell of the user's own that cannot be trained.

    Called when trainings are made, which is before the first of them begins.
    """
    if ":" in name:
        own_cell.check(name, own_cell.load(name))


def check_names(cells: tuple[str, ...], *further: str) -> None:
    """Raises a usage error unless every name is known, or a cell of the user's own that can be imported."""
    known = dict.fromkeys((*ENTRANTS, *PAIRS, *further))
    for name in cells:
        if ":" in name:
            entrant(name)
        sentence = f"cells has no '{name}'{suggest(name, known)}; there are {', '.join(known)}, or module:Class."
        require(":" in name or name in known, sentence)
