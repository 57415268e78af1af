"""A toy experiment for testing the engine: it compiles in a fraction of a second, and its legs last as long as asked.

Two lanes learn the slope of a line. `python -m tests.toy run toy ...` is the command line with this one experiment.

Axes: L lanes, B batch.
"""

import dataclasses
import os
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.lib import suite
from experiments.lib.cli import main as command_line
from experiments.lib.config import Count, Positive, Root, check, require_divides, selects
from experiments.lib.engine import driver, stopping
from experiments.lib.report import Curve, Figure, Panel, Table, quantities_of
from experiments.lib.store.records import Finished
from experiments.lib.training import loop, optimisers

VERSION = 1
PLACE = (0, 0)
ARTEFACTS = ("toy",)
SLOPES = (2.0, -3.0)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the toy."""

    seeds: Count = 3
    root: Root = 5
    models: tuple[str, ...] = selects(("line", "shifted"), among=("line", "shifted"))
    steps: Count = 8
    legs: Count = 4
    learning_rate: Positive = 0.05
    batch: Count = 4

    def __post_init__(self) -> None:
        check(self)
        require_divides(self, "legs", "steps")


def runs(cfg: Config) -> list[dict[str, Any]]:
    """Returns one run a model."""
    return [{"model": model} for model in cfg.models]


def make_train(cfg: Config, *, model: str) -> driver.Train:
    """Returns the training of one seed."""
    transform = optax.scale_by_adam()
    slopes_L = jnp.array(SLOPES)
    shift = {"line": 0.0, "shifted": 1.0}[model]

    def init(key: jax.Array) -> loop.TrainState:
        key_init, key_data = jax.random.split(key)
        return loop.start({"slope": jax.random.normal(key_init, (2,))}, transform, key_data)

    def sample(key: jax.Array) -> jax.Array:
        return jax.random.normal(key, (cfg.batch,))

    def losses(params: Any, x_B: jax.Array) -> jax.Array:
        return jnp.square((params["slope"] - slopes_L)[:, None] * x_B[None] + shift).mean(1)

    def leg(state: loop.TrainState) -> tuple[loop.TrainState, dict[str, jax.Array]]:
        rate = optimisers.constant(cfg.learning_rate)
        steps = cfg.steps // cfg.legs
        state = loop.take_steps(
            state, steps=steps, sample=sample, losses=losses, transform=transform, learning_rate=rate
        )
        error_L = jnp.abs(state.params["slope"] - slopes_L)
        return state, {"error_L": error_L, "slope_L": state.params["slope"], "nonfinite_L": state.nonfinite_L}

    return driver.Train(init, leg, cfg.legs, len(SLOPES) * cfg.steps // cfg.legs, last=("slope_L",), group=2)


def tables(cfg: Config, results: list[Finished]) -> list[Table]:
    """Returns the errors of the slopes."""
    quantities = []
    for run in results:
        for lane, slope in enumerate(SLOPES):
            of = quantities_of(run, "toy", diverged_S=run.arrays["nonfinite_L"][:, -1, lane] > 0)
            error_S = run.arrays["error_L"][:, -1, lane]
            quantities.append(of("slopes", f"{slope:g}", run.variant["model"], "error", error_S))
    rows = tuple(f"{slope:g}" for slope in SLOPES)
    return [
        Table("toy", "The toy", ("slopes",), rows, tuple(run.variant["model"] for run in results), tuple(quantities))
    ]


def figures(cfg: Config, results: list[Finished]) -> list[Figure]:
    """Returns the errors over the legs."""
    curves = tuple(
        Curve(run.variant["model"], np.arange(cfg.legs), run.arrays["error_L"].mean((0, 2))) for run in results
    )
    return [Figure("toy", "toy", "The toy", (Panel("toy", "leg", "error", curves),))]


def main() -> None:
    """Runs the command line with the toy as the only experiment."""
    stopping.leave_on_signals()
    suite.modules = lambda: {"toy": sys.modules[__name__]}
    driver.CHECKPOINT_SECONDS = float(os.environ.get("TOY_CHECKPOINT_SECONDS", "0"))
    sys.exit(command_line.answer(sys.argv[1:]))


if __name__ == "__main__":
    main()
