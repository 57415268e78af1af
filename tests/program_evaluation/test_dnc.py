"""The Differentiable Neural Computer computes the equations of Graves et al. 2016, and learns.

Axes: B batch, T time, S seeds, I inputs, and those of `dnc`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from experiments.program_evaluation import dnc
from experiments.program_evaluation.dnc import Dnc
from tests.drawn import draw_parameters

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

SLOTS, WIDTH, READS = 5, 4, 2
CELL = Dnc(features=3, hidden=6, slots=SLOTS, width=WIDTH, reads=READS)
apply = jax.jit(CELL.apply)
parse = jax.jit(dnc.parse_interface, static_argnums=(1, 2))
link, precedence, step = map(jax.jit, (dnc.link, dnc.precedence, dnc.step))


def draw(seed, *shape, scale=1.0):
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(np.float32)


def one_hot(*indices, slots=SLOTS):
    return np.eye(slots, dtype=np.float32)[np.array(indices)]


def interface(**changes):
    """Returns an interface that does nothing: it writes nothing, frees nothing and reads by content."""
    sizes = jax.device_get(parse(np.zeros(dnc.interface_size(WIDTH, READS), np.float32), WIDTH, READS))
    idle = sizes._replace(write_gate=np.float32(0), free_R=np.zeros(READS, np.float32), modes_R3=one_hot(1, 1, slots=3))
    return idle._replace(**changes)


# The equations once more, in float64, with the paper's indices and without JAX.


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()


def expected_oneplus(z):
    return 1 + np.log(1 + np.exp(z))


def expected_content(contents, key, strength):
    def norm(v):
        return np.sqrt((v**2).sum() + dnc.EPS)

    return softmax(np.array([strength * (row @ key) / (norm(row) * norm(key)) for row in contents]))


def expected_allocation(usage):
    """Sorts, as the paper does."""
    a, product = np.zeros(len(usage)), 1.0
    for slot in np.argsort(usage, kind="stable"):
        a[slot] = (1 - usage[slot]) * product
        product *= usage[slot]
    return a


def expected_step(memory, xi):
    n, w, r = SLOTS, WIDTH, READS
    contents, usage, precedence, link, write, read = (np.asarray(leaf, np.float64) for leaf in memory)
    part = iter(np.split(xi, np.cumsum([w] * r + [1] * r + [w, 1, w, w] + [1] * r + [1, 1] + [3] * r))[:-1])
    keys = [next(part) for _ in range(r)]
    strengths = [expected_oneplus(next(part)[0]) for _ in range(r)]
    write_key, write_strength = next(part), expected_oneplus(next(part)[0])
    erase, word = sigmoid(next(part)), next(part)
    free = [sigmoid(next(part)[0]) for _ in range(r)]
    allocation_gate, write_gate = sigmoid(next(part)[0]), sigmoid(next(part)[0])
    modes = [softmax(next(part)) for _ in range(r)]

    retention = np.ones(n)
    for i in range(r):
        retention *= 1 - free[i] * read[i]
    usage = (usage + write - usage * write) * retention
    content = expected_content(contents, write_key, write_strength)
    write = write_gate * (allocation_gate * expected_allocation(usage) + (1 - allocation_gate) * content)
    contents = contents * (1 - np.outer(write, erase)) + np.outer(write, word)
    new_link = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                new_link[i, j] = (1 - write[i] - write[j]) * link[i, j] + write[i] * precedence[j]
    precedence = (1 - write.sum()) * precedence + write
    new_read = np.zeros((r, n))
    for i in range(r):
        backward, forward = new_link.T @ read[i], new_link @ read[i]
        content = expected_content(contents, keys[i], strengths[i])
        new_read[i] = modes[i][0] * backward + modes[i][1] * content + modes[i][2] * forward
    words = np.stack([contents.T @ new_read[i] for i in range(r)])
    return dnc.Memory(contents, usage, precedence, new_link, write, new_read), words


def expected_lstm(params, c, h, x):
    def gate(name):
        kernel_x, kernel_h = params[f"i{name}"]["kernel"], params[f"h{name}"]["kernel"]
        return x @ kernel_x + h @ kernel_h + params[f"h{name}"]["bias"]

    c = sigmoid(gate("f")) * c + sigmoid(gate("i")) * np.tanh(gate("g"))
    return c, sigmoid(gate("o")) * np.tanh(c)


def assert_memories_equal(actual, expected, **tolerance):
    for name in expected._fields:
        np.testing.assert_allclose(getattr(actual, name), getattr(expected, name), err_msg=name, **tolerance)


def rollout(seed, steps, scale):
    """Returns the memory after every step, from empty, under random interfaces."""
    xi_TX = draw(seed, steps, dnc.interface_size(WIDTH, READS), scale=scale)
    return xi_TX, *jax.device_get(roll(xi_TX))


@jax.jit
def roll(xi_TX):
    def step(memory, xi_X):
        memory, words_RW = dnc.step(memory, dnc.parse_interface(xi_X, WIDTH, READS))
        return memory, (memory, words_RW)

    return jax.lax.scan(step, dnc.empty(SLOTS, WIDTH, READS), xi_TX)[1]


@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_steps_of_the_memory_equal_the_equations(scale):
    xi_TX, memories, words_TRW = rollout(0, 12, scale)
    expected = dnc.empty(SLOTS, WIDTH, READS)
    for t, xi_X in enumerate(np.asarray(xi_TX, np.float64)):
        expected, words_RW = expected_step(expected, xi_X)
        tolerance = {"rtol": 1e-3, "atol": 2e-5}  # float32 against float64, over twelve steps
        assert_memories_equal(jax.tree.map(lambda leaf, t=t: leaf[t], memories), expected, **tolerance)
        np.testing.assert_allclose(words_TRW[t], words_RW, **tolerance)


def test_a_step_of_the_cell_equals_the_equations():
    x_BI = jnp.asarray(draw(1, 3, 2))
    state = CELL.initialize_carry(jax.random.key(0), x_BI.shape)
    variables = draw_parameters(CELL, state, x_BI, scale=0.7)
    for _ in range(3):  # so that the step under test does not start from zeros
        state, _ = apply(variables, state, x_BI)
    actual, y_BO = apply(variables, state, x_BI[::-1])

    params, old, x64_BI = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), (variables, state, x_BI[::-1]))
    params = params["params"]
    for item in range(3):
        c, h, *_ = (leaf[item] for leaf in old.controller)
        c, h = expected_lstm(params["controller"], c, h, np.concatenate([x64_BI[item], old.words[item].ravel()]))
        memory = jax.tree.map(lambda leaf, item=item: leaf[item], old.memory)
        memory, words_RW = expected_step(memory, h @ params["interface"]["kernel"])
        y = np.concatenate([h, words_RW.ravel()]) @ params["output"]["kernel"]
        np.testing.assert_allclose(y_BO[item], y, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(actual.words[item], words_RW, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(actual.controller[0][item], c, rtol=1e-4, atol=1e-5)
        assert_memories_equal(jax.tree.map(lambda leaf, i=item: leaf[i], actual.memory), memory, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_weightings_stay_weightings(scale):
    _, memories, words_TRW = rollout(3, 200, scale)
    rounding = 1e-5
    weightings = [memories.write_N, memories.precedence_N, memories.read_RN, memories.link_NN]
    weightings.append(memories.link_NN.swapaxes(1, 2))  # rows and columns
    for weighting in weightings:
        assert (weighting >= -rounding).all()
        assert (weighting.sum(axis=-1) <= 1 + rounding).all()
    assert (memories.usage_N >= 0).all() and (memories.usage_N <= 1).all()
    np.testing.assert_array_equal(np.diagonal(memories.link_NN, axis1=1, axis2=2), 0)
    assert np.isfinite(words_TRW).all()


def test_the_interface_is_cut_in_order_and_squashed():
    size = dnc.interface_size(WIDTH, READS)
    assert size == 4 * 2 + 3 * 4 + 5 * 2 + 3
    parsed = parse(np.arange(size, dtype=np.float32) - 16, WIDTH, READS)
    np.testing.assert_array_equal(parsed.read_keys_RW, [[-16, -15, -14, -13], [-12, -11, -10, -9]])
    np.testing.assert_allclose(parsed.read_strengths_R, expected_oneplus(np.array([-8.0, -7.0])), rtol=1e-6)
    np.testing.assert_array_equal(parsed.write_key_W, [-6, -5, -4, -3])
    np.testing.assert_allclose(parsed.write_strength, expected_oneplus(-2.0), rtol=1e-6)
    np.testing.assert_allclose(parsed.erase_W, sigmoid(np.array([-1.0, 0.0, 1.0, 2.0])), rtol=1e-6)
    np.testing.assert_array_equal(parsed.word_W, [3, 4, 5, 6])
    np.testing.assert_allclose(parsed.free_R, sigmoid(np.array([7.0, 8.0])), rtol=1e-6)
    gates = [parsed.allocation_gate, parsed.write_gate]
    np.testing.assert_allclose(gates, sigmoid(np.array([9.0, 10.0])), rtol=1e-6)
    np.testing.assert_allclose(parsed.modes_R3, [softmax(np.arange(3.0))] * 2, rtol=1e-6)
    np.testing.assert_allclose(parsed.modes_R3.sum(axis=1), 1, rtol=1e-6)


# Each part on its own, by hand.


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ([0.9, 0.1, 0.5], [0.005, 0.9, 0.05]),  # 0.9, then 0.5 * 0.1, then 0.1 * 0.1 * 0.5
        ([0.0, 0.0, 0.0], [1, 0, 0]),
        ([1.0, 0.5, 0.5], [0, 0.5, 0.25]),
        ([1.0, 1.0, 1.0], [0, 0, 0]),
        ([1.0, 0.0, 1.0], [0, 1, 0]),
    ],
)
def test_allocation_takes_the_least_used_slot_first(usage, expected):
    np.testing.assert_allclose(dnc.allocation(jnp.array(usage)), expected, rtol=1e-5)
    np.testing.assert_allclose(expected_allocation(np.array(usage)), expected, rtol=1e-12)


def test_allocation_equals_the_sort_and_is_the_same_under_vmap():
    usage_BN = np.random.default_rng(4).integers(0, 5, (40, 7)) / np.float32(4)  # with ties, zeros and ones
    expected_BN = [expected_allocation(usage_N.astype(np.float64)) for usage_N in usage_BN]
    np.testing.assert_allclose(jax.jit(jax.vmap(dnc.allocation))(usage_BN), expected_BN, rtol=1e-5, atol=1e-7)
    gradient_BN = jax.jit(jax.vmap(jax.grad(lambda usage_N: jnp.square(dnc.allocation(usage_N)).sum())))(usage_BN)
    assert np.isfinite(gradient_BN).all()


def test_usage_grows_by_writing_and_goes_where_a_head_frees_what_it_read():
    memory = dnc.empty(SLOTS, WIDTH, READS)
    memory = memory._replace(
        usage_N=jnp.array([0.0, 0.5, 1.0, 1.0, 0.4]),
        write_N=jnp.array([0.25, 0.5, 0.0, 0.0, 0.0]),
        read_RN=jnp.array([[0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5, 0.5]]),
    )
    for free_R, expected_N in [
        ([0.0, 0.0], [0.25, 0.75, 1.0, 1.0, 0.4]),
        ([1.0, 0.0], [0.25, 0.75, 0.0, 1.0, 0.4]),
        ([0.5, 1.0], [0.25, 0.75, 0.5, 0.5, 0.2]),
    ]:
        np.testing.assert_allclose(dnc.usage(memory, jnp.array(free_R)), expected_N, rtol=1e-6)


def test_content_picks_the_row_like_the_key_whatever_its_length():
    weightings, strengths_K = jax.jit(dnc.content_weightings), np.full(2, 200, np.float32)
    contents_NW = draw(5, SLOTS, WIDTH) * np.float32([0.1, 1.0, 10.0, 1.0, 1.0])[:, None]
    keys_KW = np.stack([contents_NW[2] / 7, 3 * contents_NW[0]])
    weightings_KN = weightings(contents_NW, keys_KW, strengths_K)
    np.testing.assert_allclose(weightings_KN, one_hot(2, 0), atol=1e-3)
    nothing_KN = weightings(np.zeros_like(contents_NW), keys_KW, strengths_K)
    np.testing.assert_allclose(nothing_KN, 1 / SLOTS, rtol=1e-6)


def test_a_write_erases_and_adds_where_it_points():
    contents_NW = jnp.asarray(draw(6, SLOTS, WIDTH))
    erase_W, word_W = jnp.array([1.0, 1.0, 0.0, 0.5]), jnp.array([7.0, 0.0, 7.0, 7.0])
    written_NW = dnc.written(contents_NW, one_hot(3)[0], erase_W, word_W)
    row_W = np.asarray(contents_NW[3])
    np.testing.assert_allclose(written_NW[3], [7.0, 0.0, row_W[2] + 7, row_W[3] / 2 + 7], rtol=1e-6)
    np.testing.assert_array_equal(np.delete(written_NW, 3, axis=0), np.delete(contents_NW, 3, axis=0))


def test_heads_walk_the_slots_in_the_order_of_writing_and_back():
    order = [3, 0, 4]
    link_NN, precedence_N = np.zeros((SLOTS, SLOTS), np.float32), np.zeros(SLOTS, np.float32)
    for write_N in [*one_hot(*order), np.zeros(SLOTS, np.float32)]:  # writing nothing keeps the order
        link_NN = link(link_NN, precedence_N, write_N)
        precedence_N = precedence(precedence_N, write_N)
    np.testing.assert_array_equal(precedence_N, one_hot(order[-1])[0])
    assert {(int(i), int(j)) for i, j in np.argwhere(link_NN)} == {(0, 3), (4, 0)}

    read_RN, read = one_hot(order[0], order[-1]), jax.jit(dnc.read_weightings)
    empty_NW = np.zeros((SLOTS, WIDTH), np.float32)
    onward = interface(modes_R3=one_hot(2, 0, slots=3))  # the first head forward, the second backward
    for expected_R in zip(order[1:], order[-2::-1], strict=True):
        read_RN = read(empty_NW, link_NN, read_RN, onward)
        np.testing.assert_array_equal(read_RN, one_hot(*expected_R))
    past_RN = read(empty_NW, link_NN, read_RN, onward)
    np.testing.assert_array_equal(past_RN, 0)


def test_writing_by_allocation_fills_slot_after_slot_and_a_closed_gate_writes_nothing():
    memory = dnc.empty(SLOTS, WIDTH, READS)
    words_TW = draw(7, 3, WIDTH)
    gates = {"allocation_gate": np.float32(1), "erase_W": np.ones(WIDTH, np.float32)}
    for word_W in words_TW:
        to_write = interface(word_W=word_W, write_gate=np.float32(1), **gates)
        memory, _ = step(memory, to_write)
    np.testing.assert_array_equal(memory.contents_NW[:3], words_TW)
    idle, _ = step(memory, interface(word_W=np.ones(WIDTH, np.float32), **gates))
    np.testing.assert_array_equal(idle.contents_NW, memory.contents_NW)
    np.testing.assert_array_equal(idle.link_NN, memory.link_NN)


# The cell under scan, vmap and jit, and its gradients.


def network(cell=CELL):
    return nn.RNN(cell, time_major=True)


@pytest.fixture(scope="module")
def seeds():
    x_TBI = draw(8, 6, 4, 2)
    each = [draw_parameters(network(), x_TBI, seed=seed, scale=0.5) for seed in range(3)]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *each), x_TBI


def seed_of(variables_S, seed):
    return jax.tree.map(lambda leaf: leaf[seed], variables_S)


def test_jit_and_vmap_equal_neither(seeds):
    variables_S, x_TBI = seeds
    y_STBO = jax.jit(jax.vmap(network().apply, in_axes=(0, None)))(variables_S, x_TBI)
    assert y_STBO.shape == (3, 6, 4, 3)
    for seed in range(3):
        state = CELL.initialize_carry(jax.random.key(0), x_TBI.shape[1:])
        params = {"params": seed_of(variables_S, seed)["params"]["cell"]}
        for t in range(6):
            state, y_BO = apply(params, state, x_TBI[t])
            np.testing.assert_allclose(y_STBO[seed, t], y_BO, rtol=1e-4, atol=1e-5)


def test_a_batch_is_its_items_one_by_one(seeds):
    variables_S, x_TBI = seeds
    variables = seed_of(variables_S, 0)
    over_time = jax.jit(network().apply)
    y_TBO = over_time(variables, x_TBI)
    for item in range(4):
        np.testing.assert_allclose(over_time(variables, x_TBI[:, item]), y_TBO[:, item], rtol=1e-4, atol=1e-5)
    folded = over_time(variables, x_TBI.reshape(6, 2, 2, 2))
    np.testing.assert_allclose(folded.reshape(6, 4, 3), y_TBO, rtol=1e-4, atol=1e-5)


def test_values_and_gradients_are_finite_from_the_first_step_to_the_fiftieth(seeds):
    """Of all steps' outputs together, so that none of them can be anything else."""
    x_TBI = draw(9, 50, 4, 2)
    x_TBI[:, 0] = 0

    @jax.jit
    def loss_and_gradients(variables, x_TBI):
        def loss(variables, x_TBI):
            return jnp.square(network().apply(variables, x_TBI)).sum()

        return jax.value_and_grad(loss, argnums=(0, 1))(variables, x_TBI)

    for scale in (0.0, 1.0, 20.0):
        variables = jax.tree.map(lambda leaf, scale=scale: scale * leaf, seed_of(seeds[0], 0))
        loss, gradients = loss_and_gradients(variables, x_TBI)
        assert np.isfinite(loss)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


def test_it_learns_to_copy_three_words_of_four_bits():
    """The words come one a step; then the cell is told to repeat them, with nothing else to see."""
    bits, length, batch = 4, 3, 32
    copier = network(Dnc(features=bits, hidden=24, slots=6, width=6, reads=1))
    adam = optax.adam(1e-2)

    def loss(variables, key):
        words_TBW = jax.random.bernoulli(key, shape=(length, batch, bits)).astype(jnp.float32)
        silence = jnp.zeros_like(words_TBW)
        told_TB1 = jnp.concatenate([silence, silence + 1])[:, :, :1]
        x_TBI = jnp.concatenate([jnp.concatenate([words_TBW, silence]), told_TB1], axis=-1)
        logits_TBW = copier.apply(variables, x_TBI)[length:]
        return optax.sigmoid_binary_cross_entropy(logits_TBW, words_TBW).mean()

    def step(state, key):
        variables, optimiser = state
        value, gradients = jax.value_and_grad(loss)(variables, key)
        updates, optimiser = adam.update(gradients, optimiser)
        return (optax.apply_updates(variables, updates), optimiser), value

    @jax.jit
    def losses(key):
        variables = copier.init(key, jnp.zeros((1, 1, bits + 1)))
        keys_T = jax.random.split(jax.random.key(4), 500)
        return jax.lax.scan(step, (variables, adam.init(variables)), keys_T)[1]

    losses_T = losses(jax.random.key(3))
    assert abs(losses_T[0] - np.log(2)) < 0.05, "a coin's loss at the start"
    assert np.median(losses_T[-50:]) < 0.05
