"""The wheel holds both packages whole, and its `nalu` works where there is nothing but jax, flax and their needs."""

import importlib.metadata
import json
import os
import re
import shutil
import sys
from email.parser import HeaderParser

import pytest
from packaging.requirements import Requirement

from experiments.lib.places import ROOT
from tests import processes

pytestmark = pytest.mark.process

USE = """
import sys
site, libraries = sys.argv[1:]
sys.path += [site, libraries]

import jax, jax.numpy as jnp
from flax import linen as nn, nnx
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


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what is installed: building writes beside it."""
    tree = tmp_path_factory.mktemp("source")
    for folder in ("nalu", "experiments", "configs"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / file, tree)
    return tree


@pytest.fixture(scope="module")
def site(source, tmp_path_factory):
    """A folder into which pip has installed the project alone, as a wheel that it built."""
    site = tmp_path_factory.mktemp("site")
    # With the setuptools that the extra `dev` brings: no test needs a network.
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--no-compile", "--quiet")
    answer = processes.run("-m", "pip", "install", *options, "--target", site, source)
    assert answer.status == 0, answer.wrong
    return site


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_installed_holds_every_file_of_both_packages_and_the_profiles(source, site):
    assert files(site / "nalu") == files(source / "nalu")
    profiles = {f"configs/{name}" for name in files(source / "configs")}
    assert files(site / "nalu_experiments") == files(source / "experiments") | profiles
    assert {"py.typed"} <= files(site / "nalu")
    assert {"configs/smoke.toml", "paper/claims.csv", "lib/report/page/page.css"} <= files(site / "nalu_experiments")


def test_nothing_that_a_user_may_have_is_hidden_by_a_name_of_ours(site):
    (information,) = site.glob("nalu_jax-*.dist-info")
    assert {path.name for path in site.iterdir()} == {"bin", "nalu", "nalu_experiments", information.name}


def test_the_library_requires_jax_and_flax_alone(site):
    (metadata,) = site.glob("nalu_jax-*.dist-info/METADATA")
    required = map(Requirement, HeaderParser().parsestr(metadata.read_text(encoding="utf-8")).get_all("Requires-Dist"))
    assert {each.name for each in required if "extra" not in str(each.marker)} == {"jax", "flax"}


def test_the_library_works_where_there_is_nothing_else(site, tmp_path):
    for name in requirements("jax", "flax"):
        for file in importlib.metadata.files(name):
            link = tmp_path / file.parts[0]
            if file.parts[0] != ".." and not link.exists():
                link.symlink_to(importlib.metadata.distribution(name).locate_file(file.parts[0]))
    assert not {"tyro", "pytest", "matplotlib", "nalu"} & {path.name for path in tmp_path.iterdir()}
    answer = processes.run("-I", "-S", "-W", "error", "-c", USE, site, tmp_path, folder=tmp_path)
    assert answer.status == 0, answer.wrong
    assert {"nac", "nalu"} <= set(answer.told.split())


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


COMMANDS = """
import contextlib, io, json, sys
import experiments, configs  # the user's own
from nalu_experiments.lib.cli import main

said = []
for words in json.loads(sys.argv[1]):
    out, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(wrong):
        status = main.answer(words)
    said.append((status, out.getvalue(), wrong.getvalue()))
print(json.dumps([said, experiments.MINE and configs.MINE]))
"""


@pytest.fixture(scope="module")
def answers(site, tmp_path_factory):
    """What installed commands say in a folder of a user, who has an `experiments` and a `configs` of his own there.

    All in one process, since a process takes seconds to import JAX.
    """
    folder = tmp_path_factory.mktemp("user")
    for name in ("experiments", "configs"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("MINE = True")
    (folder / "configs" / "mine.toml").write_text("[identity]\nseeds = 1\n")
    lines = [line.split() for line in (*SAID, "run figure1 --profile smoke", *SAID_OF_A_RUN)]
    answer = processes.run("-c", COMMANDS, json.dumps(lines), folder=folder, PYTHONPATH=str(site))
    assert answer.status == 0, answer.wrong
    said, own = json.loads(answer.told.splitlines()[-1])
    assert own
    return {" ".join(words): answer for words, answer in zip(lines, said, strict=True)}, folder


SAID = {  # status, and what is said
    "list": (0, " identity\n"),
    "status --profile smoke": (0, "missing   identity"),
    "status --profile configs/mine.toml": (0, "missing   identity"),
    "--help": (0, "usage: nalu-experiments"),
    "run figure1 --help": (0, "--train-limit"),
    "lst": (2, "see nalu-experiments --help"),
    "run": (2, "see nalu-experiments run --help"),
    "report": (1, "runs holds no finished run of profile quick: train with `nalu-experiments run all`"),
    "verify": (1, "runs holds no record, so there is nothing to verify: train with `nalu-experiments run all`"),
    "play": (1, "train it with `nalu-experiments run figure5`"),
    "publish": (2, "say with --to where to publish"),
    "report --published": (2, "only a checkout of the project has"),
    "bench static --save": (2, "only a checkout of the project has"),
}
SAID_OF_A_RUN = {
    "status --profile smoke --runs-dir runs": (0, "finished  identity"),
    "report --profile smoke": (0, "figure1: runs/tables/figure1.md"),
    "verify --profile smoke": (0, "tables, figures, claims and index: 8 files"),
}


@pytest.mark.parametrize("line", [*SAID, *SAID_OF_A_RUN])
def test_an_installed_command_works_in_any_folder_and_names_commands_that_are_there(answers, line):
    said, _ = answers
    status, out, wrong = said[line]
    expected, words = {**SAID, **SAID_OF_A_RUN}[line]
    assert status == expected, wrong
    assert words in out + wrong
    assert "python -m experiments" not in out + wrong
    assert not re.search(r"\bmake\b", wrong)


def test_what_an_installed_command_renders_names_commands_that_are_there(answers):
    _, folder = answers
    index = (folder / "runs" / "README.md").read_text(encoding="utf-8")
    assert "`nalu-experiments run figure1 --profile smoke`" in index
    (record, *_) = (folder / "runs" / "identity").glob("*.json")
    command = json.loads(record.read_text(encoding="utf-8"))["provenance"]["command"]
    assert command == "nalu-experiments run figure1 --profile smoke"


@pytest.mark.parametrize("program", [["bin/nalu-experiments"], ["-m", "nalu_experiments"]])
def test_without_the_extra_the_command_says_what_to_install(site, tmp_path, program):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['tyro'] = None")
    first = [site / program[0]] if len(program) == 1 else [sys.executable, *program]
    around = f"{tmp_path}{os.pathsep}{site}"
    answer = processes.run("list", program=first, folder=tmp_path, PYTHONPATH=around)
    assert (answer.status, answer.told) == (1, "")
    assert answer.wrong == (
        "experiments: tyro is not installed: it comes with the extra `experiments` "
        "(pip install 'nalu-jax[experiments]').\n"
    )
