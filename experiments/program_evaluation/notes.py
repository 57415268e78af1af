"""What Figures 4 and 6 and their numbers say below themselves."""

from typing import Any

GRAMMAR = {
    "addition": "integer + integer END",
    "program": "[a if b < c else d, or an integer] [+ or - integer] [+ or - integer] END, three in four with an if",
}


def table(cfg: Any, language: str) -> tuple[str, ...]:
    """Returns the notes of the numbers of one language."""
    return (
        f"Percentage of digits that match over {cfg.programs:,} test programs of each size, the same for all seeds: "
        "answers are rounded and written below the truth, units aligned; the sign is a digit where either is negative. "
        "The last step counts. Two digits are all integers of [0, 100), as in training; the other sizes have exactly "
        "so many. Solved: 99 % or more.",
        f"The language, a simple one out of Zaremba and Sutskever's: {GRAMMAR[language]}. One symbol (one-hot) or one "
        "whole integer a step; the loss is the root of a batch's mean squared error, as the paper has it.",
        "NALU: registers pass through a NALU, s' = NALU([s, integer]), whose W_hat, M_hat and gate an LSTM emits at "
        "every step (the gate g itself, not a G on the data). The LSTM sees the symbols and the tanh of the registers, "
        "hardly more than their signs, so that it can branch; never an integer. In the last 40 % of training what it "
        "emits is multiplied by up to 20, so that weights become -1, 0 and 1 to the last bit. The answer is the first "
        "register.",
        f"NALU and NAC: the first of {cfg.networks} networks that a seed trains on the same programs. (restarts): the "
        "one of them with the least error on other two-digit programs. NAC: the same without the multiplicative path, "
        "to see whether the multiplier matters here.",
        "LSTM, UGRNN and DNC see the same symbols and the integer in units of 25 or 50, and are trained, with Muon, "
        "until they know the training range; only then is what they do beyond it a comparison.",
        "All settings were chosen by two-digit programs drawn from other keys, but for the number of networks that "
        "compete and the length of their training, for which four digits were looked at, too (on other keys as well).",
    )


def drawing(cfg: Any) -> tuple[str, ...]:
    """Returns the notes under Figures 4 and 6."""
    return (
        f"Integers below 100 in training; {cfg.programs:,} test programs of each size. The paper's figures go to four "
        "digits; their curves could not be read. NAC: the NALU without its multiplicative path.",
    )
