"""Speed of training, beside PyTorch doing the same work on the same core, and against seeds and devices.

A folder each: `benchmark` says what is measured and what is told of it, `work` what every program does, `ours` is the
project's own engine on that work, `torch_*` are others. The command `bench` finds the folders.
"""
