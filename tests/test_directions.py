"""The house keeps its directions: who may import whom, who writes, who draws, and how long a file may be."""

import ast
import re
import subprocess
import sys

import pytest

import nalu
from experiments.lib.places import ROOT

LIBRARY = sorted((ROOT / "nalu").rglob("*.py"))
LIB = sorted((ROOT / "experiments" / "lib").rglob("*.py"))
EXPERIMENTS = sorted(path for path in (ROOT / "experiments").glob("*.py") if not path.name.startswith("__"))
ALL = [*LIBRARY, *sorted((ROOT / "experiments").rglob("*.py"))]

WRITING_CALLS = (
    {"write_text", "write_bytes", "touch", "mkdir", "unlink", "rmdir", "hardlink_to", "symlink_to"}  # pathlib
    | {"makedirs", "remove", "removedirs", "rename", "replace", "mkstemp", "mkdtemp", "NamedTemporaryFile"}  # os
    | {"rmtree", "copyfile", "copytree", "move", "tofile", "savetxt", "to_csv"}  # shutil, numpy, pandas
)


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path):
    """Returns the dotted names that a file imports; `from a import b` gives `a.b`."""
    names = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import; write the whole name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def packages_of(path):
    return {name.partition(".")[0] for name in imports(path)}


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", LIBRARY, ids=names(LIBRARY))
def test_the_library_imports_jax_and_flax_only(path):
    for_type_checkers = {
        alias.name
        for node in parse(path).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        if isinstance(statement, ast.ImportFrom) and statement.module == "jaxtyping"
        for alias in statement.names
    }
    others = {name for name in imports(path) if name.partition(".")[0] not in {"jax", "flax", "nalu", "__future__"}}
    assert others <= {"typing.TYPE_CHECKING", *(f"jaxtyping.{name}" for name in for_type_checkers)}


def test_importing_the_library_needs_no_other_package():
    blocked = ("jaxtyping", "beartype", "experiments", "matplotlib", "scipy.stats", "pandas", "tyro")
    code = f"import sys; sys.modules.update(dict.fromkeys({blocked})); import nalu; print(*nalu.CELLS)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == list(nalu.CELLS)


@pytest.mark.parametrize("path", [*LIB, *EXPERIMENTS], ids=names([*LIB, *EXPERIMENTS]))
def test_nothing_imports_an_experiment(path):
    """Neither the lib nor another experiment: what two experiments share belongs to the lib."""
    experiments = {experiment.stem for experiment in EXPERIMENTS}
    inside = [name.split(".") for name in imports(path) if name.startswith("experiments.")]
    assert not experiments & {name[1] for name in inside}


@pytest.mark.parametrize("path", ALL, ids=names(ALL))
def test_only_the_library_sees_its_private_modules(path):
    assert path in LIBRARY or not any(name.startswith("nalu._src") for name in imports(path))


@pytest.mark.parametrize("path", ALL, ids=names(ALL))
def test_only_files_py_writes(path):
    found = sorted(writing_calls(path))
    if path.name == "checkpoint.py":  # Orbax writes by itself, into a folder that it also discards
        found = [call for call in found if not call.startswith("rmtree")]
    assert path.name == "files.py" or not found, found


def writing_calls(path):
    for node in ast.walk(parse(path)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        module = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if name in {"replace", "remove", "move", "touch"} and module not in {"os", "shutil", "path", "pathlib"}:
            continue  # dataclasses.replace, str.replace, list.remove
        arguments = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
        modes = {a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)}
        opens = name == "open" and any(set(mode) & set("wax+") and set(mode) <= set("rwaxbt+") for mode in modes)
        if opens or name in WRITING_CALLS:
            yield f"{name} in line {node.lineno}"


@pytest.mark.parametrize("path", ALL, ids=names(ALL))
def test_only_drawing_py_draws(path):
    assert path.name in ("drawing.py", "pictures.py", "curve_labels.py") or "matplotlib" not in packages_of(path)


def test_reporting_needs_no_jax():
    """Tables and figures are redrawn in seconds, on machines without an accelerator's software."""
    code = "import sys, experiments.lib.report.rendering, experiments.lib.report.claims; print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


@pytest.mark.parametrize("path", ALL, ids=names(ALL))
def test_files_are_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= (250 if path in EXPERIMENTS else 200)
    if text:
        assert ast.get_docstring(parse(path)), "the file opens with a sentence that says what it is"


def test_the_map_of_the_house_names_every_file_of_the_lib_once():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = text.split("| concern | files |", 1)[1].split("\n\n", 1)[0]
    named = re.findall(r"`(\w+)`", rows)
    assert sorted(named) == [path.stem for path in LIB if path.stem != "__init__"]
