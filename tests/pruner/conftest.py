"""Fixtures of the pruner's tests."""

import torch

# The networks here are tiny: a second thread gains nothing, and costs much on a busy machine.
torch.set_num_threads(1)
