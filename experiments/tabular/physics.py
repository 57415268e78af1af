"""Closed formulas of physics and engineering: products, quotients, roots, and sums of them.

All inputs lie in a box; constants are left out, as units would be chosen so. `terms` is the formula as a sum of
products of powers, by which a formula that was read off is judged; None where it is no such sum of three at most.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

LOW, HIGH = 1.0, 3.0  # of every input


class Law(NamedTuple):
    """A formula and its exponents: `terms` has for each term the powers of the inputs."""

    name: str
    inputs: tuple[str, ...]
    value: Callable[..., np.ndarray]
    terms: tuple[tuple[float, ...], ...] | None


LAWS = (
    Law("Newton's gravitation", ("m1", "m2", "r"), lambda m1, m2, r: m1 * m2 / r**2, ((1, 1, -2),)),
    Law("kinetic energy", ("m", "v"), lambda m, v: 0.5 * m * v**2, ((1, 2),)),
    Law("pendulum's period", ("l", "g"), lambda l, g: 2 * np.pi * np.sqrt(l / g), ((0.5, -0.5),)),  # noqa: E741
    Law("ideal gas", ("n", "T", "V"), lambda n, T, V: n * T / V, ((1, 1, -1),)),
    Law("Kepler's third law", ("a", "M"), lambda a, M: 2 * np.pi * np.sqrt(a**3 / M), ((1.5, -0.5),)),
    Law("hoop stress", ("p", "r", "t"), lambda p, r, t: p * r / t, ((1, 1, -1),)),
    Law("heat input of a weld", ("U", "I", "v"), lambda U, I, v: 0.8 * U * I / v, ((1, 1, -1),)),  # noqa: E741
    Law("Poiseuille's flow", ("p", "r", "eta", "L"), lambda p, r, eta, L: p * r**4 / (eta * L), ((1, 4, -1, -1),)),
    Law("Reynolds number", ("rho", "v", "L", "mu"), lambda rho, v, L, mu: rho * v * L / mu, ((1, 1, 1, -1),)),
    Law("Stefan and Boltzmann", ("e", "A", "T"), lambda e, A, T: e * A * T**4, ((1, 1, 4),)),
    Law("deflection of a beam", ("F", "L", "E", "I"), lambda F, L, E, I: F * L**3 / (3 * E * I), ((1, 3, -1, -1),)),  # noqa: E741
    Law("speed of sound in a string", ("F", "mu"), lambda F, mu: np.sqrt(F / mu), ((0.5, -0.5),)),
    Law("drag", ("rho", "v", "c", "A"), lambda rho, v, c, A: 0.5 * rho * v**2 * c * A, ((1, 2, 1, 1),)),
    Law("Hall and Petch", ("s", "k", "d"), lambda s, k, d: s + k / np.sqrt(d), ((1, 0, 0), (0, 1, -0.5))),
    Law("fall with a start", ("v", "g", "t"), lambda v, g, t: v * t + 0.5 * g * t**2, ((1, 0, 1), (0, 1, 2))),
    Law(
        "oscillator's energy", ("m", "v", "k", "x"), lambda m, v, k, x: 0.5 * m * v**2 + 0.5 * k * x**2,
        ((1, 2, 0, 0), (0, 0, 1, 2)),
    ),
    Law(
        "Bernoulli's pressure", ("p", "rho", "v", "h"), lambda p, rho, v, h: p + 0.5 * rho * v**2 + rho * h,
        ((1, 0, 0, 0), (0, 1, 2, 0), (0, 1, 0, 1)),
    ),
    Law("carbon equivalent", ("C", "Mn", "Cr", "Ni"), lambda C, Mn, Cr, Ni: C + Mn / 6 + Cr / 5 + Ni / 15, None),
    Law("van der Waals", ("T", "V", "a"), lambda T, V, a: T / V - 0.1 * a / V**2, ((1, -1, 0), (0, -2, 1))),
    Law("resistors in parallel", ("R1", "R2"), lambda R1, R2: R1 * R2 / (R1 + R2), None),
    Law("centre of mass", ("m1", "x1", "m2", "x2"), lambda m1, x1, m2, x2: (m1 * x1 + m2 * x2) / (m1 + m2), None),
    Law("length of a diagonal", ("a", "b", "c"), lambda a, b, c: np.sqrt(a**2 + b**2 + c**2), None),
    Law("radioactive decay", ("N", "k", "t"), lambda N, k, t: N * np.exp(-k * t / 3), None),
    Law("relative velocity", ("u", "v", "c"), lambda u, v, c: (u + v) / (1 + u * v / (10 * c**2)), None),
)  # fmt: skip


def same(law: Law, exponents: np.ndarray) -> bool:
    """Says whether exponents `[K, I]` that were read off are the formula's, in whatever order."""
    if law.terms is None:
        return False
    return sorted(map(tuple, exponents.tolist())) == sorted(tuple(map(float, term)) for term in law.terms)
