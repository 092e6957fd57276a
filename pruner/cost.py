"""What a network of given widths costs, before it exists: parameters and multiply-accumulates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from models.modnet import STRIDE, MODNet
from models.widths import MODNetWidths

TRAIN_ONLY = ("lr_branch.conv_lr.", "hr_branch.conv_hr.")
"""The heads that only training reads; the inference graph leaves them out."""


@dataclass(frozen=True)
class Cost:
    """Size of one network.

    Attributes:
        parameters: Trained values, those of the train-only heads included.
        macs: Multiply-accumulates of the inference graph's convolutions and linear layers.
        macs_with_heads: The same with the semantic and detail heads, as the published table counts.
        size_wh: Width and height in pixels of the input that the MACs are for.
    """

    parameters: int
    macs: int
    macs_with_heads: int
    size_wh: tuple[int, int]


def cost(widths: MODNetWidths, size_wh: tuple[int, int] = (512, 512)) -> Cost:
    """Cost of a network of these widths at one input size.

    One image of the smallest size is run through a network without weights; convolutions grow with
    the area from there.

    Args:
        widths: Channel counts.
        size_wh: Input width and height in pixels, multiples of 32.
    """
    with torch.device("meta"):  # no time spent on fresh weights
        model = MODNet(widths)
    model.to_empty(device="cpu").eval()
    tiles = (size_wh[0] // STRIDE) * (size_wh[1] // STRIDE)
    macs: dict[str, int] = {}

    def count(name: str, layer: nn.Module, _: object, output: Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        # Each weight is used once at each position of the output; a linear layer has one position.
        positions = tiles * output[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1
        macs[name] = positions * layer.weight.numel()

    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(partial(count, name))
    with torch.no_grad():
        model(torch.zeros(1, 3, STRIDE, STRIDE), heads=True)
    return Cost(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        macs=sum(n for name, n in macs.items() if not name.startswith(TRAIN_ONLY)),
        macs_with_heads=sum(macs.values()),
        size_wh=size_wh,
    )
