"""What every test runs under: a CPU, no silent broadcasting, no compilation cache, and checked shapes.

Warnings are errors (`filterwarnings` in pyproject.toml).
"""

import importlib
import os
import typing
from unittest import mock

os.environ["JAX_PLATFORMS"] = "cpu"  # here and in the processes that tests start
os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)

import hypothesis
import jax
import jaxtyping
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_enable_compilation_cache", False)

# The library imports jaxtyping for type checkers only, so that its users need not have it. Here TYPE_CHECKING is true
# while it is imported, and only then: what it needs is there already. The hook checks the shapes of every call.
for needed in ("flax.linen", "beartype"):
    importlib.import_module(needed)
with mock.patch.object(typing, "TYPE_CHECKING", True), jaxtyping.install_import_hook("nalu", "beartype.beartype"):
    importlib.import_module("nalu")

hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, max_examples=50, database=None)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="module")
def compiled_in_haste():
    """What runs for milliseconds need not be optimised for seconds."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def torch():
    """PyTorch, which is no part of the tests' installation: what is compared with it is not computed without."""
    return pytest.importorskip("torch")
