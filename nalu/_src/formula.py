"""Formulas of sums and products as values, and their text: `x1 * x2 / (x3 + x4)`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

RUN = 6  # so many neighbouring inputs with the same weight are written as x1 + ... + x6


@dataclasses.dataclass(frozen=True)
class Input:
    """One input."""

    name: str
    place: int


@dataclasses.dataclass(frozen=True)  # not a tuple: a sum never equals a product
class Sum:
    """The sum of formulas with their coefficients."""

    terms: tuple[tuple[float, Any], ...]


@dataclasses.dataclass(frozen=True)
class Product:
    """The product of formulas with their exponents."""

    factors: tuple[tuple[float, Any], ...]


@dataclasses.dataclass(frozen=True)
class Magnitude:
    """The magnitude of a formula."""

    of: Any


ZERO = Sum(())


def sum_of(pairs: Iterable[tuple[float, Any]]) -> Any:
    """Returns the sum of formulas `(coefficient, formula)`, those of sums merged, those of 0 left out."""
    coefficients: dict[Any, float] = {}
    for coefficient, formula in pairs:
        for inner, term in formula.terms if isinstance(formula, Sum) else ((1.0, formula),):
            coefficients[term] = coefficients.get(term, 0.0) + coefficient * inner
    terms = tuple((coefficients[term], term) for term in sorted(coefficients, key=_place) if coefficients[term])
    return terms[0][1] if len(terms) == 1 and terms[0][0] == 1 else Sum(terms)


def product_of(pairs: Iterable[tuple[float, Any]]) -> Any:
    """Returns the product of formulas `(exponent, formula)`, those of products merged, those of 0 left out."""
    exponents: dict[Any, float] = {}
    for exponent, formula in pairs:
        if exponent > 0 and formula in (ZERO, Magnitude(ZERO)):
            return ZERO
        whole = isinstance(formula, Product) and exponent == int(exponent)
        for inner, factor in formula.factors if whole else ((1.0, formula),):
            exponents[factor] = exponents.get(factor, 0.0) + exponent * inner
    factors = tuple((exponents[factor], factor) for factor in sorted(exponents, key=_place) if exponents[factor])
    return factors[0][1] if len(factors) == 1 and factors[0][0] == 1 else Product(factors)


def magnitude(formula: Any) -> Any:
    """Returns |formula|, that of a product as the product of the factors' magnitudes."""
    if isinstance(formula, Product):
        return product_of((exponent, magnitude(factor)) for exponent, factor in formula.factors)
    return formula if isinstance(formula, Magnitude) else Magnitude(formula)


def text_of(formula: Any) -> str:
    """Returns a formula as text, with `^` for powers, `sqrt(x)` and `|x|`."""
    match formula:
        case Input():
            return formula.name
        case Magnitude():
            return f"|{text_of(formula.of)}|"
        case Product():
            above = [_power(exponent, factor) for exponent, factor in formula.factors if exponent > 0]
            below = [_power(-exponent, factor) for exponent, factor in formula.factors if exponent < 0]
            numerator = " * ".join(above) or "1"
            return numerator + (f" / {_grouped(below)}" if below else "")
        case Sum():
            return _sum_text(formula)
    raise TypeError(f"{formula!r} is no formula.")


def _place(formula: Any) -> int:
    """Returns the place of the first input of a formula, by which terms and factors are put in order."""
    match formula:
        case Input():
            return formula.place
        case Magnitude():
            return _place(formula.of)
        case Sum():
            return min((_place(each) for _, each in formula.terms), default=0)
        case Product():
            return min((_place(each) for _, each in formula.factors), default=0)
    raise TypeError(f"{formula!r} is no formula.")


def _grouped(factors: list[str]) -> str:
    return factors[0] if len(factors) == 1 else f"({' * '.join(factors)})"


def _power(exponent: float, factor: Any) -> str:
    if exponent == 0.5:
        return f"sqrt({text_of(factor)})"
    base = text_of(factor) if isinstance(factor, Input | Magnitude) else f"({text_of(factor)})"
    return base if exponent == 1 else f"{base}^{exponent:g}"


def _sum_text(formula: Sum) -> str:
    text = ""
    for coefficient, run in _runs(formula.terms):
        sign = "-" if coefficient < 0 else "+" if text else ""
        text += f" {sign} " if text else sign
        factor = "" if abs(coefficient) == 1 else f"{abs(coefficient):g} "
        if len(run) < RUN:
            text += f" {sign} ".join(factor + text_of(term) for term in run)
        else:
            text += f" {sign or '+'} ".join((factor + text_of(run[0]), "...", factor + text_of(run[-1])))
    return text or "0"


def _runs(terms: tuple[tuple[float, Any], ...]) -> list[tuple[float, list[Any]]]:
    """Returns the terms, neighbouring inputs with the same coefficient together where there are enough of them."""
    runs: list[tuple[float, list[Any]]] = []
    for coefficient, term in terms:
        last = runs[-1] if runs else None
        follows = (
            last is not None
            and last[0] == coefficient
            and isinstance(term, Input)
            and isinstance(last[1][-1], Input)
            and term.place == last[1][-1].place + 1
        )
        if follows:
            last[1].append(term)
        else:
            runs.append((coefficient, [term]))
    return [
        part
        for coefficient, run in runs
        for part in ([(coefficient, run)] if len(run) >= RUN else [(coefficient, [term]) for term in run])
    ]


def sums(w: Any, x: list[Any]) -> list[Any]:
    """Returns x W as formulas, for weights `[I, O]`."""
    return [sum_of(zip(column, x, strict=True)) for column in w.T.tolist()]


def products(w: Any, x: list[Any]) -> list[Any]:
    """Returns the products of x to the powers W as formulas, for exponents `[I, O]`."""
    return [product_of(zip(column, x, strict=True)) for column in w.T.tolist()]


def magnitudes(x: list[Any]) -> list[Any]:
    """Returns the magnitude of each."""
    return [magnitude(each) for each in x]
