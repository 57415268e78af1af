"""The suite: finds the experiments, gives each its config, and says which runs they are made of."""

import importlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from . import config, settings
from .errors import UserError, usage_error
from .places import FOLDER, PACKAGE
from .store import records
from .store.records import Finished

CONTRACT = ("VERSION", "PLACE", "ARTEFACTS", "Config", "runs", "make_train")


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

    Raises:
      UserError: such a file is no experiment, or two bear the same name.
    """
    found: dict[str, ModuleType] = {}
    paths = sorted(files(FOLDER))
    for stem, number in Counter(path.stem for path in paths).items():
        if number > 1:
            raise UserError(f"{number} files are the experiment '{stem}': rename all but one of them.")
    for path in paths:
        place = path.relative_to(FOLDER)
        module = importlib.import_module(".".join([PACKAGE, *place.with_suffix("").parts]))
        absent = [name for name in CONTRACT if not hasattr(module, name)]
        if absent:
            raise UserError(
                f"{FOLDER.name}/{place} has no {', '.join(absent)}, so it is no experiment, but stands where one is "
                "looked for: in the folder of all, or in a folder whose name it bears."
            )
        found[path.stem] = module
    return dict(sorted(found.items(), key=lambda item: item[1].PLACE))


def files(folder: Path) -> list[Path]:
    """Returns the files of experiments in and below `folder`."""
    own = [path for path in folder.glob("*.py") if not path.stem.startswith("_")]
    return own + [path for each in folder.iterdir() if each.is_dir() for path in each.glob(f"*{each.name}*.py")]


def artefacts() -> dict[str, list[str]]:
    """Returns the experiments that each artefact is made of."""
    table: dict[str, list[str]] = {}
    for name, module in modules().items():
        for artefact in module.ARTEFACTS:
            table.setdefault(artefact, []).append(name)
    return dict(sorted(table.items()))


def experiments(
    target: str, profile: str, words: Sequence[str] = (), *, options: Sequence[str] = ()
) -> list[Experiment]:
    """Returns the experiments behind a target with their configs: defaults, then profile, then settings as typed.

    Args:
      target: an artefact, an experiment or "all".
      words: settings, as `--name value`; before them, for an experiment that reads one, a file of the user's.
      options: what else could have been meant by one that is no setting: the command's own options.

    Raises:
      UserError: the target, the profile or a setting is not understood.
    """
    known, made_of = modules(), artefacts()
    if target == "all":
        names = list(known)
    elif target in made_of:
        names = made_of[target]
    elif target in known:
        names = [target]
    else:
        there_are = ["all", *made_of, *known]
        raise usage_error(
            f"There is no artefact or experiment '{target}'{config.suggest(target, there_are)}; "
            f"there are {', '.join(there_are)}."
        )
    sections = config.load_profile(profile)
    config.check_sections(sections, list(known))
    configs = {
        name: config.override(known[name].Config(), sections.get(name, {}), source=f"profile {profile}, [{name}]")
        for name in names
    }
    file, *typed = words if words and not words[0].startswith("--") else (None, *words)
    readers = [name for name in names if hasattr(known[name], "with_file")]
    if file is not None and not readers:
        raise usage_error(f"'{file}' is not understood here: settings are given as --name value.")
    configs = settings.override(configs, typed, options=options)
    if file is not None:
        configs = {name: known[name].with_file(configs[name], Path(file)) for name in readers}
    return [Experiment(name, known[name], each) for name, each in configs.items()]
