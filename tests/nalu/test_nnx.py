"""The NNX modules compute what the Linen ones do, and live with NNX's own tools.

Axes: S seeds.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint
import pytest
from flax import nnx

import nalu

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
every_cell = pytest.mark.parametrize("name", nalu.CELLS)


def learn_a_difference(model, optimizer, x):
    """One step towards x1 - x2, with penalty and projection."""

    def loss(model):
        return jnp.square(model(x)[:, 0] - (x[:, 0] - x[:, 1])).mean() + 1e-3 * nalu.penalty(model)

    value, gradient = nnx.value_and_grad(loss)(model)
    optimizer.update(model, gradient)
    nnx.update(model, nalu.project(nnx.state(model, nnx.Param)))
    return value


@every_cell
def test_it_computes_what_the_linen_module_does_in_test_and_training(name):
    x = 1 + jax.random.uniform(jax.random.key(1), (5, 4))
    linen, model = nalu.CELLS[name](3), nalu.nnx.CELLS[name](4, 3, rngs=nnx.Rngs(0))
    params = {key: variable[...] for key, variable in nnx.state(model, nnx.Param).items()}
    shapes = jax.eval_shape(linen.init, jax.random.key(0), x)["params"]
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, shapes)
    in_training = model(x)
    model.eval()
    np.testing.assert_array_equal(model(x), linen.apply({"params": params}, x))
    other = (in_training != model(x)).any()
    assert other == (name in ("snmu", "nru") or (linen.trained_otherwise and other))
    assert nalu.penalty(model) == nalu.penalty(nnx.state(model)) == nalu.penalty(params)
    assert getattr(nalu.nnx, nalu.CELLS[name].__name__) is nalu.nnx.CELLS[name]
    assert nalu.CELLS[name].__name__ in nalu.__all__


def test_a_jitted_step_with_an_optimizer_learns_and_keeps_the_bounds():
    model = nnx.Sequential(nnx.Linear(2, 2, rngs=nnx.Rngs(0)), nalu.nnx.NAU(2, 1, rngs=nnx.Rngs(1)))
    optimizer = nnx.Optimizer(model, optax.chain(optax.adam(0.1), nalu.projection()), wrt=nnx.Param)
    step = nnx.jit(learn_a_difference)
    x = jax.random.uniform(jax.random.key(1), (16, 2))
    losses = [float(step(model, optimizer, x)) for _ in range(30)]
    assert losses[-1] < losses[0] / 10
    assert (jnp.abs(model.layers[1].w_nau[...]) <= 1).all()


def test_seeds_train_side_by_side_under_vmap_noise_included():
    @nnx.split_rngs(splits=3)
    @nnx.vmap(in_axes=0, out_axes=0)
    def create(rngs):
        return nalu.nnx.SNMU(2, 1, rngs=rngs)

    @nnx.jit
    @nnx.vmap(in_axes=(0, None), out_axes=0)
    def noisy(model, x):
        return model(x)

    models = create(nnx.Rngs(0))
    assert models.w_nmu.shape == (3, 2, 1)
    x = jnp.array([[2.0, 3.0]])
    first, second = noisy(models, x), noisy(models, x)
    assert len({float(y) for y in (*first.ravel(), *second.ravel())}) == 6
    models.eval()
    expected = [nalu.nmu(x, w) for w in models.w_nmu[...]]
    np.testing.assert_allclose(noisy(models, x), expected, rtol=1e-6)


def test_a_module_is_split_merged_saved_and_restored(tmp_path):
    model = nalu.nnx.NALU(2, 1, rngs=nnx.Rngs(0))
    graph, state = nnx.split(model)
    x = jnp.array([3.0, 5.0])
    np.testing.assert_array_equal(nnx.merge(graph, state)(x), model(x))
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "model", state)
        checkpointer.wait_until_finished()
        blank = nnx.eval_shape(lambda: nalu.nnx.NALU(2, 1, rngs=nnx.Rngs(1)))
        restored = checkpointer.restore(tmp_path / "model", nnx.state(blank))
    np.testing.assert_array_equal(nnx.merge(graph, restored)(x), model(x))


def test_types_and_initialisers_are_those_of_the_linen_module():
    zeros = jax.nn.initializers.zeros
    model = nalu.nnx.NAU(2, 1, w_init=zeros, dtype=jnp.bfloat16, param_dtype=jnp.float16, rngs=nnx.Rngs(0))
    assert (model.w_nau.dtype, model([1, 2]).dtype, float(model([1, 2])[0])) == (jnp.float16, jnp.bfloat16, 0.0)


def test_a_cell_of_one_s_own_gets_its_module():
    class Mine(nalu.NAU):
        """A NAU under another name."""

    model = nalu.nnx.of(Mine)(2, 1, rngs=nnx.Rngs(0))
    assert (type(model).__name__, model(jnp.ones(2)).shape) == ("Mine", (1,))
