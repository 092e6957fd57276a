"""Batch norms for a network whose channels were cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from models.modnet import MODNet, MODNetOutput
from pruner.data import Pair
from pruner.objectives import to_network
from pruner.training_set import Mix, Plan, TrainingSet


def recalibrate(
    model: MODNet, items: Sequence[Pair], *, size: int = 256, batches: int = 25
) -> None:
    """Estimate every batch norm's statistics anew on unaltered pictures, as EagleEye does.

    A pruned network needs it: its inputs lack the channels that were cut.
    """
    with torch.no_grad():
        update_bn(_pictures(items, size=size, batches=batches), _WithHeads(model))
    model.eval()


@torch.no_grad()
def estimate(norms: Sequence[nn.BatchNorm2d], model: MODNet, items: Sequence[Pair]) -> None:
    """Estimate the statistics of some of a network's batch norms anew; all others keep theirs."""
    model.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all that is seen
        norm.train()
    for images in _pictures(items, size=256, batches=25):
        model(images, heads=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


class _WithHeads(nn.Module):
    """The network with its train-only heads: they have batch norms too."""

    def __init__(self, model: MODNet) -> None:
        super().__init__()
        self._model = model

    def forward(self, image: Tensor) -> MODNetOutput:
        output: MODNetOutput = self._model(image, heads=True)
        return output


def _pictures(items: Sequence[Pair], *, size: int, batches: int) -> Iterator[Tensor]:
    plan = iter(Plan(items, batch=8, sizes=(size,), seed=0))
    dataset = TrainingSet(items, (), Mix())
    for _ in range(batches):
        yield to_network(torch.stack([dataset[request][0] for request in next(plan)]))
