"""The arithmetic function task: a group of networks is trained until all are decided, as it is published."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nalu
from experiments.arena import arena_arithmetic_function, arena_arithmetic_ranges, arithmetic_function, tasks, training
from experiments.lib.store.records import Finished
from experiments.lib.training.train import Train

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

LEGS = 12


def steps_taken(tests_EL, finite=True):
    """Steps, of one a leg, of a group whose chosen errors at the ends of legs are these."""
    return int(steps_of_a_group(np.array(tests_EL, np.float32), 1.0 if finite else np.nan))


@jax.jit
def steps_of_a_group(tests_EL, weight):
    lanes = tests_EL.shape[1]

    def init(key):
        params = {"w": jnp.full((lanes, 1), weight)}
        trained = training.Trained(params, (), key, jnp.int32(0))
        worst_L = jnp.full(lanes, jnp.inf)
        return training.State(trained, params, worst_L, worst_L, jnp.zeros((lanes, 5), jnp.int32))

    def leg(state):
        trained = state.trained._replace(step=state.trained.step + 1)
        return state._replace(trained=trained, test=tests_EL[state.trained.step]), {}

    train = arithmetic_function.until_decided(Train(init, leg, LEGS, 1, finish=lambda state: (state, {})))
    _, found_E = jax.lax.scan(lambda watched, _: train.leg(watched), train.init(jax.random.key(0)), length=LEGS)
    return found_E["steps"][-1, 0]


SOLVED, NOT = 1e-7, 1e-3
COURSES = {
    "all solved from the second leg on": ([[NOT, NOT]] + [[SOLVED, SOLVED]] * 11, 4),
    "one is not solved": ([[SOLVED, NOT]] * 12, 12),
    "one touches it, and solves it later": ([[SOLVED, SOLVED], [SOLVED, SOLVED], [SOLVED, NOT]]
                                            + [[SOLVED, SOLVED]] * 9, 6),
}  # fmt: skip


@pytest.mark.parametrize(("tests_EL", "steps"), COURSES.values(), ids=COURSES)
def test_a_group_is_left_when_each_network_was_solved_at_three_ends_of_legs_in_a_row(tests_EL, steps):
    assert steps_taken(tests_EL) == steps


def test_a_group_that_is_no_longer_finite_is_left():
    assert steps_taken([[NOT, NOT]] * LEGS, finite=False) == 0


def test_pairs_are_trained_as_published():
    """Penalties of five million steps: NAU's from 5,000 to 50,000, that of NAU with NMU from one million to two."""
    assert arithmetic_function.recipe_of("nau")[1:6] == (1e-3, 5_000_000, 0.01, 5e3, 5e4)
    assert arithmetic_function.recipe_of("nmu")[1:6] == (1e-3, 5_000_000, 10.0, 1e6, 2e6)
    for name in ("nac", "linear", "nalu", "nac_mul"):
        assert not arithmetic_function.recipe_of(name).regularised
    nac = arithmetic_function.network_of("nac", positive=True).init(jax.random.key(0), jnp.ones((1, 100)))["params"]
    assert 0.48 < float(abs(nac["layers_0"]["w_hat"]).max()) <= 0.504


@pytest.mark.parametrize(("scale", "least"), [(0.2, 1.0), (1.0, 10.0)], ids=["as it learns", "clipped"])
def test_of_positive_inputs_the_inalu_needs_no_product_of_signs(scale, least):
    """Values and gradients are those of the cell itself, whose signs are all 1; of other inputs they are not."""
    general, positive = (arithmetic_function.network_of("inalu", positive=its) for its in (False, True))
    key = jax.random.key(4)
    x_NI = jax.random.uniform(key, (7, 100), minval=least, maxval=2 * least)
    params = jax.tree.map(lambda leaf: scale * leaf, general.init(key, x_NI))

    def value_and_slopes(network, x_NI):
        return jax.value_and_grad(lambda params: jax.vmap(lambda x_I: network.apply(params, x_I))(x_NI).sum())(params)

    value, slopes = value_and_slopes(general, x_NI)
    same, same_slopes = value_and_slopes(positive, x_NI)
    np.testing.assert_allclose(same, value, rtol=1e-4)
    for a, b in zip(jax.tree.leaves(same_slopes), jax.tree.leaves(slopes), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 * np.abs(b).max())

    of_either_sign_NI = x_NI.at[:, :3].multiply(-1)
    value, another = (value_and_slopes(network, of_either_sign_NI)[0] for network in (general, positive))
    assert abs(another / value - 1) > 0.1


def test_ranges_of_which_all_numbers_are_positive():
    """Also those of the test; 0 is not, whose sign is 0."""
    positive = [its.name for its in tasks.FUNCTION_RANGES if its.positive]
    assert positive == ["U[0.1, 0.2]", "U[1, 2]", "U[1.1, 1.2]", "U[10, 20]"]


def test_the_inalu_keeps_its_signs_where_numbers_are_of_either_sign(monkeypatch):
    made = []
    network_of = arithmetic_function.network_of
    monkeypatch.setattr(arithmetic_function, "network_of", lambda *a, **b: made.append(network_of(*a, **b)) or made[-1])
    cfg = arena_arithmetic_ranges.Config(cells=("inalu",))
    kinds = {}
    for run in arena_arithmetic_ranges.runs(cfg):
        arena_arithmetic_ranges.make_train(cfg, **run)
        kinds[run["range"]] = type(made[-1].layers[0])
    assert {name for name, kind in kinds.items() if kind is nalu.INALU} == {"U[-2, -1]", "U[-2, 2]", "U[0, 1]"}
    assert len(kinds) == 7


def test_networks_of_a_group_differ_and_every_one_is_a_seed():
    cfg = arena_arithmetic_function.Config(networks=3, steps=20, leg_steps=10, log_every=10, items=20, batch=4)
    train = arena_arithmetic_function.make_train(cfg, cell="linear", operation="a - b")
    with jax.numpy_rank_promotion("allow"):
        state, found = jax.jit(lambda key: train.leg(train.init(key)))(jax.random.key(1))
        state, kept = jax.jit(train.finish)(state)
    run = Finished("x", {"cell": "linear", "operation": "a - b"}, {}, "0", {"device": "a", "profile": "full"})
    stored = {name: np.asarray(array)[None, None] for name, array in {**found, **kept}.items()}
    (its,) = arithmetic_function.results_of([run._replace(arrays=stored)])
    assert its.test_SR.shape == its.squared_SR.shape == its.sparsity_SR.shape == (3, 1)
    assert len(np.unique(its.test_SR)) == 3
    # The mean squared error that the protocol goes by is the relative error times one number.
    assert np.ptp(np.sqrt(its.squared_SR) / its.test_SR) < 1e-4 * np.max(np.sqrt(its.squared_SR) / its.test_SR)


def test_in_the_sweep_every_range_is_tested_in_its_own_numbers():
    """The product of an untrained layer that adds is off by what its numbers are: far more where these are larger."""
    few = {"steps": 10, "steps_of_nmu": 10, "leg_steps": 10, "log_every": 10, "items": 20, "batch": 4}
    ranges = ("U[1, 2]", "U[-2, 2]", "U[0.1, 0.2]", "U[10, 20]")
    cfg = arena_arithmetic_ranges.Config(networks=2, cells=("linear",), ranges=ranges, **few)
    squared = {}
    for variant in arena_arithmetic_ranges.runs(cfg):
        train = arena_arithmetic_ranges.make_train(cfg, **variant)
        with jax.numpy_rank_promotion("allow"):
            state, found = jax.jit(lambda key, train=train: train.leg(train.init(key)))(jax.random.key(1))
            _, kept = jax.jit(train.finish)(state)
        run = Finished("x", variant, {}, "0", {"device": "a", "profile": "full"})
        stored = {name: np.asarray(array)[None, None] for name, array in {**found, **kept}.items()}
        (its,) = arena_arithmetic_ranges.results_of([run._replace(arrays=stored)])
        assert (its.operation, its.ranges, its.test_SR.shape) == ("a * b", (variant["range"],), (2, 1))
        squared[variant["range"]] = float(np.median(its.squared_SR))
    # 25 numbers of a mean of 30 against 4 and 1.1, and of either sign: their products, squared.
    assert squared["U[10, 20]"] > 1e3 * squared["U[1, 2]"] > 1e4 * squared["U[0.1, 0.2]"]
    assert squared["U[-2, 2]"] < 0.1 * squared["U[1, 2]"]


def test_a_range_of_the_sweep_stands_beside_the_number_that_others_published_of_it():
    """Two of four networks solve it, beside a published none and a published all of 50: p is Fisher's."""
    shape = 1, 1, 4
    arrays = {
        "test": np.float32([1e-6, 1e-6, 1, 1]).reshape(shape),
        "far": np.ones((*shape, 3), np.float32),
        "solved_at": np.full((*shape, 5), 1000, np.int32),
        "steps": np.full(shape, 2000, np.int32),
        "diverged": np.zeros(shape, bool),
    }
    runs = [
        Finished("x", {"cell": "nmu", "range": its}, arrays, "0", {"device": "a", "profile": "full"})
        for its in ("U[-2, -1]", "U[1.1, 1.2]")
    ]
    tables = arena_arithmetic_ranges.tables(arena_arithmetic_ranges.Config(), runs)
    (beside,) = (table for table in tables if "beside what others published" in table.title)
    found = {(q.row, q.column): float(q.values_S[0]) for q in beside.quantities}
    rows = {"NAU, NMU: a * b in U[-2, -1]": 100.0, "NAU, NMU: a * b in U[1.1, 1.2]": 0.0}
    assert set(beside.rows) == set(rows)
    for row, published in rows.items():
        assert (found[row, "ours %"], found[row, "published %"]) == (50.0, published)
        assert found[row, "p"] == pytest.approx(6 / (53 * 54 / 2), rel=1e-6)  # the two lie at the one end
