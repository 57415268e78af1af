"""What is shown while runs train: two bars on a terminal, a line now and then elsewhere, and honest times left."""

import io
import re

import pytest
from rich.console import Console

from experiments.lib.engine import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(progress.time, "monotonic", lambda: Clock.now)
    return Clock


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, soft_wrap=True)


def told(console: Console) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())


def test_without_a_terminal_a_line_now_and_then_tells_rate_and_time_left_of_the_run_and_of_all(clock):
    plain = console(terminal=False)
    with progress.Overview(plain, 3, 400.0) as overview:
        with overview.watching("one", 2000, 100.0) as watcher:
            clock.now += 10  # compiling
            watcher.advance(0)
            clock.now += 15
            watcher.advance(500)
            clock.now += 5
            watcher.advance(500)
            watcher.remark("memory is short")
            clock.now += 20
            watcher.advance(1000)
        with overview.watching("two", 10, 200.0) as watcher:
            watcher.advance(10)
        with overview.watching("three", 10, 100.0) as watcher:
            watcher.advance(10)
    assert told(plain).splitlines() == [
        # 500 steps in the 15 s after the first word, 25 expected seconds of 400 done in 25 s
        "  one: 25 %, 33 seed-steps/s, 45 s left; all runs: 6 %, 6 min 15 s left",
        "  one: memory is short",
        "  one: 100 %, 50 seed-steps/s, 0 s left; all runs: 25 %, 2 min 30 s left",  # twice as fast as expected
        "  one: 2.0k seed-steps in 50 s; all runs: 25 %, 2 min 30 s left",
        "  two: 10 seed-steps in 0 s; all runs: 75 %, 17 s left",
        "  three: 10 seed-steps in 0 s",
    ]


def test_a_run_alone_is_not_told_twice(clock):
    plain = console(terminal=False)
    with progress.Overview(plain, 1, 5.0) as overview, overview.watching("alone", 100, 5.0) as watcher:
        clock.now += 30
        watcher.advance(50)
        watcher.advance(50)
    assert "all runs" not in told(plain)


def test_on_a_terminal_two_bars_are_shown_and_leave_only_lines_behind(clock):
    live = console(terminal=True)
    with progress.Overview(live, 2, 30.0) as overview:
        with overview.watching("one", 100, 10.0) as watcher:
            watcher.advance(0)
            clock.now += 4
            watcher.advance(50)
            overview._bars.refresh()
            clock.now += 4
            watcher.advance(50)
        overview.passed(20.0)
    shown = told(live)
    assert re.search(r"all runs\s+━+\S*\s+17 % 0 of 2 runs, 25 s left", shown)
    assert re.search(r"one\s+━+\S*\s+50 % 12 seed-steps/s, 4 s left", shown)
    assert "  one: 100 seed-steps in 8 s\n" in shown


def test_runs_of_which_no_pace_is_known_are_expected_to_take_as_long_as_those_before(clock):
    plain = console(terminal=False)
    with progress.Overview(plain, 7, 35.0) as overview, overview.watching("one", 1000, 5.0) as watcher:
        watcher.advance(0)
        clock.now += 150
        watcher.advance(500)
    assert told(plain).splitlines()[0].endswith("; all runs: 7 %, 32 min 30 s left")


def test_what_another_process_did_counts_and_what_is_lost_is_taken_back(clock):
    plain = console(terminal=False)
    with progress.Overview(plain, 3, 40.0) as overview:
        overview.passed(20.0)
        with overview.watching("one", 100, 10.0) as watcher:
            watcher.advance(60)
            watcher.advance(-60)
            assert watcher.share == 0.0
            watcher.advance(100)
        clock.now += 15
        overview.elsewhere("two", 1_500_000, 10.0, 3720.0)
    assert told(plain).splitlines() == [
        "  one: 100 seed-steps in 0 s; all runs: 75 %, 10 s left",
        "  two: 1.5M seed-steps in 1 h 02 min",
    ]
