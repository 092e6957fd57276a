"""Puts people on another background, or on none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from stream.arithmetic import in_colour, mix, resized
from stream.foreground import Colours, clean_foreground, estimate_colours
from stream.frame import Alpha, CompositedFrame, Image, MattedFrame
from stream.mixed_pixels import MixedRuns, Pixels
from stream.multilevel import multilevel_foreground

if TYPE_CHECKING:
    from stream.background import Background


class Foreground(StrEnum):
    """How the colour of the person is found where the old background shines through."""

    BLUR_FUSION = "blur-fusion"
    """By `stream.foreground`: good, and fast enough for video."""

    MULTILEVEL = "multilevel"
    """By PyMatting, where it is installed: a little better, and up to a second for a picture."""

    NONE = "none"
    """Not at all: the old background stays in hair and edges."""


def composite(
    matted: Iterable[MattedFrame],
    background: Background,
    *,
    foreground: Foreground = Foreground.BLUR_FUSION,
) -> Iterator[CompositedFrame]:
    """Put the people of each frame on a background; cut them out where that is transparent."""
    for frame in matted:
        image, alpha = frame.frame.image, frame.alpha
        if background.is_transparent:
            picture = cut_out(image, alpha, foreground=foreground)
        else:
            picture = blend(image, alpha, background.picture(frame), foreground=foreground)
        yield CompositedFrame(picture, frame)


def blend(
    image: Image,
    alpha: Alpha,
    background: Image,
    *,
    foreground: Foreground = Foreground.NONE,
) -> Image:
    """Mix two pictures: a F + (1 - a) B, at most one grey level off.

    Args:
        image: (H, W, 3) uint8 BGR; F is its colour, or what is estimated from it.
        alpha: (H, W) uint8.
        background: (H, W, 3) uint8 BGR.
        foreground: How F is estimated.

    Returns:
        (H, W, 3) uint8 BGR, nobody else's.
    """
    image, alpha, background = (np.ascontiguousarray(each) for each in (image, alpha, background))
    runs = MixedRuns(alpha)
    result = background.copy()
    cv2.copyTo(image, alpha, result)  # where alpha is not 0; the mixed pixels are mended below
    if len(runs):
        if foreground is Foreground.NONE:
            person = runs.take(image)
        else:
            person = _person(image, alpha, runs, estimate_colours(image, alpha), foreground)
        runs.put(mix(person, runs.take(background), in_colour(runs.take(alpha))), result)
    return result


def cut_out(
    image: Image, alpha: Alpha, *, foreground: Foreground = Foreground.BLUR_FUSION
) -> Image:
    """Attach the alpha to the colours of the person.

    Nothing is left of the room: outside, the person's colours go on, blurred, so that neither
    scaling nor lossy coding draws a line around the person.

    Args:
        image: (H, W, 3) uint8 BGR.
        alpha: (H, W) uint8.
        foreground: How the colour is found where 0 < alpha < 255.

    Returns:
        (H, W, 4) uint8 BGRA with straight alpha.
    """
    image, alpha = (np.ascontiguousarray(each) for each in (image, alpha))
    colours = estimate_colours(image, alpha)
    result = resized(colours.foreground, (image.shape[1], image.shape[0]))
    cv2.copyTo(image, alpha, result)
    runs = MixedRuns(alpha)
    if len(runs):
        runs.put(_person(image, alpha, runs, colours, foreground), result)
    bgra = cv2.cvtColor(result, cv2.COLOR_BGR2BGRA)
    cv2.insertChannel(alpha, bgra, 3)
    return cast(Image, bgra)


def _person(
    image: Image, alpha: Alpha, runs: MixedRuns, colours: Colours, foreground: Foreground
) -> Pixels:
    """The colours of the person in the runs, (1, N, 3) uint8 BGR."""
    if foreground is Foreground.NONE:
        return runs.take(image)
    if foreground is Foreground.MULTILEVEL:
        estimate = multilevel_foreground(image, alpha)
        if estimate is not None:
            return runs.take(estimate)
    return clean_foreground(image, alpha, runs, colours)
