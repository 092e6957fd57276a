"""Mattes brought to their pictures' size, with edges as sharp as the picture's.

Around each pixel, alpha is taken to be a linear function of the colour: the guided filter of He et
al. (2010) with the picture as its guide. Its coefficients are smooth, so they are found on a small
copy and enlarged: He & Sun, Fast Guided Filter, 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from openvino import opset13 as ops

from stream.compositing.arithmetic import Plane, resized, sampled, small_size
from stream.compositing.pixelwise import Pixelwise, number
from stream.compositing.pixelwise import Values as Node
from stream.compositing.yuv import luma_and_chroma
from stream.frame import Alpha, Picture, picture_size

Values: TypeAlias = NDArray[np.float32]
"""Any number of planes, [0, 1] for colours and alpha."""

_SHORT_SIDE = 108
"""Of the small copy, in pixels; finer ones are slower and no better."""

_WINDOW = 5
"""Pixels of the small copy over which one linear function holds."""

_UNDECIDED = 0.02
"""Up to which alpha, in parts of 1, a network that is rarely quite sure means nothing at all."""

_FIRM = np.rint(
    255 * ((np.arange(256) / 255 - _UNDECIDED) / (1 - 2 * _UNDECIDED)).clip(0, 1)
).astype(np.uint8)

_SMOOTHNESS = np.array([3e-5, 3e-4, 3e-4], np.float32)
"""Variance of light, and of the two planes of colour, below which a difference counts for nothing.
Light has the finer edges, and is believed first."""

_CERTAIN, _DOUBTFUL = 4, 40
"""Grey levels from 0 and from 255 up to which a matte is left as it is, and from which the filter
decides alone; in between both count, or an outline would be seen."""


def firm(alpha: Alpha) -> Alpha:
    """Let nearly nothing be nothing, and nearly all be all: neither haze nor glassy people."""
    return cast(Alpha, cv2.LUT(alpha, _FIRM))


def enlarged(picture: Picture, alpha: Alpha) -> Alpha:
    """A matte of any size at the size of its picture; one that has it is given back."""
    size_wh = picture_size(picture)
    return alpha if picture_size(alpha) == size_wh else resized(alpha, size_wh)


def refine_edges(picture: Picture, alpha: Alpha) -> Alpha:
    """Let the soft edges of a matte follow those of the picture.

    Args:
        picture: Its light counts for every pixel, its colour for two by two, as video has it.
        alpha: (h, w) uint8, of any size.

    Returns:
        (H, W) uint8, of the picture's size; what was nearly 0 or 255 is as it was.
    """
    alpha = enlarged(picture, alpha)
    if not cv2.inRange(alpha, _CERTAIN + 1, 254 - _CERTAIN).any():
        return alpha
    luma, *chroma = luma_and_chroma(picture)
    size_wh = small_size(picture_size(alpha), _SHORT_SIDE, largest=1 / 2)
    colours = [_small(plane, size_wh) for plane in (luma, *chroma)]
    of_luma, *of_chroma, rest = _linear_model(colours, _small(alpha, size_wh))
    rest = _enlarged(rest * np.float32(255), chroma[0])
    for slope, plane in zip(of_chroma, chroma, strict=True):
        rest += _enlarged(slope, plane) * plane
    return _followed(alpha, luma, _enlarged(of_luma, alpha), _enlarged(rest, alpha))


def followed(alpha: Node, luma: Node, slope: Node, rest: Node) -> Node:
    """A formula for `Pixelwise`: what the linear function makes of a colour, where alpha is unsure.

    Args:
        alpha: 0 to 255.
        luma: Of the picture, 0 to 255.
        slope: What to multiply it with.
        rest: What to add.
    """
    follows = ops.clamp(ops.add(ops.multiply(slope, luma), rest), 0, 255)
    certainty = ops.minimum(alpha, ops.subtract(number(255), alpha))
    doubt = ops.multiply(
        ops.subtract(certainty, number(_CERTAIN)), number(1 / (_DOUBTFUL - _CERTAIN))
    )
    change = ops.multiply(ops.clamp(doubt, 0, 1), ops.subtract(follows, alpha))
    return ops.add(alpha, change)


_followed = Pixelwise(followed)


def _small(plane: Plane, size_wh: tuple[int, int]) -> Values:
    return sampled(plane, size_wh) * np.float32(1 / 255)


def _enlarged(values: Values, like: Plane) -> Values:
    return cast(Values, cv2.resize(values, picture_size(like)))


def _linear_model(colours: Sequence[Values], alpha: Values) -> list[Values]:
    """The linear function around every pixel.

    Args:
        colours: Three (h, w).
        alpha: (h, w).

    Returns:
        Four (h, w): alpha = the first three times the colour, plus the fourth.
    """
    means, alpha_mean = [_mean(plane) for plane in colours], _mean(alpha)
    wanted = [
        _mean(plane * alpha) - mean * alpha_mean for plane, mean in zip(colours, means, strict=True)
    ]
    slopes = _solved(_covariances(colours, means), wanted)
    explained = [slope * mean for slope, mean in zip(slopes, means, strict=True)]
    return [_mean(plane) for plane in (*slopes, alpha_mean - np.add.reduce(explained))]


def _covariances(colours: Sequence[Values], means: Sequence[Values]) -> list[Values]:
    """The upper triangle of the colours' covariance matrix around every pixel, row by row."""
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    return [
        _mean(colours[i] * colours[j])
        - means[i] * means[j]
        + (_SMOOTHNESS[i] if i == j else np.float32(0))
        for i, j in pairs
    ]


def _solved(matrix: Sequence[Values], wanted: Sequence[Values]) -> list[Values]:
    """Solve a symmetric system of three equations for every pixel.

    Args:
        matrix: Its upper triangle, row by row: six planes.
        wanted: The right-hand side: three planes.
    """
    a, b, c, d, e, f = matrix
    x, y, z = wanted
    aa, ab, ac = d * f - e * e, c * e - b * f, b * e - c * d  # the adjugate, symmetric too
    bb, bc, cc = a * f - c * c, b * c - a * e, a * d - b * b
    scale = np.float32(1) / (a * aa + b * ab + c * ac)
    return [
        (aa * x + ab * y + ac * z) * scale,
        (ab * x + bb * y + bc * z) * scale,
        (ac * x + bc * y + cc * z) * scale,
    ]


def _mean(values: Values) -> Values:
    window = (_WINDOW, _WINDOW)
    return cast(Values, cv2.blur(values, window, borderType=cv2.BORDER_REFLECT))
