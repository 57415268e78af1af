"""The Differentiable Neural Computer (Graves et al. 2016, Nature 538): an LSTM that writes to and reads from a memory.

The memory first, an equation of the paper's Methods a function, for one item at a time. A weighting is a share of
attention for every slot: non-negative, summing to at most one. All weightings start at zero, and so does the memory.
Nothing of it is learnt: a controller, the LSTM, says what to do by an `Interface`.

Axes: N slots, W numbers in a slot, R read heads, K keys, 3 read modes (backward, content, forward), X of the interface,
H hidden units.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

EPS = 1e-6  # ours: under the square root of a norm, so that the gradient is finite at an empty slot


class Memory(NamedTuple):
    """All that lasts from one step to the next."""

    contents_NW: jax.Array
    usage_N: jax.Array
    precedence_N: jax.Array  # how much each slot was the one written last
    link_NN: jax.Array  # [i, j]: how much i was written next after j
    write_N: jax.Array  # the last weightings
    read_RN: jax.Array


class Interface(NamedTuple):
    """What the controller asks of the memory at one step, in the paper's order."""

    read_keys_RW: jax.Array
    read_strengths_R: jax.Array  # at least 1
    write_key_W: jax.Array
    write_strength: jax.Array  # at least 1
    erase_W: jax.Array  # 0 to 1, as all gates
    word_W: jax.Array  # what is written
    free_R: jax.Array
    allocation_gate: jax.Array  # 1 writes to an unused slot, 0 to the one like the key
    write_gate: jax.Array
    modes_R3: jax.Array  # sum to one for each head


def empty(slots: int, width: int, reads: int) -> Memory:
    """Returns the memory before the first step."""
    shapes = Memory((slots, width), (slots,), (slots,), (slots, slots), (slots,), (reads, slots))
    return Memory(*map(jnp.zeros, shapes))


def interface_size(width: int, reads: int) -> int:
    """Returns X = W R + 3 W + 5 R + 3."""
    return width * reads + 3 * width + 5 * reads + 3


def parse_interface(xi_X: jax.Array, width: int, reads: int) -> Interface:
    """Cuts the controller's numbers into parts, each squashed into its range."""
    sizes = (reads * width, reads, width, 1, width, width, reads, 1, 1, 3 * reads)
    ends = [sum(sizes[: part + 1]) for part in range(len(sizes))]
    parts = [xi_X[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    keys, strengths, write_key, write_strength, erase, word, free, allocation_gate, write_gate, modes = parts
    return Interface(
        read_keys_RW=keys.reshape(reads, width),
        read_strengths_R=oneplus(strengths),
        write_key_W=write_key,
        write_strength=oneplus(write_strength[0]),
        erase_W=jax.nn.sigmoid(erase),
        word_W=word,
        free_R=jax.nn.sigmoid(free),
        allocation_gate=jax.nn.sigmoid(allocation_gate[0]),
        write_gate=jax.nn.sigmoid(write_gate[0]),
        modes_R3=jax.nn.softmax(modes.reshape(reads, 3), axis=-1),
    )


def oneplus(x: jax.Array) -> jax.Array:
    """Returns 1 + log(1 + e^x)."""
    return 1 + jax.nn.softplus(x)


def step(memory: Memory, interface: Interface) -> tuple[Memory, jax.Array]:
    """Writes once, then reads with every head; returns also the words read, `[R, W]`."""
    usage_N = usage(memory, interface.free_R)
    write_N = write_weighting(memory.contents_NW, usage_N, interface)
    contents_NW = written(memory.contents_NW, write_N, interface.erase_W, interface.word_W)
    link_NN = link(memory.link_NN, memory.precedence_N, write_N)
    read_RN = read_weightings(contents_NW, link_NN, memory.read_RN, interface)
    precedence_N = precedence(memory.precedence_N, write_N)
    return Memory(contents_NW, usage_N, precedence_N, link_NN, write_N, read_RN), read_RN @ contents_NW


def content_weightings(contents_NW: jax.Array, keys_KW: jax.Array, strengths_K: jax.Array) -> jax.Array:
    """Returns `[K, N]`: the softmax over the slots of strength times cosine similarity of slot and key."""
    similarity_KN = _unit(keys_KW) @ _unit(contents_NW).T
    return jax.nn.softmax(strengths_K[:, None] * similarity_KN, axis=-1)


def _unit(rows: jax.Array) -> jax.Array:
    return rows * jax.lax.rsqrt(jnp.square(rows).sum(axis=-1, keepdims=True) + EPS)


def retention(free_R: jax.Array, read_RN: jax.Array) -> jax.Array:
    """Returns `[N]`: psi = prod over heads of (1 - f w), what stays in use once heads freed what they read."""
    return jnp.prod(1 - free_R[:, None] * read_RN, axis=0)


def usage(memory: Memory, free_R: jax.Array) -> jax.Array:
    """Returns `[N]`: u' = (u + w - u w) psi, w the last write weighting.

    Written as 1 - (1 - u)(1 - w), which rounding does not take above 1.
    """
    used_N = 1 - (1 - memory.usage_N) * (1 - memory.write_N)
    return used_N * retention(free_R, memory.read_RN)


def allocation(usage_N: jax.Array) -> jax.Array:
    """Returns `[N]`: a = (1 - u) times the product of u over all slots that are used less; of equals the first is less.

    The least used slot takes what it has free, the next one a share of the rest, and so on. The order counts as
    constant in the gradient, as in the paper. The paper sorts; comparing all pairs gives the same numbers, and without
    sort and scatter a step forward takes less than half the time on a CPU.
    """
    slots_N = jnp.arange(usage_N.size)
    ties_NN = (usage_N[:, None] == usage_N[None, :]) & (slots_N[:, None] > slots_N[None, :])
    before_NN = (usage_N[:, None] > usage_N[None, :]) | ties_NN  # [i, j]: j comes before i
    return (1 - usage_N) * jnp.where(before_NN, usage_N[None, :], 1).prod(axis=1)


def write_weighting(contents_NW: jax.Array, usage_N: jax.Array, interface: Interface) -> jax.Array:
    """Returns `[N]`: g_w (g_a a + (1 - g_a) c)."""
    key_1W, strength_1 = interface.write_key_W[None], interface.write_strength[None]
    content_N = content_weightings(contents_NW, key_1W, strength_1)[0]
    gate = interface.allocation_gate
    return interface.write_gate * (gate * allocation(usage_N) + (1 - gate) * content_N)


def written(contents_NW: jax.Array, write_N: jax.Array, erase_W: jax.Array, word_W: jax.Array) -> jax.Array:
    """Returns `[N, W]`: M' = M (1 - w e) + w v, every number on its own."""
    return contents_NW * (1 - _outer(write_N, erase_W)) + _outer(write_N, word_W)


def _outer(x: jax.Array, y: jax.Array) -> jax.Array:
    """Returns x y^T as a matrix product: its gradient is two more, which XLA's CPU backend does faster than sums."""
    return x[:, None] @ y[None, :]


def precedence(precedence_N: jax.Array, write_N: jax.Array) -> jax.Array:
    """Returns `[N]`: p' = (1 - sum of w) p + w."""
    return (1 - write_N.sum()) * precedence_N + write_N


def link(link_NN: jax.Array, precedence_N: jax.Array, write_N: jax.Array) -> jax.Array:
    """Returns `[N, N]`: L'[i, j] = (1 - w[i] - w[j]) L[i, j] + w[i] p[j] and L'[i, i] = 0; p does not know of w yet."""
    kept_NN = (1 - write_N[:, None] - write_N[None, :]) * link_NN
    others_NN = 1 - jnp.eye(write_N.size)
    return others_NN * (kept_NN + _outer(write_N, precedence_N))


def read_weightings(contents_NW: jax.Array, link_NN: jax.Array, read_RN: jax.Array, interface: Interface) -> jax.Array:
    """Returns `[R, N]`: every head goes back in the order of writing, looks for its key, or goes on, by its modes.

    w' = modes . (L^T w, c, L w), w the head's last weighting; c looks at the memory after the write.
    """
    content_RN = content_weightings(contents_NW, interface.read_keys_RW, interface.read_strengths_R)
    ways_R3N = jnp.stack([read_RN @ link_NN, content_RN, read_RN @ link_NN.T], axis=1)
    return (interface.modes_R3[:, :, None] * ways_R3N).sum(axis=1)


class DncState(NamedTuple):
    """What a `Dnc` carries; every leaf leads with the batch axes, if any."""

    controller: tuple[jax.Array, jax.Array]  # the LSTM's (c, h), each [..., H]
    memory: Memory
    words: jax.Array  # [..., R, W], read at the last step


class Dnc(nn.RNNCellBase):
    """An LSTM on the input and the words just read; its output steers the memory.

        h' = LSTM(h, [x, r]),   M', r' = memory(M, W_xi h'),   y = W_y h' + W_r r'

    The two matrices of y are one here, on [h', r']; they and W_xi have no bias, as in the paper.

    Attributes:
      features: numbers in y.
      hidden: H, of the controller, which has one layer.
      slots, width, reads: N, W and R.
    """

    features: int
    hidden: int
    slots: int
    width: int
    reads: int = 1

    @nn.compact
    def __call__(self, state: DncState, x: jax.Array) -> tuple[DncState, jax.Array]:
        """Returns the next state and y `[..., features]`, from x `[..., I]`."""
        batch = x.shape[:-1]
        seen = jnp.concatenate([x, state.words.reshape(*batch, -1)], axis=-1)
        controller, h = nn.OptimizedLSTMCell(self.hidden, name="controller")(state.controller, seen)
        size = interface_size(self.width, self.reads)
        xi = nn.Dense(size, use_bias=False, name="interface")(h)

        def use(memory: Memory, xi_X: jax.Array) -> tuple[Memory, jax.Array]:
            return step(memory, parse_interface(xi_X, self.width, self.reads))

        for _ in batch:
            use = jax.vmap(use)
        memory, words = use(state.memory, xi)
        found = jnp.concatenate([h, words.reshape(*batch, -1)], axis=-1)
        y = nn.Dense(self.features, use_bias=False, name="output")(found)
        return DncState(controller, memory, words), y

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> DncState:
        """Returns the state zero; `rng` is not used."""
        h, words = jnp.zeros(self.hidden), jnp.zeros((self.reads, self.width))
        state = DncState((h, h), empty(self.slots, self.width, self.reads), words)
        return jax.tree.map(lambda leaf: jnp.zeros(input_shape[:-1] + leaf.shape), state)

    @property
    def num_feature_axes(self) -> int:
        return 1
