"""What is to be trained, and how long it should take by what the published runs took."""

import json
from pathlib import Path

import pytest

from experiments.lib import suite
from experiments.lib.engine import plan
from tests import toy


def publish(folder: Path, *facts: dict) -> Path:
    """Writes records of the toy's runs, as far as the plan reads them."""
    (folder / "toy").mkdir()
    for number, each in enumerate(facts):
        model = each.pop("model")
        record = {"variant": {"model": model}, "provenance": {"device": "2 x CPU core", **each}}
        (folder / "toy" / f"{number}.json").write_text(json.dumps(record))
    return folder


def planned(root: Path, published: Path, seeds: int) -> list[plan.Work]:
    (works,) = plan.missing([suite.Experiment("toy", toy, toy.Config(seeds=seeds))], root, published)
    return works


def test_a_run_that_nobody_published_is_expected_to_go_at_the_pace_of_those_that_trained(tmp_path):
    """Untrained networks, which take seconds and no step, say nothing of it."""
    line = {"model": "line", "cpu_seconds": 4.0, "wall_seconds": 9.0, "network_steps": 1000}
    random = {"model": "random", "cpu_seconds": 30.0, "wall_seconds": 30.0, "network_steps": 0}
    line, shifted = planned(tmp_path / "runs", publish(tmp_path, line, random), seeds=1)
    assert line.seed_steps == shifted.seed_steps > 0
    assert [work.seconds for work in (line, shifted)] == pytest.approx([5 + 4e-3 * line.seed_steps] * 2)


def test_devices_share_the_seeds_of_a_run(tmp_path, monkeypatch):
    """Without this a machine of many cores is told many times what it takes."""
    monkeypatch.setattr(plan.processes, "devices", lambda most: [None] * min(most, 4))
    published = publish(tmp_path, {"model": "line", "cpu_seconds": 4.0, "wall_seconds": 9.0, "network_steps": 1000})
    one, four, five = (planned(tmp_path / "runs", published, seeds)[0].seconds - 5 for seeds in (1, 4, 5))
    assert (four, five) == pytest.approx((one, 2 * one))
    (elsewhere, _) = plan.missing([suite.Experiment("toy", toy, toy.Config(seeds=4))], tmp_path, published, devices=1)[
        0
    ]
    assert elsewhere.seconds - 5 == pytest.approx(4 * one)


def test_a_record_of_an_accelerator_tells_its_pace_by_the_clock(tmp_path):
    """There the process mostly waits."""
    facts = {"device": "1 x NVIDIA H200", "cpu_seconds": 1.0, "wall_seconds": 7.0, "network_steps": 1000}
    line = planned(tmp_path / "runs", publish(tmp_path, {"model": "line", **facts}), seeds=1)[0]
    assert line.seconds == pytest.approx(5 + 7e-3 * line.seed_steps)
