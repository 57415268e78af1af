"""The suite: finds the experiments, says which runs they are made of, and collects what the report needs of them."""

import dataclasses
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from experiments.lib import config
from experiments.lib import settings as options
from experiments.lib.cli import commands
from experiments.lib.engine import numerics
from experiments.lib.errors import usage_error
from experiments.lib.report.artefacts import Figure, Finished, Table
from experiments.lib.store import records as store

PACKAGE = Path(__file__).parents[1]


class Experiment(NamedTuple):
    """An experiment with its resolved config."""

    name: str
    module: ModuleType
    config: Any

    def addresses(self) -> list[store.Address]:
        """Returns the address of each of its runs, in order."""
        return [
            store.Address(
                experiment=self.name,
                version=self.module.VERSION,
                config=config.as_data(self.config, address=True),
                variant=variant,
                numerics=numerics.NUMERICS,
            )
            for variant in self.module.runs(self.config)
        ]

    def results(self, root: Path) -> list[Finished]:
        """Returns its finished runs in the store at `root`."""
        return [store.load(root, address) for address in self.addresses() if store.exists(root, address)]


def modules() -> dict[str, ModuleType]:
    """Returns every experiment by name, in the paper's order: the file name is the registry.

    It is a file of `experiments/`, or one that bears the name of its folder: `arithmetic/static_arithmetic.py`.
    """
    places = [path for path in PACKAGE.glob("*.py") if not path.stem.startswith("_")]
    places += [path for folder in PACKAGE.iterdir() if folder.is_dir() for path in folder.glob(f"*{folder.name}*.py")]
    found = {
        path.stem: importlib.import_module(".".join(["experiments", *path.relative_to(PACKAGE).with_suffix("").parts]))
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
        program = f"python -m experiments run {target}"
        others = [field.name for field in dataclasses.fields(commands.Run)]
        configs = options.override_from_arguments(configs, arguments, program=program, others=others)
    return [Experiment(name, known[name], configs[name]) for name in names]


def unfinished_folder(root: Path, address: store.Address) -> Path:
    """Returns where an unfinished run keeps its checkpoints."""
    return Path(root) / ".unfinished" / address.digest


def collect(chosen: list[Experiment], root: Path) -> dict[str, tuple[list[Table], list[Figure], list[Finished]]]:
    """Returns tables, figures and runs of every artefact of which the store holds at least one run."""
    collected: dict[str, tuple[list[Table], list[Figure], list[Finished]]] = {}
    for experiment in sorted(chosen, key=lambda experiment: experiment.module.PLACE):
        results = experiment.results(root)
        if not results:
            continue
        module = experiment.module
        tables = module.tables(experiment.config, results) if hasattr(module, "tables") else []
        figures = module.figures(experiment.config, results) if hasattr(module, "figures") else []
        for artefact in module.ARTEFACTS:
            entry = collected.setdefault(artefact, ([], [], []))
            entry[0].extend(table for table in tables if table.artefact == artefact)
            entry[1].extend(figure for figure in figures if figure.artefact == artefact)
            entry[2].extend(results)
    return collected
