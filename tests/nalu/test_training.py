"""Penalty, projection and published training work on any tree that holds cells, and know nothing of the network."""

import flax.core
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import nalu
from tests.drawn import draw_parameters

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def test_each_penalty_is_the_mean_distance_to_where_its_cell_is_exact():
    for tree, expected in (
        ({"w_nau": [[0.3], [-0.8]]}, (0.3 + 0.2) / 2),
        ({"w_nmu": [[0.3], [-0.8]]}, (0.3 + 0.8) / 2),
        ({"w_nru": [[0.3], [-0.8]]}, (0.3 + 0.2) / 2),
        ({"w_nmru": [[0.3], [0.8]]}, (0.3 + 0.2) / 2),
        ({"w_modified_npu": [[0.3], [-0.8]], "g_modified_npu": [0.9, 0.5]}, (0.7 + 0.2) / 2 + (0.1 + 0.5) / 2),
        ({"w_hat_add": [[21.0], [-5.0]], "g_inalu": [2.0]}, 15 / 2 + 18),
        ({"r_mc_fc": [[2.0], [4.0]], "w_mc_fc": [1.0], "b_mc_fc": [3.0], "c_mc_fc": [9.0]}, -10 - 1 - 9),
        ({"w_hat": [[3.0]], "m_hat": [[3.0]], "g": [[3.0]], "kernel": [[3.0]]}, 0),
    ):
        tree = {name: jnp.array(value) for name, value in tree.items()}
        np.testing.assert_allclose(nalu.penalty(tree), expected, rtol=1e-6)
        np.testing.assert_allclose(nalu.penalty(flax.core.freeze({"params": {"any": [tree]}})), expected, rtol=1e-6)


def test_l1_sums_the_parameters_of_power_units_alone():
    tree = {"w_re_npu": jnp.array([[1.0], [-2.0]]), "g_npu": jnp.array([0.5, 0.5]), "w_nau": jnp.ones((2, 1))}
    np.testing.assert_allclose(nalu.l1(tree), 4.0)


def test_the_penalty_of_seeds_side_by_side_has_each_seed_s_gradient():
    w = np.random.default_rng(0).uniform(-1, 1, (3, 4, 2)).astype(np.float32)
    slopes = jax.jit(jax.grad(lambda w: nalu.penalty({"w_nau": w})))
    together, each = slopes(w), [slopes(one) for one in w]
    np.testing.assert_allclose(together, each, rtol=1e-6)


def test_projection_clips_what_has_bounds_and_leaves_the_rest():
    far = {name: jnp.array([[-9.0], [0.25], [9.0]]) for name in ("w_nau", "w_nmu", "w_re_npu", "w_hat", "kernel")}
    got = nalu.project({"params": far, "count": 3})
    assert got["count"] == 3
    np.testing.assert_array_equal(got["params"]["w_nau"][:, 0], [-1, 0.25, 1])
    np.testing.assert_array_equal(got["params"]["w_nmu"][:, 0], [0, 0.25, 1])
    for name in ("w_re_npu", "w_hat", "kernel"):
        assert got["params"][name] is far[name]


def test_the_transformation_projects_in_a_chain_as_project_does_after_it():
    params = {"w_nau": jnp.array([[0.9], [-0.95], [0.2]]), "kernel": jnp.ones((2, 2))}
    gradient = jax.tree.map(lambda leaf: -2 * jnp.ones_like(leaf), params)
    plain, chain = optax.sgd(0.1), optax.chain(optax.sgd(0.1), nalu.projection())
    update, _ = plain.update(gradient, plain.init(params), params)
    expected = nalu.project(optax.apply_updates(params, update))
    update, _ = chain.update(gradient, chain.init(params), params)
    jax.tree.map(np.testing.assert_array_equal, optax.apply_updates(params, update), expected)
    with pytest.raises(ValueError, match="needs the parameters"):
        nalu.projection().update(gradient, ())


def test_the_ramp_rises_from_its_start_to_its_end():
    steps = jnp.array([0, 10, 15, 20, 99])
    np.testing.assert_allclose(nalu.ramp(steps, 10, 20), [0, 0, 0.5, 1, 1])


def test_the_published_regularisers_follow_their_schedules():
    nau, npu, inalu = {"w_nau": jnp.array([[0.5]])}, {"w_re_npu": jnp.array([[2.0]])}, {"g_inalu": jnp.array([0.0])}
    for recipe, params, step, loss, expected in (
        (nalu.NAU.published, nau, 20_000, 9.0, 0),
        (nalu.NAU.published, nau, 27_500, 9.0, 0.01 * 0.5 * 0.5),
        (nalu.NAU.published, nau, 50_000, 9.0, 0.01 * 0.5),
        (nalu.NAU.published.over(500), nau, 275, 9.0, 0.01 * 0.5 * 0.5),
        (nalu.NPU.published, npu, 0, 9.0, 2e-7),
        (nalu.NPU.published, npu, 10_000, 9.0, 2e-6),
        (nalu.NPU.published, npu, 45_000, 9.0, 2e-5),
        (nalu.INALU.published, inalu, 9_999, 0.5, 0),
        (nalu.INALU.published, inalu, 10_000, 0.5, 0.05 * 20),
        (nalu.INALU.published, inalu, 10_000, 1.5, 0),
        (nalu.NALU.published, nau, 50_000, 9.0, 0),
    ):
        np.testing.assert_allclose(recipe.regulariser(params, step, loss), expected, rtol=1e-5)
        assert recipe.regularised or not expected


def test_two_cells_cannot_have_different_rules_for_one_name():
    with pytest.raises(ValueError, match="another name"):

        class Mine(nalu.Cell):
            rules = {"w_nau": nalu.Rule(axes=1)}  # noqa: RUF012


def test_noise_is_heard_by_cells_inside_of_a_network_and_within_a_scan_over_time():
    x = np.random.default_rng(1).uniform(size=(2, 3, 4)).astype(np.float32)
    stack = nn.Sequential([nalu.NAU(3), nalu.SNMU(2)])
    rnn = nn.RNN(nalu.Accumulator(nalu.SNMU(2)), split_rngs={"params": False, "noise": True})
    for model in (stack, rnn):
        variables = jax.tree.map(np.abs, draw_parameters(model, x))  # an NMU takes what is negative for 0
        apply = jax.jit(lambda key, model=model, variables=variables: model.apply(variables, x, rngs={"noise": key}))
        one, again, other = (apply(jax.random.key(seed)) for seed in (2, 2, 3))
        np.testing.assert_array_equal(one, again)
        assert (one != other).any()
        assert (one != jax.jit(model.apply)(variables, x)).any()


def test_a_loop_that_knows_no_cell_trains_a_stack_to_a_formula_that_can_be_read():
    """Of three inputs x1 * (x2 - x3) is learnt on [1, 3]: two cells, their penalty, their projection, any optimiser."""
    model, adam = nn.Sequential([nalu.NAU(2), nalu.NMU(1)]), optax.adam(1e-2)
    params = jax.jit(model.init)(jax.random.key(3), np.ones(3, np.float32))
    recipe = nalu.NMU.published.over(2000)._replace(penalty=1.0)

    def step(state, count):
        params, moments = state
        key, noise = jax.random.split(jax.random.fold_in(jax.random.key(1), count))
        x = jax.random.uniform(key, (64, 3), minval=1.0, maxval=3.0)

        def loss(params):
            error = jnp.mean((model.apply(params, x, rngs={"noise": noise})[:, 0] - x[:, 0] * (x[:, 1] - x[:, 2])) ** 2)
            return error + recipe.regulariser(params, count, error)

        updates, moments = adam.update(jax.grad(loss)(params), moments, params)
        return (nalu.project(optax.apply_updates(params, updates)), moments), None

    train = jax.jit(lambda params: jax.lax.scan(step, (params, adam.init(params)), jnp.arange(2000))[0][0])
    learnt = train(params)
    x = np.random.default_rng(2).uniform(10, 30, (100, 3)).astype(np.float32)
    formula = nalu.read(model, learnt, x=x, y=x[:, 0] * (x[:, 1] - x[:, 2]))
    assert formula.text == "y = x1 * (x2 - x3)"
    assert formula.formula_error < 1e-4
    exact = nalu.snap(model, learnt)
    np.testing.assert_allclose(model.apply(exact, x)[:, 0], x[:, 0] * (x[:, 1] - x[:, 2]), rtol=1e-5, atol=1e-4)
