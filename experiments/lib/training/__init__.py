"""What an experiment trains with; JAX, no files. In reading order:

train         what `make_train` returns: the pure functions of one seed
loop          optimiser steps of many networks (lanes) of one seed, or of one alone
random_words  the random numbers of JAX, drawn faster on a CPU
optimisers    Muon, weight decay, clipping and schedules, each of a lane
"""
