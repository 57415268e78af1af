"""What is to be trained, and how long it should take by what the published runs took."""

import json

import pytest

from experiments.lib import suite
from experiments.lib.engine import plan
from tests import toy


def test_a_run_that_nobody_published_is_expected_to_go_at_the_pace_of_those_that_trained(tmp_path):
    """Untrained networks, which take seconds and no step, say nothing of it."""
    (tmp_path / "toy").mkdir()
    for number, (model, seconds, steps) in enumerate([("line", 4.0, 1000), ("random", 30.0, 0)]):
        record = {"variant": {"model": model}, "provenance": {"wall_seconds": seconds, "network_steps": steps}}
        (tmp_path / "toy" / f"{number}.json").write_text(json.dumps(record))
    experiment = suite.Experiment("toy", toy, toy.Config())
    ((line, shifted),) = plan.missing([experiment], tmp_path / "runs", tmp_path)
    assert line.seed_steps == shifted.seed_steps > 0
    assert [work.seconds for work in (line, shifted)] == pytest.approx([5 + 4e-3 * line.seed_steps] * 2)
