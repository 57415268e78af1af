"""The suite: finds the experiments, plans their runs, trains what is missing, and collects what the report needs."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from rich.console import Console

from experiments.lib import checkpoint, config, files, numerics, options, progress, provenance, store
from experiments.lib.artefacts import Figure, Finished, Table
from experiments.lib.errors import UserError, usage_error

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
    """Returns every experiment by name, in the paper's order: the file name is the registry."""
    names = sorted(path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("_"))
    found = {name: importlib.import_module(f"experiments.{name}") for name in names}
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
        configs = options.override_from_arguments(configs, arguments, program=program)
    return [Experiment(name, known[name], configs[name]) for name in names]


def unfinished_folder(root: Path, address: store.Address) -> Path:
    """Returns where an unfinished run keeps its checkpoints."""
    return Path(root) / ".unfinished" / address.digest


def train_missing(
    chosen: list[Experiment], root: Path, *, profile: str, command: str, console: Console, chunk: int | None = None
) -> None:
    """Trains every run that the store does not hold yet.

    Raises:
      UserError: another process is training one of them (the others are done first), or the store fails.
    """
    import jax

    from experiments.lib import driver

    files.make_folder(root)
    busy = []
    for experiment in chosen:
        addresses = experiment.addresses()
        missing = [address for address in addresses if not store.exists(root, address)]
        done = len(addresses) - len(missing)
        console.print(f"{experiment.name}: {len(missing)} of {len(addresses)} runs to train", highlight=False)
        for number, address in enumerate(missing, start=done + 1):
            folder = unfinished_folder(root, address)
            with files.locked(folder.with_suffix(".lock")) as mine:
                if not mine:
                    busy.append(_name(address))
                    continue
                if store.exists(root, address):  # another process finished it meanwhile
                    continue
                train = experiment.module.make_train(experiment.config, **address.variant)
                seeds = experiment.config.seeds
                total = train.network_steps * train.legs * seeds
                name = f"[{number}/{len(addresses)}] {_name(address)}"
                with progress.watching(console, name, total) as watcher:
                    outcome = driver.run_seeds(
                        train,
                        jax.random.key(experiment.config.root),
                        seeds,
                        unfinished=folder,
                        watcher=watcher,
                        chunk=chunk,
                    )
                    facts = {
                        "profile": profile,
                        "command": command,
                        "seeds": seeds,
                        "network_steps": total,
                        "wall_seconds": round(outcome.wall_seconds, 2),
                        "cpu_seconds": round(outcome.cpu_seconds, 2),
                        **provenance.surroundings(),
                    }
                    store.save(root, address, outcome.metrics, facts)
                checkpoint.discard(folder)
    if busy:
        raise UserError(
            f"Another process is training {', '.join(busy)} in {root}: let it finish or stop it, "
            "then repeat the command; everything else is done."
        )


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


def _name(address: store.Address) -> str:
    return " ".join([address.experiment, *(str(value) for value in address.variant.values())])
