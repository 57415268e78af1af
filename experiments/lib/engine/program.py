"""Traces and compiles a training over seeds: loops and vmaps over the seeds of a device, sharding over devices.

Axes: S seeds, E legs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec

from ..training.train import Leg, Train

WIDE = {"xla_cpu_prefer_vector_width": 512}  # bits; without it XLA takes 256


class Program(NamedTuple):
    """A compiled training over a fixed number of seeds; `legs` are all calls to make, in order, each with `data`."""

    init: Callable[..., Any]
    legs: tuple[Leg, ...]
    data: tuple[Any, ...]
    state_shapes: Any
    sharding: NamedSharding
    bytes_per_device: int


class Traced(NamedTuple):
    """A training over a fixed number of seeds before it is compiled: the calls of `Program`, traced, and its shapes."""

    init: Any
    leg: Any
    finish: Any | None
    state_shapes: Any


def trace(train: Train, seeds: int, mesh: Mesh | AbstractMesh, *, on_cpu: bool) -> Traced:
    """Returns the training of `seeds` seeds, a multiple of the devices of the mesh's one axis; it needs none of them.

    Args:
      on_cpu: that the devices are cores, on which groups of seeds follow one another; accelerators take all at once.
    """
    (axis,) = mesh.axis_names
    share = seeds // mesh.size
    group = min(train.group, share) if on_cpu else share
    one_each, whole = PartitionSpec(axis), PartitionSpec()

    def over_seeds(function: Callable[..., Any], group: int) -> Callable[..., Any]:
        def local(batch: Any, *data: Any) -> Any:
            one = lambda seed: function(seed, *data)  # noqa: E731
            if group == 1:
                return jax.lax.map(one, batch)
            return jax.vmap(one)(batch) if group == share else jax.lax.map(one, batch, batch_size=group)

        specs = (one_each, *[whole] * len(train.data))
        return jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=one_each, check_vma=False)

    def abstract(tree: Any, spec: PartitionSpec) -> Any:
        sharding = NamedSharding(mesh, spec)
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree)

    data = abstract(jax.eval_shape(lambda: train.data), whole)
    keys = abstract(jax.eval_shape(lambda: jax.random.split(jax.random.key(0), seeds)), one_each)
    start = over_seeds(train.init, 1 if on_cpu else share)  # why no vmap on a CPU: `training.init_lanes`
    init = jax.jit(start).trace(keys, *data)
    state_shapes = abstract(init.out_info, one_each)

    def trace_leg(function: Leg) -> Any:
        return jax.jit(over_seeds(function, group), donate_argnums=0).trace(state_shapes, *data)

    finish = None if train.finish is None else trace_leg(train.finish)
    return Traced(init, trace_leg(train.leg), finish, state_shapes)


def compile_train(train: Train, seeds: int, devices: list[jax.Device]) -> Program:
    """Returns the program that trains `seeds` seeds, a multiple of the number of devices, side by side."""
    mesh = Mesh(np.array(devices), ("seeds",))
    traced = trace(train, seeds, mesh, on_cpu=devices[0].platform == "cpu")
    data = jax.device_put(train.data, NamedSharding(mesh, PartitionSpec()))
    options = WIDE if train.wide and devices[0].platform == "cpu" else None
    init = traced.init.lower().compile()
    leg = traced.leg.lower().compile(compiler_options=options)
    legs = (leg,) * train.legs
    if traced.finish is not None:
        legs += (traced.finish.lower().compile(compiler_options=options),)
    used = max(_bytes(program) for program in set(legs))
    sharding = NamedSharding(mesh, PartitionSpec("seeds"))
    return Program(init, legs, data, traced.state_shapes, sharding, used)


def _bytes(program: Any) -> int:
    memory = program.memory_analysis()
    needed = memory.temp_size_in_bytes + memory.argument_size_in_bytes + memory.output_size_in_bytes
    return needed - memory.alias_size_in_bytes  # the state is given up for the next one
