"""Light, lens and file format: what changes a picture and leaves its matte as it is."""

import cv2
import numpy as np
from kornia.augmentation import (
    AugmentationSequential,
    ColorJiggle,
    RandomGamma,
    RandomGaussianBlur,
    RandomGaussianNoise,
    RandomGrayscale,
    RandomMotionBlur,
    RandomPlanckianJitter,
)

from pruner.crop import Picture, Rng


def photometric() -> AugmentationSequential:
    """For (N, 3, H, W) float RGB in [0, 1]; draws from torch's global generator."""
    return AugmentationSequential(
        ColorJiggle(
            brightness=(0.7, 1.3),
            contrast=(0.7, 1.3),
            saturation=(0.6, 1.4),
            p=0.8,
        ),
        RandomPlanckianJitter(select_from=list(range(3, 15)), p=0.3),  # warm to cold light
        RandomGamma(gamma=(0.65, 1.5), p=0.3),
        RandomGrayscale(p=0.04),
        RandomGaussianBlur((5, 5), (0.4, 1.6), p=0.1),
        RandomMotionBlur(5, 45.0, 0.0, p=0.04),
        RandomGaussianNoise(std=0.02, p=0.1),
        data_keys=["input"],
    )


def compressed(image: Picture, rng: Rng, *, chance: float = 0.15) -> Picture:
    """Now and then the picture as a JPEG file has it; kornia's takes a hundred times as long.

    Args:
        image: (H, W, 3) uint8 RGB.
        rng: Draws whether, and the quality: 35 to 90.
        chance: Of pictures.
    """
    if rng.random() >= chance:
        return image
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 91))]
    _, file = cv2.imencode(".jpg", image[..., ::-1], quality)
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR_RGB), np.uint8)
