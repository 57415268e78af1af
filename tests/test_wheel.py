"""The wheel holds both packages whole, and its `nalu` works where there is nothing but jax, flax and their needs."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from email.parser import HeaderParser

import pytest
from packaging.requirements import Requirement

USE = """
import sys
site, libraries = sys.argv[1:]
sys.path += [site, libraries]

import jax, jax.numpy as jnp
from flax import linen as nn, nnx
from experiments.lib.places import ROOT
import nalu

assert nalu.__file__.startswith(site), nalu.__file__
assert jax.__file__.startswith(libraries), jax.__file__
x = jnp.ones((3, 4))
for cell in nalu.CELLS.values():
    assert cell(2).apply(cell(2).init(jax.random.key(0), x), x).shape == (3, 2)
    hs, _ = nn.RNN(nalu.Accumulator(cell(2))).init_with_output(jax.random.key(0), x[None])
    assert hs.shape == (1, 3, 2)
    assert nnx.bridge.ToNNX(cell(2), rngs=nnx.Rngs(0)).lazy_init(x)(x).shape == (3, 2)
print(*nalu.CELLS)
"""


def pip(*words):
    program = [sys.executable, "-m", "pip", *map(str, words), "--disable-pip-version-check", "--quiet"]
    return subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what the wheel is built from: building writes beside it."""
    tree = tmp_path_factory.mktemp("source")
    for folder in ("nalu", "experiments"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tree)
    return tree


@pytest.fixture(scope="module")
def site(source, tmp_path_factory):
    """A folder into which pip has installed the wheel alone."""
    # With the setuptools that the extra `dev` brings: no test needs a network.
    built = pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", source / "dist", source)
    assert built.returncode == 0, built.stderr
    (wheel,) = (source / "dist").glob("*.whl")
    site = tmp_path_factory.mktemp("site")
    installed = pip("install", "--no-deps", "--no-index", "--no-compile", "--target", site, wheel)
    assert installed.returncode == 0, installed.stderr
    return site


def files(root):
    """Returns the files of both packages under `root`."""
    both = [*(root / "nalu").rglob("*"), *(root / "experiments").rglob("*")]
    return {str(path.relative_to(root)) for path in both if path.is_file()}


def test_the_wheel_holds_every_file_of_both_packages(source, site):
    assert files(site) == files(source)
    assert files(site) >= {"nalu/py.typed", "experiments/paper/claims.csv", "experiments/lib/page.css"}


def test_the_library_requires_jax_and_flax_alone(site):
    (metadata,) = site.glob("nalu-*.dist-info/METADATA")
    required = map(Requirement, HeaderParser().parsestr(metadata.read_text(encoding="utf-8")).get_all("Requires-Dist"))
    assert {each.name for each in required if "extra" not in str(each.marker)} == {"jax", "flax"}


def test_the_library_works_where_there_is_nothing_else(site, tmp_path):
    for name in requirements("jax", "flax"):
        for file in importlib.metadata.files(name):
            link = tmp_path / file.parts[0]
            if file.parts[0] != ".." and not link.exists():
                link.symlink_to(importlib.metadata.distribution(name).locate_file(file.parts[0]))
    assert not {"tyro", "pytest", "matplotlib", "nalu"} & {path.name for path in tmp_path.iterdir()}
    program = [sys.executable, "-I", "-S", "-W", "error", "-c", USE, site, tmp_path]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {"nac", "nalu"} <= set(done.stdout.split())


def requirements(*names):
    """Returns the distributions of these names and all that they require here, extras aside."""
    found, new = set(), set(names)
    while new:
        found |= new
        required = [Requirement(line) for name in new for line in importlib.metadata.requires(name) or ()]
        here = {re.sub(r"[-_.]+", "-", each.name).lower() for each in required if applies(each)}
        new = here - found
    return found


def applies(requirement):
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def test_the_command_comes_with_the_wheel(site, tmp_path):
    """With a profile of its own and one of the user's; it needs the extra `experiments`, which this environment has."""
    (tmp_path / "mine.toml").write_text("[identity]\nseeds = 1\n")
    for words in (("list",), ("status", "--profile", "smoke"), ("status", "--profile", "mine.toml")):
        done = subprocess.run(
            [site / "bin" / "nalu-experiments", *words], cwd=tmp_path, capture_output=True, text=True, timeout=120,
            env={**os.environ, "PYTHONPATH": str(site)}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "identity" in done.stdout


def test_without_the_extra_the_command_says_what_to_install(site, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['tyro'] = None")
    done = subprocess.run(
        [site / "bin" / "nalu-experiments", "list"], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{site}"}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "experiments: tyro is not installed: it comes with the extra `experiments` (`make` installs it).\n"
    )
