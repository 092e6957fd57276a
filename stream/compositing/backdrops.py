"""Backgrounds that do not move: a picture, a colour, nothing."""

from __future__ import annotations

import numpy as np

from stream.compositing.fit import Fit, fitted
from stream.frame import Image, MattedFrame

_MAX_SIDE = 4096
"""Longest side of a picture that is kept, in pixels: a photograph of 50 megapixels is 150 MB."""


class PictureBackground:
    """A picture, fitted once for every size of frame.

    Args:
        picture: (H, W, 3) uint8 BGR.
        fit: How it fills the frame.
    """

    is_transparent = False

    def __init__(self, picture: Image, fit: Fit) -> None:
        longest = max(picture.shape[:2])
        if longest > _MAX_SIDE:
            height, width = (max(1, side * _MAX_SIDE // longest) for side in picture.shape[:2])
            picture = fitted(picture, (width, height), Fit.STRETCH)
        self._picture = picture
        self._fit = fit
        self._fitted = picture

    def picture(self, matted: MattedFrame) -> Image:
        """The picture at the frame's size."""
        return self.placeholder(matted.frame.size_wh)

    def placeholder(self, size_wh: tuple[int, int]) -> Image:
        """The picture at any size."""
        fitting = self._fitted
        if fitting.shape[1::-1] != size_wh:
            fitting = self._fitted = fitted(self._picture, size_wh, self._fit)
        return fitting

    def close(self) -> None:
        """Nothing is open."""


def colour_background(colour_bgr: tuple[int, int, int]) -> PictureBackground:
    """One colour everywhere."""
    return PictureBackground(np.array([[colour_bgr]], np.uint8), Fit.STRETCH)


class TransparentBackground:
    """No background: people are cut out."""

    is_transparent = True

    def picture(self, matted: MattedFrame) -> Image:
        """Never called: there is no picture."""
        raise AssertionError("a transparent background has no picture")

    def placeholder(self, size_wh: tuple[int, int]) -> Image:
        """Nothing to be seen: (H, W, 4) BGRA, all zero."""
        return np.zeros((size_wh[1], size_wh[0], 4), np.uint8)

    def close(self) -> None:
        """Nothing is open."""
