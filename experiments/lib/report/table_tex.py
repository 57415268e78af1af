"""Tables for LaTeX (booktabs): the paper's layout, in each cell ours over the paper's number."""

from experiments.lib.report import tables as table_cells
from experiments.lib.report.artefacts import Table

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "–": "--",
}  # fmt: skip


def render_table_tex(tables: list[Table]) -> bytes:
    """Returns the LaTeX file of an artefact's tables; it needs the package booktabs."""
    parts = [r"% Generated; needs \usepackage{booktabs}."]
    for table in tables:
        legend = " ".join((*table_cells.key(table), *table.notes)).replace("`", "'")
        for grid in table_cells.grids(table):
            header = " & ".join(("", *map(escape, grid.columns))) + r" \\"
            lines = [
                " & ".join((escape(row), *map(_cell, line))) + r" \\[4pt]"
                for row, line in zip(grid.rows, grid.cells, strict=True)
            ]
            parts += [
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{escape(table.title)}: {escape(grid.title)}. {escape(legend)}}}",
                rf"\begin{{tabular}}{{l{'c' * len(grid.columns)}}}",
                r"\toprule",
                header,
                r"\midrule",
                *lines,
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
            ]
    return ("\n".join(parts) + "\n").encode()


def escape(text: str) -> str:
    """Returns text that LaTeX prints as it is."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def _cell(cell: table_cells.Cell) -> str:
    lines = [rf"\textbf{{{escape(cell.headline)}}}", *(rf"{{\tiny {escape(detail)}}}" for detail in cell.details)]
    lines += [rf"{{\scriptsize paper {escape(cell.paper)}}}"] if cell.paper else []
    stacked = r"\\".join(lines)
    return rf"\shortstack{{{stacked}}}"
