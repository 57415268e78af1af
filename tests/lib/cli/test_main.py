"""The command line, with the toy as the only experiment: what it says, how it ends, and what it leaves behind."""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

from experiments.lib import places, suite
from experiments.lib.cli import main
from experiments.lib.engine import checkpoint, driver, machine
from experiments.lib.store import files
from experiments.lib.store import records as store
from tests import processes, toy


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """An empty folder with a profile."""
    monkeypatch.chdir(tmp_path)
    at_home(monkeypatch, tmp_path)
    return tmp_path


def at_home(patch, folder):
    """Has commands know the toy alone, in a folder with a profile; JAX stays as the tests have it."""
    patch.setattr(suite, "modules", lambda: {"toy": toy})
    patch.setattr(machine, "prepare", lambda: None)
    patch.setattr(places, "PUBLISHED", folder / "published")
    (folder / "p.toml").write_text("[toy]\nseeds = 2\nsteps = 4\nlegs = 2\n")


@pytest.fixture
def call(capfd):
    """Runs a command; returns its status, standard output and standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        status = main.answer([*words, *(["--profile", "p.toml"] if words[0] in PROFILED else [])])
        told = capfd.readouterr()
        return status, told.out, told.err

    return call


PROFILED = ("run", "status", "report", "publish")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A store in which both runs are finished."""
    folder, told = tmp_path_factory.mktemp("trained"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder), contextlib.redirect_stdout(told):
        at_home(patch, folder)
        assert main.answer(["run", "toy", "--profile", "p.toml"]) == 0
    (folder / "told").write_text(told.getvalue())
    return folder


@pytest.fixture
def runs(trained, workplace) -> Path:
    shutil.copytree(trained / "runs", workplace / "runs")
    return workplace / "runs"


def process(*words, **options) -> processes.Answer:
    return processes.run("-m", "tests.toy", *words, TOY_CHECKPOINT_SECONDS="1000", **options)


def is_one_sentence(told: str) -> bool:
    return re.fullmatch(r"experiments: [^\n]+[.)]\n", told) is not None


def records(runs: Path) -> list[Path]:
    return sorted((runs / "toy").glob("*.json"))


def test_run_trains_renders_and_says_where(trained):
    told = (trained / "told").read_text()
    assert "toy: 2 of 2 runs to train" in told
    assert re.search(r"\[1/2\] toy line: 16 seed-steps in \d+ s", told)
    for name in ("tables/toy.md", "figures/toy.png", "README.md"):
        assert f"runs/{name}" in told
        assert (trained / "runs" / name).exists()
    provenance = json.loads(records(trained / "runs")[0].read_text())["provenance"]
    assert provenance["command"] == "python -m experiments run toy --profile p.toml"
    assert provenance["profile"] == "p.toml"
    assert provenance["seeds"] == 2
    assert provenance["wall_seconds"] >= 0


def test_run_again_trains_nothing(call, runs):
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    status, told, wrong = call("run", "toy")
    assert (status, wrong) == (0, "")
    assert "toy: 0 of 2 runs to train" in told
    assert {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()} == before


def test_checkpoints_of_a_run_that_was_stored_just_before_a_kill_are_removed(call, runs):
    left = [runs / ".unfinished" / path.stem for path in records(runs)]
    for folder in left:
        (folder / "1").mkdir(parents=True)
    assert call("run", "toy")[0] == 0
    assert not any(folder.exists() for folder in left)


def test_list_names_artefacts_and_experiments(call):
    assert call("list") == (0, "toy        toy\n", "")


def test_status_tells_finished_begun_and_missing(call, runs):
    (address,) = [each for each in chosen().addresses() if each.variant["model"] == "shifted"]
    store.path_of(runs, address, ".json").unlink()
    status, told, _ = call("status")
    assert status == 0
    assert [line.split()[0] for line in told.splitlines()] == ["finished", "missing"]
    checkpoint.unfinished_folder(runs, address).mkdir(parents=True)
    assert [line.split()[0] for line in call("status")[1].splitlines()] == ["finished", "begun"]


def chosen() -> suite.Experiment:
    (experiment,) = suite.experiments("toy", "p.toml")
    return experiment


def test_report_renders_without_training(call, runs, monkeypatch):
    monkeypatch.setattr(driver, "run_seeds", None)
    shutil.rmtree(runs / "tables")
    assert call("report")[0] == 0
    assert (runs / "tables" / "toy.csv").exists()


def test_the_index_names_the_command_with_its_settings(call, runs):
    assert call("report")[0] == 0
    assert "`make toy PROFILE=p.toml`" in (runs / "README.md").read_text()
    assert call("run", "toy", "--learning-rate", "0.5", "--steps", "2")[0] == 0
    index = (runs / "README.md").read_text()
    assert "`python -m experiments run toy --profile p.toml --learning-rate 0.5 --steps 2`" in index
    assert "make toy" not in index


def test_report_of_nothing_is_told(call):
    status, _, wrong = call("report")
    assert status == 1
    assert is_one_sentence(wrong)
    assert "runs holds no finished run of profile p.toml: train with" in wrong


def test_publish_copies_and_renders_and_names_what_is_missing(call, runs, workplace):
    records(runs)[0].unlink()
    status, told, wrong = call("publish", "--to", "out")
    assert (status, wrong) == (0, "")
    assert "Not finished, so not published: toy " in told
    assert len(records(workplace / "out")) == 1
    assert (workplace / "out" / "README.md").exists()
    assert call("publish", "--to", "out")[0] == 0


def test_half_finished_stores_are_rendered(call, runs):
    records(runs)[0].unlink()
    assert call("report")[0] == 0


def test_publish_removes_what_is_superseded(call, runs, workplace):
    """As after a VERSION is raised: the records of before would be nobody's, and `verify` would refuse them."""
    assert call("publish", "--to", "out")[0] == 0
    (old, *_) = records(workplace / "out")
    for suffix in (".json", ".npz"):
        shutil.copy(old.with_suffix(suffix), old.with_name(f"0123456789abcdef{suffix}"))
    status, told, _ = call("publish", "--to", "out")
    assert status == 0 and "0123456789abcdef.json, which is no run of profile p.toml any more" in told
    assert len(records(workplace / "out")) == len(list((workplace / "out" / "toy").glob("*.npz"))) == 2


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["list", "--help"], ["publish", "-h"]])
def test_help_helps(words, capfd):
    assert main.answer(words) == 0
    told = capfd.readouterr()
    assert "usage: python -m experiments" in told.out
    assert told.err == ""


def test_help_of_a_target_tells_its_settings(capfd, monkeypatch):
    monkeypatch.setattr("experiments.lib.config.load_profile", lambda profile: {})
    assert main.answer(["run", "toy", "--help"]) == 0
    told = capfd.readouterr().out
    assert "--learning-rate" in told and "--runs-dir" in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], r"Say what to do: list, status, run, .*; see python -m experiments --help"),
        (["trian"], r"no command 'trian': list, status, run"),
        (["repport"], r"no command 'repport' \(did you mean 'report'\?\): list, status, run"),
        (["--profile", "quick"], r"no command '--profile'"),
        (["run"], r"Say what to run: all, toy; see python -m experiments run --help"),
        (["run", "--seeds", "5"], r"Say what to run: all, toy"),
        (["run", "table9"], r"no artefact or experiment 'table9'; there are all, toy"),
        (["run", "toy", "--profile", "quik"], r"no profile 'quik' \(did you mean 'quick'\?\)"),
        (["run", "toy", "--profile", "p.toml", "--sedes", "5"], r"no setting --sedes \(did you mean --seeds\?\)"),
        (["run", "toy", "--profile", "p.toml", "--chunck", "2"], r"no setting --chunck \(did you mean --chunk\?\)"),
        (["run", "toy", "--profile", "p.toml", "--cores", "2"], r"--cores is of --engine ray"),
        (
            ["run", "toy", "--profile", "p.toml", "--engine", "ray", "--cores", "0"],
            r"--cores is 0, but a run needs one",
        ),
        (["run", "toy", "--profile", "p.toml", "--seeds", "many"], r"seeds is 'many', but must be a whole number"),
        (["run", "toy", "--profile", "p.toml", "--seeds", "0"], r"seeds is 0, but must be above zero"),
        (["run", "toy", "--profile", "p.toml", "--steps", "-4"], r"steps is -4, but must be above zero"),
        (["run", "toy", "--profile", "p.toml", "--learning-rate", "nan"], r"learning_rate is nan"),
        (["run", "toy", "--profile", "p.toml", "--models", "lime"], r"models has no 'lime' \(did you mean 'line'\?\)"),
        (["run", "toy", "--profile", "p.toml", "--chunk", "0"], r"--chunk is 0, but at least one seed"),
        (["run", "toy", "--profile", "p.toml", "--chunk", "x"], r"a value that is missing or of the wrong type"),
        (["run", "toy", "--profile"], r"a value that is missing or of the wrong type; see .* run --help"),
        (["run", "toy", "more", "--profile", "p.toml"], r"'more' is not understood here"),
        (["list", "--sedes"], r"'--sedes' is not understood here; see python -m experiments list --help"),
        (["status", "toy"], r"'toy' is not understood here"),
    ],
)
def test_a_mistaken_command_is_one_sentence_and_status_2(words, sentence, capfd, workplace):
    assert main.answer(words) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert is_one_sentence(told.err), told.err
    assert re.search(sentence, told.err)
    assert not (workplace / "runs").exists()


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        ("[toy]\nseed = 3\n", r"profile p.toml, \[toy\]: there is no setting 'seed'"),
        ("[toy]\nseeds = '3'\n", "seeds is '3', but must be a whole number"),
        ("[toi]\n", r"section \[toi\], which is no experiment"),
        ("[toy\n", "profile p.toml cannot be read"),
    ],
)
def test_a_mistaken_profile_is_one_sentence_and_status_2(call, profile, sentence):
    Path("p.toml").write_text(profile)
    for command in (["run", "toy"], ["status"], ["report"], ["publish"]):
        status, _, wrong = call(*command)
        assert status == 2
        assert is_one_sentence(wrong)
        assert re.search(sentence, wrong)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def test_a_truncated_record_is_told_and_its_removal_heals(call, runs):
    victim = records(runs)[1].with_suffix(".npz")
    cut(victim)
    for command in (["report"], ["publish", "--to", "out"], ["run", "toy"]):
        status, _, wrong = call(*command)
        assert status == 1
        assert is_one_sentence(wrong)
        assert f"{Path('runs') / 'toy' / victim.name} is truncated or was changed: remove" in wrong
    assert len(records(runs)) == 2, "nothing finished is lost"
    for path in (victim, victim.with_suffix(".json")):
        path.unlink()
    assert call("report")[0] == 0


def test_a_foreign_record_is_told(call, runs):
    records(runs)[0].write_text('{"hello": "world"}')
    status, _, wrong = call("report")
    assert status == 1
    assert is_one_sentence(wrong)
    assert "is not one of this project's" in wrong


def test_a_file_in_the_way_of_the_store_is_told(call):
    Path("runs").write_text("")
    status, _, wrong = call("run", "toy")
    assert status == 1
    assert is_one_sentence(wrong)
    assert "runs cannot be written because a file or folder is in the way" in wrong


def test_a_full_disk_is_told_and_loses_nothing_finished(call, runs, monkeypatch):
    lost = records(runs)[0]
    lost.unlink()
    write = files.write_atomically
    monkeypatch.setattr(driver, "run_seeds", lambda *_, **__: driver.Outcome({}, 1.0, 1.0))

    def full(path: Path, data: bytes) -> None:
        raise files.explain(OSError(28, "No space left on device"), path)

    monkeypatch.setattr(files, "write_atomically", full)
    status, _, wrong = call("run", "toy")
    assert status == 1
    assert is_one_sentence(wrong)
    assert "is full: free some space and repeat the command; finished runs are kept." in wrong
    monkeypatch.setattr(files, "write_atomically", write)
    assert call("report")[0] == 0


def test_a_run_that_another_process_trains_is_told_and_the_rest_is_done(call, runs):
    for path in records(runs):
        path.unlink()
    addresses = {address.variant["model"]: address for address in chosen().addresses()}
    with files.locked(checkpoint.unfinished_folder(runs, addresses["line"]).with_suffix(".lock")) as mine:
        assert mine
        status, told, wrong = call("run", "toy")  # which opens the lock for itself, as a process of its own would
    assert status == 1
    assert is_one_sentence(wrong)
    assert "Another process is training toy line in runs: let it finish or stop it" in wrong
    assert not store.exists(runs, addresses["line"])
    assert store.exists(runs, addresses["shifted"])
    assert "runs/tables/toy.md" in told, "what is finished is rendered"


@pytest.mark.process
def test_a_store_without_permission_is_told(workplace, trained):
    lowered = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if lowered and not shutil.which("setpriv"):
        pytest.skip("root may write everywhere")  # without setpriv it cannot give that right away for the test
    shutil.copytree(trained / "runs", workplace / "runs")
    folders = [workplace / "runs", workplace / "runs" / "toy"]
    try:
        for mode, words, sentence in (
            (0o555, ["run", "toy", "--learning-rate", "0.01"], "runs cannot be written .*make the folder writable"),
            (0o000, ["status"], "runs cannot be read .*make the folder readable"),
        ):
            for folder in folders:
                folder.chmod(mode)
            answer = process(*words, "--profile", "p.toml", folder=workplace, program=(*lowered, sys.executable))
            assert answer.status == 1
            assert is_one_sentence(answer.wrong), answer.wrong
            assert re.search(sentence, answer.wrong)
            for folder in folders:
                folder.chmod(0o755)
    finally:
        for folder in folders:
            folder.chmod(0o755)


def unread(folder: Path, *words: str, stream: str = "stdout") -> processes.Answer:
    """Runs a command of which nobody reads what it prints."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return processes.run("-m", "tests.toy", *words, folder=folder, streams={stream: writer})
    finally:
        os.close(writer)


@pytest.mark.process
@pytest.mark.parametrize("words", [["status", "--profile", "p.toml"], ["run", "--help"]])
def test_a_reader_that_leaves_early_ends_a_command_as_it_ends_any_other(workplace, words):
    answer = unread(workplace, *words)
    assert (answer.status, answer.wrong) == (128 + signal.SIGPIPE, "")


@pytest.mark.process
def test_a_mistake_that_nobody_reads_is_no_traceback(workplace):
    answer = unread(workplace, "trian", stream="stderr")
    assert (answer.status, answer.told) == (128 + signal.SIGPIPE, "")


@pytest.mark.process
def test_training_goes_on_when_its_reader_leaves(workplace):
    answer = unread(workplace, "run", "toy", "--profile", "p.toml")
    assert (answer.status, answer.wrong) == (0, "")
    assert len(records(workplace / "runs")) == 2
    assert (workplace / "runs" / "tables" / "toy.md").exists()


@pytest.mark.process
def test_the_real_command_lists_the_paper_s_artefacts():
    answer = processes.run("-m", "experiments", "list")
    assert answer.status == 0, answer.wrong
    assert ["figure1", "identity"] in map(str.split, answer.told.splitlines())
