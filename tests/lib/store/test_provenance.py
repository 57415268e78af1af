"""A record names the commit of the code that made it, whatever git or the locale have been told."""

import subprocess

import pytest

from experiments.lib.places import ROOT
from experiments.lib.store import provenance


@pytest.fixture
def other(tmp_path):
    """Another repository, with a commit of its own."""
    git = ["git", "-C", tmp_path, "-c", "user.name=n", "-c", "user.email=e"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "other"], check=True)
    return tmp_path


@pytest.fixture
def asked_anew():
    provenance.commit.cache_clear()
    yield
    provenance.commit.cache_clear()


def test_the_commit_is_of_this_project_in_a_hook_of_another(other, asked_anew, monkeypatch):
    for name, value in {"GIT_DIR": other / ".git", "GIT_WORK_TREE": other, "GIT_INDEX_FILE": other / "index"}.items():
        monkeypatch.setenv(name, str(value))
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=ROOT,
        env={"PATH": provenance.os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert provenance.commit().removesuffix("-dirty") == head.stdout[:12], "and none outside of a checkout"


def test_a_machine_without_git_has_no_commit_to_tell(asked_anew, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert provenance.commit() == ""


def test_versions_are_those_of_the_packages_that_run():
    import jax
    import optax

    versions = provenance.surroundings()["versions"]
    assert (versions["jax"], versions["optax"]) == (jax.__version__, optax.__version__)
