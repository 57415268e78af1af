"""`experiments/` and `configs/` stand at the top, for people; a wheel carries them as `nalu_experiments`.

So nothing of the user's own that is called `experiments` or `configs` is hidden by what `pip install` brings.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["nalu", "nalu.*"]),
        "nalu_experiments",
        *(f"nalu_experiments.{name}" for name in find_packages("experiments")),
        "nalu_experiments.configs",
    ],
    package_dir={"nalu_experiments": "experiments", "nalu_experiments.configs": "configs"},
)
