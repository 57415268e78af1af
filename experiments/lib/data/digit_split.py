"""Digits in three parts: for training, for validation (held out of the training digits), and for the test."""

import numpy as np

from experiments.lib.data import digits

Part = tuple[np.ndarray, np.ndarray]  # images [N, 28, 28] uint8 and labels [N]


def load(source: str, hold_out: float) -> tuple[Part, Part, Part]:
    """Returns the three parts; the last `hold_out` of the training digits are for validation.

    Raises:
      UserError: see `digits.load`.
    """
    data = digits.load(source)
    held_out = round(hold_out * len(data.train_labels))
    return (
        (data.train_images[:-held_out], data.train_labels[:-held_out]),
        (data.train_images[-held_out:], data.train_labels[-held_out:]),
        (data.test_images, data.test_labels),
    )
