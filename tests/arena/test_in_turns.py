"""iNALU's training is the published one: turns, steps of RMSProp, penalty, and when a network starts anew."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nalu
from experiments.arena import in_turns, networks, tasks

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

RECIPE = nalu.CELLS["inalu"].published
ONE_LANE = {"learning_rate_L": np.array([RECIPE.learning_rate]), "start_L": np.ones(1)}


def blocks(**options):
    """The parameters of an iNALU at its start and after each of two blocks of a training of one lane."""
    task = tasks.minimal_arithmetic("a * b")
    task = task._replace(lanes=jax.tree.map(lambda leaf: leaf[:1], task.lanes))
    network = networks.network(nalu.CELLS["inalu"](1), 2)
    start, advance = in_turns.steps_of(network, task, RECIPE, 8, epoch=10, steps=200, **{**ONE_LANE, **options})
    block, trained = jax.jit(lambda each: advance(each, in_turns.BLOCK)), [jax.jit(start)(jax.random.key(3))]
    for _ in range(2):
        trained.append(block(trained[-1]))
    return trained


@pytest.fixture(scope="module")
def after():
    return blocks()


def test_a_search_gives_lanes_of_one_set_the_same_start_scaled_and_a_rate_of_their_own():
    """After fifty steps a rate ten times as high has moved some parameter more than twice as far."""
    settings = {"learning_rate_L": np.array([0.01, 0.01, 0.1]), "start_L": np.array([0.5, 1, 1])}
    task = tasks.minimal_arithmetic("a * b", tuple(tasks.SPREADS.values())[:1] * 3)
    network = networks.network(nalu.CELLS["inalu"](1), 2)
    steps = {"epoch": 10, "steps": 200, "range_L": np.zeros(3, int)}
    start, advance = in_turns.steps_of(network, task, RECIPE, 8, **steps, **settings)
    before = jax.jit(start)(jax.random.key(3))
    after = jax.jit(lambda each: advance(each, in_turns.BLOCK))(before)
    for leaf in jax.tree.leaves(before.params):
        np.testing.assert_array_equal(leaf[0], 0.5 * leaf[1])
        np.testing.assert_array_equal(leaf[1], leaf[2])
    moved = [
        np.abs(np.asarray(a) - b).max(axis=tuple(range(1, b.ndim)))
        for a, b in zip(*map(jax.tree.leaves, (after.params, before.params)), strict=True)
    ]
    assert max(each[2] for each in moved) > 2 * max(each[1] for each in moved) > 0


def test_the_penalty_waits_for_so_many_epochs(after):
    """Of ten steps each: not in the first five, but in the five after it begins to count."""
    early = blocks(quiet=5)
    for each, other, same in ((1, 1, True), (2, 2, False)):
        pairs = zip(jax.tree.leaves(early[each].params), jax.tree.leaves(after[other].params), strict=True)
        assert all(bool((a == b).all()) == same for a, b in pairs)


def test_a_step_moves_every_parameter_no_further_than_rmsprop_allows(after):
    """Forty of fifty batches are the weights', ten the gates': the first step of 1e-2 g / sqrt(0.9 + 0.1 g^2)."""
    before, now = after[0].params["params"], after[1].params["params"]
    for name, leaf in now.items():
        steps = 10 if name.startswith("g") else 40
        moved = float(np.abs(leaf - before[name]).max())
        assert 0 < moved < steps * RECIPE.learning_rate * RECIPE.clip_value / np.sqrt(0.9**steps)


def test_rmsprop_is_tensorflows_and_leaves_alone_what_is_not_in_turn():
    params = {"w": jnp.array([1.0, -2.0]), "g": jnp.array([0.5])}
    slopes = {"w": jnp.array([0.03, -7.0]), "g": jnp.array([0.05])}
    squares = {"w": jnp.array([1.0, 0.2]), "g": jnp.array([1.0])}
    taken = {"w": jnp.array(True), "g": jnp.array(False)}
    moved, memory = jax.jit(lambda *each: in_turns._rms_step(*each, RECIPE.learning_rate, RECIPE.clip_value))(
        params, squares, slopes, taken
    )
    clipped = np.array([0.03, -0.1])
    mean = 0.9 * np.array([1.0, 0.2]) + 0.1 * clipped**2
    np.testing.assert_allclose(memory["w"], mean, rtol=1e-6)
    np.testing.assert_allclose(moved["w"], [1, -2] - 0.01 * clipped / np.sqrt(mean + 1e-10), rtol=1e-6)
    assert (moved["g"], memory["g"]) == (0.5, 1)


def test_the_penalty_is_that_of_the_cell():
    params = {"params": {"w_hat_inalu": jnp.array([[3.0], [-21.0]]), "g_inalu": jnp.array([-0.2])}}
    slopes = jax.jit(lambda params: jax.tree.map(in_turns._slope_to_saturation, params))(params)
    expected = jax.jit(jax.grad(nalu.penalty))(params)
    for mine, its in zip(jax.tree.leaves(slopes), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(mine, its)


def published_rule(losses):
    """What the code of Schlör et al. asks of the losses since the last start, in float64."""
    early, late = np.split(np.asarray(losses, float), [len(losses) // 2])
    return bool(len(losses) > 10_000 and early.mean() <= late.mean() + late.std() and late.mean() > 1)


N = 10_100
NOISE = np.random.default_rng(0).normal(size=N)
LOSSES = {
    "it falls": 10 - 8 * np.arange(N) / N,
    "it stays": 3 + 0.1 * NOISE,
    "it falls by less than it scatters": 5 - 0.5 * np.arange(N) / N + 2 * NOISE,
    "it is low": 0.5 + 0.1 * NOISE,
    "it is young": np.full(9_900, 3.0),
}


stalled = jax.jit(in_turns.stalled)


@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES)
def test_a_network_starts_anew_where_the_published_rule_says_so(losses):
    before = [1e3] * 40 * in_turns.BLOCK  # of the start before, which do not count
    blocks_KN = np.reshape([*before, *losses], (-1, in_turns.BLOCK))
    room_K = np.zeros(250 - len(blocks_KN))  # one length for all, so that one program does
    sums_K, squares_K = np.r_[blocks_KN.sum(axis=1), room_K], np.r_[(blocks_KN**2).sum(axis=1), room_K]
    (found,) = stalled(np.float32(sums_K)[None], np.float32(squares_K)[None], np.array([40]), len(blocks_KN) - 1)
    assert bool(found) == published_rule(losses)


def test_the_rule_tells_them_apart():
    assert [name for name, losses in LOSSES.items() if published_rule(losses)] == [
        "it stays",
        "it falls by less than it scatters",
    ]


@pytest.mark.parametrize(("decade", "restarts"), [(10, 0), (1, 1)])
def test_what_stalls_is_drawn_anew_in_a_tenth_epoch_alone(decade, restarts, monkeypatch):
    """An iNALU that begins with products of numbers around 9 is off by thousands, and its losses scatter."""
    monkeypatch.setattr(in_turns, "FEWEST", 0)
    monkeypatch.setattr(in_turns, "DECADE", decade)
    task = tasks.minimal_arithmetic("a * b")
    task = task._replace(lanes=jax.tree.map(lambda leaf: leaf[:1], task.lanes), inside=task.beyond)
    network = networks.network(nalu.CELLS["inalu_shared"](1), 2)
    start, advance = in_turns.steps_of(network, task, RECIPE, 8, epoch=50, steps=200, **ONE_LANE)
    trained = jax.jit(lambda each: advance(each, 100))(start(jax.random.key(3)))
    assert trained.optimiser.restarts.tolist() == [restarts]
    assert trained.optimiser.since.tolist() == [2 * restarts], "what was lost before counts no more"
    sizes = np.abs(np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(trained.params)]))
    near_its_start = bool(np.abs(np.asarray(trained.params["params"]["w_hat_inalu"]) - 1).max() < 0.6)
    assert (sizes < 2).all()
    assert near_its_start == (restarts == 0)
