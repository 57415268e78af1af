"""What training needs of a parameter, by the parameter's name: its penalty, and the bounds to project it onto.

Every cell names its parameters so that the name tells the cell (`w_nau`, `w_nmu`, ...). Hence the functions below work
on any tree that holds cells somewhere: Linen variables, an `nnx.State`, an NNX module, leaves that a vmap over seeds or
`nn.scan` over layers has led by an axis more. Parameters without a rule (those of `nn.Dense`, of NAC and NALU) have no
penalty and stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


class Rule(NamedTuple):
    """The training of the parameters of one name.

    Attributes:
      axes: how many axes the parameter has; those that lead them count cells.
      penalty: entry -> what it costs; a cell's penalty is the mean over its entries. None: no penalty.
      says: that penalty, as the documentation writes it.
      bounds: (low, high) onto which the parameter is projected after every step, or None.
      l1: the parameter belongs to the cell's L1 norm.
    """

    axes: int
    penalty: Callable[[Array], Array] | None = None
    says: str = ""
    bounds: tuple[float, float] | None = None
    l1: bool = False


RULES: dict[str, Rule] = {}  # filled by the definition of every cell


def register(rules: Mapping[str, Rule]) -> None:
    """Makes the rules of a cell known; two cells may share a name if they share its rule."""
    for name, rule in rules.items():
        if RULES.setdefault(name, rule) != rule:
            raise ValueError(f"Another cell has a rule for parameters called {name!r}: choose another name.")


def penalty(params: Any) -> Float[Array, ""]:
    """Returns what draws the weights of all cells to where they are exact: 0 there, and 0 for cells without.

        sum over cells and parameters of mean(penalty of an entry), e.g. mean(min(|W|, |1 - |W||)) for the NAU

    Add it to the loss times a strength; `Recipe.regulariser` has the published one. On parameters led by an axis of
    seeds it is the sum over the seeds, whose gradient by each seed's parameters is that of its own penalty.

    Args:
      params: any tree with cells in it.

    Source: the cells' own papers; `docs/cells.md` has every cell's.
    """
    total = jnp.zeros(())
    for rule, leaf in _ruled(params):
        if rule.penalty is not None:
            total = total + rule.penalty(leaf).mean(axis=tuple(range(-rule.axes, 0))).sum()
    return total


def l1(params: Any) -> Float[Array, ""]:
    """Returns the sum of |theta| over the parameters of all neural power units, the regulariser of their paper.

    Args:
      params: any tree with cells in it.

    Source: Heim, Pevny and Smidl 2020, "Neural Power Units", arXiv 2006.01681.
    """
    return sum((jnp.abs(leaf).sum() for rule, leaf in _ruled(params) if rule.l1), jnp.zeros(()))


def project(params: Any) -> Any:
    """Returns the tree with all weights clipped to where their cell allows them; to be called after every step.

    NAU and NRU to [-1, 1], NMU, sNMU and NMRU to [0, 1], the modified Real NPU's weights to [-1, 1] and its gate to
    [0, 1]. What is within is not changed, nor is any other leaf.

    Args:
      params: any tree with cells in it: parameters, not the state of an optimiser, whose moments have the same names.
    """

    def onto(path: tuple[Any, ...], leaf: Any) -> Any:
        rule = _rule(path)
        return leaf if rule is None or rule.bounds is None else jnp.clip(leaf, *rule.bounds)

    return jax.tree_util.tree_map_with_path(onto, params)


class Projection(NamedTuple):
    """`project` as the last transformation of an `optax.chain`."""

    init: Callable[[Any], tuple]
    update: Callable[[Any, tuple, Any], tuple[Any, tuple]]


def projection() -> Projection:
    """Returns the transformation that shortens updates so that they end within the bounds of `project`.

    The last in a chain, `optax.chain(optax.adam(1e-3), nalu.projection())`, it makes of any optimiser one that
    projects. Optax takes it as its own; it needs the parameters, as weight decay does.
    """

    def update(updates: Any, state: tuple, params: Any = None) -> tuple[Any, tuple]:
        if params is None:
            raise ValueError("nalu.projection() needs the parameters: call update(gradients, state, params).")

        def shortened(path: tuple[Any, ...], step: Any, leaf: Any) -> Any:
            rule = _rule(path)
            return step if rule is None or rule.bounds is None else jnp.clip(leaf + step, *rule.bounds) - leaf

        return jax.tree_util.tree_map_with_path(shortened, updates, params), state

    return Projection(lambda params: (), update)


def _ruled(params: Any) -> list[tuple[Rule, Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return [(rule, leaf) for path, leaf in leaves if (rule := _rule(path)) is not None]


def _rule(path: tuple[Any, ...]) -> Rule | None:
    """Returns the rule of a leaf. Its name is the last in its path that has one: below it are at most boxes."""
    for entry in reversed(path):
        name = getattr(entry, "key", getattr(entry, "name", None))
        if isinstance(name, str) and name in RULES:
            return RULES[name]
    return None
