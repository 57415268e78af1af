"""Where things lie, and what the command is called: the same in a checkout and where a wheel was installed.

In a checkout this package is `experiments`, and `python -m experiments` runs it. A wheel carries it as
`nalu_experiments`, so that a folder of the user's own named `experiments` stays importable; there `nalu-experiments`
runs it, profiles lie within the package, and published results are not carried.
"""

from pathlib import Path

PACKAGE = __package__.partition(".")[0]
FOLDER = Path(__file__).resolve().parents[1]
ROOT = FOLDER.parent  # of the checkout
CHECKOUT = (ROOT / "pyproject.toml").is_file()
PROFILES = (ROOT if CHECKOUT else FOLDER) / "configs"
PAPER = FOLDER / "paper"
PUBLISHED = ROOT / "results"
PROGRAM = "python -m experiments" if CHECKOUT else "nalu-experiments"
