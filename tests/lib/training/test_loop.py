"""The shared training loop: plain gradient descent, lane by lane, and a lane that fails does so alone."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

import nalu
from experiments.lib.training import loop, optimisers
from tests import processes

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
STEPS = 6
RATE = 0.1
TARGET_L = np.array([1.0, -2.0, 0.5])


def sample(key):
    return jax.random.normal(key, (4,))


def losses(params, x_B):
    return jnp.square((params["w"] - jnp.asarray(TARGET_L, jnp.float32))[:, None] * x_B[None] + params["b"]).mean(1)


def start(transform, key=3):
    params = {"w": jnp.zeros(3), "b": jnp.full((3, 1), 0.5)}
    return loop.start(params, transform, jax.random.key(key))


def take(state, transform, *, losses=losses, steps=STEPS, rate=None):
    return loop.take_steps(
        state,
        steps=steps,
        sample=sample,
        losses=losses,
        transform=transform,
        learning_rate=rate or optimisers.constant(RATE),
    )


def by_hand(update, steps=STEPS):
    """The same training in float64 NumPy, one lane after the other; `update(gradient, memory, step)`."""
    w_L, b_L = np.zeros(3), np.full(3, 0.5)
    memory = {}
    for step in range(steps):
        x_B = np.asarray(sample(jax.random.fold_in(jax.random.key(3), step)), np.float64)
        for lane in range(3):
            error_B = (w_L[lane] - TARGET_L[lane]) * x_B + b_L[lane]
            w_L[lane] -= update((2 * error_B * x_B).mean(), memory, ("w", lane), step)
            b_L[lane] -= update((2 * error_B).mean(), memory, ("b", lane), step)
    return w_L, b_L


def sgd(gradient, memory, name, step):
    return RATE * gradient


def adam(gradient, memory, name, step):
    m, v = memory.get(name, (0.0, 0.0))
    m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
    memory[name] = m, v
    return RATE * (m / (1 - 0.9 ** (step + 1))) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8)


@pytest.mark.parametrize(("transform", "update"), [(optax.identity(), sgd), (optax.scale_by_adam(), adam)])
def test_steps_are_those_of_a_plain_loop(transform, update):
    state = take(start(transform), transform)
    w_L, b_L = by_hand(update)
    np.testing.assert_allclose(state.params["w"], w_L, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state.params["b"][:, 0], b_L, rtol=1e-4, atol=1e-5)
    assert int(state.step) == STEPS
    assert state.nonfinite_L.tolist() == [0, 0, 0]


def test_steps_in_two_goes_are_the_same_steps():
    transform = optax.scale_by_adam()
    whole = take(start(transform), transform)
    halves = take(take(start(transform), transform, steps=2), transform, steps=STEPS - 2)
    for one, other in zip(jax.tree.leaves(whole.params), jax.tree.leaves(halves.params), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert int(halves.step) == STEPS


def test_every_step_has_a_fresh_batch_and_every_key_another_stream():
    transform = optax.identity()

    def first(key, steps):
        return np.asarray(take(start(transform, key), transform, steps=steps).params["w"])

    assert not np.allclose(first(3, 1), first(4, 1))
    np.testing.assert_array_equal(first(3, 1), first(3, 1))


@pytest.fixture(scope="module", params=[optax.identity(), optax.scale_by_adam()], ids=["sgd", "adam"])
def with_a_bad_lane(request):
    """Trains with the second lane's loss times a number where the first of a batch is positive; in one program."""
    transform = request.param

    @jax.jit
    def train(bad):
        def sometimes_bad(params, x_B):
            good_L = losses(params, x_B)
            wrong = x_B[0] > 0
            return good_L.at[1].multiply(jnp.where(wrong, bad, 1.0))

        return take(start(transform), transform, losses=sometimes_bad)

    return train


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_a_lane_that_is_not_finite_skips_its_update_alone_and_is_counted(with_a_bad_lane, bad):
    wrong = [float(sample(jax.random.fold_in(jax.random.key(3), step))[0]) > 0 for step in range(STEPS)]
    assert 0 < sum(wrong) < STEPS
    state, good = with_a_bad_lane(np.float32(bad)), with_a_bad_lane(np.float32(1))
    assert state.nonfinite_L.tolist() == [0, sum(wrong), 0]
    for leaf, expected in zip(jax.tree.leaves(state.params), jax.tree.leaves(good.params), strict=True):
        assert np.isfinite(leaf).all()
        np.testing.assert_allclose(leaf[0], expected[0], rtol=1e-6)
        np.testing.assert_allclose(leaf[2], expected[2], rtol=1e-6)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.optimiser))


def test_a_lane_that_is_never_finite_stays_where_it_began():
    transform = optax.scale_by_adam()
    state = take(start(transform), transform, losses=lambda params, x: losses(params, x).at[2].multiply(jnp.nan))
    assert state.nonfinite_L.tolist() == [0, 0, STEPS]
    assert float(state.params["w"][2]) == 0.0
    assert float(state.params["b"][2, 0]) == 0.5


def test_seeds_side_by_side_are_seeds_alone():
    transform = optax.scale_by_adam()
    keys = jnp.arange(3)
    together = jax.vmap(lambda key: take(start(transform, key), transform).params["w"])(keys)
    for key in range(3):
        np.testing.assert_allclose(together[key], take(start(transform, key), transform).params["w"], rtol=1e-5)


def test_the_learning_rate_may_change_with_the_step():
    transform = optax.identity()
    state = take(start(transform), transform, rate=lambda step: jnp.where(step < 2, RATE, 0.0))
    np.testing.assert_allclose(state.params["w"], take(start(transform), transform, steps=2).params["w"], rtol=1e-6)


def test_cosine_falls_from_the_rate_to_zero_and_stays():
    rate = optimisers.cosine(0.2, 100)
    steps = np.array([0, 25, 50, 100, 150])
    expected = [0.2, 0.1 * (1 + np.cos(np.pi / 4)), 0.1, 0.0, 0.0]
    np.testing.assert_allclose([float(rate(jnp.int32(step))) for step in steps], expected, atol=1e-7)
    assert float(optimisers.constant(0.3)(jnp.int32(7))) == pytest.approx(0.3)


def test_a_warm_up_rises_in_proportion_to_the_other_schedule_and_leaves_the_rest_alone():
    rate = optimisers.warmed(optimisers.cosine(0.2, 100), 4)
    steps = np.arange(101)
    expected = 0.1 * (1 + np.cos(np.pi * steps / 100))
    expected[:4] *= [1 / 4, 2 / 4, 3 / 4, 1]
    np.testing.assert_allclose(jax.vmap(rate)(jnp.arange(101)), expected, atol=1e-7)


@pytest.mark.parametrize("steps", [0, 1])
def test_no_warm_up_starts_at_the_full_rate(steps):
    rate = optimisers.warmed(optimisers.constant(0.3), steps)
    assert [float(rate(jnp.int32(step))) for step in (0, 1)] == pytest.approx([0.3, 0.3])


def test_lanes_start_as_one_by_one():
    def init(key):
        key_matrix, key_vector = jax.random.split(key)
        return {"kernel": nn.initializers.orthogonal()(key_matrix, (4, 4)), "b": jax.random.normal(key_vector, (2,))}

    keys_L = jax.random.split(jax.random.key(1), 3)
    params = jax.jit(lambda keys_L: loop.init_lanes(init, keys_L))(keys_L)
    for lane, key in enumerate(keys_L):
        for name, expected in jax.jit(init)(key).items():
            np.testing.assert_allclose(params[name][lane], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(params["kernel"][2] @ params["kernel"][2].T, np.eye(4), atol=1e-5)


ORTHOGONAL = """
import jax, optax
from flax import linen as nn
from experiments.lib.engine import machine, program
from experiments.lib.training import loop
from experiments.lib.training.train import Train
machine.prepare(cores=2)
jax.config.update("jax_enable_compilation_cache", False)
def init(key):
    orthogonal = nn.initializers.orthogonal()
    lane = lambda key: {gate: orthogonal(jax.random.fold_in(key, i), (32, 32)) for i, gate in enumerate("ifgo")}
    keys_L = jax.random.split(key, 9)
    return loop.start(loop.init_lanes(lane, keys_L), optax.identity(), key)
leg = lambda state: (state, {"corner_L": state.params["i"][:, 0, 0]})
train = Train(init, leg, legs=1, network_steps=1)
compiled = program.compile_train(train, 48, jax.local_devices())
keys = jax.device_put(jax.random.split(jax.random.key(0), 48), compiled.sharding)
for _ in range(2):
    _, metrics = compiled.legs[0](compiled.init(keys))
    assert jax.block_until_ready(metrics["corner_L"]).shape == (48, 9)
print(len(metrics["corner_L"].sharding.device_set), "devices got through")
"""


@pytest.mark.process
def test_starting_many_orthogonal_matrices_on_two_devices_does_not_hang():
    """Under a vmap it does, each time: see `init_lanes`."""
    answer = processes.run("-c", ORTHOGONAL, XLA_FLAGS="")
    assert answer.status == 0, answer.wrong
    assert answer.told == "2 devices got through\n"


def test_lanes_one_by_one_have_the_losses_and_gradients_of_a_vmap():
    """Of lanes that count differently, and with a batch of whole numbers, which has no gradient."""

    def loss(params, batch):
        return jnp.sum(jnp.tanh(params["w"] @ params["v"]) * batch["x"])

    generator = np.random.default_rng(0)
    params_L = {"w": jnp.asarray(generator.normal(size=(3, 4, 2))), "v": jnp.asarray(generator.normal(size=(3, 2)))}
    batch = {"x": jnp.array([1, 2, -3, 4])}
    factors_L = jnp.array([1.0, 0.0, -2.0])

    def values_and_gradients(losses):
        def total(params_L):
            losses_L = losses(params_L, batch)
            return losses_L @ factors_L, losses_L

        return jax.jit(jax.grad(total, has_aux=True))(params_L)

    found = values_and_gradients(loop.lane_by_lane(loss))
    expected = values_and_gradients(jax.vmap(loss, in_axes=(0, None)))
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), found, expected)
    assert np.all(np.asarray(found[0]["w"][1]) == 0)


def test_the_regulariser_of_a_lane_sees_that_lane_its_step_and_its_loss_and_bounds_are_kept():
    """Against NumPy: two lanes of a NAU whose weight is drawn to a target beyond its bound, one with a penalty."""
    targets_L, start_L = np.array([3.0, 0.3]), np.array([0.9, 0.4])

    def losses(params, _):
        return jnp.square(params["w_nau"][:, 0, 0] - jnp.asarray(targets_L, jnp.float32))

    def regulariser(params, step, loss):
        assert params["w_nau"].shape == (1, 1)
        return jnp.where(loss < 1, 0.5 * step * nalu.penalty(params), 0.0)

    state = loop.start({"w_nau": jnp.asarray(start_L, jnp.float32)[:, None, None]}, optax.identity(), jax.random.key(0))
    state = loop.take_steps(
        state,
        steps=3,
        sample=sample,
        losses=losses,
        transform=optax.identity(),
        learning_rate=optimisers.constant(RATE),
        regulariser=regulariser,
    )
    w_L = start_L.copy()
    for step in range(3):
        small_L = (w_L - targets_L) ** 2 < 1
        w_L = np.clip(w_L - RATE * (2 * (w_L - targets_L) + small_L * 0.5 * step * np.sign(0.5 - w_L)), -1, 1)
    np.testing.assert_allclose(state.params["w_nau"][:, 0, 0], w_L, rtol=1e-5)
    assert w_L[0] == 1


def test_a_cell_has_its_published_regulariser_scaled_to_the_training_and_others_have_none():
    params = {"w_nau": jnp.full((2, 1), 0.5)}
    found = loop.regulariser("nau", 500)
    np.testing.assert_allclose([found(params, step, 0.0) for step in (200, 275, 350)], [0, 0.0025, 0.005], rtol=1e-5)
    assert [loop.regulariser(name, 500) for name in ("nac", "nalu", "relu-rnn")] == [None] * 3
