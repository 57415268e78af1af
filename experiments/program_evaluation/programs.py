"""The little programs of section 4.4, after Zaremba and Sutskever (2014): additions, and programs with if, + and -.

    addition    = integer, "+", integer, END ;
    program     = head, [ term, [ term ] ], END ;
    head        = integer | conditional ;
    conditional = integer, "if", integer, ( "<" | ">" ), integer, "else", integer ;
    term        = ( "+" | "-" ), integer ;

The terms are added to the value of the whole head, so Python would need parentheses around a conditional; the networks
are given none. An integer, of any size, is one symbol with a value beside it; PAD fills the steps before a program.
The paper has if, + and -, and whole integers at a step; the grammar is ours, a simple one out of theirs.

Axes: T steps of a program.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..lib.errors import usage_error

SYMBOLS = ("PAD", "integer", "if", "else", "<", ">", "+", "-", "END")
PAD, INTEGER, IF, ELSE, LESS, GREATER, PLUS, MINUS, END = range(len(SYMBOLS))
ADDITION_STEPS, PROGRAM_STEPS = 4, 12  # T; an addition always fills its steps
CONDITIONAL = 0.75  # share of the programs with an if; ours
TRAINING_DIGITS = 2  # paper 4.4
MOST_DIGITS = 6  # the answer is at most three integers added up, and float32 holds every integer below 2**24


class Program(NamedTuple):
    """A program and its exact answer."""

    symbols_T: jax.Array  # int32, places in SYMBOLS
    values_T: jax.Array  # float32, 0 where no integer is
    answer: jax.Array  # float32, an integer


def _layout(text: str, steps: int) -> np.ndarray:
    symbols = [SYMBOLS.index(word) for word in [*text.split(), "END"]]
    return np.array([PAD] * (steps - len(symbols)) + symbols, np.int32)


HEADS = ("integer", "integer if integer < integer else integer")
TERMS = ("", " + integer", " + integer + integer")
ADDITION_T = _layout("integer + integer", ADDITION_STEPS)
PROGRAMS_23T = np.array([[_layout(head + terms, PROGRAM_STEPS) for terms in TERMS] for head in HEADS])


def integers_of(digits: int) -> tuple[int, int]:
    """Returns the range of the integers in programs of so many digits: the lowest, and one above the highest.

    Two digits, for training and for the test beside it, are all of [0, 100), as in the paper. The sets for
    extrapolation have integers of exactly so many digits, none of which is in the training range.

    Raises:
      UserError: there are fewer digits than in training, or so many that float32 could not hold the answer.
    """
    if not TRAINING_DIGITS <= digits <= MOST_DIGITS:
        raise usage_error(f"Programs have integers of {TRAINING_DIGITS} to {MOST_DIGITS} digits, not of {digits}.")
    return (0 if digits == TRAINING_DIGITS else 10 ** (digits - 1)), 10**digits


def addition(key: jax.Array, low: int, high: int) -> Program:
    """Returns the sum of two integers, independent and uniform in [low, high)."""
    return _with_integers(key, jnp.asarray(ADDITION_T), low, high)


def program(key: jax.Array, low: int, high: int) -> Program:
    """Returns a program, its integers independent and uniform in [low, high).

    It has an if with probability `CONDITIONAL`; none, one and two terms are equally likely, and so are `<` and `>`, and
    + and -.
    """
    key_head, key_terms, key_signs, key_integers = jax.random.split(key, 4)
    head = jax.random.bernoulli(key_head, CONDITIONAL).astype(jnp.int32)
    terms = jax.random.randint(key_terms, (), 0, len(TERMS))
    layout_T = jnp.asarray(PROGRAMS_23T)[head, terms]
    other_T = jax.random.bernoulli(key_signs, shape=layout_T.shape)  # of the two symbols that may stand at a step
    symbols_T = jnp.where(other_T & (layout_T == LESS), GREATER, layout_T)
    symbols_T = jnp.where(other_T & (layout_T == PLUS), MINUS, symbols_T)
    return _with_integers(key_integers, symbols_T, low, high)


LANGUAGES = {"addition": addition, "program": program}


def _with_integers(key: jax.Array, symbols_T: jax.Array, low: int, high: int) -> Program:
    integers_T = jax.random.randint(key, symbols_T.shape, low, high)
    values_T = jnp.where(symbols_T == INTEGER, integers_T, 0).astype(jnp.float32)
    return Program(symbols_T, values_T, evaluate(symbols_T, values_T).astype(jnp.float32))


def evaluate(symbols_T: jax.Array, values_T: jax.Array) -> jax.Array:
    """Returns the exact value of an addition or a program, int32: what an integer does is said by the symbol before it.

    Args:
      symbols_T: places in `SYMBOLS`.
      values_T: the integers, below 2**24 in magnitude where they are float32; 0 where no integer is.
    """
    before_T = jnp.concatenate([jnp.full(1, PAD), symbols_T[:-1]])
    integers_T = values_T.astype(jnp.int32)

    def after(symbol: int) -> jax.Array:
        return jnp.where(before_T == symbol, integers_T, 0).sum()

    left, right = after(IF), after(LESS) + after(GREATER)
    holds = jnp.where((symbols_T == LESS).any(), left < right, left > right)
    head = jnp.where((symbols_T == IF).any() & ~holds, after(ELSE), after(PAD))
    return head + after(PLUS) - after(MINUS)


def print_program(symbols_T: np.ndarray, values_T: np.ndarray) -> str:
    """Returns the program as an expression in Python, like `(31 if 5 < 7 else 12) + 90 - 4`."""
    words = [
        str(int(value)) if symbol == INTEGER else SYMBOLS[symbol]
        for symbol, value in zip(np.asarray(symbols_T).tolist(), np.asarray(values_T).tolist(), strict=True)
        if symbol not in (PAD, END)
    ]
    if "else" not in words:
        return " ".join(words)
    end = words.index("else") + 2
    return " ".join([f"({' '.join(words[:end])})", *words[end:]])
