"""What colour the person has where the old background shines through.

A camera sees I = a F + (1 - a) B. Whoever puts a I + (1 - a) B' into the new picture keeps the old
room in every hair, so F has to be estimated. The estimate is the blur fusion of Forte and Pitie
(Approximate Fast Foreground Colour Estimation, ICIP 2021), run from coarse to fine as Germer et al.
do (Fast Multi-Level Foreground Estimation, ICPR 2020): F and B are spread to their surroundings,
then moved by as little as explains I.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream.arithmetic import (
    Plane,
    blurred,
    halved,
    in_colour,
    inverse,
    look_up,
    minus,
    mix,
    plus,
    resized,
    times,
)
from stream.frame import Alpha, Image
from stream.mixed_pixels import MixedRuns, Pixels

_COARSE = 36
"""Short side, in pixels, of the coarser of two levels; the finer one is twice as large."""

_COARSE_PASSES, _FINE_PASSES = 10, 3
"""How often the colours spread on a level, by one pixel each time."""

_GAIN_SCALE = 1.25
"""What 255 stands for in the tables of gains; the largest is 1.21."""


class Colours(NamedTuple):
    """Two pictures of the same size, (h, w, 3) uint8 BGR."""

    foreground: Image
    background: Image


def estimate_colours(image: Image, alpha: Alpha) -> Colours:
    """Estimate the colours of the person and of the room around every pixel.

    Args:
        image: (H, W, 3) uint8 BGR.
        alpha: (H, W) uint8.

    Returns:
        Small pictures, 72 pixels high or wide. Near the outline they are good, elsewhere smooth.
    """
    height, width = alpha.shape
    scale = min(_COARSE / min(width, height), 1 / 4)
    coarse_wh = max(1, round(width * scale)), max(1, round(height * scale))
    # Some of the pixels, then means of 2 x 2: a tenth of the price of the mean of all pixels.
    fine = [halved(resized(plane, _enlarged(coarse_wh, 4))) for plane in (image, alpha)]
    coarse = [halved(plane) for plane in fine]
    image, alpha = coarse
    colours = Colours(_mean_colour(image, alpha), _mean_colour(image, inverse(alpha)))
    colours = _spread(colours, image, alpha, passes=_COARSE_PASSES)
    colours = Colours(*(resized(plane, _enlarged(coarse_wh, 2)) for plane in colours))
    return _spread(colours, *fine, passes=_FINE_PASSES)


def clean_foreground(image: Image, alpha: Alpha, runs: MixedRuns, colours: Colours) -> Pixels:
    """Find the colour of the person in every mixed pixel.

    Args:
        image: (H, W, 3) uint8 BGR, contiguous.
        alpha: (H, W) uint8, contiguous.
        runs: The mixed pixels of `alpha`.
        colours: From `estimate_colours`.

    Returns:
        (1, N, 3) uint8 BGR, the pixels of `runs`.
    """
    height, width = alpha.shape
    # The estimates are smooth: four rows can share one, and enlarging is most of the work.
    squeezed = [resized(plane, (width, -(-height // 4))) for plane in colours]
    near = Colours(*(runs.take_squeezed(plane, 4) for plane in squeezed))
    matte = runs.take(alpha)
    residual = _Residual.of(runs.take(image), near, in_colour(matte))
    return residual.moved(near.foreground, in_colour(look_up(_FOREGROUND_GAIN, matte)))


def _enlarged(size_wh: tuple[int, int], factor: int) -> tuple[int, int]:
    return size_wh[0] * factor, size_wh[1] * factor


def _mean_colour(image: Image, alpha: Alpha) -> Image:
    """What the surest pixels look like on average, everywhere; all pixels if none is sure."""
    squared = times(alpha, alpha)
    weights = times(squared, squared).reshape(-1).astype(np.int64)
    if not weights.any():
        weights += 1
    return np.full_like(image, np.rint(weights @ image.reshape(-1, 3) / weights.sum()))


def _spread(colours: Colours, image: Image, alpha: Alpha, *, passes: int) -> Colours:
    alpha3 = in_colour(alpha)
    foreground_gain = in_colour(look_up(_FOREGROUND_GAIN, alpha))
    background_gain = in_colour(look_up(_BACKGROUND_GAIN, alpha))
    for _ in range(passes):
        foreground, background = (blurred(plane, 3) for plane in colours)
        residual = _Residual.of(image, Colours(foreground, background), alpha3)
        colours = Colours(
            residual.moved(foreground, foreground_gain),
            residual.moved(background, background_gain),
        )
    return colours


def _gain_table() -> Plane:
    """How far F moves per level of the residual, for every alpha.

    Least squares: the smallest moves of F and B with a dF + (1 - a) dB = residual.
    """
    alpha = np.arange(256) / 255
    gain = alpha / (alpha**2 + (1 - alpha) ** 2)
    return np.rint(gain * (255 / _GAIN_SCALE)).astype(np.uint8)


_FOREGROUND_GAIN = _gain_table()
_BACKGROUND_GAIN = _FOREGROUND_GAIN[::-1].copy()


class _Residual(NamedTuple):
    """What of a picture its colours do not explain: the parts above and below zero."""

    positive: Plane
    negative: Plane

    @classmethod
    def of(cls, image: Plane, colours: Colours, alpha3: Plane) -> _Residual:
        explained = mix(*colours, alpha3)
        return cls(minus(image, explained), minus(explained, image))

    def moved(self, colour: Plane, gain: Plane) -> Plane:
        up = times(self.positive, gain, scale=_GAIN_SCALE)
        down = times(self.negative, gain, scale=_GAIN_SCALE)
        return minus(plus(colour, up), down)
