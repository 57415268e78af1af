"""Stops the program at once and calmly when it is told to, even while it compiles or waits for a device.

Python runs its own signal handlers between two of its instructions only, and compiling or a leg can take a minute
between them; taking the interpreter apart while JAX computes can crash it. So a thread waits for the signal and ends
the process without ceremony. Whatever is on disk stays whole: a process may be killed at any moment.
"""

import os
import signal
import threading
from contextlib import suppress

CLEAR_LINE, LINE_UP, SHOW_CURSOR = b"\r\x1b[2K", b"\x1b[1A", b"\x1b[?25h"
SENTENCE = b"experiments: Stopped; the same command goes on from here.\n"


live_lines = 0  # of progress that the terminal shows now, to be wiped away; `progress` keeps count


def leave_on_signals() -> None:
    """Makes SIGINT and SIGTERM end the process with one sentence and status 130 or 143, from now on."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, lambda *_: None)  # the byte in the pipe is what counts
    threading.Thread(target=_leave, args=(reader,), name="stopping", daemon=True).start()


def _leave(reader: int) -> None:
    while (number := os.read(reader, 1)[0]) not in (signal.SIGINT, signal.SIGTERM):
        pass
    with suppress(OSError):  # the terminal may have gone
        if os.isatty(1):
            os.write(1, SHOW_CURSOR + CLEAR_LINE + (LINE_UP + CLEAR_LINE) * (live_lines - 1))
    with suppress(OSError):
        os.write(2, SENTENCE)
    os._exit(128 + number)
