"""What colour the person has where the old background shines through.

A camera sees I = a F + (1 - a) B. Whoever puts a I + (1 - a) B' into the new picture keeps the old
room in every hair, so F has to be estimated. This is the blur fusion of Forte and Pitie
(Approximate Fast Foreground Colour Estimation, ICIP 2021): F and B are taken from the surroundings,
weighted by how much of each a pixel shows, then moved by as little as explains I. A small copy of
the picture serves to do so with a wide, a middling and a narrow view; the last move is made in the
picture itself. Every step is linear, so the colours may be BGR or YUV.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from openvino import opset13 as ops

from stream.compositing.arithmetic import (
    Plane,
    blurred,
    in_colour,
    inverse,
    look_up,
    merged,
    minus,
    mix,
    plus,
    sampled,
    small_size,
    times,
)
from stream.compositing.pixelwise import Values, number
from stream.frame import Alpha, picture_size

_SHORT_SIDE = 54
"""Of the small copy, in pixels."""

_VIEWS = (23, 4), (7, 2), (3, 1)
"""Width, in pixels of the small copy, of the squares that count as the surroundings, and to which
power of its share a pixel counts there: the wider the view, the surer the pixels to be found."""

_ENOUGH = 12
"""Mean weight (of 255) from which a mean over the surroundings is worth more than one over all."""

_SURE = 128
"""Share from which a pixel shows more of the one than of the other."""

_GAIN_SCALE = 1.25
"""What 255 stands for in the tables of gains; the largest is 1.21."""


class Colours(NamedTuple):
    """Two pictures of the same size, (h, w, 3) uint8: of the person and of the room."""

    foreground: Plane
    background: Plane


def estimate_colours(planes: Sequence[Plane], alpha: Alpha) -> Colours:
    """Estimate the colours of the person and of the room around every pixel.

    Args:
        planes: A picture, (H, W, 3) uint8, or its three planes, of any sizes.
        alpha: (H, W) uint8.

    Returns:
        Small pictures, 54 pixels high or wide. Near the outline they are good, elsewhere smooth.
    """
    size_wh = small_size(picture_size(alpha), _SHORT_SIDE, largest=1 / 2)
    image = merged([sampled(plane, size_wh) for plane in planes])
    alpha = sampled(alpha, size_wh)
    shares = alpha, inverse(alpha)
    means = [_mean_colour(image, share) for share in shares]
    gains = [in_colour(look_up(_GAIN, share)) for share in shares]
    colours = [image, image]
    for view, power in _VIEWS:
        colours = [
            _surroundings(colour, _power(share, power), view, otherwise=mean)
            for colour, share, mean in zip(colours, shares, means, strict=True)
        ]
        explained = mix(colours[0], colours[1], in_colour(alpha))
        residual = minus(image, explained), minus(explained, image)
        colours = [_moved(*pair, *residual) for pair in zip(colours, gains, strict=True)]
    return Colours(*colours)


def cleaned(image: Values, alpha: Values, near: Values, far: Values) -> Values:
    """The colour of the person in every pixel: a formula for `Pixelwise`.

    Least squares: the smallest moves of F and B with a dF + (1 - a) dB = what is unexplained.

    Args:
        image: What the camera saw.
        alpha: The matte.
        near: The person's colour from `estimate_colours`, at the picture's size.
        far: The room's.
    """
    a = alpha / number(255)
    b = number(1) - a
    unexplained = image - a * near - b * far
    return ops.clamp(near + a * unexplained / (a * a + b * b), 0, 255)


def _mean_colour(image: Plane, share: Plane) -> Plane:
    """What the surest pixels look like on average, everywhere; all pixels if none is sure."""
    sure = cv2.inRange(share, _SURE, 255)
    mean = cv2.mean(image, sure if cv2.countNonZero(sure) else None)
    return np.full_like(image, np.rint(mean[:3]))


def _power(share: Plane, exponent: int) -> Plane:
    """The first, second or fourth power."""
    return share if exponent == 1 else _power(times(share, share), exponent // 2)


def _surroundings(colour: Plane, weight: Plane, width: int, *, otherwise: Plane) -> Plane:
    """Weighted means over squares."""
    weights = blurred(weight, width)
    weighted = blurred(times(colour, in_colour(weight)), width)
    means = cv2.divide(weighted, in_colour(weights), scale=255)
    result = otherwise.copy()
    cv2.copyTo(means, cv2.inRange(weights, _ENOUGH, 255), result)
    return result


def _moved(colour: Plane, gain: Plane, brighter: Plane, darker: Plane) -> Plane:
    """A colour moved towards explaining the picture, which is brighter or darker than explained."""
    up, down = (times(part, gain, scale=_GAIN_SCALE) for part in (brighter, darker))
    return minus(plus(colour, up), down)


def _gain_table() -> Plane:
    """How far F moves per level of what is unexplained, for every alpha; see `cleaned`."""
    alpha = np.arange(256) / 255
    gain = alpha / (alpha**2 + (1 - alpha) ** 2)
    return np.rint(gain * (255 / _GAIN_SCALE)).astype(np.uint8)


_GAIN = _gain_table()
