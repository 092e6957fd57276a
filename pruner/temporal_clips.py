"""Video with exact mattes: people cut from pictures, moved over backgrounds in a known way.

A camera's clip has no ground truth. Here every frame is put together from a person, their alpha and
a background by affine maps that change smoothly with time, then spoilt as cameras do it: noise,
drifting exposure, JPEG. The same affine map gives the frame's alpha, so that it is exact. Nothing
is stored: the same seed makes the same clip again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pruner.data import Pair, read_image, read_pair
from pruner.errors import PrunerError
from pruner.foregrounds import Foregrounds
from pruner.moving import MARGIN, MOTIONS, Framing, Motion, MotionPath, Rng, Wave

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Spoiling:
    """What a camera does to a picture.

    Attributes:
        noise: Standard deviation of the noise in grey levels.
        exposure: How far the brightness drifts, as a share of it.
        quality: Of the JPEG that each frame has been, 1 to 100.
    """

    noise: float = 4.0
    exposure: float = 0.06
    quality: int = 75


class KnownFrame(NamedTuple):
    """(H, W, 3) uint8 RGB and its exact matte, (H, W) uint8."""

    image: Picture
    alpha: Picture


@dataclass(frozen=True)
class KnownClip:
    """A clip that is made while it is read.

    Attributes:
        name: Of the motion and the person.
        person: The picture the person is cut from.
        background: The picture put behind.
        motion: How things move.
        size_wh: Width and height of the frames in pixels.
        frame_count: How many frames there are.
        frame_rate: How many of them make a second.
        seed: What is random follows from it.
        spoiling: What the camera does.
    """

    name: str
    person: Pair
    background: Path
    motion: Motion
    size_wh: tuple[int, int]
    frame_count: int
    seed: int
    frame_rate: float = 30.0
    spoiling: Spoiling = Spoiling()

    def frames(self) -> Iterator[KnownFrame]:
        """Make the frames, in order.

        Raises:
            PrunerError: A picture cannot be read, or nobody is in it.
        """
        rng = np.random.default_rng(self.seed)
        cutout = _cut_out(self.person)
        room = _cover(read_image(self.background), self.size_wh)
        path = MotionPath(self.motion, _framing(cutout.alpha, self.size_wh, rng), self.size_wh, rng)
        drift = Wave(self.spoiling.exposure, period_s=2.0, rng=rng)
        for index in range(self.frame_count):
            time_s = index / self.frame_rate
            person, alpha = (_warp(each, path.person(time_s), self.size_wh) for each in cutout)
            background = _warp(room, path.background(time_s), self.size_wh)
            weight = alpha[..., None]
            clean = (weight * person + (1 - weight) * background) * (1 + drift.at(time_s))
            yield KnownFrame(
                _spoil(clean, self.spoiling, rng), np.rint(alpha * 255).astype(np.uint8)
            )


def known_clips(
    people: Sequence[Pair],
    backgrounds: Sequence[Path],
    *,
    count: int,
    size_wh: tuple[int, int],
    frame_count: int,
    seed: int = 0,
) -> list[KnownClip]:
    """Plan clips of different people, taking turns in how they move.

    Args:
        people: Pictures with mattes; those are used whose person touches neither top nor sides.
        backgrounds: Pictures without people.
        count: How many clips; people appear again once all have.
        size_wh: Width and height of the frames in pixels.
        frame_count: How many frames each has.
        seed: What is random follows from it.

    Raises:
        PrunerError: Nobody can be used, or there is no background.
    """
    rng = np.random.default_rng(seed)
    shuffled = (people[i] for i in rng.permutation(len(people)))
    usable = list(islice(filter(_is_free, shuffled), count))
    if not usable or not backgrounds:
        raise PrunerError(
            f"{len(usable)} of {len(people)} people touch neither top nor sides, and there are "
            f"{len(backgrounds)} backgrounds; expected at least one each"
        )
    kinds = list(MOTIONS.items())
    clips = []
    for index in range(count):
        person = usable[index % len(usable)]
        kind, motion = kinds[index % len(kinds)]
        clips.append(
            KnownClip(
                name=f"{kind}-{person.name}",
                person=person,
                background=backgrounds[int(rng.integers(len(backgrounds)))],
                motion=motion,
                size_wh=size_wh,
                frame_count=frame_count,
                seed=int(rng.integers(2**63)),
            )
        )
    return clips


class _Cutout(NamedTuple):
    """(h, w, 3) float32 colours in [0, 255] and (h, w) float32 alpha in [0, 1]."""

    person: NDArray[np.float32]
    alpha: NDArray[np.float32]


def _cut_out(pair: Pair) -> _Cutout:
    image, alpha = read_pair(pair)
    person = Foregrounds().of(pair, image, alpha)
    return _Cutout(person.astype(np.float32), (alpha / 255).astype(np.float32))


def _is_free(pair: Pair) -> bool:
    _, alpha = read_pair(pair)
    edge = max(alpha[0].max(), alpha[:, 0].max(), alpha[:, -1].max())
    return bool(edge < 25 and (alpha > 127).mean() > 0.1)


def _framing(alpha: NDArray[np.float32], size_wh: tuple[int, int], rng: Rng) -> Framing:
    """Head and upper body, the head near the top and the rest cut by the lower edge."""
    rows, columns = (np.flatnonzero((alpha > 0.5).any(axis=axis)) for axis in (1, 0))
    width, height = size_wh
    shown = rng.uniform(0.4, 0.7) * (rows[-1] - rows[0])
    scale = 0.85 * height / shown
    x = width * rng.uniform(0.4, 0.6) - scale * (columns[0] + columns[-1]) / 2
    return Framing(scale, (float(x), float(0.15 * height - scale * rows[0])))


def _cover(image: Picture, size_wh: tuple[int, int]) -> NDArray[np.float32]:
    """The middle of a picture, filling `MARGIN` times the frame."""
    width, height = (math.ceil(side * MARGIN) for side in size_wh)
    scale = max(width / image.shape[1], height / image.shape[0])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
    x, y = max(0, (large.shape[1] - width) // 2), max(0, (large.shape[0] - height) // 2)
    return np.asarray(large[y : y + height, x : x + width], np.float32)


def _warp(
    picture: NDArray[np.float32], matrix: NDArray[np.float64], size_wh: tuple[int, int]
) -> NDArray[np.float32]:
    shrink = 1 / math.hypot(*matrix[:, 0])
    if shrink > 1:  # warpAffine looks at 2 x 2 pixels: blur what is finer, or it will twinkle
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 * shrink), np.float32)
    border = cv2.BORDER_REPLICATE if picture.ndim == 3 else cv2.BORDER_CONSTANT
    warped = cv2.warpAffine(picture, matrix, size_wh, flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(warped, np.float32)


def _spoil(clean: NDArray[np.floating], spoiling: Spoiling, rng: Rng) -> Picture:
    noisy = clean + rng.normal(0, spoiling.noise, clean.shape)
    image = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, spoiling.quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))[..., ::-1])
