"""The work that every program of the arena's benchmark does.

A seed-step is one optimiser step of one network, a layer of two inputs and one output, in one of the arena's nine
ranges: a fresh batch of 128, the mean squared error, its gradient, Adam at 1e-3, weights clipped where the cell clips
them. Three cells take as many steps each: NAU on a + b, NMU on a * b, NALU on a * b. The rate counts all of them.

What is shared: the nine ranges of a seed scale the same random numbers (ours and both batched PyTorch programs); the
plain loop draws a batch for every network. Ours does more: every 1000 steps it takes validation and test errors on
10,000 items each, keeps the best parameters, and has the penalties of NAU and NMU.
"""

BATCH, LEARNING_RATE = 128, 1e-3
LOWS = (-20.0, -2.0, -1.2, -0.2, -2.0, 0.1, 1.0, 1.1, 10.0)
HIGHS = (-10.0, -1.0, -1.1, -0.1, 2.0, 0.2, 2.0, 1.2, 20.0)
RANGES = len(LOWS)
CELLS = ("nau", "nmu", "nalu")
START = 9.47  # of the NALU: U[-START, START]
EPS = 1e-7
