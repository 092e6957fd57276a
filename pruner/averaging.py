"""The average of the weights over the latest steps, which is better than any of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from models.modnet import MODNet


def averaged(model: MODNet, decay: float) -> AveragedModel:
    """A copy of the network that follows its weights and statistics at each `update_parameters`."""
    return AveragedModel(model, multi_avg_fn=_warmed(decay), use_buffers=True)


def _warmed(decay: float) -> Callable[..., None]:
    """Exponential moving average whose memory grows to `decay`: it soon forgets the start."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], updates: Tensor) -> None:
        done = int(updates)
        share = 1 - min(decay, (1 + done) / (10 + done))
        for mean, value in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, share)
            else:
                mean.copy_(value)

    return update
