"""Light, lens and file format: what changes a picture and leaves its matte as it is."""

from kornia.augmentation import (
    AugmentationSequential,
    ColorJiggle,
    RandomGamma,
    RandomGaussianBlur,
    RandomGaussianNoise,
    RandomGrayscale,
    RandomJPEG,
    RandomMotionBlur,
)


def photometric() -> AugmentationSequential:
    """For (N, 3, H, W) float RGB in [0, 1]; draws from torch's global generator."""
    return AugmentationSequential(
        ColorJiggle(
            brightness=(0.7, 1.3),
            contrast=(0.7, 1.3),
            saturation=(0.6, 1.4),
            hue=(-0.04, 0.04),
            p=0.8,
        ),
        RandomGamma(gamma=(0.65, 1.5), p=0.3),
        RandomGrayscale(p=0.04),
        RandomGaussianBlur((5, 5), (0.4, 1.6), p=0.1),
        RandomMotionBlur(5, 45.0, 0.0, p=0.04),
        RandomGaussianNoise(std=0.02, p=0.1),
        RandomJPEG(jpeg_quality=(35, 90), p=0.15),
        data_keys=["input"],
    )
