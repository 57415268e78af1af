"""What the environment says changes no number: it is set by us, left because it is harmless, or refused."""

import flax
import jax
import pytest

from experiments.lib.engine import environment, machine
from experiments.lib.errors import UserError
from experiments.lib.store.records import NUMERICS

STATES = (*jax.config.values, *(name for name in dir(flax.config) if name.startswith("flax_")))


@pytest.fixture
def prepared(monkeypatch, tmp_path):
    """Prepares JAX as a command does, and puts its states back afterwards."""
    names = (
        *environment.SET,
        "jax_compilation_cache_dir",
        "jax_enable_compilation_cache",
        "jax_persistent_cache_min_compile_time_secs",
    )
    before = {name: jax.config.values[name] for name in names}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")  # so that it is left: the tests' device is started already
    jax.config.update("jax_enable_compilation_cache", True)
    yield machine.prepare
    for name, value in before.items():
        jax.config.update(name, value)


def test_states_that_numbers_rest_on_are_set_whatever_the_environment_said(prepared):
    before = {
        "jax_enable_x64": True,
        "jax_random_seed_offset": 7,
        "jax_numpy_dtype_promotion": "strict",
        "jax_default_prng_impl": "rbg",
        "jax_default_matmul_precision": "bfloat16",
    }
    for name, value in before.items():
        jax.config.update(name, value)
    prepared()
    assert jax.numpy.ones(2).dtype == NUMERICS["dtype"] == "float32"
    assert jax.config.jax_default_matmul_precision == NUMERICS["matmul_precision"]
    assert jax.config.jax_threefry_partitionable == NUMERICS["threefry_partitionable"]
    assert jax.random.key_data(jax.random.key(3)).tolist() == [0, 3]
    assert str(jax.random.key_impl(jax.random.key(0))) == "threefry2x32"


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_set_or_harmless_or_refused(name):
    variables = {name.upper(): "1"}
    kinds = [name in environment.SET, bool(environment.HARMLESS.match(name))]
    if not any(kinds):
        with pytest.raises(
            UserError, match=f"^{name.upper()}=1 is set, .*: unset {name.upper()}, and repeat"
        ) as caught:
            environment.refuse(variables, STATES)
        assert caught.value.status == 2
        kinds.append(True)
    else:
        environment.refuse(variables, STATES)
    assert sum(kinds) == 1


@pytest.mark.parametrize(
    "name",
    [
        "jax_disable_jit",
        "jax_debug_nans",
        "jax_default_device",
        "jax_error_checking_behavior_nan",
        "jax_transfer_guard",
        "jax_debug_key_reuse",
        "jax_explicit_x64_dtypes",
        "flax_fix_rng_separator",
        "flax_preserve_adopted_names",
    ],
)
def test_states_under_which_a_run_would_be_another_are_refused(name):
    assert name in STATES
    with pytest.raises(UserError, match=name.upper()):
        environment.refuse({name.upper(): "true"}, STATES)
    environment.refuse({name.upper(): "0"}, STATES)  # as it is without


def test_what_makes_a_gpu_s_products_inexact_is_refused():
    with pytest.raises(UserError, match="NVIDIA_TF32_OVERRIDE"):
        environment.refuse({"NVIDIA_TF32_OVERRIDE": "1"}, STATES)
    environment.refuse({"NVIDIA_TF32_OVERRIDE": "0"}, STATES)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("--xla_cpu_enable_fast_math=true", "holds --xla_cpu_enable_fast_math=true, which may change numbers"),
        ("--xla_dump_to=/tmp/x --xla_allow_excess_precision=false", "holds --xla_allow_excess_precision=false"),
        ("nowhere/flags.txt", "is 'nowhere/flags.txt', which is neither a list of options nor a file"),
        ('--xla_dump_to="/tmp', "cannot be understood"),
    ],
)
def test_options_of_xla_are_known_as_harmless_or_refused(flags, sentence):
    with pytest.raises(UserError, match=f"^XLA_FLAGS {sentence}"):
        environment.flags_of({"XLA_FLAGS": flags})


def test_harmless_options_of_xla_are_kept_and_read_from_a_file_too(tmp_path):
    flags = ["--xla_dump_to=/tmp/a b", "--xla_force_host_platform_device_count=2"]
    (tmp_path / "flags").write_text("'--xla_dump_to=/tmp/a b'\n--xla_force_host_platform_device_count=2\n")
    assert environment.flags_of({"XLA_FLAGS": str(tmp_path / "flags")}) == flags
    assert environment.flags_of({}) == []


@pytest.mark.process
def test_an_option_that_xla_would_end_the_process_over_is_one_sentence(prepared, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_nonsense=1")
    with pytest.raises(
        UserError, match=r"^XLA cannot understand XLA_FLAGS \(.*xla_dump_nonsense.*\): correct or unset"
    ):
        prepared()


@pytest.mark.parametrize(
    "error",
    [
        "invalid truth value 'maybe' for environment 'JAX_ENABLE_X64'",
        'Invalid value "maybe" for JAX flag jax_enable_x64',
        "invalid literal for int() with base 10: 'maybe'",
    ],
)
def test_a_value_that_jax_cannot_read_is_one_sentence(monkeypatch, error):
    monkeypatch.setenv("JAX_ENABLE_X64", "maybe")
    sentence = "JAX_ENABLE_X64=maybe is none of the values that it may have: correct or unset it."
    assert environment.explain(ValueError(error)) == sentence
    monkeypatch.delenv("JAX_ENABLE_X64")
    assert environment.explain(ValueError(error)) is None, "a fault of ours"


# Devices and compiled programs


@pytest.mark.parametrize("error", [AssertionError(), RuntimeError("Unable to initialize backend 'cuda': no driver")])
def test_a_device_that_is_not_there_is_one_sentence(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(jax, "devices", fail)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(UserError, match="JAX_PLATFORMS=cuda asks for.*install what it needs.*, or unset JAX_PLATFORMS"):
        machine.start()
    monkeypatch.delenv("JAX_PLATFORMS")
    with pytest.raises(UserError, match="JAX can start none of its devices .*: set JAX_PLATFORMS=cpu"):
        machine.start()


def test_compiled_programs_are_kept_where_the_user_says(prepared, monkeypatch, tmp_path):
    prepared()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "cache" / "nalu" / "jax")
    jax.config.update("jax_compilation_cache_dir", "/mine")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 7.0)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/mine")
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "7")
    prepared()
    assert jax.config.jax_compilation_cache_dir == "/mine"
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 7.0


def test_a_user_who_wants_no_compiled_programs_kept_has_none(prepared, monkeypatch, tmp_path):
    jax.config.update("jax_enable_compilation_cache", False)
    jax.config.update("jax_compilation_cache_dir", None)
    prepared()
    assert jax.config.jax_compilation_cache_dir is None
    assert not (tmp_path / "cache").exists()


def test_without_a_home_folder_nothing_is_kept_and_nothing_stops(prepared, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(environment.Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    jax.config.update("jax_compilation_cache_dir", None)
    prepared()
    assert jax.config.jax_compilation_cache_dir is None
