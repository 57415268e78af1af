"""Shows progress calmly: two live bars on a terminal, for all runs and for the present one, and plain lines elsewhere.

A seed-step is one optimiser step of one network of one seed. Runs differ a thousandfold in what such a step costs, so
how far all of them are is told by their expected seconds, corrected by how long the runs before really took.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from . import stopping

PLAIN_SECONDS = 20.0  # between two lines where there is no terminal
# The expectation is corrected once 10 s have passed and 10 s of the expected work, or 5 % of all of it, are done:
# little is expected where nothing is known of a pace.
SETTLED_SECONDS, SETTLED_SHARE = 10.0, 0.05


class RunWatcher:
    """Shows one run: its name, how much is done, seed-steps a second, time left."""

    def __init__(self, overview: "Overview", name: str, total: int, seconds: float):
        self._overview, self._name, self._total, self._seconds = overview, name, total, seconds
        self._done = 0
        self._start = self._spoke = time.monotonic()
        self._first: tuple[float, int] | None = None

    @property
    def share(self) -> float:
        """How much of the run is done, from 0 to 1."""
        return self._done / max(self._total, 1)

    def advance(self, seed_steps: int) -> None:
        """Adds steps done; the rate counts from the first call, so that compiling does not spoil it."""
        self._done += seed_steps
        now = time.monotonic()
        self._overview.now_done(self.share * self._seconds)
        if self._first is None:
            self._first = (now, self._done)
        if self._overview.live:
            self._overview.show_run(self._done, self._state(now))
        elif now - self._spoke > PLAIN_SECONDS:
            self._spoke = now
            self._overview.say(f"{self._name}: {100 * self.share:.0f} %, {self._state(now)}{self._overview.state()}")

    def remark(self, sentence: str) -> None:
        """Says something the user should know about this run."""
        self._overview.say(f"{self._name}: {sentence}")

    def ended(self) -> str:
        """Returns what stays of it: one line."""
        return f"{self._name}: {_short(self._total)} seed-steps in {_duration(time.monotonic() - self._start)}"

    def _state(self, now: float) -> str:
        since, before = self._first or (now, self._done)
        if now <= since or self._done <= before:
            return "compiled"
        rate = (self._done - before) / (now - since)
        return f"{_short(rate)} seed-steps/s, {_duration((self._total - self._done) / rate)} left"


class Overview:
    """Shows how far all runs of a command are; a context, within which `watching` shows one run after the other.

    Args:
      runs: how many there are.
      seconds: how long all of them are expected to take.
    """

    def __init__(self, console: Console, runs: int, seconds: float):
        self._console, self._runs, self._seconds = console, runs, seconds
        self._ended = 0
        # Expected seconds of what is done, of the runs that have ended, and of those among them that others trained.
        self._done = self._done_before = self._not_ours = 0.0
        self._start = time.monotonic()
        self.live = console.is_interactive  # a terminal that can move its cursor
        if self.live:
            columns = (
                TextColumn("  {task.description}"),
                BarColumn(bar_width=24),
                _Share(),
                TextColumn("{task.fields[state]}"),
            )
            self._bars = Progress(*columns, console=console, transient=True)
            self._all = self._bars.add_task("all runs", total=max(seconds, 1e-9), state="", visible=runs > 1)
            self._run = self._bars.add_task("", total=1, state="", visible=False)

    def __enter__(self) -> "Overview":
        self.now_done(0.0)
        if self.live:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self._bars.stop()
            stopping.live_lines = 0

    @contextmanager
    def watching(self, name: str, total: int, seconds: float) -> Iterator[RunWatcher]:
        """Shows a run of so many seed-steps and expected seconds while the block trains it."""
        watcher = RunWatcher(self, name, total, seconds)
        if self.live:
            self._bars.reset(self._run, total=max(total, 1), description=name, state="compiling", visible=True)
            stopping.live_lines = 2 if self._runs > 1 else 1
        yield watcher
        self.passed(seconds, here=True)
        self.say(watcher.ended() + self.state())
        if self.live:
            self._bars.update(self._run, visible=False)

    def elsewhere(self, name: str, seed_steps: int, expected: float, seconds: float) -> None:
        """Counts a run that was trained elsewhere, in so many seconds."""
        self.passed(expected, here=seed_steps > 0)
        if seed_steps:
            self.say(f"{name}: {_short(seed_steps)} seed-steps in {_duration(seconds)}{self.state()}")

    def passed(self, seconds: float, *, here: bool = False) -> None:
        """Counts a run as done, of which so many seconds were expected; not `here`: it tells nothing of our pace."""
        self._ended += 1
        self._not_ours += 0.0 if here else seconds
        self._done_before += seconds
        self.now_done(0.0)

    def now_done(self, seconds: float) -> None:
        """Takes note of the expected seconds that are done of the present run."""
        self._done = self._done_before + seconds
        if self.live:
            state = f"{self._ended} of {self._runs} runs, {_duration(self._left())} left"
            self._bars.update(self._all, completed=self._done, state=state)

    def show_run(self, done: int, state: str) -> None:
        """Brings the present run's bar up to date."""
        self._bars.update(self._run, completed=done, state=state)

    def say(self, line: str) -> None:
        """Prints a line that stays."""
        self._console.print(f"  {line}", highlight=False)

    def state(self) -> str:
        """Returns how far all is, to stand behind what a plain line says of one run."""
        if self.live or self._runs == 1 or self._ended == self._runs:
            return ""
        return f"; all runs: {100 * self._done / max(self._seconds, 1e-9):.0f} %, {_duration(self._left())} left"

    def _left(self) -> float:
        ours = self._done - self._not_ours
        passed = time.monotonic() - self._start
        settled = passed > SETTLED_SECONDS and ours > min(SETTLED_SECONDS, SETTLED_SHARE * self._seconds)
        pace = passed / ours if settled else 1.0
        return max(self._seconds - self._done, 0.0) * pace


class _Share(ProgressColumn):
    """Per cent, never more than there are."""

    def render(self, task: Task) -> Text:
        return Text(f"{min(100.0, task.percentage):3.0f} %", style="cyan")


def _short(number: float) -> str:
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.1f}{name}"
    return f"{number:.0f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
