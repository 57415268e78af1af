"""The work that every program of the grid world's benchmark does.

An update of the agent of section 4.5 (Figure 5), with the settings of that experiment: 256 episodes of a world of 5 x 5
cells, seen as 56 x 56 pixels, are played for 20 steps by an agent of vision (8 x 8 convolution with stride 8, ReLU,
dense, ReLU), a NAC that accumulates, an LSTM of 64 units, a policy and a value; then the actor-critic's loss with
generalised advantages, its gradient through all steps, clipped by its norm, and Adam.

An environment step is one of these 20 x 256. An episode that ends before is masked from there on and counts all the
same: the programs that step all worlds at once compute those steps, and every program is counted alike.
"""

import dataclasses

from ...tracking_time import tracking_time

CONFIG = dataclasses.replace(tracking_time.Config(), lenience=(0.0, 0.0))  # the plain reward from the start
MODEL = "nac"
UPDATES = 20  # between two evaluations
SEEDS = 8  # of the program that trains several
DISCOUNT, TRACE = 1.0, 0.95  # of the advantages
LEARNING_RATE, ENTROPY = CONFIG.learning_rate[0], CONFIG.entropy[0]  # in PyTorch they do not fall
AIM = 100_000  # environment steps per CPU-second


def steps(updates: int) -> int:
    """Returns how many environment steps updates have."""
    return updates * CONFIG.episodes * CONFIG.limit
