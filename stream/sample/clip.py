"""Draws `clip.mp4`: a hand-held camera before a portrait photograph, with a little music.

The photograph is still; the camera drifts, and the sitter sways and breathes by a smooth warp, so
that the matte has to follow somebody who moves before a background that does not. Every motion has
a whole number of periods per clip: the clip loops without a jump.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

from stream.frame import Image

Plane: TypeAlias = NDArray[np.float32]
Points: TypeAlias = tuple[Plane, Plane]

SIZE_WH = (640, 480)
FRAME_RATE = 25
FRAME_COUNT = 175
SAMPLE_RATE_HZ = 48_000

# Where the sitter is in the photograph (512 x 512 pixels).
_FACE_XY = (228.0, 112.0)
_NECK_XY = (228.0, 200.0)
_CHEST_XY = (205.0, 430.0)


def frame_at(portrait: Image, index: int) -> Image:
    """One picture of the clip.

    Args:
        portrait: (512, 512, 3) uint8 BGR, the photograph.
        index: Frame number; `FRAME_COUNT` frames later the picture is the same.

    Returns:
        (480, 640, 3) uint8 BGR.
    """
    phase = 2 * np.pi * index / FRAME_COUNT
    x, y = _sitter(_camera(phase), phase)
    # Reflection at the upper edge gives the hair the head room that the photograph lacks.
    picture = cv2.remap(portrait, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(picture, np.uint8)


def _camera(phase: float) -> Points:
    """Source coordinates of every output pixel: a slow push-in and back, and unsteady hands."""
    closeness = 0.5 - 0.5 * np.cos(phase)
    view_w = 472.0 - 76.0 * closeness
    scale = view_w / SIZE_WH[0]
    centre_x = 264.0 - 6.0 * closeness + 6.0 * np.sin(phase) + 1.3 * np.sin(5 * phase + 1.0)
    top = -8.0 + 5.0 * closeness + 1.0 * np.sin(4 * phase + 0.4) + 0.5 * np.sin(9 * phase)
    angle = np.deg2rad(0.45 * np.sin(2 * phase + 0.7) + 0.15 * np.sin(7 * phase))

    width, height = SIZE_WH
    u, v = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    x = centre_x + scale * (u * np.cos(angle) - v * np.sin(angle))
    y = top + scale * (height / 2 + u * np.sin(angle) + v * np.cos(angle))
    return x.astype(np.float32), y.astype(np.float32)


def _sitter(points: Points, phase: float) -> Points:
    """Moves the source coordinates so that the head tilts about the neck and the chest breathes."""
    x, y = points
    head = _soft_disc(points, _FACE_XY, (118.0, 128.0))
    body = _soft_disc(points, _CHEST_XY, (190.0, 250.0))
    tilt = np.deg2rad(2.4 * np.sin(phase + 0.5) + 0.9 * np.sin(3 * phase))
    nod = 1.6 * np.sin(2 * phase + 1.2)
    sway = 2.2 * np.sin(phase + 0.2)
    breath = 1.3 * np.sin(2 * phase)
    moved_x = x - head * (tilt * (_NECK_XY[1] - y) + sway) - body * sway
    moved_y = y - head * (tilt * (x - _NECK_XY[0]) + nod) - body * breath
    return moved_x.astype(np.float32), moved_y.astype(np.float32)


def _soft_disc(points: Points, centre_xy: tuple[float, float], radii: tuple[float, float]) -> Plane:
    """1 inside an ellipse, 0 outside, flat in the middle: what it weights moves as one piece."""
    squared = ((points[0] - centre_xy[0]) / radii[0]) ** 2
    squared += ((points[1] - centre_xy[1]) / radii[1]) ** 2
    return np.asarray(np.exp(-(squared**2)), np.float32)


def music() -> Plane:
    """Seven seconds of soft plucked notes.

    Returns:
        (1, samples) float32 in [-1, 1], mono at `SAMPLE_RATE_HZ`.
    """
    duration_s = FRAME_COUNT / FRAME_RATE
    time_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    sound = np.zeros_like(time_s)
    melody_hz = (293.66, 440.0, 369.99, 587.33, 493.88, 440.0, 369.99, 293.66)
    for number, pitch_hz in enumerate(melody_hz):
        since = time_s - 0.1 - 0.75 * number
        envelope = np.where(since > 0, np.minimum(since / 0.012, 1) * np.exp(-since / 0.7), 0)
        for overtone, loudness in ((1, 1.0), (2, 0.28), (3, 0.08)):
            fading = envelope ** (1 + 0.4 * (overtone - 1))
            sound += 0.11 * loudness * fading * np.sin(2 * np.pi * pitch_hz * overtone * since)
    for drone_hz, loudness in ((73.42, 0.05), (146.83, 0.04), (220.0, 0.02)):
        sound += loudness * np.sin(2 * np.pi * drone_hz * time_s)
    fade = np.minimum(1, np.minimum(time_s / 0.4, (duration_s - time_s) / 1.0))
    return np.asarray(sound * fade, np.float32)[None, :]


def write_clip(portrait: Image, path: Path) -> None:
    """Writes the clip: H.264 (BT.709) and AAC, the index in front.

    Args:
        portrait: (512, 512, 3) uint8 BGR.
        path: The `.mp4` to write; replaced if it is there.
    """
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        # One thread: the encoder's choices, and so the file, are then the same on every machine.
        options = {"crf": "22", "preset": "veryslow", "threads": "1"}
        video = container.add_stream("libx264", rate=FRAME_RATE, options=options)
        video.width, video.height, video.pix_fmt = *SIZE_WH, "yuv420p"
        video.codec_context.colorspace = Colorspace.ITU709
        video.codec_context.color_range = ColorRange.MPEG
        video.codec_context.color_primaries = ColorPrimaries.BT709
        video.codec_context.color_trc = ColorTrc.BT709
        audio = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono", bit_rate=64_000)

        sound = av.AudioFrame.from_ndarray(music(), format="fltp", layout="mono")
        sound.sample_rate, sound.pts = SAMPLE_RATE_HZ, 0
        sound.time_base = Fraction(1, SAMPLE_RATE_HZ)
        container.mux([*audio.encode(sound), *audio.encode(None)])
        for index in range(FRAME_COUNT):
            frame = av.VideoFrame.from_ndarray(frame_at(portrait, index), format="bgr24")
            frame = frame.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
