"""Runs a network over many word sequences at once, each common beginning once: 169 numbers share 258 prefixes.

The answer to a sequence is what the network makes of its last word, and the states after all earlier words are there,
too. The arrays of several sets of sequences have one size, so that they are lanes of one compiled program.

Axes: L sets of sequences, N sequences of each, P prefixes of one length, T words.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .words import LONGEST, VOCABULARY, Words, in_words


class Trie(NamedTuple):
    """All prefixes of some sequences, by length; unused places repeat the first prefix.

    Attributes:
      parents: for each length T, `[P]`: the place of a prefix less its last word among those of length T - 1.
      words: for each length T, `[P]`: the last word.
      ends: `[N]`: the place of each sequence among all prefixes, those of length 1 first.
    """

    parents: tuple[np.ndarray, ...]
    words: tuple[np.ndarray, ...]
    ends: np.ndarray


def of_numbers(numbers_L: Sequence[Sequence[int]], conjunction: bool = True) -> Trie:
    """Returns the tries of sets of numbers in words, with or without "and"; see `build`."""
    return build([[in_words(int(number), conjunction) for number in numbers] for numbers in numbers_L])


def build(sequences_L: Sequence[Sequence[Words]]) -> Trie:
    """Returns the tries of sets of as many sequences of words each, every leaf led by L."""
    levels_L = [_levels(sequences) for sequences in sequences_L]
    sizes = [max(map(len, levels)) for levels in zip(*levels_L, strict=True)]  # of each length, 0 included
    tries = [_trie(sequences, levels, sizes[1:]) for sequences, levels in zip(sequences_L, levels_L, strict=True)]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *tries)


def run(trie: Trie, start: Any, step: Callable[[Any, jax.Array], Any]) -> Any:
    """Returns the states after all prefixes, a pytree of `[prefixes, ...]`, those of one word first.

    Args:
      trie: of one set, without L.
      start: the state before the first word, a pytree of `[1, ...]`.
      step: (states [P, ...], words [P]) -> states [P, ...].
    """
    states = [start]
    for parents_P, words_P in zip(trie.parents, trie.words, strict=True):
        before = jax.tree.map(lambda leaf, places=parents_P: leaf[places], states[-1])
        states.append(step(before, words_P))
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *states[1:])


def _levels(sequences: Sequence[Words]) -> list[dict[Words, int]]:
    """Returns, for each length from 0, the prefixes and their places."""
    levels: list[dict[Words, int]] = []
    for length in range(LONGEST + 1):
        prefixes = sorted({words[:length] for words in sequences if len(words) >= length})
        levels.append({prefix: place for place, prefix in enumerate(prefixes)})
    return levels


def _trie(sequences: Sequence[Words], levels: list[dict[Words, int]], sizes: list[int]) -> Trie:
    starts = np.concatenate([[0], np.cumsum(sizes)])
    parents, words = [], []
    for shorter, level, size in zip(levels, levels[1:], sizes, strict=False):
        parents.append(_fill([shorter[prefix[:-1]] for prefix in level], size))
        words.append(_fill([VOCABULARY.index(prefix[-1]) for prefix in level], size))
    ends = [starts[len(sequence) - 1] + levels[len(sequence)][sequence] for sequence in sequences]
    return Trie(tuple(parents), tuple(words), np.array(ends, np.int32))


def _fill(places: list[int], size: int) -> np.ndarray:
    return np.array(places + [0] * (size - len(places)), np.int32)
