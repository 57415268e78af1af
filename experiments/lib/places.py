"""Where things lie, and what the commands are called: in a checkout, and where a wheel was installed.

In a checkout this package is `experiments`, and `python -m experiments` runs it. A wheel carries it as
`nalu_experiments`, so that a folder of the user's own named `experiments` stays importable; there `nalu-experiments`
runs it, profiles lie within the package, and published results are not carried.
"""

from pathlib import Path

PACKAGE = __package__.partition(".")[0]
FOLDER = Path(__file__).resolve().parents[1]
CHECKOUT = FOLDER.name == "experiments"  # also where it is installed with `pip install -e`
ROOT = FOLDER.parent
PROFILES = (ROOT if CHECKOUT else FOLDER) / "configs"
PAPER = FOLDER / "paper"
PUBLISHED = (ROOT if CHECKOUT else FOLDER) / "results"
PROGRAM = "python -m experiments" if CHECKOUT else "nalu-experiments"


def making(target: str, profile: str = "quick") -> str:
    """Returns the command that makes an artefact, or "all": in a checkout `make`, which sets itself up."""
    usual = profile == "quick"
    if CHECKOUT:
        return f"make {'reproduce-all' if target == 'all' else target}{'' if usual else f' PROFILE={profile}'}"
    return f"{PROGRAM} run {target}{'' if usual else f' --profile {profile}'}"


def installing(extra: str) -> str:
    """Returns the command that installs what an extra of the distribution names."""
    return f"pip install -e '.[{extra}]'" if CHECKOUT else f"pip install 'nalu-jax[{extra}]'"
