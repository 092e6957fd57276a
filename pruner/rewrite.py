"""Exact rewrites: the same function as MODNet, in a graph that costs a CPU less.

What they save is memory traffic, which is most of a narrow network's time:

- batch norms are folded into their convolutions, the batch half of every IBNorm among them;
- IBNorm is one affine per channel over the whole tensor, so nothing is split and joined again;
- the last 3x3 convolution runs before the upsampling (`pruner.polyphase`);
- the picture is never shrunk: convolutions over it shrunk take it as it is;
- pictures are taken in the channel order they come in.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from models.modnet import Conv2dIBNormRelu, FusionBranch, HRBranch, MODNet, resize
from pruner.layers import FoldedConv, HalfLinear, IBNormConv, PictureConv
from pruner.polyphase import PolyphaseHead


def for_inference(model: MODNet, *, half: bool = False) -> MODNet:
    """A rewritten copy of a network, in evaluation mode; the network itself is left as it is.

    Args:
        model: Any MODNet. The copy gives the same, but takes BGR, and has no train-only heads.
        half: Keep the weights as float16 where that loses nothing that the checkpoint has.
    """
    copied = copy.deepcopy(model).eval().requires_grad_(False)
    _take_bgr(copied)
    head = PolyphaseHead(*copied.f_branch.conv_f)
    copied.hr_branch = HRForInference(copied.hr_branch, half=half)  # type: ignore[assignment]
    _rewrite(copied, half=half)
    copied.f_branch = FusionForInference(copied.f_branch, head)  # type: ignore[assignment]
    return copied


_PICTURE_CHANNELS = {
    "backbone.model.features.0.0": slice(3),
    "hr_branch.conv_enc2x.layers.0": slice(3),
    "hr_branch.conv_hr4x.0.layers.0": slice(-3, None),
    "f_branch.conv_f.0.layers.0": slice(-3, None),
}
"""Where the convolutions that see the picture have its channels."""


def _take_bgr(model: MODNet) -> None:
    """Turn round the kernels over the picture, so that nothing has to turn the picture round."""
    for name, channels in _PICTURE_CHANNELS.items():
        weight = model.get_parameter(f"{name}.weight")
        weight[:, channels] = weight[:, channels].flip(1)


def _rewrite(module: nn.Module, *, half: bool) -> None:
    """Replace the layers inside a module."""
    for name, child in module.named_children():
        if isinstance(child, Conv2dIBNormRelu):
            setattr(module, name, IBNormConv(child, half=half))
        elif isinstance(child, nn.Linear) and half:
            setattr(module, name, HalfLinear(child))
        elif isinstance(child, nn.Sequential):
            _rewrite(child, half=half)
            setattr(module, name, nn.Sequential(*_fold_batch_norms(child, half=half)))
        else:
            _rewrite(child, half=half)


def _fold_batch_norms(layers: nn.Sequential, *, half: bool) -> list[nn.Module]:
    folded: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            conv = folded.pop()
            assert isinstance(conv, nn.Conv2d)
            folded.append(FoldedConv(conv, layer, half=half))
        else:
            folded.append(layer)
    return folded


class HRForInference(nn.Module):
    """The high-resolution branch with convolutions that see the picture as it is."""

    def __init__(self, branch: HRBranch, *, half: bool) -> None:
        super().__init__()
        self.tohr_enc2x, self.tohr_enc4x = branch.tohr_enc2x, branch.tohr_enc4x
        self.conv_enc2x = PictureConv(branch.conv_enc2x, picture=slice(3), shrunk=2, half=half)
        self.conv_enc4x = branch.conv_enc4x
        first, *others = branch.conv_hr4x
        assert isinstance(first, Conv2dIBNormRelu)
        self.conv_hr4x_first = PictureConv(first, picture=slice(-3, None), shrunk=4, half=half)
        self.conv_hr4x = nn.Sequential(*others)
        self.conv_hr2x = branch.conv_hr2x

    def forward(self, image: Tensor, enc2x: Tensor, enc4x: Tensor, lr8x: Tensor) -> Tensor:
        """As `HRBranch.forward`."""
        enc2x = self.tohr_enc2x(enc2x)
        down2x = self.conv_enc2x(enc2x, image)
        mix4x = self.conv_enc4x(torch.cat([down2x, self.tohr_enc4x(enc4x)], dim=1))
        hr4x = self.conv_hr4x_first(torch.cat([mix4x, resize(lr8x, 2)], dim=1), image)
        hr4x = self.conv_hr4x(hr4x)
        hr2x: Tensor = self.conv_hr2x(torch.cat([resize(hr4x, 2), enc2x], dim=1))
        return hr2x


class FusionForInference(nn.Module):
    """The fusion branch with a head that takes its features before they are upsampled."""

    def __init__(self, branch: FusionBranch, head: PolyphaseHead) -> None:
        super().__init__()
        self.conv_lr4x, self.conv_f2x, self.head = branch.conv_lr4x, branch.conv_f2x, head

    def forward(self, image: Tensor, lr8x: Tensor, hr2x: Tensor) -> Tensor:
        """Logits of the matte, (N, 1, H, W)."""
        lr2x = resize(self.conv_lr4x(resize(lr8x, 2)), 2)
        f2x = self.conv_f2x(torch.cat([lr2x, hr2x], dim=1))
        logits: Tensor = self.head(f2x, image)
        return logits
