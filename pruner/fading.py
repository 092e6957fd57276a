"""Instance norms fade into batch norms, which an export folds into the convolutions before them.

A network without instance norms is the faster one: their statistics have to be taken of every
picture. It is another network, though, and taking them away at once breaks it: so both norms are
computed while the network is trained, and the share of the instance norms goes down to nothing.

The low-resolution branch keeps its own. It sees a sixteenth of the positions or fewer, where they
cost nothing, and it is the branch that has to know people in any light.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.modnet import IBNorm, MODNet
from models.widths import IBNWidth, MODNetWidths

FADE = 0.1, 0.5
"""Shares of a training between which the instance norms fade."""

FREEZE = 0.75
"""Share of a training after which the batch norms keep their statistics, as exported ones do."""

KEPT = ("lr16x", "lr8x")
"""Widths of the norms that stay as they are."""

_MOMENTUM = 0.02
"""Statistics of small batches vary much: these forget slowly."""


def foldable(model: MODNet) -> MODNet:
    """A copy whose instance norms are batch norms that know no statistics yet, but for `KEPT`."""
    copied = MODNet(_without_instance(model.widths))
    tensors = copied.state_dict()  # shares memory with the copy
    for name, value in model.state_dict().items():
        (tensors[name][: len(value)] if value.ndim else tensors[name]).copy_(value)
    return copied


class Fade:
    """Turns instance norms down.

    Attributes:
        share: Of the instance norms, from 1 to 0; the batch norms have the rest.
    """

    def __init__(self) -> None:
        self.share = 1.0

    def at(self, done: float) -> None:
        """Be told how much of the training is done, in [0, 1]."""
        start, end = FADE
        self.share = min(1.0, max(0.0, (end - done) / (end - start)))

    def mixed(self, norm: IBNorm, x: Tensor, output: Tensor, instance: int) -> Tensor:
        """What the norm puts out, with the share of the instance norms in the last channels."""
        known = norm.bnorm
        of_picture = F.instance_norm(
            x[:, -instance:], weight=known.weight[-instance:], bias=known.bias[-instance:]
        )
        both = torch.lerp(output[:, -instance:], of_picture.to(output.dtype), self.share)
        return torch.cat([output[:, :-instance], both], dim=1)


def new_norms(model: MODNet, widths: MODNetWidths) -> dict[IBNorm, int]:
    """The norms that took over instance norms, and how many channels of those each had before.

    Args:
        model: As `foldable` made it.
        widths: Before that.
    """
    before = MODNet(widths)
    return {
        norm: instance
        for name, norm in model.named_modules()
        if isinstance(norm, IBNorm)
        and (instance := _instance(before.get_submodule(name))) != _instance(norm)
    }


def _instance(norm: nn.Module) -> int:
    assert isinstance(norm, IBNorm)
    return norm.inorm.num_features


@contextmanager
def fading(model: MODNet, widths: MODNetWidths) -> Iterator[Fade]:
    """While it lasts, a foldable network has the instance norms that it had before.

    Args:
        model: As `foldable` made it.
        widths: Before that.
    """
    fade = Fade()
    for norm in model.modules():
        if isinstance(norm, IBNorm):
            norm.bnorm.momentum = _MOMENTUM
    hooks = [
        norm.register_forward_hook(_hook(fade, instance))
        for norm, instance in new_norms(model, widths).items()
    ]
    try:
        yield fade
    finally:
        for hook in hooks:
            hook.remove()


def _hook(fade: Fade, instance: int) -> Any:
    def mix(norm: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor | None:
        assert isinstance(norm, IBNorm)
        return fade.mixed(norm, inputs[0], output, instance) if fade.share else None

    return mix


def _without_instance(widths: MODNetWidths) -> MODNetWidths:
    def merged(value: Any) -> Any:
        if isinstance(value, IBNWidth):
            return IBNWidth(value.total, 0)
        if isinstance(value, tuple):
            return tuple(map(merged, value))
        return value

    return MODNetWidths(
        **{name: value if name in KEPT else merged(value) for name, value in vars(widths).items()}
    )
