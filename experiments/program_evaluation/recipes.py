"""How each network of section 4.4 is trained; all found on training-range programs and keys that are not reported."""

import optax
from flax import linen as nn

from ..lib.networks.configured_nalu import ConfiguredNalu
from ..lib.training import optimisers
from .dnc import Dnc
from .networks import ProgramNetwork
from .training import Recipe
from .ugrnn import UGRNNCell

KEPT = "nalu-kept"  # one network, which keeps what it knows of the training range
LONGER = 4  # times the steps of the other configured networks, for KEPT
MODELS = ("nalu", KEPT, "lstm", "ugrnn", "dnc", "nac")
READ_OUTS = ("read_out", "output")  # of the usual cells, and of the DNC
STAGES = 60  # of sharpening
ANSWERS = 100.0  # a usual cell's output of 1 is an answer of so much


def recipe(model: str, language: str, *, networks: int, length: float, evaluations: int) -> Recipe:
    """Returns how a model learns a language.

    Args:
      networks: of a configured NALU or NAC, side by side.
      length: of training, times its usual steps.
      evaluations: what the steps must be a multiple of.
    """
    simple = language == "addition"
    if model in ("nalu", KEPT, "nac"):
        stages = -(-STAGES // evaluations) * evaluations
        return Recipe(
            network=ProgramNetwork(ConfiguredNalu(1 if simple else 3, 24, multiplies=model != "nac")),
            transform=optax.chain(optimisers.clip_by_lane_norm(0.1), optax.scale_by_adam()),
            learning_rate=2e-2,
            steps=_multiple((1200 if simple else 8000) * (LONGER if model == KEPT else 1) * length, stages),
            batch=64,
            networks=1 if model == KEPT else networks,
            sharpness=20.0,
            stages=stages,
            keeps=model == KEPT,
        )
    cell, value_unit, rate, steps, batch, adam_rate = {
        ("lstm", True): (nn.OptimizedLSTMCell(32), 50.0, 0.01, 2000, 64, 1.0),
        ("lstm", False): (nn.OptimizedLSTMCell(64), 25.0, 0.03, 20_000, 128, 1.0),
        ("ugrnn", True): (UGRNNCell(32), 50.0, 0.01, 2000, 64, 1.0),
        ("ugrnn", False): (UGRNNCell(128), 50.0, 0.012, 22_000, 64, 0.3),
        ("dnc", True): (Dnc(1, 32, slots=8, width=8), 50.0, 0.01, 2000, 64, 1.0),
        ("dnc", False): (Dnc(1, 64, slots=8, width=8), 25.0, 0.02, 20_000, 64, 1.0),
    }[model, simple]
    return Recipe(
        network=ProgramNetwork(cell, value_unit, model != "dnc", ANSWERS),
        transform=optax.chain(
            optimisers.clip_by_lane_norm(ANSWERS),  # the loss is in integers
            optimisers.muon_and_adam(beta=0.95, adam_b2=0.99, adam_rate=adam_rate, adam_layers=READ_OUTS),
        ),
        learning_rate=rate,
        steps=_multiple(steps * length, evaluations),
        batch=batch,
        stages=evaluations,
    )


def _multiple(steps: float, of: int) -> int:
    return max(1, round(steps / of)) * of
