"""The number words against num2words, and their splits."""

import jax
import num2words
import numpy as np
import pytest

from experiments.language.trie import of_numbers, run
from experiments.language.words import LONGEST, NUMBERS, UNSEEN, VOCABULARY, encode, in_words, split


def test_every_number_is_written_as_in_english():
    for number in range(NUMBERS):
        written = num2words.num2words(number, lang="en_GB").replace("-", " ")
        assert " ".join(in_words(number)) == written


def test_the_paper_s_examples():
    assert in_words(334) == ("three", "hundred", "and", "thirty", "four")
    assert in_words(702) == ("seven", "hundred", "and", "two")
    assert in_words(88) == ("eighty", "eight")


def test_encoded_words_are_places_in_the_vocabulary_and_end_with_nothing():
    places = encode(in_words(120))
    assert [VOCABULARY[place] for place in places if place >= 0] == ["one", "hundred", "and", "twenty"]
    assert places.shape == (LONGEST,) and places[-1] == -1


@pytest.mark.parametrize("seed", range(5))
def test_a_split_parts_all_numbers_and_trains_every_word(seed):
    parts = split(seed)
    assert tuple(map(len, parts)) == (169, 200, 631)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(1000))
    assert set(range(20)) <= set(parts.training.tolist())
    words = {word for number in parts.training for word in in_words(int(number))}
    assert words == set(VOCABULARY)


def test_splits_are_the_seed_s_own():
    again, other = split(0), split(1)
    np.testing.assert_array_equal(split(0).training, again.training)
    assert not np.array_equal(again.training, other.training)


def test_what_the_paper_shows_as_unseen_is_for_the_test():
    for seed in range(5):
        assert set(UNSEEN) <= set(split(seed).test.tolist())


def test_tries_give_every_number_the_state_that_its_words_alone_give():
    """Of several sets in one array, each with prefixes of its own."""
    numbers_L = [split(seed).training for seed in (3, 4)]
    tries = of_numbers(numbers_L)
    generator = np.random.default_rng(0)
    weights, embedding = generator.normal(size=(2, 2)), generator.normal(size=(30, 2))

    def step(state, words):
        return {"h": np.tanh(state["h"] @ weights + embedding[words])}

    for lane, numbers in enumerate(numbers_L):
        trie = jax.tree.map(lambda leaf, lane=lane: leaf[lane], tries)
        states = run(trie, {"h": np.zeros((1, 2))}, step)["h"]
        for number, end in zip(numbers, trie.ends, strict=True):
            h = np.zeros((1, 2))
            for word in in_words(int(number)):
                h = np.tanh(h @ weights + embedding[VOCABULARY.index(word)])
            np.testing.assert_allclose(states[end], h[0], rtol=1e-5, atol=1e-6)


def test_each_common_beginning_is_run_once():
    trie = of_numbers([[5, 500, 515]])
    assert [len(words[0]) for words in trie.words] == [1, 1, 1, 1, 0]
