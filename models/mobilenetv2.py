"""MobileNetV2 (Sandler et al., CVPR 2018) without its classifier, built from widths.

Attribute names are those of the published MODNet checkpoints: `model.features.N...`.
"""

from typing import NamedTuple

from torch import Tensor, nn

from models.widths import MODNetWidths

STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)
"""Stride of each inverted-residual block."""


class Features(NamedTuple):
    """Backbone features at 1/2, 1/4 and 1/32 of the input, each (N, C, h, w)."""

    enc2x: Tensor
    enc4x: Tensor
    enc32x: Tensor


def conv_bn(
    in_channels: int, out_channels: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Convolution without bias, and its batch norm."""
    conv = nn.Conv2d(
        in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False
    )
    return [conv, nn.BatchNorm2d(out_channels)]


class InvertedResidual(nn.Module):
    """Expand (1x1), filter each channel (3x3), project (1x1); with `residual`, add the input."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        hidden: int | None,
        stride: int,
        residual: bool,
    ) -> None:
        super().__init__()
        self.residual = residual
        width = in_channels if hidden is None else hidden
        expand = (
            []
            if hidden is None
            else [*conv_bn(in_channels, width, kernel=1), nn.ReLU6(inplace=True)]
        )
        self.conv = nn.Sequential(
            *expand,
            *conv_bn(width, width, kernel=3, stride=stride, groups=width),
            nn.ReLU6(inplace=True),
            *conv_bn(width, out_channels, kernel=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, out, H / stride, W / stride)."""
        y: Tensor = self.conv(x)
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """The feature layers 0 (stem), 1 to 17 (blocks), 18 (last)."""

    def __init__(self, widths: MODNetWidths) -> None:
        super().__init__()
        inputs = (widths.stem, *widths.blocks)
        blocks = [
            InvertedResidual(
                inputs[i],
                widths.blocks[i],
                hidden=widths.hidden[i],
                stride=STRIDES[i],
                residual=widths.residual[i],
            )
            for i in range(len(STRIDES))
        ]
        self.features = nn.Sequential(
            nn.Sequential(*conv_bn(3, widths.stem, kernel=3, stride=2), nn.ReLU6(inplace=True)),
            *blocks,
            nn.Sequential(*conv_bn(inputs[-1], widths.last, kernel=1), nn.ReLU6(inplace=True)),
        )


class MobileNetV2Backbone(nn.Module):
    """Holds the network as `model`, as published checkpoints do, and picks three features."""

    def __init__(self, widths: MODNetWidths) -> None:
        super().__init__()
        self.model = MobileNetV2(widths)

    def forward(self, image: Tensor) -> Features:
        """Features of an (N, 3, H, W) image in [-1, 1]."""
        features = self.model.features
        enc2x = features[:2](image)
        enc4x = features[2:4](enc2x)
        return Features(enc2x, enc4x, features[4:](enc4x))
