"""What Table 3 and Figure 3 say below themselves."""

from typing import Any

from . import networks, recipes, training, words

PRINTED = 0.005  # an error below the paper's plus this much prints as the paper's, or less


def table(cfg: Any) -> tuple[str, ...]:
    """Returns the notes of Table 3."""
    hundreds = "; ".join(
        f"split {d + 1}: {', '.join(str(n) for n in words.split(seed).training if n and n % 100 == 0) or 'none'}"
        for d, seed in enumerate(cfg.splits)
    )
    return (
        f"Mean absolute error over the {words.TRAINING} numbers of training, {words.VALIDATION} of "
        "validation and 631 of the test, in ones. The last step counts; the seed is selected by its validation error "
        "on the same split. Exact: the share of test numbers that the answer rounds to.",
        "Splits are drawn at random, as the paper says: 0 to 19, and others until every word occurs. What the paper "
        "shows as unseen in Figure 3 is never trained. Round hundreds that happen to be in training: "
        f"{hundreds}. Where there are few, nothing but a network's own preference says that 'five hundred' is 500.",
        f"Embedding of {cfg.embedding}, LSTM of {cfg.hidden}, one layer on its last state: linear, a NAC or a NALU "
        "(the paper's text). The configured NALU is ours: the answer so far and a learned value of the word pass "
        f"through a NALU whose W and g an LSTM of {cfg.configured_hidden} emits at every word, y = NALU([y, v]).",
        "The paper gives no unit. An output of 1 is an answer of 1 or of 1000: in units of 1 the bounded state of an "
        "LSTM must be stretched to 999, in units of 1000 to 0.999.",
        f"Unstated, so ours, the same for all: {cfg.steps:,} steps of Adam on all training numbers (cosine to 0, "
        "gradients clipped to a norm of 1); the loss is the mean of |error| / (n + 1)^p; decoupled weight decay, whole "
        f"for {training.FULL_DECAY:.0%} of the steps, then falling to 0, of its own for the input's, the state's "
        "and the read-out's weights. Learning rate, decays and p are the best of as many random draws for every row "
        "and unit, by the validation numbers of other splits (`make table3_search`). "
        f"eps is {networks.EPS:g} and exponents end at {networks.EXPONENT:g}.",
        _recipes(cfg),
    )


def _recipes(cfg: Any) -> str:
    lines = [
        f"{recipes.MODELS[model]} in {unit}: {r.learning_rate:g}, {r.decay:g}, {r.recurrent_decay:g}, "
        f"{r.read_out_decay:g}, {r.leniency:g}"
        for (model, unit), r in recipes.RECIPES.items()
        if model in cfg.models and unit in cfg.units
    ]
    return f"Learning rate, decays of input, state and read-out, p: {'; '.join(lines)}."


def figure(cfg: Any) -> tuple[str, ...]:
    """Returns the notes of the numbers of Figure 3."""
    return (
        "The answer after every word, though only the answer after the last word of a number was ever trained; no "
        "query is among the numbers of training or validation. In bold the seed that Table 3 selects on its first "
        "split, in the unit whose best validation error is least.",
        "'twenty seven and eighty' is no number; adding it up gives 107. Off the words' value: how far the answer is "
        "from what the words so far are worth ('three hundred and': 300).",
    )


def drawing() -> tuple[str, ...]:
    """Returns the notes under Figure 3."""
    return (
        "Lines: the seed selected by validation; bands: from the 10th to the 90th percentile of all seeds. "
        "Hollow marks: the paper's LSTM + NALU. Bars: what the words so far are worth.",
        "Nothing but the answer to a whole number was trained, and none of these was among them.",
    )


def seeds() -> tuple[str, ...]:
    """Returns the notes under the errors of all seeds."""
    return (
        "Mean absolute error on the 631 test numbers of each seed's last step. The paper prints 0.41, 29.4, 114.3.",
    )
