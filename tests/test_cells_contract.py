"""One contract over every member of `nalu.CELLS`; a new cell is tested by its line there.

Axes: B batch, I inputs, T time.
"""

import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import nalu

# What the paper's cells must be able to compute; any other must compute at least one of OPERATIONS.
REACHES = {"nac": {"a+b", "a-b"}, "nalu": {"a+b", "a-b", "a*b", "a/b"}}
OPERATIONS = {
    "a+b": lambda a, b: a + b,
    "a-b": lambda a, b: a - b,
    "a*b": lambda a, b: a * b,
    "a/b": lambda a, b: a / b,
}
FORMS = {"recurrent": nalu.Recurrent, "accumulator": nalu.Accumulator}

every_cell = pytest.mark.parametrize("name", nalu.CELLS)
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def create(name, *, features=3, inputs=4):
    cell = nalu.CELLS[name](features)
    return cell, cell.init(jax.random.key(0), jnp.ones(inputs))


def inputs(*shape):
    return jax.random.normal(jax.random.key(1), shape)


@every_cell
def test_it_maps_the_last_axis_to_its_features(name):
    cell, variables = create(name)
    for batch in ((), (5,), (2, 5), (0,)):
        y = cell.apply(variables, inputs(*batch, 4))
        assert (y.shape, y.dtype) == ((*batch, 3), jnp.float32)


@every_cell
def test_jit_equals_no_jit(name):
    cell, variables = create(name)
    x = inputs(5, 4)
    np.testing.assert_allclose(jax.jit(cell.apply)(variables, x), cell.apply(variables, x), rtol=1e-5, atol=1e-6)


@every_cell
def test_vmap_over_inputs_and_over_parameters_equals_a_loop(name):
    cell, variables = create(name)
    x = inputs(5, 4)
    expected = jnp.stack([cell.apply(variables, row) for row in x])
    actual = jax.vmap(cell.apply, in_axes=(None, 0))(variables, x)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)

    keys = jax.random.split(jax.random.key(2), 3)
    many = jax.vmap(cell.init, in_axes=(0, None))(keys, x)
    expected = jnp.stack([cell.apply(cell.init(key, x), x) for key in keys])
    actual = jax.vmap(cell.apply, in_axes=(0, None))(many, x)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@every_cell
@pytest.mark.parametrize("value", [0.0, -0.0, 1e-30, -1.0, -1e4, 1e4, 1e15])
@pytest.mark.parametrize("scale", [1.0, 20.0], ids=["initial", "saturated"])
def test_values_and_gradients_are_finite(name, value, scale):
    cell, variables = create(name, inputs=10)
    variables = jax.tree.map(lambda leaf: scale * leaf, variables)
    x = jnp.full((2, 10), value)
    y, gradients = jax.value_and_grad(lambda v, x: cell.apply(v, x).sum(), argnums=(0, 1))(variables, x)
    for leaf in (y, *jax.tree.leaves(gradients)):
        assert np.isfinite(leaf).all()


@every_cell
def test_the_second_call_does_not_recompile(name):
    cell, variables = create(name)
    traces = []

    @jax.jit
    def step(variables, x):
        traces.append(None)
        gradient = jax.grad(lambda v: jnp.square(cell.apply(v, x)).mean())(variables)
        return jax.tree.map(lambda leaf, slope: leaf - 0.1 * slope, variables, gradient)

    for seed in range(3):
        variables = step(variables, jax.random.normal(jax.random.key(seed), (5, 4)))
    assert len(traces) == 1


@every_cell
def test_saturated_parameters_reach_exact_solutions(name):
    """Every parameter at -20, 0 or 20, tried in all combinations, on inputs far outside any training range."""
    cell, variables = create(name, features=1, inputs=2)
    leaves, tree = jax.tree.flatten(variables)
    x = jnp.array([[3.0, 5.0], [0.5, 40.0], [700.0, 11.0], [1e4, 3e3]])
    combinations = np.array(list(itertools.product((-20.0, 0.0, 20.0), repeat=sum(leaf.size for leaf in leaves))))
    pieces = np.split(combinations, np.cumsum([leaf.size for leaf in leaves])[:-1], axis=1)
    many = tree.unflatten(
        [jnp.asarray(p.reshape(-1, *leaf.shape), jnp.float32) for p, leaf in zip(pieces, leaves, strict=True)]
    )
    y = np.asarray(jax.jit(jax.vmap(cell.apply, in_axes=(0, None)))(many, x))[..., 0]
    reached = {
        operation
        for operation, function in OPERATIONS.items()
        if np.isclose(y, function(*np.asarray(x, np.float64).T), rtol=1e-5, atol=0).all(axis=1).any()
    }
    assert reached >= REACHES.get(name, set())
    assert reached


@every_cell
@every_form
def test_flax_scans_it_over_time(name, form):
    scan = nn.RNN(form(nalu.CELLS[name](2)), return_carry=True)
    x_BTI = jax.random.uniform(jax.random.key(1), (3, 7, 4))
    (last, hs), variables = scan.init_with_output(jax.random.key(0), x_BTI)
    assert hs.shape == (3, 7, 2)
    np.testing.assert_array_equal(last, hs[:, -1])
    gradient = jax.jit(jax.grad(lambda v: jnp.square(scan.apply(v, x_BTI)[0]).mean()))(variables)
    assert all(np.isfinite(leaf).all() and (leaf != 0).any() for leaf in jax.tree.leaves(gradient))


@every_cell
@every_form
def test_sequences_may_end_early(name, form):
    scan = nn.RNN(form(nalu.CELLS[name](2)), return_carry=True)
    x_BTI = jax.random.uniform(jax.random.key(1), (2, 7, 4))
    variables = scan.init(jax.random.key(0), x_BTI)
    last, _ = scan.apply(variables, x_BTI, seq_lengths=jnp.array([3, 7]))
    expected, _ = scan.apply(variables, x_BTI[:1, :3])
    np.testing.assert_allclose(last[:1], expected, rtol=1e-5, atol=1e-6)


@every_cell
def test_a_jitted_nnx_step_updates_it(name):
    cell, variables = create(name)
    x = inputs(5, 4)
    model = nnx.bridge.ToNNX(nalu.CELLS[name](3), rngs=nnx.Rngs(0)).lazy_init(x)
    for key, value in variables["params"].items():
        getattr(model, key)[...] = value
    np.testing.assert_allclose(model(x), cell.apply(variables, x), rtol=1e-6)
    optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, x, target):
        loss, gradient = nnx.value_and_grad(lambda model: jnp.square(model(x) - target).mean())(model)
        optimizer.update(model, gradient)
        return loss

    target = jnp.ones((5, 3))
    losses = [float(step(model, optimizer, x, target)) for _ in range(20)]
    assert losses[-1] < losses[0]
    for key, value in variables["params"].items():
        assert (getattr(model, key)[...] != value).any()


def test_the_public_names_are_those_of_the_readme():
    assert set(nalu.__all__) == {
        *("nac_weights", "nac", "log_nac", "nalu"),
        *("NAC", "NALU", "Recurrent", "Accumulator", "CELLS"),
    }
    assert all(getattr(nalu, name) is not None for name in nalu.__all__)
