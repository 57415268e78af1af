"""Who may import whom, who writes, who draws: what keeps every folder of the project in its place.

Each test lists all offenders. The three rules that they hold are in CONTRIBUTING.md.
"""

import ast
import functools
import sys
from collections import defaultdict

import pytest

import nalu
from experiments.lib.places import ROOT
from tests import processes

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("nalu", "experiments")
    for path in sorted((ROOT / package).rglob("*.py"))
}
# What of the lib each of its parts may import besides itself, `errors` and `places`: only what lies below it.
BELOW = {
    "errors": set(),
    "places": set(),
    "config": set(),
    "cells": set(),
    "settings": {"config"},
    "training": set(),
    "networks": {"training"},
    "store": set(),
    "data": {"store"},
    "suite": {"config", "settings", "store"},
    "report": {"store", "suite"},
    "engine": {"training", "store", "suite", "data"},
    "verify": {"report", "store", "suite"},
    "cli": {"config", "settings", "suite", "store", "data", "report", "engine", "verify"},
}
FOR_SECTIONS = {"errors", "places", "config", "cells", "training", "networks", "data", "report", "store"}


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@functools.cache  # and not when the tests are collected, which every worker does
def imports(name):
    """Returns the dotted names that a module imports, whole: `from a import b` gives `a.b`."""
    package = name.split(".") if FILES[name].name == "__init__.py" else name.split(".")[:-1]
    names = set()
    for node in ast.walk(parse(FILES[name])):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            near = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*near, *filter(None, [node.module])])
            names |= {f"{source}.{alias.name}" for alias in node.names}
    return names


def module(name):
    """Returns the module of the project that a dotted name lies in, or the package for one of another project."""
    while name not in FILES and "." in name:
        name = name.rpartition(".")[0]
    return name


def room(name):
    """Returns where a module lies: `nalu`, a part of the lib as `lib.store`, a section, or another package."""
    first, _, rest = module(name).partition(".")
    if first != "experiments":
        return first
    parts = rest.split(".")
    return ".".join(parts[:2]) if parts[0] == "lib" else parts[0]


def offenders(allowed):
    """Returns every import of the project's own that is not `allowed(room of the importer, room of the imported)`."""
    return sorted(
        f"{name} imports {imported}"
        for name in FILES
        for imported in imports(name)
        if module(imported) in FILES and room(imported) != room(name) and not allowed(room(name), room(imported))
    )


SECTIONS = {room(name) for name in FILES} - {"nalu", "", "__main__", "benchmarks", "lib", *map("lib.{}".format, BELOW)}


def none(found):
    assert not found, "\n" + "\n".join(found)


def test_the_library_imports_jax_and_flax_only():
    found = []
    for name in FILES:
        if room(name) != "nalu" or name.startswith("nalu.sklearn"):  # which has an extra of its own
            continue
        for_type_checkers = {
            f"jaxtyping.{alias.name}"
            for node in parse(FILES[name]).body
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for statement in node.body
            if isinstance(statement, ast.ImportFrom) and statement.module == "jaxtyping"
            for alias in statement.names
        }
        others = {each for each in imports(name) if room(each) not in {"jax", "flax", "nalu", *sys.stdlib_module_names}}
        found += [f"{name} imports {each}" for each in sorted(others - for_type_checkers)]
    none(found)


@pytest.mark.process
def test_importing_the_library_needs_no_other_package():
    blocked = ("jaxtyping", "beartype", "experiments", "matplotlib", "scipy.stats", "pandas", "tyro")
    code = f"import sys; sys.modules.update(dict.fromkeys({blocked})); import nalu; print(*nalu.CELLS)"
    answer = processes.run("-c", code)
    assert (answer.status, answer.told.split()) == (0, list(nalu.CELLS)), answer.wrong


def test_only_the_library_sees_its_private_modules():
    none(
        [
            f"{name} imports {each}"
            for name in FILES
            for each in imports(name)
            if room(name) != "nalu" and each.startswith("nalu._src")
        ]
    )


def test_every_part_of_the_lib_has_its_place():
    assert {room(name).removeprefix("lib.") for name in FILES if name.startswith("experiments.lib.")} == set(BELOW)


def test_nothing_in_the_lib_looks_up():
    """Nor out of it, but to `nalu`."""

    def allowed(importer, imported):
        if not importer.startswith("lib."):
            return True
        below = BELOW[importer.removeprefix("lib.")] | {"errors", "places"}
        return imported in {"nalu", *map("lib.{}".format, below)}

    none(offenders(allowed))


def test_a_section_imports_neither_another_one_nor_what_trains_it():
    """It is told what it needs: its settings, the data and the finished runs."""
    allowed = {"nalu", *map("lib.{}".format, FOR_SECTIONS)}
    none(offenders(lambda importer, imported: importer not in SECTIONS or imported in allowed))


def test_the_lib_is_for_what_several_sections_share():
    users = defaultdict(set)
    for name in FILES:
        for imported in map(module, imports(name)):
            if imported != name:
                users[imported].add("lib" if room(name).startswith("lib.") else room(name))
    none(
        [
            f"{name} is used by {section} alone"
            for name, (section, *others) in sorted(users.items())
            if name.startswith("experiments.lib.") and not others and section in SECTIONS
        ]
    )


def test_the_lib_is_no_larger_than_one_can_know():
    assert sum(name.startswith("experiments.lib.") for name in FILES if FILES[name].name != "__init__.py") <= 60


WRITING_CALLS = (
    {"write_text", "write_bytes", "touch", "mkdir", "unlink", "rmdir", "hardlink_to", "symlink_to"}  # pathlib
    | {"makedirs", "remove", "removedirs", "rename", "replace", "mkstemp", "mkdtemp", "NamedTemporaryFile"}  # os
    | {"rmtree", "copyfile", "copytree", "move", "tofile", "savetxt", "to_csv"}  # shutil, numpy, pandas
)
WRITES = "experiments.lib.store.files"
REMOVES = {"experiments.lib.engine.checkpoint": "rmtree"}  # Orbax writes by itself, into a folder that it also discards


def writing_calls(path):
    for node in ast.walk(parse(path)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        of = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if name in {"replace", "remove", "move", "touch"} and of not in {"os", "shutil", "path", "pathlib"}:
            continue  # dataclasses.replace, str.replace, list.remove
        arguments = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
        modes = {a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)}
        opens = name == "open" and any(set(mode) & set("wax+") and set(mode) <= set("rwaxbt+") for mode in modes)
        if opens or name in WRITING_CALLS:
            yield name, node.lineno


def test_only_one_file_writes():
    found = [
        f"{name}: {call} in line {line}"
        for name, path in FILES.items()
        for call, line in writing_calls(path)
        if name != WRITES and REMOVES.get(name) != call
    ]
    none(found)
    assert list(writing_calls(FILES[WRITES])), "the one that does is seen"


def test_only_the_figures_draw():
    drawing = {name for name in FILES if any(room(each) == "matplotlib" for each in imports(name))}
    assert drawing
    none([name for name in sorted(drawing) if not name.startswith("experiments.lib.report.figures.")])


@pytest.mark.process
def test_reporting_needs_no_jax():
    """Tables and figures are redrawn in seconds, on machines without an accelerator's software."""
    code = "import sys, experiments.lib.report.rendering, experiments.lib.report.claims; print('jax' in sys.modules)"
    assert processes.run("-c", code) == (0, "False\n", "")


def test_every_file_opens_with_a_sentence_that_says_what_it_is():
    texts = {path: path.read_text(encoding="utf-8") for path in (*FILES.values(), *(ROOT / "tests").rglob("*.py"))}
    unsaid = [path for path, text in texts.items() if text and not ast.get_docstring(ast.parse(text))]
    none([str(path.relative_to(ROOT)) for path in unsaid])
