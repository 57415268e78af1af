"""The work that every program of the static-step benchmark does, and how a program is timed.

A seed-step is one optimiser step of one network 100-2-1 of the paper's NALU on one operation of section 4.1: a fresh
batch of 128 uniform inputs and their targets, the mean squared error, its gradient, and Adam at 1e-3. All start alike.

What is shared: the six operations of a seed read the same batch (ours and both batched PyTorch programs); the plain
loop draws one for every network. Seeds share nothing: each has its own data, slices and weights. Ours does more: it
divides each loss by the targets' mean square, clips the exponent of the multiplicative path, skips updates that are
not finite, and evaluates the networks every 4,000 steps.
"""

INPUTS, HIDDEN, BATCH, OPERATIONS = 100, 2, 128, 6
LOW, HIGH = 0.0, 0.5
SHORTEST, LONGEST = 5, 20  # of the slices that a and b sum
LEARNING_RATE = 1e-3
START_SPREAD, START_HIDDEN_GATE = 1.0, 4.0  # layer 1: W_hat ~ U(0, spread), gate weights
START_OUTPUT, START_OUTPUT_GATE = (0.5, -0.2), -1.0  # layer 2; M_hat is 0 in both
