"""Training on a table of numbers: our cells, and an MLP in PyTorch."""
