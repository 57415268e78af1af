"""The suite: finds the experiments, says which runs they are made of, and collects what the report needs of them."""

import dataclasses
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from . import config, settings
from .cli import commands
from .errors import usage_error
from .places import FOLDER, PACKAGE, PROGRAM
from .store import records
from .store.records import Finished


class Experiment(NamedTuple):
    """An experiment with its resolved config."""

    name: str
    module: ModuleType
    config: Any

    def addresses(self) -> list[records.Address]:
        """Returns the address of each of its runs, in order."""
        return [
            records.Address(
                experiment=self.name,
                version=self.module.VERSION,
                config=config.as_data(self.config, address=True),
                variant=variant,
                numerics=records.NUMERICS,
            )
            for variant in self.module.runs(self.config)
        ]

    def results(self, root: Path) -> list[Finished]:
        """Returns its finished runs in the store at `root`."""
        return [records.load(root, address) for address in self.addresses() if records.exists(root, address)]


def modules() -> dict[str, ModuleType]:
    """Returns every experiment by name, in the paper's order: the file name is the registry.

    It is a file of `experiments/`, or one that bears the name of its folder: `arithmetic/static_arithmetic.py`.
    """
    places = [path for path in FOLDER.glob("*.py") if not path.stem.startswith("_")]
    places += [path for folder in FOLDER.iterdir() if folder.is_dir() for path in folder.glob(f"*{folder.name}*.py")]
    found = {
        path.stem: importlib.import_module(".".join([PACKAGE, *path.relative_to(FOLDER).with_suffix("").parts]))
        for path in sorted(places)
    }
    return dict(sorted(found.items(), key=lambda item: item[1].PLACE))


def artefacts() -> dict[str, list[str]]:
    """Returns the experiments that each artefact is made of."""
    table: dict[str, list[str]] = {}
    for name, module in modules().items():
        for artefact in module.ARTEFACTS:
            table.setdefault(artefact, []).append(name)
    return dict(sorted(table.items()))


def experiments(target: str, profile: str, arguments: list[str] | None = None) -> list[Experiment]:
    """Returns the experiments behind a target with their configs: defaults, then profile, then command line.

    Args:
      target: an artefact, an experiment or "all".

    Raises:
      UserError: the target, the profile or an argument is not understood.
    """
    known, made_of = modules(), artefacts()
    if target == "all":
        names = list(known)
    elif target in made_of:
        names = made_of[target]
    elif target in known:
        names = [target]
    else:
        raise usage_error(
            f"There is no artefact or experiment '{target}'; there are all, {', '.join([*made_of, *known])}."
        )
    sections = config.load_profile(profile)
    config.check_sections(sections, list(known))
    configs = {
        name: config.override(known[name].Config(), sections.get(name, {}), source=f"profile {profile}, [{name}]")
        for name in names
    }
    if arguments:
        program = f"{PROGRAM} run {target}"
        others = [field.name for field in dataclasses.fields(commands.Run)]
        configs = settings.override_from_arguments(configs, arguments, program=program, others=others)
    return [Experiment(name, known[name], configs[name]) for name in names]
