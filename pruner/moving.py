"""How people and cameras move: smooth paths, as affine maps of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator

MARGIN = 1.2
"""How much larger than the frame the background is, so that it can move."""


@dataclass(frozen=True)
class Motion:
    """How far person and camera move; amplitudes of oscillations with periods of seconds.

    Attributes:
        shift: Of the person, as a share of the frame's height; half of it up and down.
        angle: Of the person, about the middle of the frame's lower edge, in degrees.
        zoom: Of the person, as a share of its size.
        camera: Shift of the background, as a share of the frame's height.
        period_s: The shortest period in seconds; the longest is twice that.
    """

    shift: float
    angle: float
    zoom: float
    camera: float
    period_s: float


MOTIONS = {
    "still": Motion(shift=0.002, angle=0.1, zoom=0.002, camera=0.0, period_s=3.0),
    "talk": Motion(shift=0.02, angle=1.5, zoom=0.02, camera=0.0, period_s=1.5),
    "walk": Motion(shift=0.25, angle=3.0, zoom=0.1, camera=0.0, period_s=1.5),
    "handheld": Motion(shift=0.02, angle=1.0, zoom=0.02, camera=0.03, period_s=1.0),
}
"""Somebody who listens, who talks, who walks about, and who is filmed from a hand."""


class Framing(NamedTuple):
    """Where the person is at rest: frame = scale * picture + offset."""

    scale: float
    offset_xy: tuple[float, float]


class Wave:
    """A smooth oscillation about 0 of two sines, its phases at random."""

    def __init__(self, amplitude: float, *, period_s: float, rng: Rng) -> None:
        self._amplitudes = amplitude * np.array([0.6, 0.4])
        self._speeds = 2 * math.pi / (period_s * rng.uniform(1, 2, 2))
        self._phases = rng.uniform(0, 2 * math.pi, 2)

    def at(self, time_s: float) -> float:
        """Its value at a time."""
        return float(self._amplitudes @ np.sin(self._speeds * time_s + self._phases))


class MotionPath:
    """The affine maps of person and background at any time."""

    def __init__(
        self, motion: Motion, framing: Framing, size_wh: tuple[int, int], rng: Rng
    ) -> None:
        self._framing = framing
        self._size_wh = size_wh

        def wave(amplitude: float) -> Wave:
            return Wave(amplitude, period_s=motion.period_s, rng=rng)

        height = size_wh[1]
        self._x, self._y = wave(motion.shift * height), wave(motion.shift * height / 2)
        self._angle, self._zoom = wave(motion.angle), wave(motion.zoom)
        self._camera = wave(motion.camera * height), wave(motion.camera * height)

    def person(self, time_s: float) -> NDArray[np.float64]:
        """(2, 3), from the cut-out to the frame."""
        foot = (self._size_wh[0] / 2, float(self._size_wh[1]))
        turn = cv2.getRotationMatrix2D(foot, self._angle.at(time_s), 1 + self._zoom.at(time_s))
        shift = np.array([[0, 0, self._x.at(time_s)], [0, 0, self._y.at(time_s)]])
        scale, (x, y) = self._framing
        rest = np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])
        return np.asarray((turn + shift) @ rest, np.float64)

    def background(self, time_s: float) -> NDArray[np.float64]:
        """(2, 3), from the enlarged background to the frame."""
        x, y = (side * (1 - MARGIN) / 2 for side in self._size_wh)
        dx, dy = (wave.at(time_s) for wave in self._camera)
        return np.array([[1, 0, x + dx], [0, 1, y + dy]])
