"""Arithmetic on 8-bit pictures by OpenCV: rounded, saturated, and 255 stands for 1.

OpenCV's own types say only that something comes back; these say what. All take and return
contiguous (h, w, 3) or (h, w) uint8, the operands of one call being of one shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Plane: TypeAlias = NDArray[np.uint8]
"""(h, w, 3) or (h, w) uint8."""


def plus(a: Plane, b: Plane) -> Plane:
    """The sum, at most 255."""
    return cast(Plane, cv2.add(a, b))


def minus(a: Plane, b: Plane) -> Plane:
    """The difference, at least 0."""
    return cast(Plane, cv2.subtract(a, b))


def times(a: Plane, b: Plane, *, scale: float = 1.0) -> Plane:
    """The product of two pictures and a number."""
    return cast(Plane, cv2.multiply(a, b, scale=scale / 255))


def inverse(a: Plane) -> Plane:
    """One minus it."""
    return cast(Plane, cv2.bitwise_not(a))


def mix(foreground: Plane, background: Plane, alpha: Plane) -> Plane:
    """Alpha of the foreground on the rest of the background, at most one grey level off.

    It is exact where alpha is 0 or 255.
    """
    return plus(times(foreground, alpha), times(background, inverse(alpha)))


def in_colour(grey: Plane) -> Plane:
    """Three equal channels."""
    return cast(Plane, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))


def merged(planes: Sequence[Plane]) -> Plane:
    """The channels of pictures of one size, one after the other in one picture."""
    return cast(Plane, cv2.merge(planes))


def split(a: Plane) -> Sequence[Plane]:
    """Each channel by itself."""
    return cast(Sequence[Plane], cv2.split(a))


def look_up(table: Plane, index: Plane) -> Plane:
    """The entry of a table of 256 for every pixel."""
    return cast(Plane, cv2.LUT(index, table))


def blurred(a: Plane, size: int) -> Plane:
    """Means over squares of `size` pixels, which is odd."""
    return cast(Plane, cv2.blur(a, (size, size)))


def resized(a: Plane, size_wh: tuple[int, int]) -> Plane:
    """Bilinear interpolation; on the way down it looks at four pixels only."""
    return cast(Plane, cv2.resize(a, size_wh, interpolation=cv2.INTER_LINEAR))


def halved(a: Plane) -> Plane:
    """Means over squares of 2 x 2 pixels."""
    size_wh = max(1, a.shape[1] // 2), max(1, a.shape[0] // 2)
    return cast(Plane, cv2.resize(a, size_wh, interpolation=cv2.INTER_AREA))


def small_size(
    size_wh: tuple[int, int], short_side: int, *, largest: float = 1.0
) -> tuple[int, int]:
    """The size of a small copy, at least one pixel a side.

    Args:
        size_wh: Of the picture.
        short_side: What the shorter side of the copy should be in pixels.
        largest: How many times as large as the picture it may be.
    """
    scale = min(largest, short_side / min(size_wh))
    width, height = (max(1, round(side * scale)) for side in size_wh)
    return width, height


def sampled(a: Plane, size_wh: tuple[int, int]) -> Plane:
    """Some of the pixels, then means of 2 x 2: a tenth of the price of the mean of all pixels."""
    return halved(resized(a, (2 * size_wh[0], 2 * size_wh[1])))


def shrunk(a: Plane, size_wh: tuple[int, int]) -> Plane:
    """A picture made smaller without aliasing: halved while that is possible, then interpolated."""
    while a.shape[1] >= 2 * size_wh[0] and a.shape[0] >= 2 * size_wh[1]:
        a = halved(a)
    return resized(a, size_wh)
