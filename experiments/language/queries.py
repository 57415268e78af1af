"""What the networks of section 4.3 are asked for Figure 3, word by word: the paper's queries, and some of ours.

A running estimate is sensible if it is the value of the words so far: 3, 300, 300, 330, 334.
"""

from collections.abc import Sequence

from . import words as number_words

Words = tuple[str, ...]

PAPER = (
    *(number_words.in_words(number) for number in (334, 702, 88)),
    ("twenty", "seven", "and", "eighty"),  # no number; the paper adds it up
)
KINDS = {  # of ours: the first number from 500 on of each kind that no split trains or validates
    "a round hundred": lambda rest: rest == 0,
    "a digit after and": lambda rest: 0 < rest < 10,
    "a teen after and": lambda rest: 10 < rest < 20,
    "tens and a digit": lambda rest: rest > 20 and rest % 10 > 0,
}
FROM = 500


def queries(splits: Sequence[int]) -> tuple[Words, ...]:
    """Returns the queries, all of them unseen in each of these splits."""
    unseen = set(range(number_words.NUMBERS)).intersection(
        *(map(int, number_words.split(seed).test) for seed in splits)
    )
    ours = []
    for kind in KINDS.values():
        fitting = [number for number in sorted(unseen) if number >= FROM and kind(number % 100)]
        ours += [number_words.in_words(number) for number in fitting[:1]]
    return (*PAPER, *(words for words in ours if words not in PAPER))


def value(words: Words) -> int:
    """Returns what words are worth, added up; "and" is worth nothing, and what stands before "hundred" counts so often.

    This is the truth of a number, of its beginnings, and of additive expressions.
    """
    total = 0
    for word in words:
        if word == "hundred":
            total *= 100
        elif word in number_words.ONES:
            total += number_words.ONES.index(word)
        elif word in number_words.TENS:
            total += 10 * (number_words.TENS.index(word) + 2)
    return total
