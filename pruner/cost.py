"""What a network of given widths costs before it exists: parameters, work, values in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import prod

import torch
from torch import Tensor, nn

from models.modnet import STRIDE, MODNet
from models.widths import MODNetWidths
from pruner.groups import groups

TRAIN_ONLY = ("lr_branch.conv_lr.", "hr_branch.conv_hr.")
"""The heads that only training reads; the inference graph leaves them out."""


@dataclass(frozen=True)
class Cost:
    """Size of one network.

    Attributes:
        parameters: Trained values, those of the train-only heads included.
        macs: Multiply-accumulates of the inference graph's convolutions and linear layers.
        macs_with_heads: The same with the semantic and detail heads, as the published table counts.
        activations: Values that the inference graph's convolutions and linear layers put out
            (Radosavovic et al., CVPR 2020): where memory is the limit, time follows these.
        size_wh: Width and height in pixels of the input that all but `parameters` are for.
    """

    parameters: int
    macs: int
    macs_with_heads: int
    activations: int
    size_wh: tuple[int, int]


def cost(widths: MODNetWidths, size_wh: tuple[int, int] = (512, 512)) -> Cost:
    """Cost of a network of these widths at one input size.

    Args:
        widths: Channel counts.
        size_wh: Input width and height in pixels, multiples of 32.
    """
    return CostModel(widths, size_wh)({})


class CostModel:
    """Cost of a network at any narrower widths, after one look at its shapes.

    One image of the smallest size is run through a network without weights; convolutions grow with
    the area from there.

    Args:
        widths: The network's channel counts.
        size_wh: Input width and height in pixels, multiples of 32.
    """

    def __init__(self, widths: MODNetWidths, size_wh: tuple[int, int] = (512, 512)) -> None:
        with torch.device("meta"):  # no time spent on fresh weights
            model = MODNet(widths)
        self._size_wh = size_wh
        self._shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
        self._positions = _positions(model, (size_wh[0] // STRIDE) * (size_wh[1] // STRIDE))
        self._widths: dict[str, int] = {}
        self._owners: dict[tuple[str, int], list[str]] = {}
        for name, group in groups(widths).items():
            self._widths[name] = group.width
            for place in group.slices:
                self._owners.setdefault((place.tensor, place.dim), []).append(name)

    def __call__(self, counts: Mapping[str, int]) -> Cost:
        """Cost with these channel counts, by group name; groups left out keep theirs."""
        lost = {name: width - counts.get(name, width) for name, width in self._widths.items()}
        parameters = heads = macs = activations = 0
        for tensor, full in self._shapes.items():
            owners = (self._owners.get((tensor, dim), ()) for dim in range(len(full)))
            shape = [
                size - sum(lost[name] for name in names)
                for size, names in zip(full, owners, strict=True)
            ]
            parameters += prod(shape)
            positions = self._positions.get(tensor, 0)  # each weight is used once at each of them
            if tensor.startswith(TRAIN_ONLY):
                heads += positions * prod(shape)
            else:
                macs += positions * prod(shape)
                activations += positions * shape[0]
        return Cost(parameters, macs, macs + heads, activations, self._size_wh)


def _positions(model: MODNet, tiles: int) -> dict[str, int]:
    """How many positions the output of a layer has, by the name of its weight."""
    found: dict[str, int] = {}

    def count(name: str, layer: nn.Module, _: object, output: Tensor) -> None:
        convolves = isinstance(layer, nn.Conv2d)
        found[f"{name}.weight"] = tiles * output[0, 0].numel() if convolves else 1

    model.to_empty(device="cpu").eval()
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(partial(count, name))
    with torch.no_grad():
        model(torch.zeros(1, 3, STRIDE, STRIDE), heads=True)
    return found
