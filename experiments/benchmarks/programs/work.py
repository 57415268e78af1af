"""The work that every program of the little-programs benchmark does.

A seed-step is one optimiser step of one LSTM-configured NALU (section 4.4, Figure 4) on 64 programs with integers below
100: at each of 12 steps an LSTM of 24 units reads the symbol and the compared registers, and a dense layer on it emits
the weights of a NALU over three registers and the value; the root mean squared error of the answers, its gradient
through all steps, clipped to a norm of 0.1, and Adam.

Seeds share nothing but, in ours, the test programs; the networks of one seed share its batches. Ours does more: it
draws every batch afresh, where PyTorch goes round a store of batches, drawn and encoded before the clock starts; it
sharpens what the LSTM emits, changes the learning rate at every step, skips updates that are not finite, and evaluates
the networks every 1,200 steps.

Axes: K batches, T steps of a program, N programs of a batch, X numbers that a network sees at a step.
"""

import jax
import numpy as np

from ...program_evaluation import programs

SYMBOLS = len(programs.SYMBOLS)
BATCH, STEPS, REGISTERS, HIDDEN = 64, programs.PROGRAM_STEPS, 3, 24
SEEDS = 8  # of the programs that train several
UNIT, EPS, CLIP = 128.0, 0.01, 20.0  # of a `ConfiguredNalu`
HOLD, GATE = 2.0, 3.0  # what it emits at the start
LEARNING_RATE, NORM = 2e-2, 0.1
TINY = 1e-12  # in the root of the squared error


def encoded(asked: programs.Program) -> tuple[np.ndarray, np.ndarray]:
    """Returns what a network sees of programs, `[..., T, N, X]`, and their answers; the leaves lead with `[..., N]`.

    X is a one-hot symbol, then the value.
    """
    symbols, values = (np.swapaxes(leaf, -1, -2) for leaf in (asked.symbols_T, asked.values_T))
    one_hot = np.eye(SYMBOLS, dtype=np.float32)[symbols]
    return np.concatenate([one_hot, values[..., None]], axis=-1), np.array(asked.answer)


def draw(keys: jax.Array) -> programs.Program:
    """Returns a training program for each key; the leaves are arrays of NumPy."""
    low, high = programs.integers_of(programs.TRAINING_DIGITS)
    drawn = jax.jit(jax.vmap(lambda key: programs.program(key, low, high)))(keys.ravel())
    return jax.tree.map(lambda leaf: np.asarray(leaf).reshape(*keys.shape, *leaf.shape[1:]), drawn)


def store(*batches: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns batches of training programs, encoded: `[*batches, T, N, X]` and `[*batches, N]`."""
    return encoded(draw(jax.random.split(jax.random.key(7000), (*batches, BATCH))))
