"""What JAX, XLA and Flax read from the environment, and what becomes of it: no variable changes a record's numbers.

Every state of JAX and Flax can be set by a variable of its name (`JAX_ENABLE_X64`), every option of XLA through
`XLA_FLAGS`. What numbers rest on is set here, whatever the environment says. What changes nothing, or no more than
another processor would (the rounding of the last digits), stays as the user has it. All else is refused, also what a
later JAX brings.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import usage_error
from ..store.records import NUMERICS

# States that numbers rest on, and the values that they have in every run.
SET = {
    "jax_default_matmul_precision": NUMERICS["matmul_precision"],
    "jax_default_prng_impl": "threefry2x32",
    "jax_enable_custom_prng": False,
    "jax_enable_x64": NUMERICS["dtype"] == "float64",
    "jax_high_dynamic_range_gumbel": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_random_seed_offset": 0,
    "jax_threefry_partitionable": NUMERICS["threefry_partitionable"],
}
# How the names of states begin that change no number: devices, caches, logs, and how hard a compiler tries.
HARMLESS = re.compile(
    r"""jax_(
    backend_target|captured_|check_proxy_envs|compilation_cache_|compiler_|cpu_|cross_host_|cuda_|debug_leaked_|
    debug_log_|disable_most_optimizations|distributed_|dump_|enable_checks|enable_compilation_cache|enable_pgle|
    enable_preemption_|enable_recoverability|exec_time_|explain_|hlo_source_|include_|log_|logging_level|
    memory_fitting_|num_cpu_devices|numpy_rank_promotion|oneapi_|optimization_level|persistent_cache_|pgle_|pjrt_|
    platform|pprint_|rocm_|send_traceback_|share_binary_|source_url_|traceback_|tracer_error_|use_magma|use_shardy_|
    xla_backend|xla_profile_
    )|flax_(filter_frames|max_repr_depth|profile|use_orbax_)""",
    re.VERBOSE,
)
# The same of XLA's options; what begins with `xla_tpu` is libtpu's, and the last of it JAX adds itself.
HARMLESS_FLAGS = re.compile(
    r"""-*xla_(
    backend_optimization_level|cpu_max_isa|cpu_multi_thread_eigen|cpu_parallel_codegen_|cpu_prefer_vector_width|
    cpu_use_fusion_emitters|dump_|
    enable_async_|force_host_platform_device_count|hlo_profile|gpu_autotune_|gpu_cuda_data_dir|gpu_deterministic_ops|
    gpu_dump_|gpu_enable_command_buffer|gpu_enable_latency_hiding_scheduler|gpu_enable_triton_gemm|
    gpu_exclude_nondeterministic_ops|gpu_force_compilation_parallelism|gpu_graph_|gpu_load_autotune_|
    gpu_per_fusion_autotune_|gpu_shard_autotuning|gpu_strict_conv_algorithm_picker|
    tpu_enable_async_|tpu_enable_data_parallel_|tpu_use_enhanced_
    )""",
    re.VERBOSE,
)
EIGEN, HOST_DEVICES = "xla_cpu_multi_thread_eigen", "xla_force_host_platform_device_count"
NO = ("", "0", "false", "no", "off", "f", "n", "none")  # as a variable says that something is not so
UNKNOWN_EFFECT = "may change numbers without a word in a record's address"
PARSE = "from jaxlib import xla_client; xla_client.CompileOptions()"


def refuse(variables: Mapping[str, str], states: Iterable[str]) -> None:
    """Refuses what may change numbers.

    Args:
      variables: the environment.
      states: the names of the states of JAX and Flax.

    Raises:
      UserError: one of them is set, is none that is set here, and is not known as harmless.
    """
    for name in states:
        variable = name.upper()
        if name in SET or HARMLESS.match(name) or variables.get(variable, "").lower() in NO:
            continue
        _refuse(f"{variable}={variables[variable]} is set, which {UNKNOWN_EFFECT}: unset {variable}")
    if variables.get("NVIDIA_TF32_OVERRIDE", "0") != "0":  # it counts for more than what a program asks for
        _refuse("NVIDIA_TF32_OVERRIDE is set, which makes products inexact: unset it")


def flags_of(variables: Mapping[str, str], name: str = "XLA_FLAGS") -> list[str]:
    """Returns the options that a variable holds, or the file that it names.

    Raises:
      UserError: the file cannot be read, or an option is not known as harmless.
    """
    text = variables.get(name, "").strip()
    if text and not text.startswith("-"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError):
            _refuse(f"{name} is {text!r}, which is neither a list of options nor a file of them: correct or unset it")
    try:
        flags = shlex.split(text)
    except ValueError as error:
        _refuse(f"{name} cannot be understood ({error}): correct or unset it")
    for flag in flags:
        if not HARMLESS_FLAGS.match(flag):
            _refuse(f"{name} holds {flag}, which {UNKNOWN_EFFECT}: take it out")
    return flags


def prepare(cores: int | None) -> None:
    """Sets the states of JAX that numbers rest on, and offers the processor's cores as devices.

    Raises:
      UserError: the environment holds what may change numbers, or what XLA cannot understand.
    """
    flags = flags_of(os.environ)
    flags_of(os.environ, "LIBTPU_INIT_ARGS")
    ours = [] if any(EIGEN in flag for flag in flags) else [f"--{EIGEN}=false"]
    os.environ["XLA_FLAGS"] = shlex.join([*flags, *ours])  # before the first backend starts
    if any(flag != f"--{EIGEN}=false" for flag in flags):  # ours, as in the worker of a cluster, needs no look
        _try_flags()

    import flax
    import jax

    refuse(os.environ, [*jax.config.values, *(name for name in dir(flax.config) if name.startswith("flax_"))])
    for name, value in SET.items():
        jax.config.update(name, value)
    if (number := os.environ.get("JAX_NUM_CPU_DEVICES", "1")) != "-1" and int(number) < 1:
        _refuse(f"JAX_NUM_CPU_DEVICES is {number}, but there must be one at least: correct or unset it")
    if cores is not None or ("JAX_NUM_CPU_DEVICES" not in os.environ and not any(HOST_DEVICES in f for f in flags)):
        jax.config.update("jax_num_cpu_devices", cores or len(os.sched_getaffinity(0)))


def _try_flags() -> None:
    """Has another process read the options, since XLA ends a process that has one of another name or form."""
    answer = subprocess.run([sys.executable, "-c", PARSE], capture_output=True, text=True, errors="replace")
    if answer.returncode:
        lines = [line for line in answer.stderr.splitlines() if "XLA_FLAGS" in line or "flag" in line.lower()]
        reason = lines[0].split("] ", 1)[-1] if lines else "no reason given"
        _refuse(f"XLA cannot understand XLA_FLAGS ({reason[:200]}): correct or unset it")


def explain(error: ValueError) -> str | None:
    """Returns the sentence for what JAX or Flax raise as they are imported, if a variable is at fault."""
    for name, value in os.environ.items():
        if name.startswith(("JAX", "FLAX_")) and any(word in str(error) for word in (name, name.lower(), repr(value))):
            return f"{name}={value} is none of the values that it may have: correct or unset it."
    return None


def _refuse(sentence: str) -> Any:
    raise usage_error(f"{sentence}, and repeat the command.")
