"""The number words against num2words, and their splits."""

import num2words
import numpy as np
import pytest

from experiments.lib import number_words, word_trie


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


def test_a_trie_gives_every_number_the_state_that_its_words_alone_give():
    numbers = number_words.split(3).training
    trie = word_trie.build(numbers)
    generator = np.random.default_rng(0)
    weights, embedding = generator.normal(size=(2, 2)), generator.normal(size=(30, 2))

    def step(state, words):
        return {"h": np.tanh(state["h"] @ weights + embedding[words])}

    states = word_trie.run(trie, {"h": np.zeros((1, 2))}, step)["h"]
    for number, end in zip(numbers, trie.ends, strict=True):
        h = np.zeros((1, 2))
        for word in number_words.in_words(int(number)):
            h = np.tanh(h @ weights + embedding[number_words.VOCABULARY.index(word)])
        np.testing.assert_allclose(states[end], h[0], rtol=1e-5, atol=1e-6)


def test_tries_of_all_splits_have_the_same_shapes():
    shapes = {
        tuple(array.shape for array in (*trie.parents, *trie.words, trie.ends))
        for trie in (word_trie.build(number_words.split(seed).training) for seed in range(4))
    }
    assert len(shapes) == 1
