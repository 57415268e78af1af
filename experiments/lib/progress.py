"""Shows progress calmly: a live bar on a terminal, a plain line now and then anywhere else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

PLAIN_SECONDS = 20.0  # between two lines where there is no terminal


class _Rate(ProgressColumn):
    """Network steps a second, over the last while."""

    def render(self, task: Task) -> Text:
        return Text(f"{_short(task.speed)} steps/s" if task.speed else "compiling", style="cyan")


class RunWatcher:
    """Shows one run: its name, how much is done, network steps a second, time left."""

    def __init__(self, console: Console, name: str, total: int, bar: Progress | None):
        self._console, self._name, self._total, self._bar = console, name, total, bar
        self._done = 0
        self._start = self._spoke = time.perf_counter()
        self._first: tuple[float, int] | None = None
        self._task = bar.add_task(name, total=total) if bar else None

    def advance(self, network_steps: int) -> None:
        """Adds steps done; the rate counts from the first call, so that compiling does not spoil it."""
        self._done += network_steps
        now = time.perf_counter()
        if self._bar:
            self._bar.update(self._task, advance=network_steps)
        elif now - self._spoke > PLAIN_SECONDS:
            self._spoke = now
            rate = self._rate(now)
            left = f", {_duration((self._total - self._done) / rate)} left" if rate else ""
            share = 100 * self._done / max(self._total, 1)
            self._console.print(f"  {self._name}: {share:.0f} %, {_short(rate)} steps/s{left}", highlight=False)
        if self._first is None:
            self._first = (now, self._done)

    def remark(self, sentence: str) -> None:
        """Says something the user should know about this run."""
        self._console.print(f"  {self._name}: {sentence}", highlight=False)

    def _rate(self, now: float) -> float:
        if self._first is None or now <= self._first[0]:
            return 0.0
        return (self._done - self._first[1]) / (now - self._first[0])

    def finish(self) -> None:
        """Leaves one line behind."""
        if self._bar:
            self._bar.remove_task(self._task)
        seconds = time.perf_counter() - self._start
        self._console.print(
            f"  {self._name}: {_short(self._total)} network steps in {_duration(seconds)}", highlight=False
        )


@contextmanager
def watching(console: Console, name: str, total: int) -> Iterator[RunWatcher]:
    """Shows a run while the block trains it."""
    if not console.is_terminal:
        watcher = RunWatcher(console, name, total, None)
        yield watcher
        watcher.finish()
        return
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, speed_estimate_period=60) as bar:
        watcher = RunWatcher(console, name, total, bar)
        yield watcher
        watcher.finish()


def _short(number: float) -> str:
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.1f}{name}"
    return f"{number:.0f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
