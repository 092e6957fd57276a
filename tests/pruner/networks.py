"""Tiny MODNets: every connection of the real one, few channels, random weights and statistics."""

from dataclasses import replace

import torch
from torch import nn

from models.modnet import MODNet
from models.widths import IBNWidth, MODNetWidths

TINY = MODNetWidths(
    stem=6,
    blocks=(5, 6, 6, 7, 7, 7, *[8] * 4, *[9] * 3, *[10] * 3, 11),
    hidden=(None, *range(8, 24)),
    last=24,
    se=7,
    lr16x=IBNWidth(6, 5),
    lr8x=IBNWidth(4, 3),
    enc2x=IBNWidth(3, 4),
    enc4x=IBNWidth(4, 5),
    down2x=IBNWidth(5, 3),
    mix4x=IBNWidth(6, 4),
    hr4x=(IBNWidth(5, 6), IBNWidth(4, 5), IBNWidth(3, 6)),
    hr2x=(IBNWidth(6, 5), IBNWidth(5, 3), IBNWidth(4, 6), IBNWidth(3, 5)),
    detail=IBNWidth(4, 3),
    lr4x=IBNWidth(3, 4),
    f2x=IBNWidth(5, 4),
    f=IBNWidth(3, 2),
)
"""No two neighbours have the same width, and no half is like the other: a slip cannot go unseen."""

WITHOUT_EXPANSION = replace(
    TINY,
    stem=5,
    residual=(True, False, True, False, *TINY.residual[4:]),
    hidden=(None, 8, None, *TINY.hidden[3:5], None, *TINY.hidden[6:]),
)
"""As the published pruning code makes them: other blocks add their input, or have no expansion."""

SLIM = replace(
    MODNetWidths(),
    blocks=(16, 16, 16, *[16] * 3, *[24] * 4, *[24] * 3, *[32] * 3, 32),
    hidden=(None, *[32] * 16),
    last=64,
    se=16,
)
"""Little to compute, and enough channels for multiples of eight."""


def tiny_network(widths: MODNetWidths = TINY, *, seed: int = 0) -> MODNet:
    """A float64 network in evaluation mode whose norms have statistics worth something."""
    torch.manual_seed(seed)
    model = MODNet(widths).double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.3)
            nn.init.normal_(module.bias, 0.5, 0.5)
            nn.init.normal_(module.running_mean, 0.0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return model


def tiny_image(size: int = 64, *, seed: int = 1) -> torch.Tensor:
    """(1, 3, size, size) float64 in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 3, size, size, generator=generator, dtype=torch.float64) * 2 - 1
