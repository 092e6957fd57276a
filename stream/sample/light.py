"""Light, clouds and lenses: what the sample backgrounds are drawn with.

Light is linear RGB: blurring, adding and dimming it then look the way a lens does them, and bright
points swell to discs when they are out of focus.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stream.frame import Image

Plane: TypeAlias = NDArray[np.float32]
"""(H, W) float32."""

Light: TypeAlias = NDArray[np.float32]
"""(H, W, 3) float32, linear RGB, 1 = white; or one colour, (3,)."""

WIDTH, HEIGHT = 1280, 720


def develop(light: Light, rng: Generator) -> Image:
    """Turns light into a picture, with a trace of grain, which keeps gradients from banding.

    Args:
        light: (H, W, 3) linear RGB.
        rng: Where the grain comes from.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    light = np.clip(light, 0, None)
    soft = light / (1 + np.maximum(light - 0.8, 0))  # highlights saturate softly, as on film
    encoded = 255 * np.clip(soft, 0, 1) ** (1 / 2.2)
    encoded += rng.normal(0, 0.9, encoded.shape[:2])[..., None]
    return np.ascontiguousarray(np.clip(np.rint(encoded), 0, 255).astype(np.uint8)[..., ::-1])


def colour(code: str) -> Light:
    """Linear light of an sRGB colour such as "#ffb070"; (3,) float32."""
    return np.asarray([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32) ** 2.2


def grid() -> tuple[Plane, Plane]:
    """X and y of every pixel in units of the height; x is 0 in the middle, y is 0 at the top."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32) / HEIGHT
    return x - WIDTH / HEIGHT / 2, y


def ramp(position: Plane, stops: dict[float, str]) -> Light:
    """Colours along `position`, smooth between the stops (place: sRGB code)."""
    colours = np.stack([colour(code) for code in stops.values()])
    channels = [np.interp(position, list(stops), colours[:, i]) for i in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def clouds(rng: Generator, cells_wh: tuple[float, float], slope: float = 2.0) -> Plane:
    """Cloud-like noise about 0 with unit deviation.

    Args:
        rng: Where the noise comes from.
        cells_wh: How many of its coarsest features fit across and down the picture.
        slope: How fast finer features fade: 1.5 is rugged, 3 is smooth.
    """
    across = np.fft.rfftfreq(WIDTH, 1 / WIDTH) / cells_wh[0]
    down = np.fft.fftfreq(HEIGHT, 1 / HEIGHT) / cells_wh[1]
    strength = (1 + across[None, :] ** 2 + down[:, None] ** 2) ** (-slope / 2)
    noise = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(HEIGHT, WIDTH))) * strength)
    return np.asarray((noise - noise.mean()) / noise.std(), np.float32)


def glow(x: Plane, y: Plane, at_xy: tuple[float, float], radius: float) -> Plane:
    """A soft round light: 1 in its centre, half at `radius`, with a wide tail."""
    return np.asarray(1 / (1 + ((x - at_xy[0]) ** 2 + (y - at_xy[1]) ** 2) / radius**2), np.float32)


def mix(under: Light, over: Light, share: Plane) -> Light:
    """`over` laid upon `under` where `share` (0..1) says so."""
    return np.asarray(under + (over - under) * np.clip(share, 0, 1)[..., None], np.float32)


def smoothstep(value: Plane, low: float, high: float) -> Plane:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def defocus(light: Light, diameter_px: int) -> Light:
    """The scene out of focus: every point of light becomes a disc."""
    offset = np.arange(diameter_px) - (diameter_px - 1) / 2
    disc = np.clip(diameter_px / 2 - np.hypot(offset[:, None], offset[None, :]), 0, 1)
    blurred = cv2.filter2D(light, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.GaussianBlur(blurred, (0, 0), 1.2), np.float32)


def fill(light: Light, outline: Sequence[tuple[float, float]], tint: Light) -> None:
    """Paints a polygon onto `light`; its corners are in the units of `grid`."""
    corners = [(x * HEIGHT + WIDTH / 2, y * HEIGHT) for x, y in outline]
    cv2.fillPoly(light, [np.rint(corners).astype(np.int32)], tint.tolist())


def box(light: Light, corners: tuple[float, float, float, float], tint: Light) -> None:
    """Paints a rectangle (left, top, right, bottom) onto `light`, in the units of `grid`."""
    left, top, right, bottom = corners
    fill(light, ((left, top), (right, top), (right, bottom), (left, bottom)), tint)
