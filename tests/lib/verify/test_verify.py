"""`verify`: a sound store passes and is left as it is; each kind of damage is told by name, and so are all at once."""

import contextlib
import json
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from experiments.lib import places, suite
from experiments.lib.cli import main
from experiments.lib.engine import checkpoint, machine
from experiments.lib.report import claims, front_page, rendering
from experiments.lib.report.figures import drawing
from experiments.lib.store import records
from experiments.lib.verify import records as verify_records
from tests import toy

PROFILE = "[toy]\nseeds = 2\nsteps = 4\nlegs = 2\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, compiled_in_haste):
    """A store in which both runs of the toy are finished, and the same published."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "p.toml").write_text(PROFILE)
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
        at_home(patch, folder)
        assert main.answer(["run", "toy", "--profile", "p.toml"]) == 0
        assert main.answer(["publish", "--profile", "p.toml", "--to", "results"]) == 0
        assert main.answer(["report", "--profile", "p.toml"]) == 0  # now with the published beside
    return folder


draw, DRAWN = drawing.draw, {}


def drawn_once(figure):
    """Draws each figure once for all tests here: the same figure gives the same bytes, which `test_drawing` holds."""
    told = pickle.dumps(figure)
    if told not in DRAWN:
        DRAWN[told] = draw(figure)
    return dict(DRAWN[told])


def at_home(patch, folder):
    patch.setattr(suite, "modules", lambda: {"toy": toy})
    patch.setattr(machine, "prepare", lambda: None)
    patch.setattr(drawing, "draw", drawn_once)
    for module in (places, rendering):
        patch.setattr(module, "PUBLISHED", folder / "results")


@pytest.fixture
def place(trained, tmp_path, monkeypatch):
    """A folder with `runs` and `results`, to be damaged."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    at_home(monkeypatch, tmp_path)
    return tmp_path


@pytest.fixture
def call(capfd):
    """Runs a command with the profile; returns its status, standard output and standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        status = main.answer([*words, "--profile", "p.toml"])
        told = capfd.readouterr()
        return status, told.out, told.err

    return call


@pytest.fixture(params=["results", "runs"])
def which(request):
    """The published results, and a user's own."""
    return request.param


def words_for(which: str) -> list[str]:
    return ["verify"] if which == "results" else ["verify", "--runs-dir", which]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def record(root: Path, number: int = 0) -> Path:
    return sorted((root / "toy").glob("*.json"))[number]


def change(path: Path, **values) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def change_origin(path: Path, **values) -> None:
    change(path, provenance={**json.loads(path.read_text())["provenance"], **values})


def forge(root: Path, name: str, value: float, *, counted: bool = False) -> None:
    """Puts a value into one array of the second seed, and makes the sums right again."""
    run = records.read(record(root))
    address = next(each for each in planned() if each.digest == run.digest)
    arrays = {each: array.copy() for each, array in run.arrays.items()}
    arrays[name][1, -1, 0] = value
    if counted:
        arrays["nonfinite_L"][1, -1, 0] = 1
    records.save(root, address, arrays, run.provenance)


def widen(root: Path) -> None:
    """Stores a run anew as JAX leaves it that computes in 64 bits, under the address of the one in 32."""
    run = records.read(record(root))
    address = next(each for each in planned() if each.digest == run.digest)
    wide = {name: array.astype({"f": "float64", "i": "int64"}[array.dtype.kind]) for name, array in run.arrays.items()}
    records.save(root, address, wide, run.provenance)


def planned() -> list[records.Address]:
    (experiment,) = suite.experiments("toy", "p.toml")
    return experiment.addresses()


def test_a_sound_store_passes_and_is_left_as_it_is(place, call, which):
    before = contents(place)
    status, told, wrong = call(*words_for(which))
    assert (status, wrong) == (0, "")
    first, second, last = told.splitlines()
    assert first == "toy: 2 records, 2 seeds, 40 values: sound"
    assert second.startswith("tables, figures, claims and index: ")
    assert second.endswith(" files: what the records say")
    assert last.endswith("is sound: 2 records, and all that is made of them.")
    assert contents(place) == before


def test_published_is_what_is_verified_unless_a_store_is_named(place, call):
    assert call("verify", "--published") == call("verify")
    assert call("verify", "--runs-dir", "results")[0] == 0
    assert "results is sound" in call("verify")[1]
    assert "runs is sound" in call("verify", "--runs-dir", "runs")[1]
    status, _, wrong = call("verify", "--published", "--runs-dir", "runs")
    assert (status, wrong) == (2, "experiments: --published and --runs-dir name two stores: give one of them.\n")


DAMAGES = {
    "truncated npz": (lambda root: cut(record(root).with_suffix(".npz")), r"npz is truncated or was changed"),
    "changed value": (
        lambda root: record(root).with_suffix(".npz").write_bytes(records.pack({"error_L": np.zeros((2, 2, 2))})),
        r"npz is truncated or was changed",
    ),
    "computed in 64 bits": (
        widen,
        r"it holds 'error_L' as float64, 'nonfinite_L' as int64, 'slope_L' as float64, but its address says that all "
        "was computed in float32",
    ),
    "changed value, sums made right": (lambda root: forge(root, "slope_L", np.nan), r"'slope_L' holds 1 values that"),
    "no npz": (lambda root: record(root).with_suffix(".npz").unlink(), r"cannot be read .*No such file"),
    "no json": (lambda root: record(root).unlink(), r"npz has no .json beside it, so it is no record"),
    "edited config": (lambda root: change(record(root), config={"seeds": 3}), r"is not the run that its name says"),
    "edited variant": (lambda root: change(record(root), variant={}), r"is not the run that its name says"),
    "foreign schema": (lambda root: change(record(root), schema=2), r"is not the run that its name says"),
    "foreign json": (lambda root: record(root).write_text("[]"), r"is not one of this project's"),
    "truncated json": (lambda root: cut(record(root)), r"cannot be read"),
    "edited list of arrays": (lambda root: change(record(root), arrays={}), r"the arrays that it tells \(error_L, non"),
    "a field too many": (lambda root: change(record(root), note="mine"), r"fields are not those of a record \(note\)"),
    "no device": (lambda root: change(record(root), provenance={}), r"its provenance lacks command, commit, cpu_sec"),
    "another cost": (lambda root: change_origin(record(root), wall_seconds=-1.0), r"provenance says of wall_seconds"),
    "another date": (lambda root: change_origin(record(root), date="soon"), r"its provenance says of date what cannot"),
    "other seeds": (lambda root: change_origin(record(root), seeds=3), r"its provenance says of seeds what cannot be"),
    "a temporary file": (lambda root: (root / "toy" / ".a.json.7.tmp").touch(), r"\.a\.json\.7\.tmp belongs to noth"),
    "a stray file": (lambda root: (root / "notes.txt").touch(), r"notes.txt belongs to nothing here"),
    "a stray folder": (lambda root: shutil.copytree(root / "toy", root / "old"), r"old/.*npz belongs to nothing here"),
    "a record twice": (
        lambda root: shutil.copy(record(root), root / "toy" / "copy.json"),
        r"copy.json cannot be read|copy.json is not the run that its name says",
    ),
    "edited table": (lambda root: edit(root / "tables" / "toy.csv"), r"toy.csv is not what the records of profile p."),
    "edited page": (lambda root: edit(root / "tables" / "toy.md"), r"toy.md is not what the records of profile"),
    "edited curve": (lambda root: edit(root / "figures" / "toy.csv"), r"figures/toy.csv is not what the records"),
    "edited claims": (lambda root: edit(root / "claims.csv"), r"claims.csv is not what the records of profile"),
    "edited index": (lambda root: edit(root / "README.md"), r"README.md is not what the records of profile"),
    "no table": (lambda root: (root / "tables" / "toy.tex").unlink(), r"toy.tex cannot be read \(No such file"),
    "truncated picture": (lambda root: cut(root / "figures" / "toy.png"), r"toy.png is no whole picture"),
}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def edit(path: Path) -> None:
    path.write_text(path.read_text().replace("1", "2") + " ")


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_told_by_name(place, call, which, damage):
    do, sentence = DAMAGES[damage]
    do(place / which)
    status, told, wrong = call(*words_for(which))
    assert status == 1
    faults = [line for line in told.splitlines() if line.startswith("  ")]
    assert any(re.search(sentence, fault) for fault in faults), told
    assert f"has {len(faults)} fault" in wrong
    assert "each told above: re" in wrong and "makes the rest anew" in wrong
    assert wrong.startswith("experiments: ") and wrong.endswith(".\n") and wrong.count("\n") == 1


def test_all_faults_are_told_at_once(place, call):
    for damage in ("truncated npz", "a stray file", "edited table"):
        DAMAGES[damage][0](place / "results")
    cut(record(place / "results", 1))
    status, told, wrong = call("verify")
    assert status == 1
    for said in (
        "truncated or was changed",
        "cannot be read",
        "notes.txt belongs",
        "Not compared",
        "toy: ",
        "2 faults",
    ):
        assert said in told
    assert "has 3 faults" in wrong, "what is made of damaged records is not compared with them"


def test_what_only_published_results_must_be(place, call):
    """All of one profile, and nothing unfinished beside; a user's own store may hold other settings."""
    (place / "other.toml").write_text(PROFILE.replace("seeds = 2", "seeds = 1"))
    for name in ("results", "runs"):
        folder = place / name / checkpoint.unfinished_folder(Path(), planned()[0])
        folder.mkdir(parents=True)
        (folder / "checkpoint").touch()
        (place / name / "figures" / "other.png").touch()
    assert main.answer(["run", "toy", "--profile", "other.toml", "--runs-dir", "more"]) == 0
    for path in (place / "more" / "toy").iterdir():
        shutil.copy(path, place / "runs" / "toy")
        shutil.copy(path, place / "results" / "toy")
    status, told, wrong = call("verify", "--runs-dir", "runs")
    assert (status, wrong) == (0, "")
    assert told.startswith("toy: 4 records, 2 of other settings, 1 to 2 seeds, ")
    status, told, _ = call("verify")
    assert status == 1
    assert told.count("is no run of profile p.toml.") == 2
    assert re.search(r"\.unfinished/\w+/checkpoint belongs to nothing here", told)
    assert "figures/other.png belongs to nothing here" in told


@pytest.mark.parametrize("words", [["--models", "line"], ["--learning-rate", "0.5", "--models", "shifted"]])
def test_what_was_typed_is_no_fault_nor_is_how_the_profile_was(place, call, words):
    assert main.answer(["run", "toy", "--profile", "./p.toml", *words]) == 0
    status, told, wrong = call("verify", "--runs-dir", "runs")
    assert (status, wrong) == (0, ""), told
    files = ("README.md", "tables/toy.csv")
    for file in files:
        edit(place / "runs" / file)
    told = call("verify", "--runs-dir", "runs")[1]
    assert all(f"runs/{file} is not what the records of profile p.toml say" in told for file in files)


@pytest.mark.parametrize("command", ["run toy --sedes 3", "rm -rf 'x", "run toy --profile p.toml --models line"])
def test_an_index_that_names_another_command_is_a_fault(place, call, command):
    index = place / "runs" / "README.md"
    index.write_text(re.sub("`make toy[^`]*`", f"`python -m experiments {command}`", index.read_text()))
    status, told, _ = call("verify", "--runs-dir", "runs")
    assert status == 1
    assert ("tables/toy.csv" if "models" in command else "README.md") + " is not what the records of profile" in told


def test_an_experiment_is_whole_or_not_there(place, call, which):
    shifted = next(address for address in planned() if address.variant["model"] == "shifted")
    for suffix in (".json", ".npz"):
        records.path_of(place / which, shifted, suffix).unlink()
    status, told, _ = call(*words_for(which))
    assert status == 1
    assert "toy is not whole: 1 of 2 runs are missing (shifted)." in told
    shutil.rmtree(place / which / "toy")
    status, told, wrong = call(*words_for(which))
    assert (status, told) == (1, "")
    assert "holds no record, so there is nothing to verify: train with" in wrong


def test_values_that_are_not_finite_are_told_and_faults_only_without_a_reason(place, call):
    """A seed that counted steps which were not finite may hold such values, and so may an error far outside."""
    cases = (
        ("slope_L", False, "of seeds that counted no such step (1)"),
        ("slope_L", True, ""),
        ("error_L", False, ""),
    )
    for name, counted, fault in cases:
        shutil.rmtree(place / "runs" / "toy")
        shutil.copytree(place / "results" / "toy", place / "runs" / "toy")
        forge(place / "runs", name, np.inf, counted=counted)
        call("report")
        status, told, _ = call("verify", "--runs-dir", "runs")
        assert status == (1 if fault else 0), told
        assert fault in told
        assert fault or f"1 of them not finite in '{name}'" in told
        assert ("1 seed with steps that were not finite" in told) == counted


@pytest.mark.parametrize("arena", ["arena_", "to"])
def test_in_the_arena_the_test_is_outside_and_may_overflow(place, monkeypatch, arena):
    """A product of a hundred inputs overflows on numbers three times those of training, its parameters being finite."""
    monkeypatch.setattr(verify_records, "ARENA", arena)
    run = records.read(record(place / "results"))
    address = next(each for each in planned() if each.digest == run.digest)
    overflown = np.full_like(run.arrays["slope_L"], np.inf)
    records.save(place / "results", address, {**run.arrays, "test": overflown}, run.provenance)
    checked = verify_records.check(record(place / "results"))
    assert bool(checked.faults) != "toy".startswith(arena), checked.faults


@pytest.mark.parametrize(("arena", "said", "sound"), [("arena_", 1, False), ("to", 1, True), ("to", 0, False)])
def test_in_the_arena_a_network_that_is_said_to_have_diverged_may_have_no_error_inside(
    place, monkeypatch, arena, said, sound
):
    """Two NALUs of a hundred numbers from U[10, 20] may diverge before the first log."""
    monkeypatch.setattr(verify_records, "ARENA", arena)
    run = records.read(record(place / "results"))
    address = next(each for each in planned() if each.digest == run.digest)
    validation = np.ones_like(run.arrays["slope_L"])
    diverged = np.zeros(validation.shape, bool)
    validation.flat[0], diverged.flat[0] = np.inf, bool(said)
    arrays = {**run.arrays, "validation": validation, "diverged": diverged}
    records.save(place / "results", address, arrays, run.provenance)
    assert (not verify_records.check(record(place / "results")).faults) == sound


def test_pictures_that_are_drawn_otherwise_are_told_and_no_fault(place, call):
    path = place / "results" / "figures" / "toy.svg"
    path.write_text(path.read_text().replace("The toy", "A toy"))
    status, told, wrong = call("verify")
    assert (status, wrong) == (0, "")
    assert re.search(r"1 picture of them drawn otherwise here \(first .*toy.svg\): what the records say", told)


def test_the_numbers_of_the_front_page_are_compared(place, call):
    names = front_page.blocks([], claims.evaluate(claims.all_claims(), []))
    page = place / "README.md"
    page.write_text("".join(f"<!-- {name} --><!-- /{name} -->\n" for name in ("table1", *names)))
    assert call("report", "--published")[0] == 0
    assert call("verify")[0] == 0
    page.write_text(page.read_text().replace("Not published yet", "Published"))
    status, told, _ = call("verify")
    assert status == 1
    assert re.search(r"The numbers in .*README.md are not what the records say", told)
    page.write_text("nothing")
    assert "README.md must hold" in call("verify")[1]


def test_records_that_cannot_be_rendered_are_one_fault(place, call, monkeypatch):
    monkeypatch.setattr(toy, "tables", lambda cfg, results: results[0].arrays["absent"])
    status, told, _ = call("verify")
    assert status == 1
    assert "cannot be rendered (KeyError: 'absent')" in told
