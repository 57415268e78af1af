"""Measures one work on some of this machine's devices: `python -m experiments.benchmarks.scaling.measure WORK DEVICES`.

Prints a line of JSON for each number of seeds: seed-steps a second in each round, compilation and the first leg left
out, and how busy the devices were.
"""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from typing import Any, NamedTuple

import jax
import numpy as np

from ...lib import suite
from ...lib.engine import machine
from ...lib.engine.program import compile_train
from ...lib.store import provenance


class Load(NamedTuple):
    """An experiment's run, with legs short enough to be repeated."""

    experiment: str
    variant: dict[str, str]
    settings: dict[str, Any]


LOADS = {
    "Table 1, NALU": Load("static_arithmetic", {"model": "nalu"}, {}),
    "Table 2, NAC": Load("mnist_counting", {"task": "addition", "model": "nac"}, {"evaluations": 15}),
    "Figure 5, A3C + NAC": Load("tracking_time", {"model": "nac"}, {"evaluations": 50}),
}


def main() -> None:
    """Measures and prints; asked for `machine`, prints what this machine is."""
    if sys.argv[1:] == ["machine"]:
        machine.prepare()
        print(json.dumps(provenance.surroundings()))
        return
    work, devices, rounds, *seeds = sys.argv[1:]
    if jax.config.jax_platforms == "cpu" or not shutil.which("nvidia-smi"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(devices)])  # no core but those that are measured
    machine.prepare(cores=int(devices))
    load = LOADS[work]
    module = suite.modules()[load.experiment]
    config = dataclasses.replace(module.Config(), **load.settings)
    train = module.make_train(config, **load.variant)
    for number in map(int, seeds):
        print(json.dumps(measure(train, number, int(devices), int(rounds), config.root)), flush=True)


def measure(train: Any, seeds: int, devices: int, rounds: int, root: int) -> dict[str, Any]:
    """Returns the seed-steps a second of each round with so many seeds, and the share of time the devices worked."""
    found = jax.local_devices()[:devices]
    size = -(-seeds // len(found)) * len(found)
    program = compile_train(train, size, found)
    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(root), i))(np.arange(size))
    state = program.init(jax.device_put(keys, program.sharding), *program.data)
    state, metrics = program.legs[0](state, *program.data)
    jax.block_until_ready(metrics)
    rates, busy = [], []
    for _ in range(rounds):
        with _Use(found) as use:
            start = time.perf_counter()
            state, metrics = program.legs[0](state, *program.data)
            jax.block_until_ready((state, metrics))
            seconds = time.perf_counter() - start
        rates.append(train.network_steps * size / seconds)
        busy.append(use.share)
    return {"seeds": size, "devices": len(found), "rates": rates, "busy": busy, "kind": found[0].device_kind}


class _Use:
    """How busy the devices are within a block: by CPU time, or by what nvidia-smi says of the first GPU."""

    def __init__(self, devices: list[jax.Device]):
        self._devices = devices
        self.share = 0.0

    def __enter__(self) -> "_Use":
        self._start, self._cpu = time.perf_counter(), time.process_time()
        self._ended = threading.Event()
        self._seen: list[float] = []
        self._watch = self._devices[0].platform != "cpu" and shutil.which("nvidia-smi") is not None
        self._thread = threading.Thread(target=self._look, daemon=True)
        if self._watch:
            self._thread.start()
        return self

    def _look(self) -> None:
        command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--id=0"]
        while not self._ended.wait(0.2):
            told = subprocess.run(command, capture_output=True, text=True).stdout.split()
            self._seen += [float(told[0]) / 100] if told and told[0].isdecimal() else []

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self._start
        self._ended.set()
        if self._watch:
            self._thread.join()
            self.share = float(np.mean(self._seen)) if self._seen else float("nan")
        else:
            self.share = (time.process_time() - self._cpu) / seconds / len(self._devices)


if __name__ == "__main__":
    main()
