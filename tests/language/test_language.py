"""Number words: networks, training and report against NumPy and cases by hand, and what is never supervised.

Axes: S seeds, E evaluations, L lanes, U output units, D splits, N numbers, Q queries, T and V words, H hidden units.
"""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from experiments.language import language_search, language_to_numbers, networks, recipes, report, training
from experiments.language.training import Settings
from experiments.language.trie import build, of_numbers
from experiments.language.words import ONES, PAPER_QUERIES, TENS, VOCABULARY, encode, in_words, queries, split, value
from experiments.lib import places, suite
from experiments.lib.errors import UserError
from experiments.lib.report.figures import drawing
from experiments.lib.store.records import Finished
from experiments.lib.training import optimisers

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

EPS, EXPONENT = 1e-5, 12.0
ADDED_UP = ("twenty", "seven", "and", "eighty")
WORDS = (*(in_words(number) for number in (0, 7, 20, 88, 115, 300, 334, 702, 999)), ADDED_UP)
WORTH = {word: float(value((word,))) for word in VOCABULARY}


def encoded(sequences):
    return np.stack([encode(words) for words in sequences])


def drawn_params(module, seed=0):
    """Returns parameters by hand: an initialisation would take seconds to compile."""
    shapes = jax.eval_shape(lambda key: networks.init(module, key), jax.random.key(0))
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes)


# The equations once more, in float64 and without JAX.


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gated(x_I, w_IO, g_O):
    m_O = np.exp(np.minimum(np.log(np.abs(x_I) + EPS) @ w_IO, EXPONENT))
    return g_O * (x_I @ w_IO) + (1 - g_O) * m_O


def lstm(params, c, h, x):
    def gate(name):
        return x @ params[f"i{name}"]["kernel"] + h @ params[f"h{name}"]["kernel"] + params[f"h{name}"]["bias"]

    c = sigmoid(gate("f")) * c + sigmoid(gate("i")) * np.tanh(gate("g"))
    return c, sigmoid(gate("o")) * np.tanh(c)


def read_out(params, h):
    if "kernel" in params:
        return (h @ params["kernel"] + params["bias"])[0]
    w = np.tanh(params["w_hat"]) * sigmoid(params["m_hat"])
    return gated(h, w, sigmoid(h @ params["g"]))[0] if "g" in params else (h @ w)[0]


def configured(params, h, answer, place):
    emitted = h @ params["controls"]["kernel"] + params["controls"]["bias"]
    w, inputs = np.tanh(emitted[:2]) * sigmoid(emitted[2:4]), np.array([answer, np.exp(params["log_values"][place])])
    return gated(inputs, w[:, None], sigmoid(emitted[4:]))[0] if len(emitted) > 4 else inputs @ w  # NALU, or NAC


def expected_answers(params, words):
    """Returns the answer after every word."""
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    c = h = np.zeros(len(params["lstm"]["hi"]["bias"]))
    answer, answers = 0.0, []
    for place in map(VOCABULARY.index, words):
        c, h = lstm(params["lstm"], c, h, params["embedding"]["embedding"][place])
        answer = read_out(params["read_out"], h) if "read_out" in params else configured(params, h, answer, place)
        answers.append(answer)
    return answers


@pytest.mark.parametrize("model", recipes.MODELS)
def test_answers_after_every_word_equal_the_equations_and_the_last_one_stands(model):
    module = networks.network(model, hidden=3, embedding=2)
    params = drawn_params(module)
    trie = jax.tree.map(lambda leaf: leaf[0], build([WORDS]))

    @jax.jit
    def both(params):
        return networks.running_answers(module, params, encoded(WORDS)), networks.answers(module, params, trie)

    running_NT, last_N = both(params)
    assert running_NT.shape == (len(WORDS), 5) and last_N.shape == (len(WORDS),)
    for n, words in enumerate(WORDS):
        expected = expected_answers(params, words)
        expected += [expected[-1]] * (5 - len(words))
        np.testing.assert_allclose(running_NT[n], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(last_N[n], expected[-1], rtol=1e-4, atol=1e-5)


# A controller by hand, which depends on the word alone: it adds the value of a word, and "hundred" multiplies.


SATURATED = 40.0  # tanh and sigmoid of it are 1 to the last bit of float32


def params_by_hand():
    """Gates of the LSTM are shut (forget) or open, so its state says which word there was last, and no more."""
    words = len(VOCABULARY)
    kernel, gates = np.zeros((words, words)), {"i": SATURATED, "f": -SATURATED, "o": SATURATED, "g": 0.0}
    layers = {}
    for name, bias in gates.items():
        layers[f"i{name}"] = {"kernel": SATURATED * np.eye(words) if name == "g" else kernel}
        layers[f"h{name}"] = {"kernel": kernel, "bias": np.full(words, bias)}
    controls_V5 = np.array(
        [[1, 0 if word == "and" else 1, 1, 1, -1 if word == "hundred" else 1] for word in VOCABULARY]
    )
    values_V = np.array([100.0 if word == "hundred" else WORTH[word] for word in VOCABULARY])
    params = {
        "embedding": {"embedding": np.eye(words)},
        "lstm": layers,
        "controls": {"kernel": SATURATED * controls_V5 / np.tanh(1), "bias": np.zeros(5)},
        "log_values": np.log(np.maximum(values_V, 1e-12)),
    }
    return jax.tree.map(jnp.float32, params)


def test_a_configured_nalu_by_hand_knows_every_number_and_every_beginning():
    cubes = ("nine", *["hundred"] * 4)
    sequences = [*map(in_words, range(1000)), ADDED_UP, cubes]
    module, words = networks.Configured(hidden=30, embedding=30), encoded(sequences)
    found_NT = jax.jit(lambda params: networks.running_answers(module, params, words))(params_by_hand())
    np.testing.assert_allclose(found_NT[334], [3, 300, 300, 330, 334], rtol=1e-4)
    np.testing.assert_allclose(found_NT[:1000, -1], np.arange(1000), rtol=1e-4, atol=1e-4)
    for words, found_T in zip(sequences[:1001], found_NT, strict=False):
        values = [value(words[:t]) for t in range(1, len(words) + 1)]
        np.testing.assert_allclose(found_T[: len(words)], values, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found_NT[1000], [20, 27, 27, 107, 107], rtol=1e-4)
    np.testing.assert_allclose(found_NT[1001, 1:], [900, 90_000, *[np.exp(EXPONENT)] * 2], rtol=1e-4)


# Training, by a network that answers with a number for the last word.


class Table(nn.Module):
    """Answers `table[word]`, whatever the words before."""

    hidden: int = 1

    @nn.compact
    def __call__(self, state, words_P):
        table_V = self.param("table", nn.initializers.constant(0.5), (len(VOCABULARY),))
        return networks.State(state.controller, table_V[words_P])


def last_words(numbers):
    return np.array([VOCABULARY.index(in_words(int(number))[-1]) for number in numbers])


def table_gradient(table_V, numbers, unit, leniency):
    """Returns the gradient of the training loss, and nothing of it for a word that ends no number."""
    last_N, gradient_V = last_words(numbers), np.zeros(len(VOCABULARY))
    for number, place in zip(numbers, last_N, strict=True):
        gradient_V[place] += unit * np.sign(unit * table_V[place] - number) / (number + 1.0) ** leniency / len(numbers)
    return gradient_V


@pytest.mark.parametrize("seed", [1, 2])
def test_only_the_answer_after_the_last_word_is_supervised(seed):
    numbers = split(seed).training
    trie = jax.tree.map(lambda leaf: leaf[0], of_numbers([numbers]))

    def loss(params):
        return jnp.abs(networks.answers(Table(), params, trie) - jnp.asarray(numbers)).mean()

    table_V = np.full(len(VOCABULARY), 0.5, np.float32)
    gradient_V = np.asarray(jax.jit(jax.grad(loss))({"table": table_V})["table"])
    ends = set(last_words(numbers).tolist())
    assert VOCABULARY.index("and") not in ends and len(ends) >= 20
    assert all((gradient_V[place] != 0) == (place in ends) for place in range(len(VOCABULARY)))
    np.testing.assert_allclose(gradient_V, table_gradient(table_V, numbers, 1.0, 0.0), rtol=1e-4)


SPLITS, TABLE_UNITS, STEPS = (1, 2), (1.0, 1000.0), 4
TABLE_SETTINGS = Settings(
    learning_rate=np.float32([0.01, 8.0, 0.02, 0.03]),  # steps over numbers change gradients
    decay=np.float32([100.0] * 4),  # of no parameter of this network
    recurrent_decay=np.float32([100.0] * 4),
    read_out_decay=np.float32([0.0, 0.01, 2.0, 3.0]),
    leniency=np.float32([0.0, 1.5, 0.5, 0.0]),
)


@pytest.fixture(scope="module")
def trained_table():
    """The table's words, the task, its parameters `[L, V]` at the start, and state and metrics after each leg."""
    asked = queries(SPLITS)
    task = training.task([split(seed) for seed in SPLITS], asked)
    train = training.make_train(
        Table(),
        task,
        units=TABLE_UNITS,
        settings=lambda _: Settings(*map(jnp.asarray, TABLE_SETTINGS)),
        steps=STEPS,
        evaluations=2,
    )
    state = jax.jit(train.init)(jax.random.key(0), *train.data)
    np.testing.assert_array_equal(state.training.params["table"], 0.5)
    noise_LV = np.random.default_rng(3).normal(scale=0.3, size=(4, len(VOCABULARY)))
    table_LV = (np.array([WORTH[word] + 100 for word in VOCABULARY]) + noise_LV) / np.repeat(TABLE_UNITS, 2)[:, None]
    table_LV = table_LV.astype(np.float32)
    state = state._replace(training=state.training._replace(params={"table": jnp.asarray(table_LV)}))
    leg, after = jax.jit(train.leg), []
    for _ in range(train.legs):
        state, metrics = leg(state, *train.data)
        after.append(jax.device_get((state.training.params["table"], metrics)))
    return types.SimpleNamespace(queries=asked, start_LV=table_LV, after=after, train=train)


def adam_by_hand(table_V, numbers, unit, settings, steps):
    """Clip, Adam, decoupled decay that falls from 15 % of the steps on, and a rate along half a cosine."""
    table_V = table_V.astype(np.float64)
    m_V = v_V = np.zeros(len(table_V))
    for step in range(steps):
        g_V = table_gradient(table_V, numbers, unit, settings.leniency)
        g_V /= max(1.0, np.linalg.norm(g_V))
        m_V, v_V = 0.9 * m_V + 0.1 * g_V, 0.999 * v_V + 0.001 * g_V**2
        update_V = m_V / (1 - 0.9 ** (step + 1)) / (np.sqrt(v_V / (1 - 0.999 ** (step + 1))) + 1e-8)
        update_V += settings.read_out_decay * min(1.0, (1 - step / STEPS) / 0.85) * table_V
        table_V = table_V - settings.learning_rate * 0.5 * (1 + np.cos(np.pi * step / STEPS)) * update_V
    return table_V


def test_each_lane_is_trained_with_its_own_unit_split_and_settings(trained_table):
    """In float64 NumPy, one lane after the other, halfway and at the end."""
    for half, (table_LV, _) in enumerate(trained_table.after, 1):
        for lane in range(4):
            numbers, unit = split(SPLITS[lane % 2]).training, TABLE_UNITS[lane // 2]
            own = Settings(*(values_L[lane] for values_L in TABLE_SETTINGS))
            expected_V = adam_by_hand(trained_table.start_LV[lane], numbers, unit, own, half * STEPS // 2)
            np.testing.assert_allclose(table_LV[lane], expected_V, rtol=1e-4, atol=2e-5)
    place = VOCABULARY.index("and")
    without_decay = trained_table.after[-1][0][0]
    assert without_decay[place] == trained_table.start_LV[0, place], "nothing ever taught 'and'"
    assert (without_decay != trained_table.start_LV[0]).sum() >= 20


def test_metrics_are_those_that_numpy_computes_from_the_answers(trained_table):
    for table_LV, metrics in trained_table.after:
        for lane in range(4):
            u, d = divmod(lane, 2)
            answers_V = TABLE_UNITS[u] * table_LV[lane].astype(np.float64)
            for part, numbers in split(SPLITS[d])._asdict().items():
                off_N = np.abs(answers_V[last_words(numbers)] - numbers)
                np.testing.assert_allclose(metrics[part][u, d], off_N.mean(), rtol=1e-4)
                if part == "test":
                    assert (off_N < 0.5).mean() > (0.03 if lane == 0 else -1), "some are right"
                    np.testing.assert_allclose(metrics["exact"][u, d], 100 * (off_N < 0.5).mean(), rtol=1e-4)
            for words, found_T in zip(trained_table.queries, metrics["queries"][u, d], strict=True):
                expected = [answers_V[VOCABULARY.index(word)] for word in words]
                np.testing.assert_allclose(found_T, expected + [expected[-1]] * (5 - len(words)), rtol=1e-5)
            assert metrics["nonfinite_steps"][u, d] == 0
            for name, values_L in TABLE_SETTINGS._asdict().items():
                assert metrics[name][u, d] == values_L[lane]
    assert trained_table.train.network_steps == 2 * 4 and trained_table.train.legs == 2
    assert set(trained_table.train.last) == {"queries", *Settings._fields}


def test_measure_by_hand():
    """Four numbers and a query, two splits; 2.4 rounds to 2, 3.5 and -0.6 to other numbers than theirs."""
    numbers_N2 = [[9.0, 0.25], [9.0, 1.0], [9.0, 2.4], [9.0, 3.5]]
    running_UDNT = np.array([[[*numbers_N2, [5.0, 6.0]], [[0.0, -0.6], *numbers_N2[1:], [7.0, 8.0]]]], np.float32)
    parts_D3N = np.zeros((2, 3, 4), np.float32)
    parts_D3N[0, 0, 1] = parts_D3N[0, 1, 3] = 1
    parts_D3N[0, 2, [0, 2]] = 1
    parts_D3N[1, 0, [0, 1]] = parts_D3N[1, 1, 2] = parts_D3N[1, 2, 3] = 1
    measured = training.measure(jnp.asarray(running_UDNT), jnp.asarray(parts_D3N))
    np.testing.assert_allclose(measured["training"], [[0, 0.3]], atol=1e-6)
    np.testing.assert_allclose(measured["validation"], [[0.5, 0.4]], rtol=1e-6)
    np.testing.assert_allclose(measured["test"], [[0.325, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(measured["exact"], [[100, 0]])
    np.testing.assert_array_equal(measured["queries"], [[[[5, 6]], [[7, 8]]]])


def test_parts_of_the_task_share_no_number_and_leave_none_out():
    splits = [split(seed) for seed in SPLITS]
    task = training.task(splits, [ADDED_UP])
    np.testing.assert_array_equal(task.parts_D3N.sum(axis=1), np.ones((2, 1000)))
    np.testing.assert_array_equal(task.parts_D3N.sum(axis=2), [[169, 200, 631]] * 2)
    for d, parts in enumerate(splits):
        np.testing.assert_array_equal(task.targets_DN[d], parts.training)
        for p, part in enumerate(parts):
            np.testing.assert_array_equal(np.flatnonzero(task.parts_D3N[d, p]), part)
    assert task.words_NT.shape == (1001, 5)
    said = [tuple(VOCABULARY[place] for place in words_T if place >= 0) for words_T in task.words_NT]
    assert said == [*map(in_words, range(1000)), ADDED_UP]


# Lanes of a whole network.


@pytest.fixture(scope="module")
def configured_lanes():
    """A configured NALU on two splits: two lanes together, and a program of one lane for either.

    Decays are so large that a single step tells them apart.
    """
    module = networks.Configured(hidden=2, embedding=2)
    task = training.task([split(seed) for seed in SPLITS], ())
    settings = Settings(*map(np.float32, ([0.02, 0.05], [4.0, 2.0], [7.0, 1.0], [3.0, 6.0], [0.5, 0.0])))
    one = lambda tree, lane: jax.tree.map(lambda leaf: leaf[lane : lane + 1], tree)  # noqa: E731
    tasks = [task, *(task._replace(**{n: one(getattr(task, n), d) for n in task._fields[:3]}) for d in range(2))]

    def legs(train, state, data):
        """Returns parameters and metrics after each of two legs of one step."""
        after = [(state.training.params, None)]
        for _ in range(2):
            state, metrics = train(state, data)
            after.append((state.training.params, metrics))
        return jax.device_get(after)

    def compiled(task):
        train = training.make_train(
            module,
            task,
            units=[1000.0],
            settings=lambda _: Settings(*map(jnp.asarray, settings)),
            steps=2,
            evaluations=2,
        )
        return train, jax.jit(train.leg)

    train, leg = compiled(tasks[0])
    state = jax.jit(train.init)(jax.random.key(0), *train.data)
    _, leg_alone = compiled(tasks[1])
    own = lambda lane: jax.tree.map(lambda leaf: leaf[lane : lane + 1] if leaf.ndim else leaf, state)  # noqa: E731
    return types.SimpleNamespace(
        settings=settings,
        together=legs(leg, state, tasks[0]),
        alone=[legs(leg_alone, own(lane), tasks[1 + lane]) for lane in range(2)],
    )


def test_lanes_with_other_settings_and_splits_are_those_trained_alone(configured_lanes):
    for moment in range(3):
        together, metrics = configured_lanes.together[moment]
        for lane in range(2):
            alone, its_metrics = configured_lanes.alone[lane][moment]
            pairs = zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True)
            for whole, single in pairs:
                np.testing.assert_allclose(whole[lane], single[0], rtol=1e-4, atol=1e-6)
            for name in (*report.PARTS, *Settings._fields) if moment else ():
                np.testing.assert_allclose(metrics[name][0, lane], its_metrics[name][0, 0], rtol=1e-4)
    before, after = (configured_lanes.together[moment][0]["log_values"] for moment in (0, 2))
    assert not np.allclose(before[0], before[1]) and not np.allclose(before, after)


def test_each_layer_decays_at_its_own_rate_and_biases_not_at_all(configured_lanes):
    """Adam's first update is 1 in size wherever there is a gradient; what is over is decay."""
    (before, _), (after, _) = configured_lanes.together[:2]
    settings, sizes = configured_lanes.settings, []
    for (path, old), new in zip(jax.tree_util.tree_leaves_with_path(before), jax.tree.leaves(after), strict=True):
        names = [entry.key for entry in path]
        if names[-1] in ("bias", "log_values"):
            rates_L = np.zeros(2)
        elif names[0] == "lstm":
            rates_L = settings.recurrent_decay if names[1] in ("hi", "hf", "hg", "ho") else settings.decay
        else:
            rates_L = {"embedding": settings.decay, "controls": settings.read_out_decay}[names[0]]
        for lane in range(2):
            update = (old[lane] - new[lane]) / settings.learning_rate[lane]
            sizes += np.abs(update - rates_L[lane] * old[lane]).ravel().tolist()
    sizes = np.array(sizes)
    assert sizes.max() < 1.01
    assert (sizes > 0.99).mean() > 0.9, "hardly any gradient is zero"


def test_scaled_multiplies_each_lane_by_its_factor():
    transform = optimisers.scaled(jnp.array([2.0, -0.5]))
    updates = {"a": jnp.array([3.0, 4.0]), "b": jnp.array([[[1.0, 2.0]], [[6.0, 8.0]]])}
    found, _ = transform.update(updates, transform.init(updates), updates)
    np.testing.assert_array_equal(found["a"], [6, -2])
    np.testing.assert_array_equal(found["b"], [[[2, 4]], [[-3, -4]]])


def test_decayed_adds_the_share_of_each_lane_s_rate_to_all_but_what_does_not_decay():
    def rates(path):
        return None if path == ("layer", "bias") else jnp.array([0.5, 2.0])

    transform = optimisers.decayed(rates, lambda step: 1.0 - 0.25 * step)
    params = {"layer": {"bias": jnp.array([7.0, 8.0]), "kernel": jnp.array([[10.0, -20.0], [30.0, 1.0]])}}
    updates = jax.tree.map(jnp.ones_like, params)
    state = transform.init(params)
    for expected in ([[6, -9], [61, 3]], [[4.75, -6.5], [46, 2.5]], [[3.5, -4], [31, 2]]):
        found, state = transform.update(updates, state, params)
        np.testing.assert_array_equal(found["layer"]["kernel"], expected)
        np.testing.assert_array_equal(found["layer"]["bias"], [1, 1])


# Queries


@pytest.mark.parametrize("splits", [(1, 2, 3), (0,), (1001, 1002, 1003)])
def test_queries_are_in_no_split_s_training_or_validation(splits):
    asked = queries(splits)
    assert asked[:4] == PAPER_QUERIES and len(set(asked)) == len(asked) >= 7
    for seed in splits:
        parts = split(seed)
        for part in (parts.training, parts.validation):
            assert not set(asked) & {in_words(int(number)) for number in part}


def test_our_queries_are_the_first_numbers_of_their_kinds_from_500_on():
    """A round hundred, a digit after "and", a teen, and tens with a digit."""
    unseen = set.intersection(*(set(split(seed).test.tolist()) for seed in (1, 2, 3)))
    kinds = {"digit": ONES[1:10], "teen": ONES[11:]}
    first = {}
    for number in sorted(unseen):
        words = in_words(number)
        (kind,) = [kind for kind, ends in kinds.items() if len(words) == 4 and words[-1] in ends] or [len(words)]
        if number >= 500 and words[-1] != "ten" and not (len(words) == 4 and words[-1] in TENS):
            first.setdefault(kind, words)
    expected = [first[kind] for kind in (2, "digit", "teen", 5) if kind in first]
    assert queries((1, 2, 3))[4:] == tuple(words for words in expected if words not in PAPER_QUERIES)


def test_the_value_of_words_is_the_number_of_every_number_and_adds_up_what_is_none():
    assert [value(in_words(number)) for number in range(1000)] == list(range(1000))
    beginnings = [("three", "hundred", "and", "thirty", "four")[:t] for t in range(1, 6)]
    assert [value(words) for words in beginnings] == [3, 300, 300, 330, 334]
    assert value(ADDED_UP) == 107
    assert value(("twenty", "seven", "and")) == 27


# The search for settings


def test_draws_stay_in_their_ranges_differ_by_unit_and_repeat_over_splits():
    draw = jax.jit(language_search.draw, static_argnums=(1, 2))
    drawn, again, other = (jax.device_get(draw(jax.random.key(key), 400, 3)) for key in (1, 1, 2))
    jax.tree.map(np.testing.assert_array_equal, drawn, again)
    by_unit = {name: values_L.reshape(400, 3) for name, values_L in drawn._asdict().items()}
    for name, values_UD in by_unit.items():
        assert values_UD.dtype == np.float32
        np.testing.assert_array_equal(values_UD, np.repeat(values_UD[:, :1], 3, axis=1))
        assert (values_UD != getattr(other, name).reshape(400, 3)).any()
    ranges = {
        "learning_rate": (0.003, 0.06),
        "decay": (0.03, 1.5),
        "recurrent_decay": (0.03, 3.0),
        "read_out_decay": (0.003, 0.3),
    }
    places_XU = []
    for name, (low, high) in ranges.items():
        values_U = by_unit[name][:, 0].astype(np.float64)
        places_U = (np.log(values_U) - np.log(low)) / (np.log(high) - np.log(low))
        assert len(set(values_U)) > 390 and places_U.min() >= -1e-6 and places_U.max() <= 1 + 1e-6
        counts = np.histogram(places_U, bins=4, range=(-0.01, 1.01))[0]
        assert abs(counts - 100).max() < 45, "even by the logarithm"
        places_XU.append(places_U)
    assert abs(np.corrcoef(places_XU) - np.eye(4)).max() < 0.25, "each on its own"
    leniencies, counts = np.unique(by_unit["leniency"], return_counts=True)
    assert leniencies.tolist() == [0, 0.5] and abs(counts / 3 - 200).max() < 60


def finished(variant, arrays, experiment="language_to_numbers"):
    return Finished(experiment, variant, arrays, "abc", {"device": "cpu", "profile": "full"})


def searched(model="nac"):
    """Three draws, two units and two splits: errors by hand, and settings that say which draw they are of."""
    validation_SEUD = np.float32([[[[4, 9], [2, 2]]], [[[1, 16], [1, np.nan]]], [[[5, 5], [1, np.inf]]]])
    arrays = {"validation": validation_SEUD, "nonfinite_steps": np.zeros((3, 1, 2, 2), np.int32)}
    arrays["nonfinite_steps"][0, 0, 0, 1] = 2
    for place, name in enumerate(Settings._fields):
        arrays[name] = np.broadcast_to(np.float32([10, 20, 30])[:, None, None, None] + place, (3, 1, 2, 2))
        arrays[name] = arrays[name] + np.float32([0, 0.5])[:, None]
    return finished({"model": model}, arrays, "language_search")


def test_the_error_of_a_draw_is_the_geometric_mean_over_splits_and_infinite_if_it_diverged():
    np.testing.assert_allclose(language_search.errors(searched()), [[6, 2], [4, np.inf], [5, np.inf]], rtol=1e-6)


def test_table_3_uses_what_the_published_search_found():
    """In two digits, for every row and unit the draw with the least error."""
    (search,) = suite.experiments("table3_search", "full")
    found = {}
    for run in search.results(places.PUBLISHED):
        for u, unit in enumerate(search.config.units):
            best = language_search.errors(run)[:, u].argmin()
            values = (run.arrays[name][best, -1, u, 0] for name in recipes.Recipe._fields)
            found[run.variant["model"], unit] = tuple(float(f"{setting:.2g}") for setting in values)
    assert found == {key: tuple(recipe) for key, recipe in recipes.RECIPES.items()}


def test_the_search_shows_the_draw_of_the_least_error():
    cfg = language_search.Config(seeds=3, units=("1", "1000"), splits=(1001, 1002), models=("nac",))
    (table,) = language_search.tables(cfg, [searched()])
    lines = {(line.block, line.column): line for line in table.quantities}
    assert len(lines) == 2 * 6 and {line.row for line in table.quantities} == {"LSTM + NAC"}
    for place, name in enumerate(Settings._fields):
        for unit, shift, best, diverged in (("1", 0, 1, 1), ("1000", 0.5, 0, 0)):
            line = lines[f"in units of {unit}", name.replace("_", " ")]
            assert line.selected == best and line.diverged == diverged
            assert line.values_S.tolist() == [10 + place + shift, 20 + place + shift, 30 + place + shift]
    assert lines["in units of 1000", language_search.ERROR].diverged == 2
    assert language_search.tables(cfg, []) == []


# The report


REPORTED = language_to_numbers.Config(seeds=4, units=("1", "1000"), splits=SPLITS, steps=4, evaluations=2)


def reported(model, seed):
    """Random errors of four seeds; the least validation error of the first evaluation and of training mislead."""
    rng = np.random.default_rng(seed)
    asked = len(queries(SPLITS))
    arrays = {
        name: rng.permuted(np.arange(1.0, 33).reshape(4, 2, 2, 2)).astype(np.float32)
        for name in (*report.PARTS, "exact")
    }
    arrays["queries"] = rng.uniform(0, 999, (4, 1, 2, 2, asked, 5)).astype(np.float32)
    arrays["nonfinite_steps"] = np.zeros((4, 2, 2, 2), np.int32)
    arrays["nonfinite_steps"][1, 1, 0, 0] = 3
    return finished({"model": model}, arrays)


RUNS = {model: reported(model, seed) for seed, model in enumerate(recipes.MODELS)}


def lines_of(table):
    return {(line.block, line.row, line.column, line.metric): line for line in table.quantities}


@pytest.mark.parametrize("model", recipes.MODELS)
def test_table_3_has_the_last_errors_and_the_seed_of_the_least_validation_error(model):
    first, _ = language_to_numbers.tables(REPORTED, list(RUNS.values()))
    lines, arrays, row = lines_of(first), RUNS[model].arrays, recipes.MODELS[model]
    assert first.artefact == "table3"
    assert first.rows == (*recipes.MODELS.values(), "configured NALU (restarts)", "configured NAC (restarts)")
    assert first.blocks == ("in units of 1", "in units of 1000")
    for u, unit in enumerate(REPORTED.units):
        columns = [(part, part, 0) for part in report.PARTS] + [("test, split 2", "test", 1)]
        for column, part, d in columns:
            line = lines[f"in units of {unit}", row, column, "mean absolute error"]
            assert line.values_S.tolist() == arrays[part][:, 1, u, d].tolist()
            assert line.selected == arrays["validation"][:, 1, u, d].argmin()
            assert line.selected_by == "validation error"
            assert line.diverged == (1 if (u, d) == (0, 0) else 0)
            assert line.threshold == (pytest.approx(0.415) if part == "test" else None), "the paper prints 0.41"
            if part == "test":
                line = lines[f"in units of {unit}", row, column, "exact answers %"]
                assert line.values_S.tolist() == arrays["exact"][:, 1, u, d].tolist() and line.higher_is_better
    assert len(lines) == len(first.rows) * 2 * 6


def test_of_four_starts_the_one_of_least_validation_error_counts_whatever_its_test():
    cfg, run = dataclasses.replace(REPORTED, seeds=9), RUNS["configured"]
    arrays = {name: np.concatenate([array, array[::-1], array[:1]]) for name, array in run.arrays.items()}
    arrays["validation"][4:8, 1] = [[[7, 7], [7, np.nan]], [[8, 3], [9, 9]], [[2, 9], [8, 8]], [[9, 9], [3, 2]]]
    arrays["test"][:, 1, 0, 0] = np.arange(9.0, 0.0, -1.0)
    first, _ = language_to_numbers.tables(cfg, [finished({"model": "configured"}, arrays)])
    lines = lines_of(first)
    chosen = [int(arrays["validation"][:4, 1, 0, 0].argmin()), 6]
    line = lines["in units of 1", "configured NALU (restarts)", "test", "mean absolute error"]
    assert line.values_S.tolist() == [9.0 - chosen[0], 3.0], "the ninth seed has no three others"
    assert line.selected == arrays["validation"][chosen, 1, 0, 0].argmin()
    second = lines["in units of 1000", "configured NALU (restarts)", "test, split 2", "mean absolute error"]
    assert second.values_S[1] == arrays["test"][7, 1, 1, 1]
    assert lines["in units of 1", "configured NALU", "test", "mean absolute error"].values_S.size == 9


def test_a_seed_whose_validation_error_is_no_number_is_never_selected():
    arrays = {name: array.copy() for name, array in RUNS["nalu"].arrays.items()}
    before = int(arrays["validation"][:, 1, 0, 0].argmin())
    arrays["validation"][before, 1, 0, 0] = np.nan
    first, _ = language_to_numbers.tables(REPORTED, [finished({"model": "nalu"}, arrays)])
    line = lines_of(first)["in units of 1", "LSTM + NALU", "validation", "mean absolute error"]
    assert line.selected == np.nanargmin(arrays["validation"][:, 1, 0, 0]) != before
    assert line.diverged == len({1, before})


def best_unit(run):
    """Returns the unit in which the best seed of the first split validates best."""
    return int(run.arrays["validation"][:, 1, :, 0].min(axis=0).argmin())


def with_best_unit(u):
    """Returns a run of the NALU of which one unit validates best, but the other in the first split's median."""
    arrays = {name: array.copy() for name, array in RUNS["nalu"].arrays.items()}
    arrays["validation"][2, 1, u, 0] = 0.5
    arrays["validation"][2, 1, 1 - u, 1] = 0.25
    arrays["validation"][2, 0, 1 - u, 0] = 0.25
    arrays["test"][:, 1, 1 - u, 0] = 0.1
    return finished({"model": "nalu"}, arrays)


@pytest.mark.parametrize("u", [0, 1])
def test_figure_3_is_of_the_unit_with_the_least_best_validation_error_and_of_its_selected_seed(u):
    run, asked = with_best_unit(u), queries(SPLITS)
    _, second = language_to_numbers.tables(REPORTED, [run])
    lines = lines_of(second)
    order = [int(column.partition(":")[0]) for column in second.columns]
    assert order == sorted(order)  # the words of every query in their order
    place = asked.index(("three", "hundred", "and", "thirty", "four"))
    answers_ST = run.arrays["queries"][:, 0, u, 0, place]
    for t, (column, truth) in enumerate(
        {"1: three": 3, "2: hundred": 300, "3: and": 300, "4: thirty": 330, "5: four": 334}.items()
    ):
        line = lines["three hundred and thirty four", "LSTM + NALU", column, "prediction"]
        assert line.values_S.tolist() == answers_ST[:, t].tolist()
        assert line.selected == 2
        line = lines["three hundred and thirty four", "LSTM + NALU", column, "off the words' value"]
        np.testing.assert_allclose(line.values_S, np.abs(answers_ST[:, t] - np.float64(truth)), rtol=1e-5)
    figure = language_to_numbers.figures(REPORTED, [run])[0]
    panel = {panel.title: panel for panel in figure.panels}["three hundred and thirty four"]
    curves = {(curve.label, curve.style): curve for curve in panel.curves}
    ours = curves["LSTM + NALU", "ours"]
    assert ours.y.tolist() == answers_ST[2].tolist()
    np.testing.assert_allclose(ours.low, np.quantile(answers_ST, 0.1, axis=0), rtol=1e-5)
    np.testing.assert_allclose(ours.high, np.quantile(answers_ST, 0.9, axis=0), rtol=1e-5)
    assert curves["value of the words so far", "truth"].y.tolist() == [3, 300, 300, 330, 334]
    assert curves["LSTM + NALU", "paper"].y.tolist() == [3.05, 299.9, 301.3, 330.1, 334]
    assert [panel.title for panel in figure.panels] == [" ".join(words) for words in asked]


def test_figure_3_is_not_of_a_unit_in_which_every_seed_diverged():
    arrays = {name: array.copy() for name, array in RUNS["nalu"].arrays.items()}
    arrays["validation"][:, 1, 0, 0] = np.nan
    run = finished({"model": "nalu"}, arrays)
    _, second = language_to_numbers.tables(REPORTED, [run])
    line = lines_of(second)["eighty eight", "LSTM + NALU", "1: eighty", "prediction"]
    place = queries(SPLITS).index(("eighty", "eight"))
    assert line.values_S.tolist() == arrays["queries"][:, 0, 1, 0, place, 0].tolist()


def test_the_errors_of_all_seeds_are_sorted_and_those_that_diverged_are_last():
    arrays = {name: array.copy() for name, array in RUNS["nalu"].arrays.items()}
    arrays["test"][:, 1, 1, 0] = [3, np.nan, 1, np.inf]
    figure = language_to_numbers.figures(REPORTED, [finished({"model": "nalu"}, arrays)])[1]
    assert figure.name == "table3_seeds"
    panels = {panel.title: panel for panel in figure.panels}
    assert len(panels) == 4
    (curve,) = panels["in units of 1000, split 1"].curves
    assert curve.x.tolist() == [25, 50, 75, 100] and curve.y.tolist() == [1, 3, np.inf, np.inf]
    lines = drawing.draw(figure)["csv"].decode().splitlines()
    assert '"in units of 1000, split 1",LSTM + NALU,ours,50.0,3.0,,' in lines


def test_half_finished_stores_are_reported():
    assert language_to_numbers.tables(REPORTED, []) == language_to_numbers.figures(REPORTED, []) == []
    for model in ("linear", "nac"):  # Figure 3 has neither
        (table,) = language_to_numbers.tables(REPORTED, [RUNS[model]])
        assert {line.row for line in table.quantities} == {recipes.MODELS[model]}
        assert table.rows == tuple(recipes.MODELS.values()), "missing rows stay empty"
        assert [figure.name for figure in language_to_numbers.figures(REPORTED, [RUNS[model]])] == ["table3_seeds"]
    tables = language_to_numbers.tables(REPORTED, [RUNS["configured"], RUNS["linear"]])
    assert [table.artefact for table in tables] == ["table3", "figure3"]
    assert {line.row for line in tables[1].quantities} == {"configured NALU"}
    figures = language_to_numbers.figures(REPORTED, [RUNS["configured"], RUNS["linear"]])
    assert [figure.name for figure in figures] == ["figure3", "table3_seeds"]
    text = drawing.draw(figures[0])["csv"].decode()
    assert "three hundred and thirty four,value of the words so far,truth,4.0,330.0,," in text.splitlines()


# Settings


@pytest.mark.parametrize("module", [language_to_numbers, language_search], ids=["table3", "search"])
@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"splits": ()}, "splits is empty"),
        ({"splits": (1, 2, 1)}, "splits names something twice"),
        ({"splits": (1, -2)}, "splits is -2, but must be finite and not negative"),
        ({"units": ("1", "100")}, "units has no '100'"),
        ({"units": ()}, "units is empty"),
        ({"units": ("1", "1")}, "units names something twice"),
        ({"models": ("gru",)}, "models has no 'gru'"),
        ({"hidden": 0}, "hidden is 0"),
        ({"embedding": -1}, "embedding is -1"),
        ({"root": -1}, "root is -1"),
    ],
)
def test_a_bad_setting_is_said_in_one_sentence(module, values, says):
    says_in_one_sentence(module.Config, values, says)


def test_evaluations_that_do_not_divide_the_steps_are_said_in_one_sentence():
    says_in_one_sentence(language_to_numbers.Config, {"steps": 10, "evaluations": 4}, "evaluations = 4 does not divide")


def says_in_one_sentence(config, values, says):
    with pytest.raises(UserError) as caught:
        dataclasses.replace(config(), **values)
    sentence = str(caught.value)
    assert says in sentence and sentence.endswith(".") and ". " not in sentence and "\n" not in sentence
    assert caught.value.status == 2
