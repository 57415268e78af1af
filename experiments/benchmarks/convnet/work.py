"""The work that every program of the convnet benchmark does.

A step gathers 80 of 60,000 images (28 x 28 bytes) at random, normalises them, and trains the convolutional network of
the 2018 PyTorch example on them: 5x5 convolution to 10 channels, 2x2 max-pool, ReLU, 5x5 to 20 channels, 2x2 max-pool,
ReLU, dense 50, ReLU, dense 10; the mean softmax cross-entropy, its gradient, and Adam at 1e-3. The example's dropout is
left out in all programs.

The images are random bytes and their labels random digits, so that no data set is needed; no program is faster or
slower for what an image shows. Seeds share the images and nothing else. Ours does more: it skips updates that are not
finite.
"""

import numpy as np

IMAGES, SIDE, CLASSES, BATCH = 60_000, 28, 10, 80  # MNIST's training set, the batch of Table 2
MEAN, DEVIATION = 0.1307, 0.3081  # of a pixel, as in the example
LEARNING_RATE = 1e-3
SEEDS = 8  # of the programs that train several
STEPS = 10  # of a seed, before the next one's turn where seeds follow one another


def data() -> tuple[np.ndarray, np.ndarray]:
    """Returns images [60000, 28, 28] and labels [60000], the same for every program."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (IMAGES, SIDE, SIDE), np.uint8)
    return images, generator.integers(0, CLASSES, IMAGES, np.int64)
