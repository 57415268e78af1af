"""The networks of section 4.3: they read a number word by word and have an answer after every word.

Axes: P word sequences, V words of the vocabulary, H hidden units.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

import nalu

from ..lib.networks.configured_nalu import Controls, configured_nac, configured_nalu
from . import trie
from .words import VOCABULARY

EPS, EXPONENT = 1e-5, 12.0  # of log paths: answers are below 1000, or 1 in thousandths
VALUES = -4.0  # the mean log of a word's value at the start
CONFIGURED = ("configured", "configured-nac")  # ours; the second has no multiplicative path
ADDING = 2.0  # the start of a configured NALU's W_hat and M_hat, nearly W = 1

READ_OUTS = {"linear": nn.Dense, **nalu.CELLS, "nalu": functools.partial(nalu.NALU, eps=EPS, clip=EXPONENT)}


class State(NamedTuple):
    """What a network carries from word to word."""

    controller: tuple[jax.Array, jax.Array]  # the LSTM's (c, h), each [P, H]
    answer_P: jax.Array


class ReadOut(nn.Module):
    """The paper's: embedding, LSTM, and one layer on the LSTM's state, which is linear, a NAC or a NALU."""

    layer: str
    hidden: int
    embedding: int

    @nn.compact
    def __call__(self, state: State, words_P: jax.Array) -> State:
        read_PE = nn.Embed(len(VOCABULARY), self.embedding, name="embedding")(words_P)
        controller, h_PH = nn.OptimizedLSTMCell(self.hidden, name="lstm")(state.controller, read_PE)
        return State(controller, READ_OUTS[self.layer](1, name="read_out")(h_PH)[:, 0])


class Configured(nn.Module):
    """Ours: the answer so far and the value of a word pass through a NALU that the LSTM configures at every word.

        y' = NALU([y, v_word]; W_hat, M_hat, g_hat = C h' + b)

    A value is a learned number above zero for each word. The LSTM sees the words alone, not the answer.

    Attributes:
      multiplies: False leaves out the multiplicative path and its gate, and has a NAC configured.
    """

    hidden: int
    embedding: int
    multiplies: bool = True

    @nn.compact
    def __call__(self, state: State, words_P: jax.Array) -> State:
        words = len(VOCABULARY)
        read_PE = nn.Embed(words, self.embedding, name="embedding")(words_P)
        controller, h_PH = nn.OptimizedLSTMCell(self.hidden, name="lstm")(state.controller, read_PE)
        log_values_V = self.param("log_values", lambda key: VALUES + 0.5 * jax.random.normal(key, (words,)))
        start = jnp.array([ADDING] * 4 + [0.0] * self.multiplies)
        emitted_PX = nn.Dense(start.size, bias_init=lambda *_: start, name="controls")(h_PH)
        controls = Controls(emitted_PX[:, 0:2, None], emitted_PX[:, 2:4, None], emitted_PX[:, 4:])
        inputs_P2 = jnp.stack([state.answer_P, jnp.exp(log_values_V[words_P])], axis=1)
        if self.multiplies:
            return State(controller, configured_nalu(controls, inputs_P2, eps=EPS, clip=EXPONENT)[:, 0])
        return State(controller, configured_nac(controls, inputs_P2)[:, 0])


def network(model: str, hidden: int, embedding: int) -> nn.Module:
    """Returns the network of a row: one of `CONFIGURED`, or what its read-out is called."""
    if model in CONFIGURED:
        return Configured(hidden, embedding, multiplies=model == "configured")
    return ReadOut(model, hidden, embedding)


def start(module: nn.Module) -> State:
    """Returns the state before the first word, of one sequence."""
    nothing = jnp.zeros((1, module.hidden))
    return State((nothing, nothing), jnp.zeros(1))


def init(module: nn.Module, key: jax.Array) -> Any:
    """Returns parameters; `key` is consumed."""
    return module.init(key, start(module), jnp.zeros(1, jnp.int32))["params"]


def answers(module: nn.Module, params: Any, sequences: trie.Trie, rngs: Any = None) -> jax.Array:
    """Returns the answers to the sequences of a trie, `[N]`, in the network's unit; in training with `loop.noise`."""
    step = lambda state, words_P: module.apply({"params": params}, state, words_P, rngs=rngs)  # noqa: E731
    return trie.run(sequences, start(module), step).answer_P[sequences.ends]


def running_answers(module: nn.Module, params: Any, words_NT: jax.Array) -> jax.Array:
    """Returns the answers after every word, `[N, T]`; after the end of a sequence its last answer stands.

    The same as `answers`, but with one small body that compiles sooner, for what is done seldom.

    Args:
      words_NT: places in the vocabulary, -1 after the end.
    """

    def step(state: State, words_N: jax.Array) -> tuple[State, jax.Array]:
        after = module.apply({"params": params}, state, jnp.maximum(words_N, 0))
        ended_N = words_N < 0
        state = jax.tree.map(
            lambda old, new: jnp.where(ended_N.reshape(-1, *[1] * (new.ndim - 1)), old, new), state, after
        )
        return state, state.answer_P

    first = jax.tree.map(lambda leaf: jnp.repeat(leaf, len(words_NT), axis=0), start(module))
    return jax.lax.scan(step, first, words_NT.T)[1].T
