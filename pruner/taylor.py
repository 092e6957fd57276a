"""The importance criterion that looks at pictures: what the loss would lose with a channel.

The idea of Molchanov et al. (CVPR 2019). Summed over all weights that read a channel, w dL/dw is
exactly the derivative of the loss along the channel's own scale; so the first-order estimate of
silencing it comes from the gradients of weights alone, and no activation is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import cv2
import torch
from torch import Tensor

from models.modnet import STRIDE, MODNet
from pruner.data import Pair, pairs, read_pair, spread
from pruner.groups import groups
from pruner.importance import rows
from pruner.objectives import LossWeights, supervised
from pruner.training_set import Batch

PICTURES = 96
LONG_SIDE = 256
"""In pixels: a quarter of the work of 512, for a ranking and not for a matte."""

T = TypeVar("T")


def taylor(
    model: MODNet, batches: Iterable[T], loss: Callable[[MODNet, T], Tensor]
) -> dict[str, Tensor]:
    """First-order estimate of how the loss changes when a channel falls silent.

    Args:
        model: The network; weights, mode and `.grad` stay as they are.
        batches: What to estimate on. The absolute estimates of the batches are averaged.
        loss: From the network and a batch to a scalar.

    Returns:
        By group name, the scores (width,), float32, >= 0.

    Raises:
        ValueError: No batch.
    """
    known = groups(model.widths)
    readers = {name: [s for s in group.slices if s.dim == 1] for name, group in known.items()}
    read = {place.tensor for places in readers.values() for place in places}
    weights = {name: weight for name, weight in model.named_parameters() if name in read}
    estimates: dict[str, list[Tensor]] = {name: [] for name in known}
    for batch in batches:
        gradients = torch.autograd.grad(
            loss(model, batch), list(weights.values()), materialize_grads=True
        )
        products = {
            name: weight.detach() * gradient
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
        }
        for name, group in known.items():
            changes = [rows(products[p.tensor], p, group).sum(1) for p in readers[name]]
            estimates[name].append(torch.stack(changes).sum(0).abs().float().cpu())
    if not all(estimates.values()):
        raise ValueError("taylor importance needs at least one batch")
    return {name: torch.stack(several).mean(0) for name, several in estimates.items()}


def taylor_on(model: MODNet, folder: Path, *, seed: int = 0) -> dict[str, Tensor]:
    """`taylor` with the training loss, on pictures drawn evenly from a folder.

    Args:
        model: The network.
        folder: Pictures and mattes, in a layout that `pruner.data.pairs` knows.
        seed: Of the band's width, which the loss draws.

    Raises:
        PrunerError: No pictures with mattes there.
    """
    objective = supervised(LossWeights())

    def loss(network: MODNet, batch: Batch) -> Tensor:
        return torch.stack(list(objective(network, batch).values())).sum()

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return taylor(model, (_batch(pair) for pair in spread(pairs(folder), PICTURES)), loss)


def _batch(pair: Pair) -> Batch:
    """One picture and its matte, small, with sides that are multiples of 32."""
    image, alpha = read_pair(pair)
    scale = LONG_SIDE / max(alpha.shape) / STRIDE
    width, height = (max(1, round(side * scale)) * STRIDE for side in alpha.shape[::-1])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    matte = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
    return Batch(
        torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255,
        torch.from_numpy(matte)[None, None].float() / 255,
    )
