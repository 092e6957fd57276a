"""Puts people on another background, or on none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from stream.compositing.arithmetic import halved, in_colour, resized, split
from stream.compositing.foreground import cleaned, estimate_colours
from stream.compositing.multilevel import multilevel_foreground
from stream.compositing.pixelwise import Pixelwise, Values, number
from stream.compositing.yuv import YUVPicture, YUVSpace, stacked, to_yuv
from stream.frame import Alpha, CompositedFrame, Image, MattedFrame, Picture, as_image

if TYPE_CHECKING:
    from stream.background import Background


class Foreground(StrEnum):
    """How the colour of the person is found where the old background shines through."""

    BLUR_FUSION = "blur-fusion"
    """By `stream.compositing.foreground`: good, and fast enough for video."""

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
    converted = _Converted()
    for frame in matted:
        picture, alpha = frame.frame.picture, frame.alpha
        if background.is_transparent:
            result: Picture = cut_out(frame.frame.image, alpha, foreground=foreground)
        elif isinstance(picture, YUVPicture) and foreground is not Foreground.MULTILEVEL:
            behind = converted.picture(background.picture(frame), picture.space)
            result = blend_yuv(picture, alpha, behind, foreground=foreground)
        else:
            behind_image = as_image(background.picture(frame))
            result = blend(frame.frame.image, alpha, behind_image, foreground=foreground)
        yield CompositedFrame(result, frame)


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
    if foreground is Foreground.MULTILEVEL:
        image, foreground = _multilevel(image, alpha)
    if foreground is Foreground.NONE:
        return _MIXED(image, in_colour(alpha), background)
    near, far = _colours(image, alpha)
    return _CLEAN_MIXED(image, in_colour(alpha), background, near, far)


def blend_yuv(
    picture: YUVPicture,
    alpha: Alpha,
    background: YUVPicture,
    *,
    foreground: Foreground = Foreground.NONE,
) -> YUVPicture:
    """Mix two pictures in 4:2:0, as `blend` does.

    Args:
        picture: The person.
        alpha: (H, W) uint8.
        background: Of the same size and space.
        foreground: How F is estimated; not by `MULTILEVEL`.
    """
    assert foreground is not Foreground.MULTILEVEL
    size_wh, half = picture.size_wh, halved(alpha)
    samples = [picture.samples, stacked((alpha, half, half), size_wh), background.samples]
    if foreground is Foreground.NONE:
        return YUVPicture(_MIXED(*samples), picture.space)
    near, far = (
        stacked(split(colour), size_wh) for colour in estimate_colours(picture.planes, alpha)
    )
    return YUVPicture(_CLEAN_MIXED(*samples, near, far), picture.space)


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
    near, far = _colours(image, alpha)
    if foreground is Foreground.MULTILEVEL:
        image, foreground = _multilevel(image, alpha)
    if foreground is Foreground.NONE:
        person = near
        cv2.copyTo(image, alpha, person)  # where alpha is not 0
    else:
        person = _CLEAN(image, in_colour(alpha), near, far)
    bgra = cv2.cvtColor(person, cv2.COLOR_BGR2BGRA)
    cv2.insertChannel(alpha, bgra, 3)
    return cast(Image, bgra)


class _Converted:
    """Backgrounds in 4:2:0. One that stands still is converted once."""

    def __init__(self) -> None:
        self._given: Picture | None = None
        self._made = YUVPicture(np.empty((0, 0), np.uint8), YUVSpace())

    def picture(self, given: Picture, space: YUVSpace) -> YUVPicture:
        """A background in the space of the person's picture."""
        if given is not self._given or self._made.space != space:
            self._given, self._made = given, to_yuv(given, space)
        return self._made


def _colours(image: Image, alpha: Alpha) -> tuple[Image, Image]:
    """The colours of the person and of the room at the picture's size."""
    near, far = estimate_colours([image], alpha)
    size_wh = image.shape[1], image.shape[0]
    return resized(near, size_wh), resized(far, size_wh)


def _multilevel(image: Image, alpha: Alpha) -> tuple[Image, Foreground]:
    """The colours of the person by PyMatting; where that is missing, what to do instead."""
    estimate = multilevel_foreground(image, alpha)
    return (image, Foreground.BLUR_FUSION) if estimate is None else (estimate, Foreground.NONE)


def _mixed(person: Values, alpha: Values, background: Values) -> Values:
    return background + alpha / number(255) * (person - background)


def _clean_mixed(
    image: Values, alpha: Values, background: Values, near: Values, far: Values
) -> Values:
    return _mixed(cleaned(image, alpha, near, far), alpha, background)


_MIXED, _CLEAN_MIXED, _CLEAN = Pixelwise(_mixed), Pixelwise(_clean_mixed), Pixelwise(cleaned)
