"""The page of all cells, `docs/cells.md`, made from what each cell's class says: python -m nalu._src.page."""

from __future__ import annotations

from nalu._src.cell import Cell
from nalu._src.cells import CELLS

HEAD = """\
# The cells of `nalu`

Made by `python -m nalu._src.page > docs/cells.md` from the cells' own data, to which the tests hold them: what a cell
is said to be exact at is what it reaches at saturated parameters, and nothing else of the operations tried
(a, -a, a + b, a - b, a b, a / b, 1 / a, square root, square). x has I inputs, y O outputs.

## Which cell for what

By what the cells can be exact at. How often training gets there is another question, which depends on task, range and
settings: [the arena's board](../results/tables/arena.md) has the cells measured on the same tasks, published and tuned.

| you need | cells that can be exact |
|---|---|
"""

NEEDS = {
    "sums": ("exact_signed", {"a + b"}),
    "sums and differences": ("exact_signed", {"a + b", "a - b"}),
    "products of factors of either sign": ("exact_signed", {"a * b"}),
    "products of positive factors": ("exact", {"a * b"}),
    "quotients of either sign": ("exact_signed", {"a / b"}),
    "quotients of positive numbers": ("exact", {"a / b"}),
    "square roots": ("exact", {"sqrt(a)"}),
    "squares in one layer": ("exact", {"a^2"}),
    "sums and products by a learnt choice": ("exact", {"a + b", "a * b"}),
}

ADVICE = """
- A network rarely needs one cell alone: sums in a first layer (NAC, NAU) and products, quotients or powers of them in a
  second is what the papers evaluate.
- Cells with a penalty (`nalu.penalty`) or bounds (`nalu.project`) are meant to be trained with them. The attribute
  `published` has strength, schedule, optimiser and rate of the publication; `published.over(steps)` scales the times.
- Exponents from logarithms (NAC in log space, NALU, iNALU, the power units) make steep gradients near x = 0. The NMU
  has none there, but its product of many inputs is huge or tiny until its weights decide.
- `nalu.read` says after training whether there is a formula, `nalu.snap` makes the weights exact.

## All cells
"""


def page() -> str:
    """Returns the page as Markdown."""
    lines = [HEAD.rstrip("\n")]
    for need, (field, operations) in NEEDS.items():
        fit = [cell.__name__ for cell in CELLS.values() if operations <= set(getattr(cell.facts, field))]
        lines.append(f"| {need} | {', '.join(fit)} |")
    lines += [ADVICE.rstrip("\n"), ""]
    lines += [
        "| name | equation | parameters | exact for positive a, b | of either sign | fails | start | penalty | bounds |"
        " published training | source |",
        "|" + "---|" * 11,
    ]
    lines += [f"| {' | '.join(map(_escaped, row(name, cell)))} |" for name, cell in CELLS.items()]
    return "\n".join(lines) + "\n"


def row(name: str, cell: type[Cell]) -> tuple[str, ...]:
    """Returns the entries of a cell's line."""
    facts = cell.facts
    return (
        f"**`{name}`** {cell.__name__}, {facts.title}",
        facts.equation,
        _parameters(cell),
        ", ".join(facts.exact),
        ", ".join(facts.exact_signed) or "none",
        facts.fails,
        facts.start,
        _penalty(cell),
        _bounds(cell),
        _training(cell),
        facts.source,
    )


def _parameters(cell: type[Cell]) -> str:
    sizes = {5: "I", 3: "O", 10: "2 I"}
    starts = cell(3, parent=None).starts(5)
    return ", ".join(f"`{name}` [{', '.join(sizes[n] for n in shape)}]" for name, (_, shape) in starts.items())


def _penalty(cell: type[Cell]) -> str:
    said = dict.fromkeys(f"mean {rule.says}" for rule in cell.rules.values() if rule.penalty is not None)
    said |= {"L1 norm": None} if any(rule.l1 for rule in cell.rules.values()) else {}
    return ", ".join(said) or "none"


def _bounds(cell: type[Cell]) -> str:
    bounds = {name: rule.bounds for name, rule in cell.rules.items() if rule.bounds is not None}
    return ", ".join(f"`{name}` in [{low}, {high}]" for name, (low, high) in bounds.items()) or "none"


def _training(cell: type[Cell]) -> str:
    recipe = cell.published
    said = [f"{recipe.optimiser} {recipe.learning_rate:g}, {recipe.steps:,} steps"]
    if recipe.penalty:
        said.append(f"penalty {recipe.penalty:g} from {recipe.penalty_from:,} to {recipe.penalty_to:,}")
    if recipe.penalty_below < float("inf"):
        said.append(f"only at a loss below {recipe.penalty_below:g}")
    if recipe.l1[1]:
        said.append(f"L1 {recipe.l1[0]:g} to {recipe.l1[1]:g}, tenfold every {recipe.l1_every:,.0f}")
    if recipe.clip_value is not None:
        said.append(f"gradient elements within {recipe.clip_value:g}")
    if recipe.clip_norm is not None:
        said.append(f"gradient norm within {recipe.clip_norm:g}")
    return "; ".join(said) + f" ({recipe.source})"


def _escaped(entry: str) -> str:
    return entry.replace("|", "\\|").replace("*", "\\*") if not entry.startswith("**") else entry


if __name__ == "__main__":
    print(page(), end="")
