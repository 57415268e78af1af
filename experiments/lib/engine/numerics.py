"""The numerical settings of every run, in one place, and the preparation of JAX for this machine.

Extrapolation error is the result here, so products are computed in full float32 everywhere (accelerators would
otherwise use TF32 or bfloat16). `threefry_partitionable=False` makes random bits 1.4 times cheaper on a CPU; it
changes every stream, so it is part of a record's address.
"""

import os

from experiments.lib.engine import compiled_programs
from experiments.lib.store import files

NUMERICS = {"dtype": "float32", "matmul_precision": "highest", "threefry_partitionable": False}


def prepare(*, cores: int | None = None) -> None:
    """Configures JAX; call once, before the first use of a device.

    On a CPU every core becomes a device of its own, with single-threaded programs: the programs here are far too
    small to be worth splitting, so seeds are spread over the cores as they are over accelerators.

    Args:
      cores: CPU devices to offer; None takes the cores this process may use.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_cpu_multi_thread_eigen" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()

    import jax  # after the flags: they are read when the first backend starts

    jax.config.update("jax_default_matmul_precision", NUMERICS["matmul_precision"])
    jax.config.update("jax_threefry_partitionable", NUMERICS["threefry_partitionable"])
    jax.config.update("jax_num_cpu_devices", cores or len(os.sched_getaffinity(0)))
    compiled_programs.keep_in(files.user_cache("jax"))
