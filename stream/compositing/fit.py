"""How a picture of one size fills a frame of another."""

from __future__ import annotations

from enum import StrEnum
from typing import cast

import cv2

from stream.compositing.arithmetic import shrunk
from stream.frame import Image


class Fit(StrEnum):
    """What gives way where the shapes differ."""

    COVER = "cover"
    """The frame is filled; what sticks out on both sides is cut off."""

    CONTAIN = "contain"
    """The whole picture is seen, between black bars."""

    STRETCH = "stretch"
    """The picture is distorted."""


def fitted(picture: Image, size_wh: tuple[int, int], fit: Fit) -> Image:
    """Scale a picture to a frame's size.

    Args:
        picture: (H, W, 3) uint8 BGR.
        size_wh: Width and height of the frame in pixels.
        fit: What to do where the shapes differ.

    Returns:
        (size_wh[1], size_wh[0], 3) uint8 BGR; `picture` itself if it has that size.
    """
    picture_wh = picture.shape[1], picture.shape[0]
    if picture_wh == size_wh:
        return picture
    if fit is Fit.STRETCH:
        return shrunk(picture, size_wh)
    if fit is Fit.COVER:
        width, height = _largest_inside(picture_wh, shape_of=size_wh)
        left, top = (picture_wh[0] - width) // 2, (picture_wh[1] - height) // 2
        return shrunk(picture[top : top + height, left : left + width], size_wh)
    width, height = _largest_inside(size_wh, shape_of=picture_wh)
    left, top = (size_wh[0] - width) // 2, (size_wh[1] - height) // 2
    right, bottom = size_wh[0] - width - left, size_wh[1] - height - top
    inside = shrunk(picture, (width, height))
    return cast(Image, cv2.copyMakeBorder(inside, top, bottom, left, right, cv2.BORDER_CONSTANT))


def _largest_inside(outer_wh: tuple[int, int], *, shape_of: tuple[int, int]) -> tuple[int, int]:
    """The largest rectangle of a given shape that has room in another."""
    scale = min(outer_wh[0] / shape_of[0], outer_wh[1] / shape_of[1])
    return max(1, round(shape_of[0] * scale)), max(1, round(shape_of[1] * scale))
