"""The project's own engine as a program of a benchmark."""

from collections.abc import Callable

import jax

from ..lib.engine.program import compile_train
from ..lib.training.train import Train


def first_leg(train: Train, seeds: int) -> Callable[[], int]:
    """Returns the function that trains all seeds for the first leg and returns how many seed-steps that were."""
    program = compile_train(train, seeds, jax.local_devices()[:1])
    keys = jax.random.split(jax.random.key(7000), seeds)
    state = program.init(jax.device_put(keys, program.sharding), *program.data)

    def run() -> int:
        nonlocal state
        state, _ = jax.block_until_ready(program.legs[0](state, *program.data))
        return seeds * train.network_steps

    return run
