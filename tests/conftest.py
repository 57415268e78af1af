"""What every test runs under: a CPU, folders of its own, no network, no silent broadcasting, and checked shapes.

Warnings are errors (`filterwarnings` in pyproject.toml).
"""

import atexit
import importlib
import os
import shutil
import sys
import tempfile
import typing
from pathlib import Path
from unittest import mock

from tests.processes import FLAGS

# Here and in the processes that tests start: what they compile and what matplotlib finds is kept for the next one.
NOWHERE = "http://127.0.0.1:9"
if "PYTEST_XDIST_WORKER" not in os.environ:  # which has all this from the process that started it
    OURS = tempfile.mkdtemp(prefix="nalu-tests-")
    atexit.register(shutil.rmtree, OURS, ignore_errors=True)
    os.environ |= {"XDG_CACHE_HOME": OURS, "MPLCONFIGDIR": f"{OURS}/matplotlib", "JAX_PLATFORMS": "cpu"}
    os.environ |= {"http_proxy": NOWHERE, "https_proxy": NOWHERE, "no_proxy": "localhost,127.0.0.1"}
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
    if folder := os.environ.pop("NALU_DATA", None):  # no command of the tests finds it, only the tests of MNIST itself
        os.environ["NALU_TESTS_MNIST"] = os.path.abspath(folder)

# XLA reads this with the first program of these tests' own process: small programs are compiled in half the time.
os.environ["XLA_FLAGS"] = " ".join(FLAGS)

import hypothesis  # noqa: E402
import jax  # noqa: E402
import jaxtyping  # noqa: E402
import pytest  # noqa: E402

jax.jit(lambda: 0)()
os.environ.pop("XLA_FLAGS")
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


PROGRAMS = ("python", "pip", "chromium", "nalu-experiments")
may_start = True


def held(event: str, told: tuple) -> None:
    """Lets only tests with the mark `process` start Python anew."""
    if event == "subprocess.Popen" and not may_start:
        words = [told[0], *told[1]] if isinstance(told[1], list | tuple) else [told[0]]
        named = [Path(os.fsdecode(word)).name for word in words if word]
        assert not any(name.startswith(PROGRAMS) for name in named), "this test needs @pytest.mark.process"


sys.addaudithook(held)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    global may_start
    may_start = item.get_closest_marker("process") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """What starts processes comes first, one after the other; beside it go the other files, each whole."""
    items.sort(key=lambda item: item.get_closest_marker("process") is None)
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            alone = item.get_closest_marker("process") is not None
            item.add_marker(pytest.mark.xdist_group("process" if alone else item.nodeid.partition("::")[0]))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    """Refuses a pytest with which xdist takes no notice of groups: modules would be set up once for every worker."""
    if getattr(session.config.option, "loadgroup", False) and any("@" not in item.nodeid for item in session.items):
        pytest.exit("pytest-xdist does not group the tests of this pytest: install the one in constraints.txt.", 4)


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
