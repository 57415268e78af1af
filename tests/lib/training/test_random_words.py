"""Numbers drawn fast are those of `jax.random`, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.lib.training.random_words import MANY, drawn_fast

SHAPES = [(), (1,), (3,), (7, 5), (64,), (2 * MANY - 3,), (2 * MANY - 1,), (2 * MANY,), (2, MANY + 1)]


@pytest.fixture(autouse=True)
def _as_in_a_run():
    with jax.threefry_partitionable(False):
        yield


def both(draw, number=3):
    """Returns what is drawn from a key and from its fast one, each within a program."""
    key = jax.random.key(number)
    assert drawn_fast(key).dtype != key.dtype
    return (np.asarray(jax.jit(draw)(each)) for each in (key, drawn_fast(key)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_words_are_those_of_jax(shape):
    np.testing.assert_array_equal(*both(lambda key: jax.random.bits(key, shape)))


@pytest.mark.parametrize(
    "draw",
    [
        lambda key: jax.random.uniform(key, (5, 3), minval=-2.0, maxval=3.0),
        lambda key: jax.random.normal(key, (17,)),
        lambda key: jax.random.bernoulli(key, 0.3, (40,)),
        lambda key: jax.random.randint(key, (40,), -5, 1000),
        lambda key: jax.random.permutation(key, 30),
        lambda key: jax.random.bits(key, (9,), jnp.uint8),
        lambda key: jax.random.key_data(jax.random.fold_in(key, 123456)),
        lambda key: jax.random.key_data(jax.random.split(key, (3, 2))),
        lambda key: jax.random.uniform(jax.random.split(jax.random.fold_in(key, jnp.int32(-1)))[1], (4,)),
    ],
)
def test_what_is_made_of_words_is_the_same(draw):
    np.testing.assert_array_equal(*both(draw))


@pytest.mark.parametrize("number", [40, 2 * MANY + 2])
def test_keys_side_by_side_draw_what_each_draws_alone(number):
    draw = jax.vmap(lambda key: jax.random.bits(jax.random.fold_in(key, 7), (number,)))
    np.testing.assert_array_equal(*both(lambda key: draw(jax.random.split(key, 3))))


def test_where_it_would_not_be_the_same_or_no_faster_the_key_stays(monkeypatch):
    key, other = jax.random.key(0), jax.random.key(0, impl="rbg")
    assert drawn_fast(other) is other
    fast = drawn_fast(key)
    assert drawn_fast(fast) is fast
    with jax.threefry_partitionable(True):
        assert drawn_fast(key) is key
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert drawn_fast(key) is key
