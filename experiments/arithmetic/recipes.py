"""How each network of section 4.1's static half is trained: its start, its optimiser and its schedule."""

from .networks import NaluStart, of_cell, of_perceptron, of_started_nalu
from .training import ADAM, RMSPROP, Recipe

PERCEPTRONS = {  # the paper's two first, then its appendix's
    **{"ReLU6": "ReLU6", "None (linear)": "None", "Tanh": "Tanh", "Sigmoid": "Sigmoid"},
    **{"Softsign": "Softsign", "SELU": "SELU", "ELU": "ELU", "ReLU": "ReLU"},
}
STARTS = (  # ours, tuned on other seeds; the first is the column NALU, all compete in NALU (restarts)
    NaluStart(3.0, (0.5, -0.3), -1.0),
    NaluStart(0.5, (0.5, 0.5), -0.5),
    NaluStart(1.0, (0.5, -0.2), -1.0),
    NaluStart(2.0, (1.0, -1.0), -0.5),
)


def untrained(networks: int, inputs: int, hidden: int) -> Recipe:
    """Returns random networks, Glorot-started NALUs, whose error is what the score calls 100."""
    return Recipe((of_cell("nalu", inputs, hidden),) * networks, ADAM, 0.0, 0)


def perceptrons(names: tuple[str, ...], inputs: int, hidden: int, learning_rate: float, steps: int) -> Recipe:
    """Returns perceptrons, names of `PERCEPTRONS`, side by side in one program."""
    networks = tuple(of_perceptron(PERCEPTRONS[name], inputs, hidden) for name in names)
    return Recipe(networks, ADAM, learning_rate, steps, alike=False)


def cell(name: str, inputs: int, hidden: int, learning_rate: float, steps: int) -> Recipe:
    """Returns two layers of any cell of `nalu.CELLS`, started as the cell itself would."""
    return Recipe((of_cell(name, inputs, hidden),), RMSPROP, learning_rate, steps)


def plain_nalu(inputs: int, hidden: int, learning_rate: float, steps: int) -> Recipe:
    """Returns the plain reading of the paper: a NALU started as Glorot would, Adam, a constant rate."""
    return Recipe((of_cell("nalu", inputs, hidden),), ADAM, learning_rate, steps, cosine=False)


def started_nalus(starts: tuple[NaluStart, ...], inputs: int, learning_rate: float, steps: int) -> Recipe:
    """Returns NALUs side by side, one from each start."""
    return Recipe(tuple(of_started_nalu(start, inputs) for start in starts), RMSPROP, learning_rate, steps)
