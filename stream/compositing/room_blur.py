"""The real room, out of focus, as if nobody were in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

import cv2
import numpy as np

from stream.compositing.arithmetic import (
    Plane,
    blurred,
    halved,
    in_colour,
    merged,
    resized,
    shrunk,
    split,
)
from stream.compositing.yuv import YUVPicture, stacked
from stream.frame import Image, MattedFrame, Picture, as_image

LIGHTEST, HEAVIEST = 0.01, 0.06
"""Standard deviation of the blur at strength 0 and 1, as a share of the frame's shorter side."""

_LEAST_DEVIATION = 1.6
"""In pixels of the small picture; with less, its pixels would be seen when it is enlarged."""

_NOBODY = 10
"""Up to this alpha a pixel shows the room."""

_ENOUGH = 26
"""Share of known pixels (of 255) from which their mean is exact to five levels."""

_GREY = 96


class BlurredRoom:
    """Blurs the room of each frame, but not the person into it.

    Where the person is, the room is filled in from around: by means of the pixels that show it,
    divided by how many they are, on as many scales as it takes.

    Args:
        strength: 0 for the lightest blur to 1 for the heaviest.
    """

    is_transparent = False

    def __init__(self, strength: float) -> None:
        assert 0 <= strength <= 1
        self._share = LIGHTEST + (HEAVIEST - LIGHTEST) * strength
        self._last: Picture = np.full((1, 1, 3), _GREY, np.uint8)

    def picture(self, matted: MattedFrame) -> Picture:
        """The blurred room at the frame's size, in the form of the frame's picture."""
        picture, alpha = matted.frame.picture, matted.alpha
        deviation = self._share * min(alpha.shape)
        while deviation >= 2 * _LEAST_DEVIATION:
            alpha, deviation = halved(alpha), deviation / 2
        yuv = picture if isinstance(picture, YUVPicture) else None
        planes = yuv.planes if yuv else [matted.frame.image]
        room = merged([shrunk(plane, alpha.shape[::-1]) for plane in planes])
        # The person takes one pixel more: mattes are not exact, and pixels at edges hold both.
        person = cv2.dilate(alpha, np.ones((3, 3), np.uint8))
        room = _filled(room, cv2.inRange(person, 0, _NOBODY))
        for size in _boxes(deviation):
            room = blurred(room, size)
        size_wh = matted.frame.size_wh
        self._last = (
            YUVPicture(stacked(split(room), size_wh), yuv.space) if yuv else resized(room, size_wh)
        )
        return self._last

    def placeholder(self, size_wh: tuple[int, int]) -> Image:
        """The room as it was last seen; grey before that."""
        return resized(as_image(self._last), size_wh)

    def close(self) -> None:
        """Nothing is open."""


def _filled(image: Plane, known: cv2.typing.MatLike) -> Plane:
    """Fill what is not known from the nearest scale on which it is.

    Args:
        image: (h, w, 3) uint8.
        known: (h, w) uint8, 255 where the image counts and 0 elsewhere.
    """
    height, width = known.shape
    if height == width == 1:
        return image
    counted = cast(Plane, cv2.copyTo(image, known))
    share = halved(cast(Plane, known))
    means = cast(Plane, cv2.divide(halved(counted), in_colour(share), scale=255))
    filled = resized(_filled(means, cv2.inRange(share, _ENOUGH, 255)), (width, height))
    cv2.copyTo(image, known, filled)
    return filled


def _boxes(deviation: float) -> Iterator[int]:
    """Odd sizes of three boxes that together are nearly a Gaussian; deviation in pixels."""
    variance = deviation**2
    for left in (3, 2, 1):
        half = (math.sqrt(12 * max(0.0, variance) / left + 1) - 1) / 2
        size = 2 * round(half) + 1
        variance -= (size**2 - 1) / 12
        yield size
