"""MODNet (Ke et al., AAAI 2022, arXiv 2011.11961), built from widths.

Three branches after one backbone: the low-resolution branch finds the person (semantics at 1/16),
the high-resolution branch finds the edge (detail), the fusion branch joins both into the matte.
Attribute names are the published ones, so the published checkpoints load; the backbone is
registered once, at the top.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.mobilenetv2 import MobileNetV2Backbone
from models.widths import IBNWidth, MODNetWidths

STRIDE = 32
"""Height and width of the input must be multiples of this."""


class MODNetOutput(NamedTuple):
    """What the network predicts for an (N, 3, H, W) image; all values in [0, 1].

    Attributes:
        matte: (N, 1, H, W).
        semantic: (N, 1, H/16, W/16), or None without the train-only heads.
        detail: (N, 1, H, W), or None without the detail head.
    """

    matte: Tensor
    semantic: Tensor | None = None
    detail: Tensor | None = None


class IBNorm(nn.Module):
    """Batch norm on the first channels, instance norm (no affine) on the rest."""

    def __init__(self, width: IBNWidth) -> None:
        super().__init__()
        self.bnorm = nn.BatchNorm2d(width.batch)
        self.inorm = nn.InstanceNorm2d(width.instance)

    def forward(self, x: Tensor) -> Tensor:
        """(N, batch + instance, H, W), shape kept."""
        if not self.inorm.num_features:
            normalised: Tensor = self.bnorm(x)
            return normalised
        batch, instance = torch.split(x, [self.bnorm.num_features, self.inorm.num_features], dim=1)
        return torch.cat([self.bnorm(batch), self.inorm(instance)], dim=1)


class Conv2dIBNormRelu(nn.Module):
    """Convolution (with bias, padded to keep the size), IBNorm, ReLU."""

    def __init__(self, in_channels: int, width: IBNWidth, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, width.total, kernel, stride, padding=kernel // 2),
            IBNorm(width),
            nn.ReLU(inplace=True),
        )

    @property
    def conv(self) -> nn.Conv2d:
        """The convolution."""
        conv = self.layers[0]
        assert isinstance(conv, nn.Conv2d)
        return conv

    @property
    def norm(self) -> IBNorm:
        """Its norm."""
        norm = self.layers[1]
        assert isinstance(norm, IBNorm)
        return norm

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, width, H / stride, W / stride)."""
        y: Tensor = self.layers(x)
        return y


class ConvHead(nn.Module):
    """A convolution to one channel: the logits of a prediction."""

    def __init__(self, in_channels: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(in_channels, 1, kernel, stride, padding=kernel // 2))

    @property
    def conv(self) -> nn.Conv2d:
        """The convolution."""
        conv = self.layers[0]
        assert isinstance(conv, nn.Conv2d)
        return conv

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, 1, H / stride, W / stride)."""
        y: Tensor = self.layers(x)
        return y


class SEBlock(nn.Module):
    """Squeeze and excitation (Hu et al., CVPR 2018): the channels' means gate each channel."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W), shape kept."""
        gate: Tensor = self.fc(x.mean(dim=(2, 3)))
        return x * gate[:, :, None, None]


def resize(x: Tensor, scale: float) -> Tensor:
    """Bilinear, as the published network samples up and down."""
    return F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)


class LRBranch(nn.Module):
    """Where the person is."""

    def __init__(self, w: MODNetWidths) -> None:
        super().__init__()
        self.se_block = SEBlock(w.last, w.se)
        self.conv_lr16x = Conv2dIBNormRelu(w.last, w.lr16x, 5)
        self.conv_lr8x = Conv2dIBNormRelu(w.lr16x.total, w.lr8x, 5)
        self.conv_lr = ConvHead(w.lr8x.total, 3, stride=2)

    def forward(self, enc32x: Tensor) -> Tensor:
        """Features at 1/32 to features at 1/8."""
        lr16x = self.conv_lr16x(resize(self.se_block(enc32x), 2))
        lr8x: Tensor = self.conv_lr8x(resize(lr16x, 2))
        return lr8x


class HRBranch(nn.Module):
    """Where its edge runs."""

    def __init__(self, w: MODNetWidths) -> None:
        super().__init__()
        self.tohr_enc2x = Conv2dIBNormRelu(w.blocks[0], w.enc2x, 1)
        self.conv_enc2x = Conv2dIBNormRelu(w.enc2x.total + 3, w.down2x, 3, stride=2)
        self.tohr_enc4x = Conv2dIBNormRelu(w.blocks[2], w.enc4x, 1)
        self.conv_enc4x = Conv2dIBNormRelu(w.down2x.total + w.enc4x.total, w.mix4x, 3)
        self.conv_hr4x = conv_stack(w.mix4x.total + w.lr8x.total + 3, w.hr4x)
        self.conv_hr2x = conv_stack(w.hr4x[-1].total + w.enc2x.total, w.hr2x)
        self.conv_hr = nn.Sequential(
            Conv2dIBNormRelu(w.hr2x[-1].total + 3, w.detail, 3), ConvHead(w.detail.total, 1)
        )

    def forward(self, image: Tensor, enc2x: Tensor, enc4x: Tensor, lr8x: Tensor) -> Tensor:
        """Image, backbone features and the low-resolution branch's to features at 1/2."""
        enc2x = self.tohr_enc2x(enc2x)
        down2x = self.conv_enc2x(torch.cat([resize(image, 1 / 2), enc2x], dim=1))
        mix4x = self.conv_enc4x(torch.cat([down2x, self.tohr_enc4x(enc4x)], dim=1))
        hr4x = self.conv_hr4x(torch.cat([mix4x, resize(lr8x, 2), resize(image, 1 / 4)], dim=1))
        hr2x: Tensor = self.conv_hr2x(torch.cat([resize(hr4x, 2), enc2x], dim=1))
        return hr2x


def conv_stack(in_channels: int, widths: tuple[IBNWidth, ...]) -> nn.Sequential:
    """3x3 convolutions one after another."""
    inputs = (in_channels, *(width.total for width in widths))
    return nn.Sequential(*(Conv2dIBNormRelu(inputs[i], width, 3) for i, width in enumerate(widths)))


class FusionBranch(nn.Module):
    """The matte, from both."""

    def __init__(self, w: MODNetWidths) -> None:
        super().__init__()
        self.conv_lr4x = Conv2dIBNormRelu(w.lr8x.total, w.lr4x, 5)
        self.conv_f2x = Conv2dIBNormRelu(w.lr4x.total + w.hr2x[-1].total, w.f2x, 3)
        self.conv_f = nn.Sequential(
            Conv2dIBNormRelu(w.f2x.total + 3, w.f, 3), ConvHead(w.f.total, 1)
        )

    def forward(self, image: Tensor, lr8x: Tensor, hr2x: Tensor) -> Tensor:
        """Logits of the matte, (N, 1, H, W)."""
        lr2x = resize(self.conv_lr4x(resize(lr8x, 2)), 2)
        f2x = self.conv_f2x(torch.cat([lr2x, hr2x], dim=1))
        logits: Tensor = self.conv_f(torch.cat([resize(f2x, 2), image], dim=1))
        return logits


class MODNet(nn.Module):
    """The network at the given widths, with fresh weights.

    Args:
        widths: Channel counts; the default is the published network.
    """

    def __init__(self, widths: MODNetWidths | None = None) -> None:
        super().__init__()
        self.widths = widths or MODNetWidths()
        self.backbone = MobileNetV2Backbone(self.widths)
        self.lr_branch = LRBranch(self.widths)
        self.hr_branch = HRBranch(self.widths)
        self.f_branch = FusionBranch(self.widths)

    def forward(
        self, image: Tensor, *, heads: bool = False, detail: bool = True, coarse: bool = False
    ) -> MODNetOutput:
        """Predict the matte.

        Args:
            image: (N, 3, H, W) RGB in [-1, 1]; H and W multiples of 32.
            heads: Also run the train-only semantic and detail heads.
            detail: False leaves out the detail head, a seventh of all the work.
            coarse: Only the low-resolution branch, a quarter of all the work: the matte is the
                semantic prediction scaled up.

        Raises:
            ValueError: H or W is not a multiple of 32.
        """
        height, width = image.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f"height and width must be multiples of {STRIDE}, got {height} x {width}"
            )
        enc2x, enc4x, enc32x = self.backbone(image)
        lr8x = self.lr_branch(enc32x)
        # In float32 whatever the rest is in: bfloat16 has no numbers between 0.996 and 1.
        semantic = torch.sigmoid(self.lr_branch.conv_lr(lr8x).float()) if heads or coarse else None
        if semantic is not None and coarse:
            return MODNetOutput(resize(semantic, 16), semantic)
        hr2x = self.hr_branch(image, enc2x, enc4x, lr8x)
        matte = torch.sigmoid(self.f_branch(image, lr8x, hr2x))
        if not heads or not detail:
            return MODNetOutput(matte, semantic)
        full = torch.cat([resize(hr2x, 2), image], dim=1)
        return MODNetOutput(matte, semantic, torch.sigmoid(self.hr_branch.conv_hr(full)))
