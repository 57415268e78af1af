"""What the site is made of: links that lead somewhere, all that is public, notebooks as they are stored.

`make docs` builds it, with warnings as errors, and runs the notebooks; here is what needs no Sphinx.
"""

import json
import re

import pytest

import nalu
from experiments.lib.places import ROOT

GUIDES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md"))
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_what_a_guide_links_to_and_shows_exists(guide):
    text = re.sub(r"^```.*?^```$", "", guide.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text) + re.findall(r'src="([^"]+)"', text)
    assert [target for target in targets if not (guide.parent / target).exists()] == []


def test_every_guide_and_notebook_is_in_the_contents_of_the_site():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = set("".join(re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL)).split())
    guides = {f"/{path.stem}" if path.parent == ROOT else path.stem for path in GUIDES} - {"index"}
    assert guides | {f"notebooks/{path.stem}" for path in NOTEBOOKS} <= listed


def test_the_api_page_has_all_that_is_public():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert set(re.findall(r":: nalu\.(\w+)$", page, re.MULTILINE)) | {"CELLS"} == set(nalu.__all__)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs_and_installs_what_it_needs_by_one_line(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    (install,) = [cell for cell in code if "%pip" in "".join(cell["source"])]
    assert install is code[0]
    assert re.fullmatch(r'%pip install -q "nalu-jax(\[\w+\])?"  # in a hosted notebook', "".join(install["source"]))
    assert install["metadata"]["tags"] == ["skip-execution"]
    assert any("assert" in "".join(cell["source"]) for cell in code)  # what it says is checked where it is built
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", "".join(line for cell in cells for line in cell["source"]))
    assert [link for link in links if not (path.parent / link).exists()] == []
