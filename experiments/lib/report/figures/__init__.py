"""What knows matplotlib, which needs no display here and no window, whatever the environment names."""

import os

os.environ["MPLBACKEND"] = "agg"  # read as matplotlib is imported; a notebook hands its own on to its `!` commands
