"""What the command `bench` measures, and what it says where it cannot."""

import importlib.util

import pytest
from rich.console import Console

from experiments.benchmarks import measuring
from experiments.benchmarks.scaling import benchmark as scaling
from experiments.benchmarks.static import benchmark
from experiments.lib.cli import main
from experiments.lib.errors import UserError


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ([], [f"benchmarks{of}.md" for of in ("", "_arena", "_convnet", "_programs", "_grid", "_tabular")]),
        (["static"], ["benchmarks.md"]),
        (["convnet"], ["benchmarks_convnet.md"]),
        (["programs"], ["benchmarks_programs.md"]),
        (["grid"], ["benchmarks_grid.md"]),
        (["arena"], ["benchmarks_arena.md"]),
        (["tabular"], ["benchmarks_tabular.md"]),
        (["scaling"], [scaling.FILE]),
    ],
)
def test_the_command_says_what_is_measured(monkeypatch, words, files):
    measured = []
    monkeypatch.setattr(measuring, "main", lambda benchmark, **_: measured.append(benchmark.file))
    monkeypatch.setattr(scaling, "main", lambda **_: measured.append(scaling.FILE))
    assert main.answer(["bench", *words]) == 0
    assert sorted(measured) == sorted(files)


def test_what_is_wrong_is_said(monkeypatch):
    with pytest.raises(UserError, match="at least one round"):
        benchmark.main(rounds=0, console=Console(quiet=True))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="make bench"):
        benchmark.main(rounds=1, console=Console(quiet=True))
