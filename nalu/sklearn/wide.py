"""A network of one hidden layer of ReLU, infinitely wide, solved in closed form.

It does what a multilayer perceptron is good for: it bends inside and goes straight on outside. What its units do to two
rows together is a kernel, so nothing is trained but a ridge penalty, which leaving rows out one by one chooses.

Axes: R rows, I inputs, T targets, K known rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nalu.sklearn import plain
from nalu.sklearn.rows import Rows

MOST_ROWS = 400  # that it is solved for, drawn at random; the work grows with their cube
PENALTIES = np.logspace(-4, 3, 22)


class Wide(NamedTuple):
    """y = b + sum over known rows of a k(x, x_K), k the arc-cosine kernel of order 1 of standardised inputs."""

    centre_I: np.ndarray
    scale_I: np.ndarray
    known_KI: np.ndarray
    a_KT: np.ndarray
    b_T: np.ndarray

    def predict(self, x_RI: np.ndarray) -> np.ndarray:
        """Returns `[R, T]`."""
        return kernel(standardised(x_RI, self.centre_I, self.scale_I), self.known_KI) @ self.a_KT + self.b_T


def wide(rows: Rows, seed: int) -> Wide:
    """Returns the network for rows.

    Source: Cho and Saul 2009, "Kernel methods for deep learning", Advances in Neural Information Processing Systems 22.
    """
    rows = rows.take(np.sort(np.random.default_rng((seed, 3)).permutation(len(rows.x_RI))[:MOST_ROWS]))
    centre_I, scale_I = plain.standards(rows.x_RI, rows.weight_R)
    b_T = np.average(rows.y_RT, axis=0, weights=rows.weight_R)
    known_KI = standardised(rows.x_RI, centre_I, scale_I)
    root_K = np.sqrt(rows.weight_R)
    size_Q, vectors_KQ = np.linalg.eigh(root_K[:, None] * kernel(known_KI, known_KI) * root_K)
    size_Q = np.maximum(size_Q, 0.0)
    along_QT = vectors_KQ.T @ (root_K[:, None] * (rows.y_RT - b_T))
    a_KT, least_T = np.zeros_like(rows.y_RT), np.full(len(b_T), np.inf)
    for penalty in PENALTIES * size_Q.mean():
        solved_KT = vectors_KQ @ (along_QT / (size_Q + penalty)[:, None])
        left_out_KT = solved_KT / (vectors_KQ**2 @ (1 / (size_Q + penalty)))[:, None]
        error_T = np.mean(left_out_KT**2, axis=0)
        better_T = error_T < least_T
        a_KT = np.where(better_T, root_K[:, None] * solved_KT, a_KT)
        least_T = np.minimum(least_T, error_T)
    return Wide(centre_I, scale_I, known_KI, a_KT, b_T)


def kernel(x_RI: np.ndarray, other_KI: np.ndarray) -> np.ndarray:
    """Returns |x| |z| (sin t + (pi - t) cos t) / pi, t the angle between x and z, `[R, K]`."""
    size_RK = np.outer(np.linalg.norm(x_RI, axis=1), np.linalg.norm(other_KI, axis=1))
    cosine_RK = np.clip(x_RI @ other_KI.T / size_RK, -1.0, 1.0)
    angle_RK = np.arccos(cosine_RK)
    return size_RK * (np.sin(angle_RK) + (np.pi - angle_RK) * cosine_RK) / np.pi


def standardised(x_RI: np.ndarray, centre_I: np.ndarray, scale_I: np.ndarray) -> np.ndarray:
    """Returns the inputs, and a constant as large as they are together, which lets each unit have a threshold."""
    inputs = x_RI.shape[1]
    return np.column_stack([(x_RI - centre_I) / scale_I, np.full(len(x_RI), inputs**0.5)]) / inputs**0.5
