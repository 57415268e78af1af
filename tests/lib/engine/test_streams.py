"""What is printed stops no training, whatever standard output is."""

import io
import os

import pytest

from experiments.lib.cli import main, run
from experiments.lib.engine import streams

LOST = (
    "experiments: Standard output cannot be written (No space left on device): what is printed is lost, "
    "and nothing else.\n"
)


@pytest.fixture
def standard(monkeypatch):
    """Returns a function that makes a stream standard output, harmless, and returns it as Python then has it."""

    def make(stream: io.TextIOBase | None) -> io.TextIOBase:
        monkeypatch.setattr(streams.sys, "stdout", stream)
        monkeypatch.setattr(streams.sys, "stderr", io.StringIO())
        streams.make_harmless()
        return streams.sys.stdout

    return make


def test_a_full_disk_under_the_log_is_said_once_and_the_rest_goes_nowhere(standard, capfd):
    with open("/dev/full", "w") as log:
        out = standard(log)
        for _ in range(3):
            assert out.write("a line\n") == 7
            out.flush()
        out.writelines(["more\n"] * 3)
        out.flush()
    assert capfd.readouterr().err == LOST


@pytest.mark.parametrize(
    "words", [["list"], ["status", "--profile", "smoke"], ["--help"], ["run", "figure1", "--help"]]
)
def test_a_command_whose_answer_cannot_be_written_fails(standard, capfd, words):
    with open("/dev/full", "w") as log:
        standard(log)
        assert main.answer(words) == 1
    assert capfd.readouterr().err == LOST


def test_training_goes_on_and_succeeds_without_its_log(standard, capfd, monkeypatch):
    monkeypatch.setattr(run, "run", lambda command, words, console: console.print("trained\n" * 10_000))
    with open("/dev/full", "w") as log:
        standard(log)
        assert main.answer(["run", "figure1"]) == 0
    assert capfd.readouterr().err == LOST


def test_characters_that_a_locale_does_not_have_are_replaced(standard, tmp_path):
    with open(tmp_path / "log", "w", encoding="ascii") as log:
        standard(log).write("1 ± 2, \udcff\n")
    assert (tmp_path / "log").read_text() == "1 ? 2, ?\n"


def test_a_stream_that_was_closed_takes_everything(standard):
    out = standard(None)
    out.write("± anything\n")
    out.flush()


def test_a_reader_that_leaves_is_the_command_s_to_answer(standard):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", closefd=False) as pipe:
        out = standard(pipe)
        out.write("a line\n")
        with pytest.raises(BrokenPipeError):
            out.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)


def test_a_closed_descriptor_is_taken_so_that_no_file_of_ours_gets_its_number(monkeypatch, standard):
    opened = []
    monkeypatch.setattr(streams, "STANDARD", (0, 1, 2, 1_000_000))
    monkeypatch.setattr(streams.os, "open", lambda path, *_: opened.append(path))
    standard(io.StringIO())
    assert opened == [os.devnull]
