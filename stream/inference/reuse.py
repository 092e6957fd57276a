"""A matte for every frame from a network that runs on some of them."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from stream.compositing.arithmetic import Plane, blurred
from stream.errors import UsageError
from stream.frame import Alpha, Picture, picture_size
from stream.inference.predictor import Predictor, WrappedPredictor
from stream.mattes.motion import Flow, MotionEstimator, moved, small_grey

_CHANGED = 16
"""Grey levels from which a part of the small grey picture shows something else than before."""

_MAX_CHANGED = 0.008
"""Share of the picture that may do so while the last matte is moved: less than a hand."""

_STIRRED, _MAX_STIRRED = 6, 0.0003
"""The same for a picture that stands still: noise, and a wink."""

_LONGEST = 30
"""Frames after which the network looks at a picture even if it stands still."""


class MatteReuse(WrappedPredictor):
    """A predictor that asks another one only for some frames of a video.

    Between them, the last matte is moved with the picture. Where that does not explain what is
    seen, and when the scene or the size changes, the network runs at once.

    Args:
        predictor: Is asked; owned by this one.
        every: How many frames one matte serves at most; 1 to move none.
        still: Whether a matte may serve longer, for up to a second at 30 frames per second, while
            nothing moves.

    Attributes:
        every: As given; may be changed at any time.
        inferences: How often `predictor` was asked.

    Raises:
        UsageError: `every` is less than 1.
    """

    def __init__(self, predictor: Predictor, *, every: int = 1, still: bool = False) -> None:
        if every < 1:
            raise UsageError(f"a matte must serve at least 1 frame, got {every}")
        super().__init__(predictor)
        self.every = every
        self.inferences = 0
        self._still = still
        self._latest: _Inferred | None = None

    def predict(self, picture: Picture) -> Alpha:
        """The matte of the next picture.

        Returns:
            As the network's; for a picture that stands still, the same array again.
        """
        size_wh, grey = picture_size(picture), small_grey(picture)
        reused = self._reused(size_wh, grey)
        if reused is not None:
            return reused
        self.inferences += 1
        alpha = self._predictor.predict(picture)
        self._latest = _Inferred(alpha, size_wh, grey)
        return alpha

    def _reused(self, size_wh: tuple[int, int], grey: Plane) -> Alpha | None:
        """The last matte for the next picture, None where the network has to look at it."""
        latest = self._latest
        if latest is None or latest.size_wh != size_wh:
            return None
        latest.age += 1
        if self._still and latest.age < _LONGEST and latest.stands_still(grey):
            return latest.alpha
        return latest.follow(grey) if latest.age < self.every else None


class _Inferred:
    """A matte from the network, and how the picture has moved since.

    Args:
        alpha: (h, w) uint8.
        size_wh: Width and height of the picture it belongs to.
        grey: That picture, small and grey.

    Attributes:
        alpha, size_wh: As given.
        age: For the owner to count frames.
    """

    def __init__(self, alpha: Alpha, size_wh: tuple[int, int], grey: Plane) -> None:
        self.alpha = alpha
        self.size_wh = size_wh
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
