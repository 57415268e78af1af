"""With which commands a store was rendered, as its index names them: typed settings decide what its files show."""

import shlex
from pathlib import Path

from .. import suite
from ..errors import UserError
from ..report import index


def as_rendered(
    experiments: list[suite.Experiment], root: Path, profile: str
) -> tuple[list[suite.Experiment], dict[str, str]]:
    """Returns the experiments with the settings under which the store was last rendered, and the commands by artefact.

    Commands of another profile, and those that are none, are passed over: the files are then compared with what the
    profile says.
    """
    try:
        named = index.commands((root / "README.md").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return experiments, {}
    made_by, typed = {}, {}
    for artefact, command in named.items():
        try:
            target, its_profile, words = _parts(artefact, command)
            if Path(its_profile).name != Path(profile).name:
                continue
            if words:
                typed |= {each.name: each for each in suite.experiments(target, profile, words)}
        except (UserError, ValueError):
            continue
        made_by[artefact] = command
    return [typed.get(each.name, each) for each in experiments], made_by


def _parts(artefact: str, command: str) -> tuple[str, str, list[str]]:
    """Returns the target, the profile and the settings of a command that trains or renders an artefact.

    Raises:
      ValueError: it is no such command.
    """
    first, *words = shlex.split(command)
    if first == "make":
        target, *variables = words
        return target, dict(each.split("=", 1) for each in variables).get("PROFILE", "quick"), []
    target, *words = words[words.index("run") + 1 :]
    profile = "quick"
    if words[:1] == ["--profile"]:
        _, profile, *words = words
    return target, profile, words
