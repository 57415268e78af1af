"""A cell goes by one name wherever it is shown, but for a comma."""

import nalu
from experiments.arena.entrants import ENTRANTS, PAIRS
from experiments.lib.cells import title_of


def test_tables_of_the_paper_and_of_the_arena_call_a_cell_the_same():
    for name in nalu.CELLS.keys() & ENTRANTS.keys():
        assert ENTRANTS[name].title.replace(",", "") == title_of(name)
    for title, *layers in PAIRS.values():
        assert title == ", ".join(title_of(name) if name in nalu.CELLS else name for name in layers)
