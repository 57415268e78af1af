"""Every program of every experiment is one that accelerators take, though there is none here to run it.

Programs are traced as the engine traces them where it finds an accelerator, and lowered; nothing is compiled.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractMesh, use_abstract_mesh

from experiments.lib import suite
from experiments.lib.engine import program, stand_in
from experiments.lib.store.records import NUMERICS
from experiments.lib.training.train import Train

ACCELERATORS = ("cuda", "tpu")
TRAINED = ("model", "cell", "layer")  # how variants name what is trained
BESIDES = {  # networks that the smoke profile leaves out
    "recurrent_arithmetic": ("nalu-loosened", "gru", "tanh-rnn"),
    "mnist_counting": ("rnn-tanh",),
    "program_evaluation": ("ugrnn", "nalu-kept"),
    "language_to_numbers": ("nalu",),
    "tracking_time": ("nac-restarts", "nac-clock"),
}


@pytest.fixture
def accelerator(monkeypatch):
    """Has all code find an accelerator where it asks for the backend, and JAX as it is in a real run."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    numerics = NUMERICS["threefry_partitionable"], NUMERICS["matmul_precision"]
    with (
        jax.threefry_partitionable(numerics[0]),
        jax.default_matmul_precision(numerics[1]),
        jax.numpy_rank_promotion("allow"),
    ):
        yield


def trainings(name: str) -> dict[str, Train]:
    """Returns by choice what an experiment trains in JAX in the smoke profile, on digits that are at hand.

    Of runs that differ in the task alone, by which no program gains or loses an operation, one is enough.
    """
    (experiment,) = [each for each in suite.experiments("all", "smoke") if each.name == name]
    if name in BESIDES:
        models = experiment.config.models + BESIDES[name]
        experiment = experiment._replace(config=dataclasses.replace(experiment.config, models=models))
    experiment = stand_in.with_stand_in(experiment)
    make = experiment.module.make_train
    one = {}
    for address in experiment.addresses():
        one.setdefault(tuple(address.variant.get(name) for name in TRAINED), address)
    made = {address.choice: make(experiment.config, **address.variant) for address in one.values()}
    return {choice: train for choice, train in made.items() if isinstance(train, Train)}


@pytest.mark.parametrize("name", suite.modules())
def test_every_program_lowers_for_accelerators(accelerator, name):
    for choice, train in trainings(name).items():
        mesh = AbstractMesh((2,), ("seeds",))
        with use_abstract_mesh(mesh):  # of which a program that reads none of its inputs would know nothing
            traced = program.trace(train, 4, mesh, on_cpu=False)
            for part in filter(None, (traced.init, traced.leg, traced.finish)):
                assert part.lower(lowering_platforms=ACCELERATORS).in_tree == part.in_tree, choice


def test_wide_vectors_change_no_number():
    """The operations of the arena: functions of single numbers, and sums over the items of a batch."""

    def work(x, w):
        m = jnp.exp(jnp.log(jnp.abs(x) + 1e-7) * w[..., None])
        y = jax.nn.sigmoid(x * w[..., None]) * x + jnp.tanh(m) - jnp.minimum(m, 3.0) / (1 + x**2)
        return y, y.sum(axis=-1), (x * y).sum(axis=-1)

    generator = np.random.default_rng(0)
    x, w = (generator.normal(size=shape).astype(np.float32) for shape in ((10, 9, 128), (10, 9)))
    lowered = jax.jit(work).lower(x, w)
    for narrow, wide in zip(lowered.compile()(x, w), lowered.compile(program.WIDE)(x, w), strict=True):
        np.testing.assert_array_equal(narrow, wide)
