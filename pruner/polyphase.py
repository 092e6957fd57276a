"""A convolution over upsampled features, computed before the upsampling.

Each pixel of the large picture sees, through bilinear upsampling and a 3x3 kernel, 3x3 cells of the
small one. Which weights they get depends only on the pixel's place in its cell, its phase: so one
3x3 convolution with four times the outputs does the work at a quarter of the positions, and nothing
but the matte itself is ever stored at full size. At the border, where upsampling repeats the edge
but the
convolution pads with zeros, that does not hold: a frame two pixels wide is computed as written.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.modnet import Conv2dIBNormRelu, ConvHead, resize
from pruner.layers import FoldedConv, InstanceAffine, mean_square

PHASES = 4
"""Pixels of the large picture in a cell of the small one: row by row, left to right."""

TAPS = torch.tensor(
    [
        [[0.75, 0.25, 0.0], [0.25, 0.75, 0.0], [0.0, 0.75, 0.25]],
        [[0.25, 0.75, 0.0], [0.0, 0.75, 0.25], [0.0, 0.25, 0.75]],
    ]
)
"""[phase, tap, cell]: parts of the cells before, here and after that a kernel's taps read."""


def over_cells(kernel: Tensor) -> Tensor:
    """The kernel over cells that does what `kernel` does over their bilinear upsampling.

    Args:
        kernel: (out, in, 3, 3).

    Returns:
        (4 * out, in, 3, 3), phase by phase.
    """
    taps = TAPS.to(kernel.dtype)
    return torch.einsum("pya,oiyx,qxb->pqoiab", taps, kernel, taps).flatten(0, 2)


def over_pixels(kernel: Tensor) -> Tensor:
    """The kernel of stride 2, starting a pixel before each cell, that does what `kernel` does.

    Args:
        kernel: (out, in, 3, 3).

    Returns:
        (4 * out, in, 4, 4), phase by phase.
    """
    return torch.cat([F.pad(kernel, (x, 1 - x, y, 1 - y)) for y in (0, 1) for x in (0, 1)])


class PolyphaseHead(nn.Module):
    """`conv_f` of the fusion branch, with the upsampling and concatenation that come before it.

    Args:
        layer: The 3x3 convolution over upsampled features and image.
        last: The 1x1 convolution to the matte.
    """

    cells_weight: Tensor
    pixels_weight: Tensor
    last_weight: Tensor
    last_bias: Tensor

    def __init__(self, layer: Conv2dIBNormRelu, last: ConvHead) -> None:
        super().__init__()
        conv, norm = layer.conv, layer.norm
        self.conv = FoldedConv(conv, norm.bnorm, half=False)
        self.ibnorm = InstanceAffine(norm) if norm.inorm.num_features else None
        self.last = last.conv
        features, image = torch.split(self.conv.kernel(), [conv.in_channels - 3, 3], dim=1)
        self.register_buffer("cells_weight", over_cells(features))
        self.register_buffer("pixels_weight", over_pixels(image))
        each_phase = torch.block_diag(  # type: ignore[no-untyped-call]
            *[self.last.weight[:, :, 0, 0]] * PHASES
        )
        assert self.last.bias is not None
        self.register_buffer("last_bias", self.last.bias)
        self.register_buffer("last_weight", each_phase[:, :, None, None])

    def forward(self, features: Tensor, image: Tensor) -> Tensor:
        """Logits of the matte.

        Args:
            features: (N, C, H / 2, W / 2).
            image: (N, 3, H, W).

        Returns:
            (N, 1, H, W).
        """
        inner, rows, columns = self._normalised(
            self._inner(features, image),
            self._rows(features, image),
            self._columns(features, image),
        )
        inner = F.conv2d(inner, self.last_weight, torch.cat([self.last_bias] * PHASES))
        rows, columns = self.last(rows), self.last(columns)
        matte = torch.cat([columns[..., :2], F.pixel_shuffle(inner, 2), columns[..., 2:]], dim=3)
        return torch.cat([rows[:, :, :2], matte, rows[:, :, 2:]], dim=2)

    def _inner(self, features: Tensor, image: Tensor) -> Tensor:
        """Everything but the frame, (N, 4 * width, H / 2 - 2, W / 2 - 2)."""
        y = F.conv2d(features, self.cells_weight, self.conv.bias.repeat(PHASES))
        return y + F.conv2d(image[:, :, 1:-1, 1:-1], self.pixels_weight, stride=2)

    def _rows(self, features: Tensor, image: Tensor) -> Tensor:
        """The two topmost and the two lowest rows, (N, width, 4, W)."""
        top = self._as_written(features[:, :, :2], image[:, :, :4])[:, :, :2]
        bottom = self._as_written(features[:, :, -2:], image[:, :, -4:])[:, :, -2:]
        return torch.cat([top, bottom], dim=2)

    def _columns(self, features: Tensor, image: Tensor) -> Tensor:
        """What is left of the two outermost columns of each side, (N, width, H - 4, 4)."""
        left = self._as_written(features[..., :2], image[..., :4])[:, :, 2:-2, :2]
        right = self._as_written(features[..., -2:], image[..., -4:])[:, :, 2:-2, -2:]
        return torch.cat([left, right], dim=3)

    def _as_written(self, features: Tensor, image: Tensor) -> Tensor:
        y: Tensor = self.conv(torch.cat([resize(features, 2), image], dim=1))
        return y

    def _normalised(self, inner: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, ...]:
        """IBNorm and ReLU over the three parts of one picture, the first of them in phases."""
        if self.ibnorm is None:
            return F.relu(inner), F.relu(rows), F.relu(columns)
        top, side = 4 / (columns.shape[2] + 4), 4 / rows.shape[3]

        def mean(of_part: Callable[[Tensor], Tensor]) -> Tensor:
            # Weighted by shares of the picture: its number of pixels and the sums over them can
            # be more than the half precision of graphics processors holds.
            of_inner = of_part(inner).reshape(inner.shape[0], PHASES, -1, 1, 1).mean(1)
            between_rows = of_inner * (1 - side) + of_part(columns) * side
            return of_part(rows) * top + between_rows * (1 - top)

        def apply(to_part: Callable[[Tensor, Tensor], Tensor], value: Tensor) -> tuple[Tensor, ...]:
            return (
                to_part(inner, value.repeat(1, PHASES, 1, 1)),
                to_part(rows, value),
                to_part(columns, value),
            )

        centre = mean(lambda part: part.mean((2, 3), keepdim=True))
        inner, rows, columns = apply(torch.sub, centre * self.ibnorm.instance)
        variance = mean(mean_square)
        return apply(lambda part, scale: F.relu(part * scale), self.ibnorm.scale(variance))
