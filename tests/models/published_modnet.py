"""The published MODNet once more, as functions of a state dict: what ours is compared with.

Written from the papers (MODNet, AAAI 2022; MobileNetV2, CVPR 2018) and the names of the published
tensors. It has no widths of its own: all shapes are those of the tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

State = Mapping[str, Tensor]

STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)


class Published(NamedTuple):
    """What the published `forward(image, inference=False)` returns."""

    semantic: Tensor
    detail: Tensor
    matte: Tensor


def forward(s: State, image: Tensor) -> Published:
    enc2x, enc4x, enc32x = backbone(s, image)
    pooled = enc32x.mean((2, 3))
    hidden = F.relu(F.linear(pooled, s["lr_branch.se_block.fc.0.weight"]))
    gate = torch.sigmoid(F.linear(hidden, s["lr_branch.se_block.fc.2.weight"]))
    lr16x = ibn(s, resize(enc32x * gate[..., None, None], 2), "lr_branch.conv_lr16x")
    lr8x = ibn(s, resize(lr16x, 2), "lr_branch.conv_lr8x")
    semantic = conv(s, lr8x, "lr_branch.conv_lr.layers.0", stride=2)

    half, quarter = resize(image, 0.5), resize(image, 0.25)
    enc2x = ibn(s, enc2x, "hr_branch.tohr_enc2x")
    hr4x = ibn(s, torch.cat((half, enc2x), 1), "hr_branch.conv_enc2x", stride=2)
    enc4x = ibn(s, enc4x, "hr_branch.tohr_enc4x")
    hr4x = ibn(s, torch.cat((hr4x, enc4x), 1), "hr_branch.conv_enc4x")
    hr4x = torch.cat((hr4x, resize(lr8x, 2), quarter), 1)
    for i in range(3):
        hr4x = ibn(s, hr4x, f"hr_branch.conv_hr4x.{i}")
    hr2x = torch.cat((resize(hr4x, 2), enc2x), 1)
    for i in range(4):
        hr2x = ibn(s, hr2x, f"hr_branch.conv_hr2x.{i}")
    detail = ibn(s, torch.cat((resize(hr2x, 2), image), 1), "hr_branch.conv_hr.0")
    detail = conv(s, detail, "hr_branch.conv_hr.1.layers.0")

    lr2x = resize(ibn(s, resize(lr8x, 2), "f_branch.conv_lr4x"), 2)
    f2x = ibn(s, torch.cat((lr2x, hr2x), 1), "f_branch.conv_f2x")
    matte = ibn(s, torch.cat((resize(f2x, 2), image), 1), "f_branch.conv_f.0")
    matte = conv(s, matte, "f_branch.conv_f.1.layers.0")
    return Published(torch.sigmoid(semantic), torch.sigmoid(detail), torch.sigmoid(matte))


def backbone(s: State, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    features = "backbone.model.features"
    wrapped = ".cbr" if f"{features}.0.cbr.0.weight" in s else ""  # the pruning code's spelling
    x = F.relu6(bn(s, conv(s, x, f"{features}.0{wrapped}.0", stride=2), f"{features}.0{wrapped}.1"))
    kept = []
    for i, stride in enumerate(STRIDES):
        x = inverted_residual(s, x, f"{features}.{i + 1}.conv", stride)
        if i in (0, 2):
            kept.append(x)
    x = F.relu6(bn(s, conv(s, x, f"{features}.18{wrapped}.0"), f"{features}.18{wrapped}.1"))
    return kept[0], kept[1], x


def inverted_residual(s: State, x: Tensor, name: str, stride: int) -> Tensor:
    y, first = x, 0
    if f"{name}.6.weight" in s:
        y, first = F.relu6(bn(s, conv(s, x, f"{name}.0"), f"{name}.1")), 3
    y = conv(s, y, f"{name}.{first}", stride=stride, groups=y.shape[1])
    y = F.relu6(bn(s, y, f"{name}.{first + 1}"))
    y = bn(s, conv(s, y, f"{name}.{first + 3}"), f"{name}.{first + 4}")
    return x + y if stride == 1 and x.shape == y.shape else y


def ibn(s: State, x: Tensor, name: str, stride: int = 1) -> Tensor:
    x = conv(s, x, f"{name}.layers.0", stride=stride)
    split = len(s[f"{name}.layers.1.bnorm.weight"])
    batch = bn(s, x[:, :split], f"{name}.layers.1.bnorm")
    return F.relu(torch.cat((batch, F.instance_norm(x[:, split:])), 1))


def conv(s: State, x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
    weight = s[f"{name}.weight"]
    return F.conv2d(
        x, weight, s.get(f"{name}.bias"), stride, padding=weight.shape[-1] // 2, groups=groups
    )


def bn(s: State, x: Tensor, name: str) -> Tensor:
    mean, variance = s[f"{name}.running_mean"], s[f"{name}.running_var"]
    return F.batch_norm(x, mean, variance, s[f"{name}.weight"], s[f"{name}.bias"])


def resize(x: Tensor, scale: float) -> Tensor:
    return F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)


def random_state(
    outputs: Sequence[int],
    expansions: Sequence[int],
    *,
    lr16x: int,
    lr8x: int = 32,
    hr: int = 32,
    wrapped: bool = False,
    seed: int = 0,
) -> dict[str, Tensor]:
    """A published checkpoint with random float64 weights and statistics.

    Args:
        outputs: Of the stem, the 17 blocks and the last convolution.
        expansions: Hidden width over input of each block; 1 is without an expansion convolution.
        lr16x: Low-resolution width at 1/16.
        lr8x: The same at 1/8.
        hr: Width of the high-resolution branch.
        wrapped: Name the first and last convolution as the pruning code does.
        seed: Of the weights.
    """
    made = _Maker(seed)
    extra = ".cbr" if wrapped else ""
    features = "backbone.model.features"
    made.conv_bn(f"{features}.0{extra}", 0, outputs[0], 3, 3)
    for i, expansion in enumerate(expansions):
        width, inner, name = outputs[i], outputs[i] * expansion, f"{features}.{i + 1}.conv"
        first = 0
        if expansion != 1:
            made.conv_bn(name, 0, inner, width, 1)
            first = 3
        made.conv_bn(name, first, inner, 1, 3)
        made.conv_bn(name, first + 3, outputs[i + 1], inner, 1)
    last = outputs[-1]
    made.conv_bn(f"{features}.18{extra}", 0, last, outputs[-2], 1)
    made.tensor("lr_branch.se_block.fc.0.weight", last // 4, last)
    made.tensor("lr_branch.se_block.fc.2.weight", last, last // 4)
    made.ibn("lr_branch.conv_lr16x", lr16x, last, 5)
    made.ibn("lr_branch.conv_lr8x", lr8x, lr16x, 5)
    made.conv("lr_branch.conv_lr.layers.0", 1, lr8x, 3)
    made.ibn("hr_branch.tohr_enc2x", hr, outputs[1], 1)
    made.ibn("hr_branch.conv_enc2x", hr, hr + 3, 3)
    made.ibn("hr_branch.tohr_enc4x", hr, outputs[3], 1)
    made.ibn("hr_branch.conv_enc4x", 2 * hr, 2 * hr, 3)
    made.ibn("hr_branch.conv_hr4x.0", 2 * hr, 2 * hr + lr8x + 3, 3)
    made.ibn("hr_branch.conv_hr4x.1", 2 * hr, 2 * hr, 3)
    made.ibn("hr_branch.conv_hr4x.2", hr, 2 * hr, 3)
    made.ibn("hr_branch.conv_hr2x.0", 2 * hr, 2 * hr, 3)
    made.ibn("hr_branch.conv_hr2x.1", hr, 2 * hr, 3)
    made.ibn("hr_branch.conv_hr2x.2", hr, hr, 3)
    made.ibn("hr_branch.conv_hr2x.3", hr, hr, 3)
    made.ibn("hr_branch.conv_hr.0", hr, hr + 3, 3)
    made.conv("hr_branch.conv_hr.1.layers.0", 1, hr, 1)
    made.ibn("f_branch.conv_lr4x", hr, lr8x, 5)
    made.ibn("f_branch.conv_f2x", hr, 2 * hr, 3)
    made.ibn("f_branch.conv_f.0", hr // 2, hr + 3, 3)
    made.conv("f_branch.conv_f.1.layers.0", 1, hr // 2, 1)
    return made.state


class _Maker:
    def __init__(self, seed: int) -> None:
        self.state: dict[str, Tensor] = {}
        self._generator = torch.Generator().manual_seed(seed)

    def tensor(self, name: str, *shape: int) -> None:
        fan_in = max(1, torch.Size(shape[1:]).numel())
        values = torch.randn(shape, generator=self._generator, dtype=torch.float64)
        self.state[name] = values * (2 / fan_in) ** 0.5

    def conv(self, name: str, out: int, inputs: int, kernel: int, *, bias: bool = True) -> None:
        self.tensor(f"{name}.weight", out, inputs, kernel, kernel)
        if bias:
            self.tensor(f"{name}.bias", out)

    def bn(self, name: str, channels: int) -> None:
        for tensor in ("weight", "bias", "running_mean", "running_var"):
            values = torch.rand(channels, generator=self._generator, dtype=torch.float64)
            self.state[f"{name}.{tensor}"] = values + (0.5 if tensor != "running_mean" else -0.5)
        self.state[f"{name}.num_batches_tracked"] = torch.tensor(7)

    def conv_bn(self, name: str, index: int, out: int, inputs: int, kernel: int) -> None:
        self.conv(f"{name}.{index}", out, inputs, kernel, bias=False)
        self.bn(f"{name}.{index + 1}", out)

    def ibn(self, name: str, out: int, inputs: int, kernel: int) -> None:
        self.conv(f"{name}.layers.0", out, inputs, kernel)
        self.bn(f"{name}.layers.1.bnorm", out // 2)


MODNET = {
    "outputs": (32, 16, 24, 24, 32, 32, 32, *[64] * 4, *[96] * 3, *[160] * 3, 320, 1280),
    "expansions": (1, *[6] * 16),
    "lr16x": 96,
}
"""The published network, for `random_state(**MODNET)`."""
