"""The colours of people without the background that shines through at their edges."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from pymatting import estimate_foreground_ml

from pruner.crop import Picture
from pruner.data import Pair, read_image

_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 97]


class Foregrounds:
    """Estimates the foreground of pictures, and keeps it for the next time.

    Training asks for every picture again and again, and estimating takes ten times as long as
    reading a file.

    Args:
        folder: Gets a JPEG of each picture that is asked for, and may serve several processes at
            once; None to keep nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def of(self, item: Pair, image: Picture, alpha: Picture) -> Picture:
        """What colour the person has, also where only a part of a pixel is theirs.

        Args:
            item: Whose picture it is.
            image: (H, W, 3) uint8 RGB, the picture.
            alpha: (H, W) uint8, its matte.

        Returns:
            (H, W, 3) uint8 RGB, the same each time.
        """
        if self._folder is None:
            return _estimated(image, alpha)
        path = self._folder / f"{item.name}.jpg"
        if not path.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}")
            _, file = cv2.imencode(".jpg", _estimated(image, alpha)[..., ::-1], _QUALITY)
            partial.write_bytes(file.tobytes())
            partial.replace(path)
        return read_image(path)


def _estimated(image: Picture, alpha: Picture) -> Picture:
    colours = estimate_foreground_ml(image / np.float64(255), alpha / np.float64(255))
    return np.asarray(np.rint(colours * 255).clip(0, 255), np.uint8)
