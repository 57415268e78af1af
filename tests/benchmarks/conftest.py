"""What the tests of the benchmarks share."""

import importlib.util

import jax
import numpy as np
import pytest

from experiments.benchmarks import measuring


@pytest.fixture
def everything_installed(monkeypatch):
    """PyTorch and a compiler, whether they are there or not."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(measuring.shutil, "which", lambda name: name)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0")


def noise(seed, tree):
    leaves, structure = jax.tree.flatten(tree)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    return structure.unflatten(
        [0.1 * jax.random.normal(key, leaf.shape) for key, leaf in zip(keys, leaves, strict=True)]
    )


def assert_same(found, expected):
    """Holds every part to 1e-4 of its largest entry: both sides are float32."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
