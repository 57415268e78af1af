"""How cells are trained on ten inputs, of which two count."""

import nalu

from . import entrants

INPUTS = 10
STEPS = 100_000
PENALTY_FROM, PENALTY_TO = 50_000, 75_000  # steps at which penalties begin, and at which they are whole
LEARNING_RATES = {"nru": 1e-3}  # where not as with two inputs


def recipe_of(cell: str, operation: str) -> nalu.Recipe:
    """Returns how a cell is trained with ten inputs.

    Source: the code of Mistry, Farrahi and Hare 2021, arXiv 2110.05177, and of their benchmark, arXiv 2101.09530.
    """
    recipe = entrants.entrant(cell).recipe_of(operation)
    if ":" in cell:  # the user's own says for how many steps it is
        return recipe
    recipe = recipe._replace(steps=STEPS)
    recipe = recipe._replace(learning_rate=LEARNING_RATES.get(cell, recipe.learning_rate))
    if recipe.penalty and recipe.penalty_below == float("inf"):  # iNALU's begins with its loss
        recipe = recipe._replace(penalty_from=PENALTY_FROM, penalty_to=PENALTY_TO)
    return recipe
