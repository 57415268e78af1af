"""`experiments/` and `configs/` stand at the top, for people; a wheel carries them as `nalu_experiments`.

So nothing of the user's own that is called `experiments` or `configs` is hidden by what `pip install` brings.
"""

from setuptools import find_namespace_packages, find_packages, setup

setup(
    packages=[
        *find_packages(include=["nalu", "nalu.*"]),
        "nalu_experiments",
        # Folders of data, too: setuptools warns at length of those that are not named.
        *(f"nalu_experiments.{name}" for name in find_namespace_packages("experiments", exclude=["*__pycache__"])),
        "nalu_experiments.configs",
    ],
    package_dir={"nalu_experiments": "experiments", "nalu_experiments.configs": "configs"},
)
