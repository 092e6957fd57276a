"""The terms a matting network is trained with.

Mattes are (N, 1, H, W) and images (N, 3, H, W) RGB, float in [0, 1].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d, spatial_gradient
from torch import Tensor

SEMANTIC_STRIDE = 16


def semantic_target(alpha: Tensor) -> Tensor:
    """The matte at 1/16, blurred (MODNet, section 3.2): what the semantic head should see."""
    return gaussian_blur2d(F.avg_pool2d(alpha, SEMANTIC_STRIDE), (3, 3), (0.8, 0.8))


def unknown_band(alpha: Tensor, radius: int) -> Tensor:
    """1 within `radius` pixels of both person and background and where they mix, else 0.

    Args:
        alpha: True matte.
        radius: In pixels; the field draws 10 to 20 at 512 x 512.
    """
    near_background = _dilate((alpha < 0.95).float(), radius)
    near_person = _dilate((alpha > 0.05).float(), radius)
    return near_background * near_person


def _dilate(mask: Tensor, radius: int) -> Tensor:
    """Maximum over a square, by rows and then columns: the cost grows with the radius only."""
    size = 2 * radius + 1
    rows = F.max_pool2d(mask, (size, 1), stride=1, padding=(radius, 0))
    return F.max_pool2d(rows, (1, size), stride=1, padding=(0, radius))


def semantic_loss(semantic: Tensor, alpha: Tensor) -> Tensor:
    """Half the mean squared error at 1/16 (MODNet, eq. 1)."""
    return 0.5 * F.mse_loss(semantic, semantic_target(alpha))


def entropy_loss(semantic: Tensor, alpha: Tensor) -> Tensor:
    """Cross entropy at 1/16, less that of a perfect prediction.

    The squared error hardly moves a network that is sure and wrong, as one is that takes a horse
    for a person: its gradient vanishes with the sigmoid's. This one's is greatest there.
    """
    target = semantic_target(alpha).clamp(0, 1)
    logits = torch.logit(semantic.float(), eps=1e-6)
    least = F.binary_cross_entropy(target, target)
    return F.binary_cross_entropy_with_logits(logits, target) - least


def band_l1(predicted: Tensor, alpha: Tensor, band: Tensor) -> Tensor:
    """Mean absolute error inside the band (MODNet, eq. 2).

    Over the band's own area, so that a small person counts like a big one.
    """
    return ((predicted - alpha).abs() * band).sum() / band.sum().clamp_min(1)


def matte_loss(matte: Tensor, alpha: Tensor, image: Tensor, band: Tensor) -> Tensor:
    """L1 everywhere, four times more in the band; the same on the composite (MODNet, eq. 3).

    The composite of the true foreground is approximated by the image itself, on [0, 1] pixel
    values.
    """
    weight = 1 + 4 * band
    error = (matte - alpha).abs()
    return (error * weight).mean() + (image * error * weight).mean()


def gradient_loss(matte: Tensor, alpha: Tensor) -> Tensor:
    """Mean absolute error of the Sobel gradients: edges sharp where they are, flat areas flat."""
    return F.l1_loss(spatial_gradient(matte), spatial_gradient(alpha))


def pyramid_loss(matte: Tensor, alpha: Tensor) -> Tensor:
    """Squared error of the mattes averaged over 8 and 32 pixels: holes cost more than specks."""
    return sum(
        (F.mse_loss(F.avg_pool2d(matte, size), F.avg_pool2d(alpha, size)) for size in (8, 32)),
        start=torch.zeros((), device=matte.device),
    )


def consistency_loss(matte: Tensor, semantic: Tensor, detail: Tensor, band: Tensor) -> Tensor:
    """The three predictions should agree without any label (MODNet's SOC, eq. 4)."""
    coarse = 0.5 * F.mse_loss(semantic_target(matte), semantic)
    return coarse + band_l1(matte, detail, band)


def feature_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Similarity-preserving distillation (Tung & Mori, ICCV 2019), over positions.

    Compares which places look alike to each network, so their channel counts may differ.

    Args:
        student: (N, C, h, w) features.
        teacher: (N, D, h, w) features of the same pictures.
    """
    return F.mse_loss(_likeness(student), _likeness(teacher))


def _likeness(features: Tensor) -> Tensor:
    """Cosine of each pair of positions on an 8 x 8 grid, (N, 64, 64)."""
    grid = F.adaptive_avg_pool2d(features, 8).flatten(2)
    unit = F.normalize(grid - grid.mean(dim=2, keepdim=True), dim=1)
    return unit.transpose(1, 2) @ unit
