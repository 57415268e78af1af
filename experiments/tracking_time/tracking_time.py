"""Can an agent keep a time that it was told once, and that is longer than any it has learnt? (section 4.5, Figure 5)

In a grid world of 5 x 5 cells an agent is told T at t = 0 and should step on a red square for the first time at t = T.
It learns this for T from 8 to 12, by actor-critic from pixels, and is then told up to 26. The usual agent arrives too
early (the paper's as if no number were larger than 12); with a NAC between instruction, state and LSTM it waits,
longer and more exactly where the NAC alone keeps the time.

    python -m experiments run figure5 --profile full

Axes: S seeds, E evaluations, I instructions.
"""

import dataclasses
from typing import Any

import nalu

from ..lib.config import (
    Count,
    NotNegative,
    Positive,
    Root,
    Share,
    Size,
    check,
    one_of,
    require,
    require_divides,
    selects,
)
from ..lib.training.train import Train
from . import training
from .agent import CLOCK, RESTARTS, USUAL, WIRINGS
from .play import play as play
from .report import figures as figures
from .report import tables as tables

VERSION = 1
PLACE = (4, 5)  # in the paper: section, subsection
ARTEFACTS = ("figure5",)
AGENTS = (USUAL, "nac", "nalu", f"{USUAL}{RESTARTS}", f"nac{RESTARTS}", CLOCK)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of Figure 5."""

    seeds: Count = 10  # ours
    root: Root = 4501  # ours: the root of the reported keys; tuning used others
    models: tuple[str, ...] = selects(AGENTS, among=(*AGENTS, *nalu.CELLS))  # paper 4.5: the first two
    wiring: str = one_of("accumulating", tuple(WIRINGS))  # of the cell; ours (`agent.Core`)
    instructed: tuple[Size, Size] = (8, 12)  # paper 4.5, likely: T in training
    limit: Size = 20  # L; unstated; ours, as all that follows
    exact_only: bool = False  # a reward only for arriving exactly in time
    fall_off: NotNegative = 1 / 7  # of the reward, for each step too early or too late; read off Figure 5
    hidden: Size = 64  # of the LSTM
    counts: Size = 4  # outputs of the cell
    channels: Size = 8  # of the convolution
    features: Size = 32  # of vision
    updates: Count = 5000
    episodes: Size = 256  # of an update
    learning_rate: tuple[NotNegative, NotNegative] = (2e-3, 2e-4)  # from the first update to the last, as the next
    entropy: tuple[NotNegative, NotNegative] = (2e-2, 1e-3)
    value: NotNegative = 0.5
    clip: Positive = 0.5
    lenience: tuple[Share, Share] = (1.0, 0.3)  # of the fall-off, at first, and over this share of training
    evaluations: Size = 10
    test_episodes: Size = 128  # for each instruction
    test_limit: Size = 40

    def __post_init__(self) -> None:
        check(self)
        low, high = self.instructed
        require(low <= high, f"instructed is {low} {high}, but must be a lowest and a highest T above zero.")
        require(high <= self.limit, f"limit is {self.limit}, but must be at least the highest T, {high}.")
        require_divides(self, "evaluations", "updates")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run for each agent."""
    return [{"model": model} for model in cfg.models]


def make_train(cfg: Config, *, model: str) -> Train:
    """Returns the training of one seed."""
    return training.make_train(cfg, model)
