"""What CONTRIBUTING.md shows works as it stands: its cell and its experiment go through the real command line."""

import re
import shutil

import pandas
import pytest

from experiments.lib.places import ROOT
from tests import processes

pytestmark = pytest.mark.process

SHOWN = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", SHOWN, re.MULTILINE | re.DOTALL))
CELL, EXPERIMENT = "nalu/_src/nac_mul_nmu.py", "experiments/noisy_differences.py"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the project with what CONTRIBUTING.md adds to it, and nothing else."""
    tree = tmp_path_factory.mktemp("contributed")
    for folder in ("nalu", "experiments", "configs", "tests"):
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    assert set(FILES) == {CELL, EXPERIMENT}
    for name, text in FILES.items():
        assert not (tree / name).exists(), f"{name} is there already: choose another example"
        (tree / name).write_text(text, encoding="utf-8")
    changed, hunks = re.search(r"`([\w/]+\.py)`:\n\n```diff\n(.*?)^```$", SHOWN, re.MULTILINE | re.DOTALL).groups()
    text = (tree / changed).read_text(encoding="utf-8")
    for hunk in hunks.split("@@\n"):
        before, after = ("".join(re.findall(rf"^[ {sign}](.*\n)", hunk, re.MULTILINE)) for sign in ("-", "+"))
        assert text.count(before) == 1, f"{changed} no longer reads {before!r}"
        text = text.replace(before, after)
    (tree / changed).write_text(text, encoding="utf-8")
    return tree


def python(tree, *words, **options):
    """Runs a command in the tree and returns what it says."""
    answer = processes.run(*words, folder=tree, PYTHONPATH=str(tree), **options)
    assert answer.status == 0, answer.told + answer.wrong
    return answer.told


def test_the_cell_is_evaluated_like_the_paper_s(tree):
    words = ("run", "table1", "--models", "nac_mul_nmu", "--profile", "smoke")
    python(tree, "-m", "experiments", *words)
    table = pandas.read_csv(tree / "runs" / "tables" / "table1.csv")
    for task in ("static", "recurrent"):
        for items in ("interpolation", "extrapolation"):
            cells = table[(table["block"] == f"{task} {items}, every cell") & (table["row"] == "NAU, NACMulNMU")]
            assert cells["column"].nunique() == 6
            assert cells["median"].notna().all()
    assert "NAU, NACMulNMU" in (tree / "runs" / "tables" / "table1.md").read_text(encoding="utf-8")
    for figure in ("table1_cells", "table1_recurrent_cells"):
        assert "NAU, NACMulNMU" in set(pandas.read_csv(tree / "runs" / "figures" / f"{figure}.csv")["curve"])


def test_the_cell_keeps_the_contract_and_both_files_keep_to_the_house(tree):
    tests = ("tests/nalu/test_contract.py", "tests/test_directions.py")
    said = python(tree, "-m", "pytest", *tests, "-k", "nac_mul_nmu or test_directions")
    assert int(re.search(r"(\d+) passed", said)[1]) > 20
    python(tree, "-m", "ruff", "check", *FILES, "nalu/_src/cells.py")
    python(tree, "-m", "ruff", "format", "--check", *FILES, "nalu/_src/cells.py")


def test_the_experiment_gives_its_table_and_figure_and_the_outcome_that_it_expects(tree):
    words = ("run", "noise", "--models", "linear", "nac", "nau", "--profile", "smoke")
    said = python(tree, "-m", "experiments", *words, "--seeds", "8", "--steps", "10000")
    assert "noise: runs/tables/noise.md, runs/figures/noise.png" in said
    table = pandas.read_csv(tree / "runs" / "tables" / "noise.csv").pivot(index="row", columns="column")["median"]
    assert table.shape == (4, 3)
    assert table["nac"]["noise 1"] < table["linear"]["noise 1"] / 2
    assert (tree / "runs" / "figures" / "noise.png").stat().st_size > 1000
    assert set(pandas.read_csv(tree / "runs" / "figures" / "noise.csv")["curve"]) == {"linear", "nac", "nau"}
