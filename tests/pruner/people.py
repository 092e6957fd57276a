"""Made pictures of "people" (bright ellipses on noise) and a network small enough to train."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from models.widths import IBNWidth, MODNetWidths

TWO = IBNWidth(2, 2)

TINY = MODNetWidths(
    stem=4,
    blocks=(4,) * 17,
    hidden=(None, *(4,) * 16),
    last=8,
    se=4,
    **dict.fromkeys(
        ("lr16x", "lr8x", "enc2x", "enc4x", "down2x", "mix4x", "detail", "lr4x", "f2x", "f"), TWO
    ),
    hr4x=(TWO,) * 3,
    hr2x=(TWO,) * 4,
)


def person(size_wh: tuple[int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Picture (H, W, 3) uint8 RGB and matte (H, W) uint8: an ellipse on the lower edge."""
    rng = np.random.default_rng(seed)
    width, height = size_wh
    alpha = np.zeros((height, width), np.uint8)
    cv2.ellipse(
        alpha, (width // 2, height), (width // 5, height * 2 // 3), 0, 0, 360, 255, -1, cv2.LINE_AA
    )
    image = rng.integers(0, 90, (height, width, 3), np.uint8)
    image[alpha > 127] = (220, 180, 150)
    return image, alpha


def write_people(
    root: Path,
    count: int,
    *,
    size_wh: tuple[int, int] = (80, 96),
    folders: tuple[str, str] = ("image", "alpha"),
) -> Path:
    """A data set of `count` made pictures."""
    for i in range(count):
        image, alpha = person(size_wh, seed=i)
        for folder, picture, suffix in zip(
            folders, (image[..., ::-1], alpha), (".jpg", ".png"), strict=True
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(root / folder / f"made_{i:03d}{suffix}"), picture)
    return root
