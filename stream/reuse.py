"""A matte for every frame from a network that runs on some of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, cast

import cv2
import numpy as np

from stream.arithmetic import Plane, blurred
from stream.errors import UsageError
from stream.frame import Alpha, Frame, Image, MattedFrame
from stream.motion import Flow, MotionEstimator, moved, small_grey

_CHANGED = 16
"""Grey levels from which a part of the small grey picture shows something else than before."""

_MAX_CHANGED = 0.008
"""Share of the picture that may do so while the last matte is moved: less than a hand."""

_STIRRED, _MAX_STIRRED = 6, 0.0003
"""The same for a picture that stands still: noise, and a wink."""

_LONGEST = 30
"""Frames after which the network looks at a picture even if it stands still."""


class Predictor(Protocol):
    """Gives mattes, as `stream.matting.MattePredictor` does."""

    model_name: str

    @property
    def device_name(self) -> str:
        """What infers."""
        ...

    @property
    def input_size_wh(self) -> tuple[int, int] | None:
        """Width and height of what the network sees."""
        ...

    def predict(self, image: Image) -> Alpha:
        """The matte of one picture."""
        ...

    def close(self) -> None:
        """Let go of the networks."""
        ...


class MatteReuse:
    """A predictor that asks another one only for some frames of a video.

    Between them, the last matte is moved with the picture. Where that does not explain what is
    seen, and when the scene or the size changes, the network runs at once.

    Args:
        predictor: Is asked; owned by this one.
        every: How many frames one matte serves at most; 1 to move none.
        still: Whether a matte may serve longer, for up to a second at 30 frames per second, while
            nothing moves.

    Attributes:
        model_name: That of `predictor`.

    Raises:
        UsageError: `every` is less than 1.
    """

    def __init__(self, predictor: Predictor, *, every: int = 1, still: bool = False) -> None:
        if every < 1:
            raise UsageError(f"a matte must serve at least 1 frame, got {every}")
        self.model_name = predictor.model_name
        self._predictor = predictor
        self._every = every
        self._still = still
        self._latest: _Inferred | None = None

    @property
    def device_name(self) -> str:
        """What infers."""
        return self._predictor.device_name

    @property
    def input_size_wh(self) -> tuple[int, int] | None:
        """Width and height of what the network sees."""
        return self._predictor.input_size_wh

    def predict(self, image: Image) -> Alpha:
        """The matte of the next picture.

        Args:
            image: (H, W, 3) uint8 BGR.

        Returns:
            (H, W) uint8; for a picture that stands still, the same array again.
        """
        grey = small_grey(image)
        reused = self._reused(image.shape[:2], grey)
        if reused is not None:
            return reused
        alpha = self._predictor.predict(image)
        self._latest = _Inferred(alpha, grey)
        return alpha

    def mattes(self, frames: Iterable[Frame]) -> Iterator[MattedFrame]:
        """The mattes of many pictures, in order."""
        for frame in frames:
            yield MattedFrame(frame, self.predict(frame.image))

    def close(self) -> None:
        """Let go of the networks and their memory."""
        self._predictor.close()

    def _reused(self, shape_hw: tuple[int, ...], grey: Plane) -> Alpha | None:
        """The last matte for the next picture, None where the network has to look at it."""
        latest = self._latest
        if latest is None or latest.alpha.shape != shape_hw:
            return None
        latest.age += 1
        if self._still and latest.age < _LONGEST and latest.stands_still(grey):
            return latest.alpha
        return latest.follow(grey) if latest.age < self._every else None


class _Inferred:
    """A matte from the network, and how the picture has moved since.

    Args:
        alpha: (H, W) uint8.
        grey: The small grey picture it belongs to.

    Attributes:
        alpha: As given.
        age: For the owner to count frames.
    """

    def __init__(self, alpha: Alpha, grey: Plane) -> None:
        self.alpha = alpha
        self.age = 0
        self._grey = grey
        self._last_grey = grey
        self._flow: Flow = np.zeros((*grey.shape, 2), np.float32)
        self._estimator = MotionEstimator()

    def stands_still(self, grey: Plane) -> bool:
        """Whether a picture shows the same as the one of the matte."""
        return _share_above(_STIRRED, self._grey, grey) < _MAX_STIRRED

    def follow(self, grey: Plane) -> Alpha | None:
        """The matte moved to the next picture; None where the motion does not explain that."""
        step = self._estimator.between(self._last_grey, grey).flow
        # One long way, so that the matte is interpolated once only and stays sharp.
        self._flow = cast(Flow, cv2.add(step, moved(self._flow, step)))
        self._last_grey = grey
        if _share_above(_CHANGED, moved(self._grey, self._flow), grey) > _MAX_CHANGED:
            return None
        return moved(self.alpha, self._flow)


def _share_above(limit: int, a: Plane, b: Plane) -> float:
    """The share of a picture in which two differ by more grey levels than that."""
    difference = blurred(cast(Plane, cv2.absdiff(a, b)), 3)
    return np.count_nonzero(difference > limit) / difference.size
