"""Which way is up in a decoded frame."""

from __future__ import annotations

import struct
from typing import NamedTuple

from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame

from stream.frame import Image


class Orientation(NamedTuple):
    """What sets a picture upright.

    Attributes:
        turned: Whether the axes are to be swapped.
        step_y, step_x: Then the steps along them, 1 or -1.
    """

    turned: bool = False
    step_y: int = 1
    step_x: int = 1

    def upright(self, image: Image) -> Image:
        """A view of a picture, set upright."""
        image = image.transpose(1, 0, 2) if self.turned else image
        return image[:: self.step_y, :: self.step_x]


UPRIGHT = Orientation()


def orientation(frame: VideoFrame) -> Orientation:
    """The frame's display matrix to the nearest quarter turn, with its reflection if it has one.

    The matrix maps a stored point (x, y) to (a x + c y, b x + d y), where y points down.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData):
        return UPRIGHT
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix))
    turned = abs(b) > abs(a)
    x, y = (c, b) if turned else (a, d)
    return Orientation(turned, -1 if y < 0 else 1, -1 if x < 0 else 1)
