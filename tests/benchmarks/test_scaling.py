"""Speed against seeds and devices: what is told of it, and one measurement."""

import json

from rich.console import Console

from experiments.benchmarks.scaling import benchmark, measure


def test_speed_is_told_by_seeds_and_devices(tmp_path, monkeypatch):
    """With made-up rates: a hundred steps a second for every device and ten for every seed."""

    def planted(work, devices, rounds, seeds):
        return [
            {"devices": devices, "seeds": number, "rates": [100.0 * devices + 10 * number] * rounds, "busy": [0.5]}
            for number in seeds
            if number >= devices
        ]

    monkeypatch.setattr(benchmark, "_measure", planted)
    monkeypatch.setattr(benchmark, "ask", lambda *words: [MACHINE] if words == ("machine",) else [])
    benchmark.main(rounds=2, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / benchmark.FILE).read_text()
    for devices, seeds, rate, share in (
        (1, 1, 110, "1.00"),
        (1, 32, 420, "3.82"),
        (2, 2, 220, "2.00"),
        (3, 8, 380, "3.45"),
    ):
        assert f"| Table 1, NALU | {devices} | {seeds} | {rate} [{rate}-{rate}] | {share} | 50% |" in text
    assert "| Table 1, NALU | 2 | 1 |" not in text, "a device without a seed"
    assert "3 x CPU core (a chip)" in text and "commit abc" in text


MACHINE = {
    "device": "3 x CPU core (a chip)",
    "platform": "linux",
    "versions": {"jax": "1.0"},
    "date": "2026-11-21T00:00:00",
    "commit": "abc",
}


def test_one_measurement_of_scaling_is_real(monkeypatch, capsys, compiled_in_haste):
    load = measure.Load("identity", {"model": "nac"}, {"steps": 20, "legs": 2, "hidden_layers": 1})
    monkeypatch.setattr(measure, "LOADS", {"small": load})
    monkeypatch.setattr(measure.machine, "prepare", lambda **_: None)
    monkeypatch.setattr("sys.argv", ["measure", "small", "1", "2", "1", "3"])
    measure.main()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["seeds"], line["devices"]) for line in lines] == [(1, 1), (3, 1)]
    for line in lines:
        assert len(line["rates"]) == len(line["busy"]) == 2 and min(line["rates"]) > 0
