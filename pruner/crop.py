"""Crop windows, and the warp that takes picture and matte to the training size together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Rng = np.random.Generator


@dataclass(frozen=True)
class Window:
    """A crop in pixels of the picture: centre, size, rotation in degrees, mirrored or not."""

    centre_xy: tuple[float, float]
    size_wh: tuple[float, float]
    angle: float = 0.0
    flip: bool = False

    def matrix(self, shape_hw: tuple[int, int]) -> NDArray[np.float64]:
        """The (2, 3) affine map from picture coordinates to a crop of `shape_hw`."""
        height, width = shape_hw
        scale = width / self.size_wh[0]
        cos, sin = (scale * f(math.radians(self.angle)) for f in (math.cos, math.sin))
        x, y = self.centre_xy
        m = np.array(
            [[cos, sin, width / 2 - cos * x - sin * y], [-sin, cos, height / 2 + sin * x - cos * y]]
        )
        return (
            np.array([[-1, 0, width - 1], [0, 1, 0]]) @ np.vstack([m, [0, 0, 1]])
            if self.flip
            else m
        )


def whole_or_part(size_wh: tuple[int, int], aspect: float, rng: Rng) -> Window:
    """A window inside the picture, from about a third of what fits to all of it."""
    width, height = size_wh
    fit = min(width, height * aspect)
    crop = fit * rng.uniform(0.55, 1.0)
    size = (crop, crop / aspect)
    return _placed(size_wh, size, (rng.uniform(0, width), rng.uniform(0, height)), rng)


def around_person(alpha: Picture, aspect: float, rng: Rng) -> Window | None:
    """A window about the head and upper body, or None where nobody is there."""
    rows, columns = (np.flatnonzero((alpha > 127).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    tall = float(rows[-1] - rows[0] + 1)
    height = tall * rng.uniform(0.35, 0.9)
    band = alpha[rows[0] : rows[0] + max(1, int(height)), :] > 127
    columns = np.flatnonzero(band.any(axis=0))
    x = float(rng.choice(columns)) * 0.5 + float(columns.mean()) * 0.5
    y = rows[0] + height * rng.uniform(0.3, 0.6)
    width_limit, height_limit = alpha.shape[1], alpha.shape[0]
    height = min(height, height_limit, width_limit / aspect)
    return _placed((width_limit, height_limit), (height * aspect, height), (x, y), rng)


def wider_than_picture(size_wh: tuple[int, int], aspect: float, rng: Rng) -> Window:
    """A window that reaches beyond the picture's top and sides, never beyond its bottom.

    Only for a cut-out whose sides are free: what stands on the lower edge must stay on it.
    """
    width, height = size_wh
    crop_height = max(height, width / aspect) * rng.uniform(1.0, 2.5)
    crop_width = crop_height * aspect
    spare = max(0.0, crop_width - width) / 2
    x = width / 2 + rng.uniform(-spare, spare)
    return Window(
        (x, height - crop_height / 2), (crop_width, crop_height), flip=bool(rng.integers(2))
    )


def thrown(thing_hw: tuple[int, ...], shape_hw: tuple[int, int], rng: Rng) -> Window:
    """A window in which a cut-out lies anywhere, a tenth to nine tenths of the window high."""
    height, width = thing_hw
    window_height = height / rng.uniform(0.1, 0.9)
    window_width = window_height * shape_hw[1] / shape_hw[0]
    x = width / 2 + rng.uniform(-0.5, 0.5) * window_width
    y = height / 2 + rng.uniform(-0.5, 0.5) * window_height
    angle, flip = float(rng.normal(0, 15)), bool(rng.integers(2))
    return Window((x, y), (window_width, window_height), angle, flip)


def _placed(
    picture_wh: tuple[int, int], size_wh: tuple[float, float], centre: tuple[float, float], rng: Rng
) -> Window:
    """A window as near to `centre` as the picture allows, often mirrored, sometimes tilted."""
    x, y = (
        float(np.clip(c, size / 2, max(size / 2, limit - size / 2)))
        for c, size, limit in zip(centre, size_wh, picture_wh, strict=True)
    )
    angle = float(rng.normal(0, 5)) if rng.random() < 0.3 else 0.0
    return Window((x, y), size_wh, angle, bool(rng.integers(2)))


def warp(
    picture: Picture, window: Window, shape_hw: tuple[int, int], *, outside: int | None = None
) -> Picture:
    """The window's contents at `shape_hw`.

    Args:
        picture: (H, W) or (H, W, C) uint8.
        window: What to show.
        shape_hw: Height and width of the result.
        outside: Grey value beyond the picture; None mirrors the picture there.
    """
    matrix = window.matrix(shape_hw)
    shrink = window.size_wh[0] / shape_hw[1]
    if (
        shrink > 2
    ):  # warpAffine samples 2 x 2 pixels only: shrink by area first, or fine texture aliases
        factor = 1 / math.floor(shrink)
        picture = np.asarray(
            cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
        )
        matrix = matrix.copy()
        matrix[:, :2] /= factor
    border = cv2.BORDER_REFLECT_101 if outside is None else cv2.BORDER_CONSTANT
    value = (outside or 0,) * 4
    warped = cv2.warpAffine(
        picture,
        matrix,
        (shape_hw[1], shape_hw[0]),
        flags=cv2.INTER_LINEAR,
        borderMode=border,
        borderValue=value,
    )
    return np.asarray(warped, np.uint8)
