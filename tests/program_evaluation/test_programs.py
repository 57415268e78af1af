"""Little programs: Python itself evaluates what is printed, and the draws are what the grammar and the paper say.

Axes: N programs, T steps, K kinds of a program (with if, number of terms).
"""

import re
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.lib.errors import UserError
from experiments.program_evaluation.programs import (
    END,
    INTEGER,
    LANGUAGES,
    PAD,
    SYMBOLS,
    TRAINING_DIGITS,
    evaluate,
    integers_of,
    print_program,
)

N = 2000
EVALUATED = 500  # of them, by Python
DIGITS = (2, 3, 4, 5, 6)
SPANS = {2: (0, 99), 3: (100, 999), 4: (1000, 9999), 5: (10_000, 99_999), 6: (100_000, 999_999)}  # both inclusive
GRAMMARS = {
    "addition": r"\d+ \+ \d+",
    "program": r"(\d+|\(\d+ if \d+ [<>] \d+ else \d+\))( [+-] \d+){0,2}",
}

TRACED = Counter()


def counted(language):
    def draw(key, low, high):
        TRACED[language] += 1
        return LANGUAGES[language](key, low, high)

    return draw


DRAW_N = {name: jax.jit(jax.vmap(counted(name), in_axes=(0, None, None))) for name in LANGUAGES}


@pytest.fixture(scope="module")
def drawn():
    """Many programs of each language and number of digits."""
    keys_N = jax.random.split(jax.random.key(1), N)
    return {
        (name, digits): jax.device_get(draw_N(keys_N, *integers_of(digits)))
        for name, draw_N in DRAW_N.items()
        for digits in DIGITS
    }


every_set = pytest.mark.parametrize(("language", "digits"), [(name, digits) for name in LANGUAGES for digits in DIGITS])


def printed(programs, number=EVALUATED):
    return [
        print_program(symbols_T, values_T)
        for symbols_T, values_T in zip(programs.symbols_T[:number], programs.values_T[:number], strict=True)
    ]


@every_set
def test_python_gives_the_same_answers(drawn, language, digits):
    programs = drawn[language, digits]
    assert [eval(text) for text in printed(programs)] == programs.answer[:EVALUATED].tolist()
    assert np.abs(programs.answer).max() < 2**24, "float32 holds every integer below"


@every_set
def test_every_program_is_of_the_grammar(drawn, language, digits):
    for text in printed(drawn[language, digits]):
        assert re.fullmatch(GRAMMARS[language], text), text


@every_set
def test_integers_have_the_digits_of_their_set_and_fill_its_range(drawn, language, digits):
    programs = drawn[language, digits]
    integers = programs.values_T[programs.symbols_T == INTEGER].astype(np.float64)
    lowest, highest = SPANS[digits]
    assert integers.min() >= lowest and integers.max() <= highest
    counts, _ = np.histogram(integers, bins=10, range=(lowest, highest + 1))
    np.testing.assert_allclose(counts / len(integers), 0.1, atol=5 * np.sqrt(0.1 * 0.9 / len(integers)))
    if digits == TRAINING_DIGITS:
        assert set(integers) == set(range(100)), "of three digits there is none"
    assert not programs.values_T[programs.symbols_T != INTEGER].any()


@every_set
def test_programs_stand_at_the_right_of_their_steps(drawn, language, digits):
    symbols_NT = drawn[language, digits].symbols_T
    assert symbols_NT.shape == (N, {"addition": 4, "program": 12}[language])
    assert (symbols_NT[:, -1] == END).all()
    assert ((symbols_NT == END).sum(axis=1) == 1).all()
    padded_NT = symbols_NT == PAD
    assert (np.diff(padded_NT.astype(int), axis=1) <= 0).all(), "nothing is padded once a program has begun"
    lengths = {"addition": {4}, "program": {2, 4, 6, 8, 10, 12}}  # a head of 1 or 7, terms of 2, and END
    assert set((~padded_NT).sum(axis=1)) == lengths[language]


def test_the_two_languages_use_all_symbols_and_an_addition_only_its_own(drawn):
    used = {name: {SYMBOLS[i] for i in np.unique(drawn[name, 2].symbols_T)} for name in DRAW_N}
    assert used == {"addition": {"integer", "+", "END"}, "program": set(SYMBOLS)}
    assert all(
        (drawn[name, 2].symbols_T.dtype, drawn[name, 2].values_T.dtype) == (np.int32, np.float32) for name in used
    )


def near(count, number, share):
    return abs(count / number - share) < 4 * np.sqrt(share * (1 - share) / number)


def test_three_programs_in_four_have_an_if_and_all_else_is_even(drawn):
    symbols_NT = drawn["program", 2].symbols_T

    def how_many(word):
        return (symbols_NT == SYMBOLS.index(word)).sum(axis=1)

    with_if_N, terms_N = how_many("if"), how_many("+") + how_many("-")
    assert near(with_if_N.sum(), N, 0.75)
    for terms in (0, 1, 2):
        assert near((terms_N == terms).sum(), N, 1 / 3)
        assert near(((terms_N == terms) & (with_if_N == 1)).sum(), N, 0.75 / 3), "independently"
    assert near(how_many("<").sum(), with_if_N.sum(), 1 / 2)
    assert near(how_many("+").sum(), terms_N.sum(), 1 / 2)
    two = terms_N == 2
    assert near((two & (how_many("+") == 1)).sum(), two.sum(), 1 / 2), "two terms have signs of their own"


def test_both_branches_are_taken_and_answers_may_be_negative(drawn):
    taken = [
        eval(text.partition("if ")[2].partition(" else")[0]) for text in printed(drawn["program", 4], N) if "if" in text
    ]
    assert near(sum(taken), len(taken), 1 / 2)
    assert (drawn["program", 2].answer < 0).any()


@pytest.mark.parametrize("language", DRAW_N)
def test_a_program_depends_on_its_key_alone(drawn, language):
    keys_N = jax.random.split(jax.random.key(1), N)
    alone = jax.jit(LANGUAGES[language])
    for i in (0, 1, N - 1):
        for one, many in zip(alone(keys_N[i], 100, 1000), drawn[language, 3], strict=True):
            np.testing.assert_array_equal(one, many[i])
    assert len(set(printed(drawn[language, 6]))) > 0.9 * EVALUATED


def test_another_key_or_another_number_of_digits_does_not_recompile(drawn):
    for draw_N in DRAW_N.values():
        draw_N(jax.random.split(jax.random.key(2), N), *integers_of(4))
    assert TRACED == {"addition": 1, "program": 1}


WORKED = {  # what is written, what Python is to be shown, and its value, worked by hand
    "7": ("7", 7),
    "40 + 60": ("40 + 60", 100),
    "0 - 99 - 99": ("0 - 99 - 99", -198),
    "31 if 5 < 7 else 12 + 90 - 4": ("(31 if 5 < 7 else 12) + 90 - 4", 117),
    "31 if 7 < 5 else 12 + 90 - 4": ("(31 if 7 < 5 else 12) + 90 - 4", 98),
    "31 if 5 > 7 else 12 - 20": ("(31 if 5 > 7 else 12) - 20", -8),
    "31 if 7 > 5 else 12 - 20": ("(31 if 7 > 5 else 12) - 20", 11),
    "31 if 6 < 6 else 12": ("(31 if 6 < 6 else 12)", 12),
    "31 if 6 > 6 else 12": ("(31 if 6 > 6 else 12)", 12),
    "999999 if 0 < 999998 else 0 + 999999 + 999999": ("(999999 if 0 < 999998 else 0) + 999999 + 999999", 2999997),
}


@pytest.mark.parametrize("written", WORKED)
def test_worked_by_hand(written):
    text, value = WORKED[written]
    words = ["PAD"] * (11 - len(written.split())) + [*written.split(), "END"]
    symbols_T = np.array([INTEGER if word.isdigit() else SYMBOLS.index(word) for word in words])
    values_T = np.array([int(word) if word.isdigit() else 0 for word in words], np.float32)
    assert print_program(symbols_T, values_T) == text
    assert evaluate(jnp.asarray(symbols_T), jnp.asarray(values_T)) == value == eval(text)


@pytest.mark.parametrize("digits", [1, 7])
def test_numbers_of_digits_that_cannot_be_had_are_refused(digits):
    with pytest.raises(UserError, match=f"2 to 6 digits, not of {digits}") as caught:
        integers_of(digits)
    assert caught.value.status == 2
