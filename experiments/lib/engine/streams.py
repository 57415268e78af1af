"""What is printed stops no training: not a log on a full disk, not a terminal that has gone, not a strange locale.

A reader that leaves a pipe early is the command line's to answer, which ends what does not train.
"""

import os
import sys
from contextlib import suppress
from typing import Any, TextIO

STANDARD = (0, 1, 2)


def make_harmless() -> None:
    """Makes standard output and standard error take whatever they are given, from now on.

    A stream that was closed is led nowhere, so that no file of ours is opened in its place and filled with what is
    printed; characters that the locale does not have are replaced; and a stream that fails is given up, which is said
    on standard error and by `failed`.
    """
    for number in STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # it was closed
            stream = os.fdopen(number, "w", encoding="utf-8", closefd=False)
        with suppress(AttributeError, ValueError):  # what somebody has put in its place
            stream.reconfigure(errors="backslashreplace" if name == "stderr" else "replace")
        setattr(sys, name, _Patient(stream))


class _Patient:
    """A text stream without errors, but for a broken pipe: after the first one, what is written goes nowhere."""

    failed = False

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            self._give_up(error)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Leads the stream nowhere, also what it still holds and what libraries print beside Python."""
        self.failed = True
        number = self._stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
        with suppress(OSError):
            if number != 2:
                reason = f"Standard output cannot be written ({error.strerror})"
                os.write(2, f"experiments: {reason}: what is printed is lost, and nothing else.\n".encode())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
