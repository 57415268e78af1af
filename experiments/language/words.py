"""The numbers from 0 to 999 in words, as section 4.3 writes them ("three hundred and thirty four"), and their split.

Axes: N numbers, T words of a number at most, W words of the vocabulary.
"""

from typing import NamedTuple

import numpy as np

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


def in_words(number: int) -> tuple[str, ...]:
    """Returns a number from 0 to 999 as words."""
    hundreds, rest = divmod(number, 100)
    words: list[str] = []
    if hundreds:
        words += [ONES[hundreds], "hundred"] + (["and"] if rest else [])
    if rest >= len(ONES):
        words.append(TENS[rest // 10 - 2])
        rest = rest % 10
        words += [ONES[rest]] if rest else []
    elif rest or not hundreds:
        words.append(ONES[rest])
    return tuple(words)


def encode(words: tuple[str, ...]) -> np.ndarray:
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
