"""How two models' mattes of the same frames differ: as numbers and as heat maps."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from stream.composite import blend
from stream.frame import Alpha, CompositedFrame, Image, MattedFrame
from stream.sink import Sink

FULL_SCALE = 0.5
"""The difference in opacity, 0 to 1, from which on the heat map is brightest."""

_MAX_WIDTH = 960
_ROOM_LIGHT = 0.3


class Differences:
    """Compares two mattes of one frame after the other, and draws where they differ.

    Args:
        sink: Takes the heat maps.

    Attributes:
        worst_s: The moment in seconds at which they have differed most so far.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._sum = self._worst = self.worst_s = 0.0
        self._count = 0

    @property
    def mean(self) -> float:
        """Mean over all frames so far, from 0 to 1."""
        return self._sum / self._count if self._count else 0.0

    def add(self, matted: MattedFrame, other: Alpha) -> None:
        """Compare a frame's matte with another one of the same frame, (H, W) uint8."""
        difference = mean_difference(matted.alpha, other)
        self._sum += difference
        self._count += 1
        if difference > self._worst:
            self._worst, self.worst_s = difference, matted.frame.time_s
        self._sink.write(heat_map(matted, other))


def mean_difference(a: Alpha, b: Alpha) -> float:
    """Mean absolute difference of two mattes (H, W) uint8, from 0 (equal) to 1."""
    return float(cv2.norm(a, b, cv2.NORM_L1)) / a.size / 255


def heat_map(matted: MattedFrame, other: Alpha) -> CompositedFrame:
    """Show where two mattes differ.

    Args:
        matted: A frame with the one matte.
        other: The other matte, (H, W) uint8.

    Returns:
        The frame with a picture (h, w, 3) uint8 BGR, no wider than 960 pixels: a dim grey copy of
        what was filmed, and on it from dark red to bright yellow how much the mattes differ.
    """
    difference = cast(Alpha, cv2.absdiff(matted.alpha, other))
    picture = heat_picture(_shrunk(matted.frame.image), _shrunk(difference))
    return CompositedFrame(picture, matted)


def heat_picture(image: Image, difference: Alpha) -> Image:
    """The heat map of a difference (H, W) uint8 over a picture (H, W, 3) uint8 BGR."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    room = cv2.cvtColor(cv2.convertScaleAbs(grey, alpha=_ROOM_LIGHT), cv2.COLOR_GRAY2BGR)
    strength = cv2.convertScaleAbs(difference, alpha=1 / FULL_SCALE)
    # From a fifth of the scale on: what is darker could not be told from the room.
    colours = cv2.applyColorMap(cv2.convertScaleAbs(strength, alpha=0.8, beta=51), _COLOURS)
    visible = cv2.LUT(strength, _VISIBILITY)
    return blend(cast(Image, colours), cast(Alpha, visible), cast(Image, room))


def _shrunk(picture: Image | Alpha) -> Image:
    height, width = picture.shape[:2]
    if width > _MAX_WIDTH:
        size_wh = _MAX_WIDTH, max(1, round(height * _MAX_WIDTH / width))
        picture = np.asarray(cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    return picture


_COLOURS = cv2.COLORMAP_INFERNO
_VISIBILITY = np.minimum(255, 4 * np.arange(256)).astype(np.uint8)
"""Small differences show the room through them, so that noise does not cover everything."""
