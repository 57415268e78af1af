"""The numbers from 0 to 999 in words, as section 4.3 writes them ("three hundred and thirty four"): splits, queries.

A query is what the networks are asked for Figure 3, word by word: the paper's, and some of ours. A running estimate is
sensible if it is the value of the words so far: 3, 300, 300, 330, 334.

Axes: N numbers, T words of a number at most, W words of the vocabulary.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Words = tuple[str, ...]

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
VOCABULARY = (*ONES, *TENS, "hundred", "and")
NUMBERS = 1000
LONGEST = 5  # words: "three hundred and thirty four"
ALWAYS_TRAINED = 20  # paper 4.3: 0 to 19
TRAINING, VALIDATION = 169, 200  # paper 4.3; the other 631 are for the test
UNSEEN = (80, 88, 334, 702)  # always for the test: the paper shows them in figure 3 as queries that were not trained


def in_words(number: int, conjunction: bool = True) -> Words:
    """Returns a number from 0 to 999 as words, with or without "and"."""
    hundreds, rest = divmod(number, 100)
    words: list[str] = []
    if hundreds:
        words += [ONES[hundreds], "hundred"] + (["and"] if rest and conjunction else [])
    if rest >= len(ONES):
        words.append(TENS[rest // 10 - 2])
        rest = rest % 10
        words += [ONES[rest]] if rest else []
    elif rest or not hundreds:
        words.append(ONES[rest])
    return tuple(words)


def encode(words: Words) -> np.ndarray:
    """Returns the places of words in the vocabulary `[T]`, with -1 after the last."""
    places = [VOCABULARY.index(word) for word in words]
    return np.array(places + [-1] * (LONGEST - len(places)), np.int32)


class Split(NamedTuple):
    """Which numbers are for what, each in rising order."""

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(seed: int) -> Split:
    """Returns a random split: 0 to 19 and others for training, drawn again until every word occurs in training."""
    generator = np.random.default_rng(seed)
    always = np.arange(ALWAYS_TRAINED)
    free = np.setdiff1d(np.arange(ALWAYS_TRAINED, NUMBERS), UNSEEN)
    while True:
        chosen, validation, rest = np.split(
            generator.permutation(free), np.cumsum([TRAINING - ALWAYS_TRAINED, VALIDATION])
        )
        training = np.sort(np.concatenate([always, chosen]))
        if {word for number in training for word in in_words(int(number))} == set(VOCABULARY):
            return Split(training, np.sort(validation), np.sort(np.concatenate([rest, UNSEEN])))


PAPER_QUERIES = (
    *(in_words(number) for number in (334, 702, 88)),
    ("twenty", "seven", "and", "eighty"),  # no number; the paper adds it up
)
QUERY_KINDS = {  # of ours: the first number from 500 on of each kind that no split trains or validates
    "a round hundred": lambda rest: rest == 0,
    "a digit after and": lambda rest: 0 < rest < 10,
    "a teen after and": lambda rest: 10 < rest < 20,
    "tens and a digit": lambda rest: rest > 20 and rest % 10 > 0,
}
QUERIES_FROM = 500


def queries(splits: Sequence[int]) -> tuple[Words, ...]:
    """Returns the queries, all of them unseen in each of these splits."""
    unseen = set(range(NUMBERS)).intersection(*(map(int, split(seed).test) for seed in splits))
    ours = []
    for kind in QUERY_KINDS.values():
        fitting = [number for number in sorted(unseen) if number >= QUERIES_FROM and kind(number % 100)]
        ours += [in_words(number) for number in fitting[:1]]
    return (*PAPER_QUERIES, *(words for words in ours if words not in PAPER_QUERIES))


def value(words: Words) -> int:
    """Returns what words are worth, added up; "and" is worth nothing, and what stands before "hundred" counts so often.

    This is the truth of a number, of its beginnings, and of additive expressions.
    """
    total = 0
    for word in words:
        if word == "hundred":
            total *= 100
        elif word in ONES:
            total += ONES.index(word)
        elif word in TENS:
            total += 10 * (TENS.index(word) + 2)
    return total
