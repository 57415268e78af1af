"""The study of readings beside Table 3: what a reading changes, and how far from the paper it is said to be."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.language import language_readings, networks, training, words
from experiments.lib.store.records import Finished

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

PAPER = {"linear": (0.003, 29.9, 29.4), "nac": (80.0, 114.1, 114.3), "nalu": (0.12, 0.39, 0.41)}
CFG = language_readings.Config(readings=("A", "E"), steps=4, evaluations=2)


def finished(letter, model, errors_3S):
    arrays = {
        name: np.float32(errors_S)[:, None, None, None]
        for name, errors_S in zip(language_readings.PARTS, errors_3S, strict=True)
    }
    arrays["nonfinite_steps"] = np.zeros((len(errors_3S[0]), 1, 1, 1), np.int32)
    variant = {"reading": letter, "model": model, **language_readings.READINGS[letter]._asdict()}
    return Finished("language_readings", variant, arrays, "0", {"device": "cpu", "profile": "smoke"})


def test_the_paper_s_own_numbers_fit_and_ten_times_as_much_is_a_decade_away():
    runs = [finished("A", model, [[error, 10 * error + 0.045] for error in errors]) for model, errors in PAPER.items()]
    (table,) = language_readings.tables(CFG, runs)
    lines = {(line.block, line.column): line for line in table.quantities}
    for column in ("all nine", "LSTM", "LSTM + NAC", "LSTM + NALU"):
        np.testing.assert_allclose(lines["fit", column].values_S, [0, 1], atol=1e-5)
    line = lines["errors", "LSTM + NALU, test (paper 0.41)"]
    assert line.threshold == pytest.approx(0.415) and lines["errors", "LSTM, test (paper 29.4)"].threshold is None


def test_a_seed_without_a_number_is_infinitely_far_and_a_reading_without_all_rows_has_no_whole_fit():
    runs = [finished("E", "nac", [[80.0, np.nan], [114.1, 114.1], [114.3, np.inf]])]
    (table,) = language_readings.tables(CFG, runs)
    lines = {(line.block, line.column): line for line in table.quantities}
    np.testing.assert_allclose(lines["fit", "LSTM + NAC"].values_S, [0, np.inf], atol=1e-6)
    assert ("fit", "all nine") not in lines and language_readings.tables(CFG, []) == []


def test_every_reading_has_a_row_of_its_own_that_says_what_it_changes():
    rows = list(map(language_readings.row_of, language_readings.READINGS))
    assert len(set(rows)) == len(rows) == len(set(language_readings.READINGS.values()))
    assert "E: without 'and'" in rows and "C: unit 1000" in rows


def test_without_and_no_number_has_one():
    assert words.in_words(334) == ("three", "hundred", "and", "thirty", "four")
    assert words.in_words(334, conjunction=False) == ("three", "hundred", "thirty", "four")
    task = training.task([words.split(1)], (), conjunction=False)
    assert (task.words_NT != words.VOCABULARY.index("and")).all()
    assert all((level != words.VOCABULARY.index("and")).all() for level in task.training.words)


@pytest.mark.parametrize("squared", [False, True])
def test_a_step_goes_down_the_gradient_of_the_loss_that_is_named(squared):
    """One step of plain gradient descent, clipped to a norm of 1, against the gradient of the equation."""
    module = networks.network("linear", hidden=2, embedding=3)
    task = training.task([words.split(1)], ())
    settings = training.Settings(*(jnp.array([value]) for value in (0.1, 0.0, 0.0, 0.0, 0.0)))
    kwargs = {"units": [1.0], "settings": lambda _: settings, "steps": 1, "evaluations": 1, "cosine": False}
    train = training.make_train(module, task, squared=squared, scaling=optax.identity(), **kwargs)
    before = jax.jit(train.init)(jax.random.key(1), task)
    after, _ = jax.jit(train.leg)(before, task)
    params = jax.tree.map(lambda leaf: leaf[0], before.training.params)
    words_NT, targets_N = task.words_NT[np.asarray(task.targets_DN[0], int)], task.targets_DN[0]

    def loss(params):
        off_N = networks.running_answers(module, params, words_NT)[:, -1] - targets_N
        return jnp.mean(off_N**2 if squared else jnp.abs(off_N))

    gradient = jax.jit(jax.grad(loss))(params)
    norm = float(optax.tree.norm(gradient))
    expected = jax.tree.map(lambda leaf, slope: leaf - 0.1 * slope / max(norm, 1.0), params, gradient)
    moved = jax.tree.map(lambda leaf: leaf[0], after.training.params)
    jax.tree.map(lambda one, two: np.testing.assert_allclose(one, two, rtol=2e-3, atol=1e-5), moved, expected)
