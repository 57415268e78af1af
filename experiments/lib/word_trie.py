"""Runs a network over many word sequences at once, each common beginning once: 169 numbers share 258 prefixes.

The answer to a number is what the network makes of its last word, and the states after all earlier words are there,
too. The arrays have one size whatever the numbers, so that every split is the same compiled program.

Axes: N numbers, P prefixes of one length, T words.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lib import number_words


class Trie(NamedTuple):
    """All prefixes of some numbers, by length; unused places repeat the first prefix.

    Attributes:
      parents: for each length T, `[P]`: the place of a prefix less its last word among those of length T - 1.
      words: for each length T, `[P]`: the last word.
      ends: `[N]`: the place of each number among all prefixes, those of length 1 first.
    """

    parents: tuple[np.ndarray, ...]
    words: tuple[np.ndarray, ...]
    ends: np.ndarray


def build(numbers: Sequence[int]) -> Trie:
    """Returns the trie of some numbers."""
    sequences = [number_words.in_words(int(number)) for number in numbers]
    levels: list[dict[tuple[str, ...], int]] = [{(): 0}]
    for length in range(1, number_words.LONGEST + 1):
        prefixes = sorted({words[:length] for words in sequences if len(words) >= length})
        levels.append({prefix: place for place, prefix in enumerate(prefixes)})
    sizes = [min(room, len(sequences)) for room in _ROOM]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    parents, words = [], []
    for shorter, level, size in zip(levels, levels[1:], sizes, strict=False):
        parents.append(_fill([shorter[prefix[:-1]] for prefix in level], size))
        words.append(_fill([number_words.VOCABULARY.index(prefix[-1]) for prefix in level], size))
    ends = [starts[len(sequence) - 1] + levels[len(sequence)][sequence] for sequence in sequences]
    return Trie(tuple(parents), tuple(words), np.array(ends, np.int32))


def run(trie: Trie, start: Any, step: Callable[[Any, jax.Array], Any]) -> Any:
    """Returns the states after all prefixes, a pytree of `[prefixes, ...]`, those of one word first.

    Args:
      start: the state before the first word, a pytree of `[1, ...]`.
      step: (states [P, ...], words [P]) -> states [P, ...].
    """
    states = [start]
    for parents_P, words_P in zip(trie.parents, trie.words, strict=True):
        before = jax.tree.map(lambda leaf, places=parents_P: leaf[places], states[-1])
        states.append(step(before, words_P))
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *states[1:])


def _fill(places: list[int], size: int) -> np.ndarray:
    return np.array(places + [0] * (size - len(places)), np.int32)


def _room() -> tuple[int, ...]:
    every = [number_words.in_words(number) for number in range(number_words.NUMBERS)]
    lengths = range(1, number_words.LONGEST + 1)
    return tuple(len({words[:length] for words in every if len(words) >= length}) for length in lengths)


_ROOM = _room()  # prefixes of each length among all numbers
