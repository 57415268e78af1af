"""Verifies a store: its records one by one, and that all that is made of them says what they say.

Nothing is trained and nothing in the store is written. Every fault is said, not the first alone.
"""

import types
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from ..errors import UserError
from ..places import PROGRAM, making
from ..report.printing import count
from ..store import records as store
from ..suite import Experiment
from . import records as record_check
from . import rendered as rendered_check


class Records(NamedTuple):
    """What was found of one experiment; `others` are records of other settings than the profile's."""

    experiment: Experiment
    checked: tuple[record_check.Checked, ...]
    faults: tuple[str, ...]
    others: int

    @property
    def damaged(self) -> bool:
        return any(record.faults for record in self.checked)

    @property
    def line(self) -> str:
        """What is said of it."""
        name = self.experiment.name
        if not self.checked:
            return f"{name}: {_verdict(self.faults, 'no records')}"
        said = [count(len(self.checked), "record")]
        if self.others:
            said.append(f"{self.others} of other settings")
        if seeds := sorted({record.seeds for record in self.checked if not record.faults}):
            said.append(count(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds")
        said.append(count(sum(record.values for record in self.checked), "value"))
        overflown: Counter[str] = Counter()
        for record in self.checked:
            overflown.update(dict(record.overflown))
        said += [f"{number:,} of them not finite in '{array}'" for array, number in sorted(overflown.items())]
        if skipping := sum(record.skipping for record in self.checked):
            said.append(f"{count(skipping, 'seed')} with steps that were not finite")
        return f"{name}: {', '.join(said)}: {_verdict(self.faults, 'sound')}"


def verify(
    experiments: list[Experiment],
    root: Path,
    *,
    profile: str,
    published: Path | None,
    console: Console,
    made_by: Mapping[str, str] = types.MappingProxyType({}),
) -> None:
    """Prints a line for each experiment and one for what is made of them, and a sentence for each fault.

    Args:
      experiments: all experiments, with the configs of the profile, or those with which the store was rendered.
      published: the published results that a user's own are shown beside; None where these are the published ones, of
        which every record must be a run of the profile, and beside which nothing else may lie.
      made_by: as in `rendering.render_if_any`.

    Raises:
      UserError: there is a fault, or nothing to verify.
    """
    strict = published is None
    found = [_records(experiment, root, profile, strict=strict) for experiment in experiments]
    if not any(records.checked or records.faults for records in found):
        raise UserError(f"{root} holds no record, so there is nothing to verify: train with `{making('all')}`.")
    for records in found:
        _say(console, records.line, records.faults)
    damaged = {name for records in found if records.damaged for name in records.experiment.module.ARTEFACTS}
    sound = [experiment for experiment in experiments if not damaged & set(experiment.module.ARTEFACTS)]
    rendered = rendered_check.compare(
        sound, root, whole=not damaged, profile=profile, published=published, made_by=made_by
    )
    known = rendered.places if rendered.places and not damaged else None
    faults = [*rendered.faults]
    faults += rendered_check.strays(root, known, [experiment.name for experiment in experiments], strict=strict)
    line = f"tables, figures, claims and index: {count(len(rendered.places), 'file')}"
    if rendered.drawn:
        line += f", {count(len(rendered.drawn), 'picture')} of them drawn otherwise here (first {rendered.drawn[0]})"
    _say(console, f"{line}: {_verdict(faults, 'what the records say')}", faults)
    if damaged:
        _say(console, f"Not compared, since records are damaged: {', '.join(sorted(damaged))}, claims and index.", ())
    if number := len(faults) + sum(len(records.faults) for records in found):
        first = "restore records by git checkout" if strict else "remove what is damaged and repeat what trained it"
        again = f"`{PROGRAM} report {'--published' if strict else f'--runs-dir {root}'} --profile {profile}`"
        raise UserError(f"{root} has {count(number, 'fault')}, each told above: {first}; {again} makes the rest anew.")
    records = sum(len(records.checked) for records in found)
    _say(console, f"{root} is sound: {count(records, 'record')}, and all that is made of them.", ())


def _records(experiment: Experiment, root: Path, profile: str, *, strict: bool) -> Records:
    folder = root / experiment.name
    planned = {store.path_of(root, address, ".json"): address for address in experiment.addresses()}
    there = [path for path, address in planned.items() if store.exists(root, address)]
    others = sorted(set(folder.glob("*.json")) - set(planned))
    checked = [record_check.check(path) for path in (*there, *others)]
    faults = [fault for record in checked for fault in record.faults]
    if strict:
        sound = [path for path, record in zip((*there, *others), checked, strict=True) if not record.faults]
        faults += [f"The record {path} is no run of profile {profile}." for path in others if path in sound]
    for path in sorted(folder.glob("*.npz")):
        if not path.with_suffix(".json").exists():
            faults.append(f"{path} has no .json beside it, so it is no record.")
    absent = [address.choice for path, address in planned.items() if path not in there]
    if there and absent:
        faults.append(
            f"{experiment.name} is not whole: {len(absent)} of {len(planned)} runs are missing ({', '.join(absent)})."
        )
    return Records(experiment, tuple(checked), tuple(faults), len(others))


def _say(console: Console, line: str, faults: Sequence[str]) -> None:
    console.print(line, highlight=False, markup=False)
    for fault in faults:
        console.print(f"  {' '.join(fault.split())}", highlight=False, markup=False)


def _verdict(faults: Sequence[str], sound: str) -> str:
    return count(len(faults), "fault") if faults else sound
