"""The number words against num2words, and their splits."""

import jax
import num2words
import numpy as np
import pytest

from experiments.language import trie as word_trie
from experiments.language import words as number_words


def test_every_number_is_written_as_in_english():
    for number in range(number_words.NUMBERS):
        written = num2words.num2words(number, lang="en_GB").replace("-", " ")
        assert " ".join(number_words.in_words(number)) == written


def test_the_paper_s_examples():
    assert number_words.in_words(334) == ("three", "hundred", "and", "thirty", "four")
    assert number_words.in_words(702) == ("seven", "hundred", "and", "two")
    assert number_words.in_words(88) == ("eighty", "eight")


def test_encoded_words_are_places_in_the_vocabulary_and_end_with_nothing():
    places = number_words.encode(number_words.in_words(120))
    assert [number_words.VOCABULARY[place] for place in places if place >= 0] == ["one", "hundred", "and", "twenty"]
    assert places.shape == (number_words.LONGEST,) and places[-1] == -1


@pytest.mark.parametrize("seed", range(5))
def test_a_split_parts_all_numbers_and_trains_every_word(seed):
    split = number_words.split(seed)
    assert tuple(map(len, split)) == (169, 200, 631)
    np.testing.assert_array_equal(np.sort(np.concatenate(split)), np.arange(1000))
    assert set(range(20)) <= set(split.training.tolist())
    words = {word for number in split.training for word in number_words.in_words(int(number))}
    assert words == set(number_words.VOCABULARY)


def test_splits_are_the_seed_s_own():
    again, other = number_words.split(0), number_words.split(1)
    np.testing.assert_array_equal(number_words.split(0).training, again.training)
    assert not np.array_equal(again.training, other.training)


def test_what_the_paper_shows_as_unseen_is_for_the_test():
    for seed in range(5):
        assert set(number_words.UNSEEN) <= set(number_words.split(seed).test.tolist())


def test_tries_give_every_number_the_state_that_its_words_alone_give():
    """Of several sets in one array, each with prefixes of its own."""
    numbers_L = [number_words.split(seed).training for seed in (3, 4)]
    tries = word_trie.of_numbers(numbers_L)
    generator = np.random.default_rng(0)
    weights, embedding = generator.normal(size=(2, 2)), generator.normal(size=(30, 2))

    def step(state, words):
        return {"h": np.tanh(state["h"] @ weights + embedding[words])}

    for lane, numbers in enumerate(numbers_L):
        trie = jax.tree.map(lambda leaf, lane=lane: leaf[lane], tries)
        states = word_trie.run(trie, {"h": np.zeros((1, 2))}, step)["h"]
        for number, end in zip(numbers, trie.ends, strict=True):
            h = np.zeros((1, 2))
            for word in number_words.in_words(int(number)):
                h = np.tanh(h @ weights + embedding[number_words.VOCABULARY.index(word)])
            np.testing.assert_allclose(states[end], h[0], rtol=1e-5, atol=1e-6)


def test_each_common_beginning_is_run_once():
    trie = word_trie.of_numbers([[5, 500, 515]])
    assert [len(words[0]) for words in trie.words] == [1, 1, 1, 1, 0]
