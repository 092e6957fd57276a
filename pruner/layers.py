"""The layers of a network that only infers: norms folded, nothing split and joined again."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.modnet import Conv2dIBNormRelu, IBNorm


class FoldedConv(nn.Module):
    """A convolution with the batch norm of its first channels folded in.

    The other channels lose their bias: the instance norm that follows would subtract it again.

    Args:
        conv: The convolution.
        norm: The norm of all its output channels, or of the first ones.
        half: Keep the weights as float16, as shipped checkpoints do, and the scale apart:
            their product would have to be rounded once more.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d, *, half: bool) -> None:
        super().__init__()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        self.stride, self.padding, self.groups = conv.stride, conv.padding, conv.groups
        batch, rest = norm.num_features, conv.out_channels - norm.num_features
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        mean = norm.running_mean if conv.bias is None else norm.running_mean - conv.bias[:batch]
        self.register_buffer("weight", conv.weight.half() if half else conv.weight)
        self.register_buffer("scale", F.pad(scale, (0, rest), value=1.0).view(-1, 1, 1, 1))
        self.register_buffer("bias", F.pad(norm.bias - mean * scale, (0, rest)))

    def kernel(self) -> Tensor:
        """The folded weights, (out, in / groups, k, k)."""
        return self.weight.to(self.scale.dtype) * self.scale

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, out, H / stride, W / stride)."""
        return F.conv2d(x, self.kernel(), self.bias, self.stride, self.padding, 1, self.groups)


class HalfLinear(nn.Module):
    """A linear layer without bias whose weights are float16."""

    weight: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.register_buffer("weight", linear.weight.half())

    def forward(self, x: Tensor) -> Tensor:
        """(N, in) to (N, out)."""
        return F.linear(x, self.weight.to(x.dtype))


class InstanceAffine(nn.Module):
    """What is left of an IBNorm whose batch half is folded, and the ReLU after it.

    One affine per channel over the whole tensor, which leaves the batch half as it is.
    """

    instance: Tensor
    batch: Tensor

    def __init__(self, norm: IBNorm) -> None:
        super().__init__()
        self.eps = norm.inorm.eps
        mask = torch.zeros(1, norm.bnorm.num_features + norm.inorm.num_features, 1, 1)
        mask[:, norm.bnorm.num_features :] = 1
        self.register_buffer("instance", mask)
        self.register_buffer("batch", 1 - mask)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), shape kept."""
        x = x - self.instance * x.mean(dim=(2, 3), keepdim=True)
        return F.relu(x * self.scale(mean_square(x)))

    def scale(self, variance: Tensor) -> Tensor:
        """One over the standard deviation, or 1 in the batch half; (N, C, 1, 1)."""
        return self.instance * torch.rsqrt(variance + self.eps) + self.batch


def mean_square(x: Tensor) -> Tensor:
    """The mean over each channel's pixels of their squares, (N, C, 1, 1).

    Not as the mean of `x * x`, which would be written to memory. The half precision of graphics
    processors ends at 65504, so neither the sum of the squares nor the number of pixels may occur:
    the root is divided by the roots of the sides before it is squared.
    """
    root: Tensor = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
    root = root / x.shape[2] ** 0.5 / x.shape[3] ** 0.5
    return root * root


class IBNormConv(nn.Module):
    """`Conv2dIBNormRelu` for inference."""

    def __init__(self, layer: Conv2dIBNormRelu, *, half: bool) -> None:
        super().__init__()
        self.conv = FoldedConv(layer.conv, layer.norm.bnorm, half=half)
        # Without instance norms nothing is left but the ReLU.
        self.ibnorm = InstanceAffine(layer.norm) if layer.norm.inorm.num_features else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, width, H / stride, W / stride)."""
        return self.activated(self.conv(x))

    def activated(self, y: Tensor) -> Tensor:
        """What comes after the convolution."""
        return F.relu(y) if self.ibnorm is None else self.ibnorm(y)


class PictureConv(IBNormConv):
    """`Conv2dIBNormRelu` over features and a shrunk picture, which takes the picture as it is.

    Shrinking by 2 or 4 takes the mean of four pixels, so a sparse kernel over the picture does what
    the kernel does over the shrunk one: nothing is shrunk, rearranged and joined to the features.

    Args:
        layer: Its last or first three input channels are the picture's.
        picture: Which.
        shrunk: By how much: 2 or 4.
        half: See `FoldedConv`; the picture's weights are float32.
    """

    over_picture: Tensor

    def __init__(self, layer: Conv2dIBNormRelu, *, picture: slice, shrunk: int, half: bool) -> None:
        super().__init__(layer, half=half)
        of_picture = torch.zeros(layer.conv.in_channels, dtype=torch.bool)
        of_picture[picture] = True
        kernel = over_shrunk(self.conv.kernel()[:, of_picture], shrunk)
        self.register_buffer("over_picture", kernel)
        self.conv.weight = self.conv.weight[:, ~of_picture]
        self._stride = layer.conv.stride[0] * shrunk
        self._padding = (kernel.shape[-1] - shrunk) // 2

    def forward(self, features: Tensor, image: Tensor) -> Tensor:  # type: ignore[override]
        """Features (N, C, h, w) and the whole picture (N, 3, H, W) to what the layer gives."""
        over_picture = F.conv2d(image, self.over_picture, None, self._stride, self._padding)
        return self.activated(self.conv(features) + over_picture)


def over_shrunk(kernel: Tensor, factor: int) -> Tensor:
    """The kernel over pixels that does what `kernel` does over a picture shrunk bilinearly.

    Args:
        kernel: (out, in, 3, 3), padded with one.
        factor: 2 or 4: where it shrinks to, each pixel is the mean of the four in its middle.

    Returns:
        (out, in, 6, 6), padded with two, or (out, in, 10, 10), padded with three.
    """
    margin = factor // 2 - 1
    middle = F.pad(torch.full((2, 2), 0.25, dtype=kernel.dtype), (margin,) * 4)
    large = torch.kron(kernel, middle)
    size = large.shape[-1]
    return large[..., margin : size - margin, margin : size - margin].contiguous()
