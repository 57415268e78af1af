"""Compiles a training over seeds: loops and vmaps over the seeds of a device, sharding over devices.

Axes: S seeds, E legs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ..training.train import Leg, Train


class Program(NamedTuple):
    """A compiled training over a fixed number of seeds; `legs` are all calls to make, in order, each with `data`."""

    init: Callable[..., Any]
    legs: tuple[Leg, ...]
    data: tuple[Any, ...]
    state_shapes: Any
    sharding: NamedSharding
    bytes_per_device: int


def compile_train(train: Train, seeds: int, devices: list[jax.Device]) -> Program:
    """Returns the program that trains `seeds` seeds, a multiple of the number of devices, side by side."""
    mesh = Mesh(np.array(devices), ("seeds",))
    sharding = NamedSharding(mesh, PartitionSpec("seeds"))
    share = seeds // len(devices)
    on_cpu = devices[0].platform == "cpu"
    group = min(train.group, share) if on_cpu else share

    data = jax.device_put(train.data, NamedSharding(mesh, PartitionSpec()))

    def over_seeds(function: Callable[..., Any], group: int) -> Callable[..., Any]:
        def local(batch: Any, *data: Any) -> Any:
            one = lambda seed: function(seed, *data)  # noqa: E731
            if group == 1:
                return jax.lax.map(one, batch)
            return jax.vmap(one)(batch) if group == share else jax.lax.map(one, batch, batch_size=group)

        spec = PartitionSpec("seeds")
        specs = (spec, *[PartitionSpec()] * len(data))
        return jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=spec, check_vma=False)

    def abstract(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree)

    def compile_leg(function: Leg) -> Any:
        return jax.jit(over_seeds(function, group), donate_argnums=0).lower(state_shapes, *data).compile()

    keys = abstract(jax.eval_shape(lambda: jax.random.split(jax.random.key(0), seeds)))
    start = over_seeds(train.init, 1 if on_cpu else share)  # why no vmap on a CPU: `training.init_lanes`
    init = jax.jit(start).lower(keys, *data).compile()
    state_shapes = abstract(jax.eval_shape(start, keys, *data))
    leg = compile_leg(train.leg)
    legs = (leg,) * train.legs
    if train.finish is not None:
        legs += (compile_leg(train.finish),)
    used = max(_bytes(program) for program in set(legs))
    return Program(init, legs, data, state_shapes, sharding, used)


def _bytes(program: Any) -> int:
    memory = program.memory_analysis()
    needed = memory.temp_size_in_bytes + memory.argument_size_in_bytes + memory.output_size_in_bytes
    return needed - memory.alias_size_in_bytes  # the state is given up for the next one
