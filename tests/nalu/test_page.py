"""docs/cells.md is what the cells say of themselves."""

from pathlib import Path

import nalu
from nalu._src.page import page

PAGE = Path(__file__).parents[2] / "docs" / "cells.md"


def test_the_page_of_cells_is_made_of_their_own_data():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m nalu._src.page > docs/cells.md brings it up to date"


def test_the_page_has_a_line_for_every_cell_with_all_its_entries():
    lines = page().splitlines()
    for name, cell in nalu.CELLS.items():
        (line,) = (line for line in lines if line.startswith(f"| **`{name}`**"))
        assert line.replace("\\|", "").count("|") == 12
        assert cell.facts.source.split("arXiv ")[1][:10] in line
