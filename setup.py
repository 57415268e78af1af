"""`configs/` stands at the top, for people; a wheel carries it inside the package that reads it."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["nalu*", "experiments*"]), "experiments.configs"],
    package_dir={"experiments.configs": "configs"},
)
