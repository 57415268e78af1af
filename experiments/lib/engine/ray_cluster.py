"""Trains what is missing on a Ray cluster: every run is a task of its own, on whichever node has room for it.

The store must lie where all nodes see it. What a run is, how it is trained, locked, resumed and stored is as
everywhere (`one_run`); Ray only says where, and begins a task again whose worker has died. Each task has a process of
its own, so that it leaves no memory behind on a device.
"""

import os
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from ..errors import UserError
from ..places import installing
from ..store import files, records
from ..suite import Experiment
from . import local, machine, plan, progress
from .local import Order

RETRIES = 3  # of a run whose worker dies
PATIENCE = 120.0  # seconds for the lock of a worker that died on another node to be dropped
VARIABLES = ("NALU_DATA", "XDG_CACHE_HOME", "XLA_FLAGS", "PYTHONPATH")  # handed on to the workers, and all of JAX's


class Said(NamedTuple):
    """What a task says at its end: whether it trained, the seconds it took, and what the user should know of it."""

    trained: bool
    seconds: float
    remarks: tuple[str, ...]
    failure: str = ""


def train_missing(
    experiments: list[Experiment], order: Order, *, published: Path, console: Console, cores: int = 1
) -> None:
    """Trains every run that the store does not hold yet, as many at once as the cluster has room for.

    It is the cluster that `RAY_ADDRESS` names, or one started on this machine with `ray start`, or a new one of all
    cores here. Where the cluster has GPUs, each run has one of them.

    Args:
      cores: CPU cores of a run.

    Raises:
      UserError: Ray is not installed, a run failed (the others are done first), or the store cannot be written.
    """
    ray = _start()
    order = order._replace(root=Path(order.root).absolute())
    files.make_folder(order.root)
    local.tidy(experiments, order.root)
    gpus = 1 if ray.cluster_resources().get("GPU") else 0
    groups = plan.missing(experiments, order.root, published, devices=gpus or cores)
    works = [work for group in groups for work in group]
    works.sort(key=lambda work: -work.seconds)  # the longest first, so that none is left over at the end
    resources = {"num_cpus": cores, "num_gpus": gpus}
    if cores > max(node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]):
        raise UserError(f"No node can have {cores} cores for a run: choose fewer with --cores.", status=2)
    task = ray.remote(max_calls=1, max_retries=RETRIES, retry_exceptions=False, **resources)(_train)
    nodes = len(ray.nodes())
    where = f"{nodes} nodes" if nodes > 1 else "one node"
    console.print(f"{len(works)} runs to train on a Ray cluster of {where}", highlight=False)
    failures = []
    with progress.Overview(console, len(works), sum(work.seconds for work in works)) as overview:
        running = {
            task.remote(work.experiment.name, work.experiment.config, work.address.digest, order, cores): work
            for work in works
        }
        while running:
            ended, _ = ray.wait(list(running), timeout=1.0)
            overview.now_done(0.0)
            for reference in ended:
                work = running.pop(reference)
                said = _said(ray, reference)
                for remark in said.remarks:
                    overview.say(f"{work.name}: {remark}")
                if said.failure:
                    failures.append(f"{work.address.name}: {said.failure}")
                overview.elsewhere(work.name, work.seed_steps if said.trained else 0, work.seconds, said.seconds)
    ray.shutdown()
    if failures:
        raise UserError(f"{len(failures)} of {len(works)} runs failed, all others are done. {failures[0]}")


def leave_devices_alone() -> None:
    """Keeps this process, which only plans and renders, away from the accelerators that the workers need."""
    import jax

    jax.config.update("jax_platforms", "cpu")


def _start() -> Any:
    """Returns Ray, joined to a cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray  # an optional extra, and it takes a second
    except ImportError:
        raise UserError(f"Ray is not installed: {installing('ray')}, or leave out --engine ray.") from None
    handed_on = {name: value for name, value in os.environ.items() if name in VARIABLES or name.startswith("JAX_")}
    try:
        with warnings.catch_warnings():
            # Ray starts its processes by fork and exec; JAX warns of a fork that goes on in Python.
            warnings.simplefilter("ignore", RuntimeWarning)
            ray.init(
                log_to_driver=False,
                logging_level="ERROR",
                include_dashboard=False,
                runtime_env={"env_vars": handed_on},
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(
            f"The Ray cluster cannot be joined ({str(error).splitlines()[0]}): check RAY_ADDRESS."
        ) from error
    return ray


def _said(ray: Any, reference: Any) -> Said:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        return Said(False, 0.0, (), f"Its worker died {RETRIES + 1} times or broke off ({lines[-1][:200]}).")


class _Notes:
    """Keeps what the driver says of a run until its task ends."""

    def __init__(self) -> None:
        self.remarks: list[str] = []

    def advance(self, seed_steps: int) -> None:
        """Nothing to show where nobody looks."""

    def remark(self, sentence: str) -> None:
        self.remarks.append(sentence)


def _train(name: str, config: Any, digest: str, order: Order, cores: int) -> Said:
    """Trains one run; this is what a worker does, in a process of its own."""
    from .. import suite

    start, notes = time.monotonic(), _Notes()
    try:
        machine.prepare(cores=cores)
        machine.start()
    except UserError as error:
        return Said(False, 0.0, (), str(error))
    experiment = suite.Experiment(name, suite.modules()[name], config)
    (address,) = (address for address in experiment.addresses() if address.digest == digest)
    train = experiment.module.make_train(config, **address.variant)
    try:
        while not records.exists(order.root, address):
            with local.reserved(address, order.root) as mine:
                if mine:
                    local.train(plan.Work(experiment, address, train, 1, 1, 0.0), order, notes)
                    return Said(True, time.monotonic() - start, tuple(notes.remarks))
            if time.monotonic() - start > PATIENCE:
                return Said(False, 0.0, (), "Another process trains it: let it finish or stop it, then repeat.")
            time.sleep(1.0)
    except UserError as error:
        return Said(False, 0.0, tuple(notes.remarks), str(error))
    return Said(False, 0.0, tuple(notes.remarks))
