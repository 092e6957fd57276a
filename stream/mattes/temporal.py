"""Mattes that are steady over time, from a network that looks at single frames.

Two steps, both plain stages: one repairs single bad frames and needs the next frame for it, the
other averages over time along the motion of the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.compositing.arithmetic import (
    Plane,
    blurred,
    look_up,
    minus,
    mix,
    plus,
    resized,
    small_size,
    times,
)
from stream.frame import Alpha, MattedFrame, picture_size
from stream.mattes.motion import Motion, MotionEstimator, moved, small_grey

_DIFFERS = 25
"""Grey levels by which a matte has to differ from its neighbours to be wrong: a tenth of 255."""

_STIRRED = 10
"""Grey levels by which a part of the picture may change over two frames and not count as moved."""

_INERTIA = 0.97
"""How much of the last matte is kept at most."""

_INERTIA_OF_CERTAINTY = 0.8
"""Where the network is certain of what it sees, this share of it."""

_RESIDUAL, _SPEED = 8.0, 5.0
"""How much the picture may differ from the last one moved (grey levels), and how fast it may move
(thousandths of its longer side per frame), until the last matte counts for a third of that only."""

_WORKING_SIDE = 288
"""Shorter side, in pixels, that a matte is averaged at; changes to a larger one are enlarged."""

_ONE = cast(Plane, 1)
"""OpenCV takes numbers where its types ask for an array."""


def one_frame_delayed(matted: Iterable[MattedFrame]) -> Iterator[MattedFrame]:
    """Repair single bad mattes, one frame late.

    Where the mattes before and after agree, the one between differs from both, and the picture did
    not stir, the mean of those two is taken: the one-frame delay of Ke et al., MODNet: Real-Time
    Trimap-Free Portrait Matting via Objective Decomposition, AAAI 2022. The first and the last
    frame have one neighbour only and stay as they are.
    """
    before: _Seen | None = None
    now: _Seen | None = None
    for frame in matted:
        after = _Seen(frame, small_grey(frame.frame.picture))
        if now is not None:
            if before is not None:
                now = replace(now, matted=_repaired(before, now, after))
            yield now.matted
        before, now = now, after
    if now is not None:
        yield now.matted


def steadied(matted: Iterable[MattedFrame]) -> Iterator[MattedFrame]:
    """Average mattes over time, following the picture.

    The last matte is moved with the picture and mixed into the new one: much where the network
    hesitates, less where it is certain, and not at all where the picture cannot be followed, so
    that nothing trails behind a waving hand. It begins anew when the scene or the size of the
    pictures changes.
    """
    estimator = MotionEstimator()
    before: _Seen | None = None
    state: Plane | None = None
    for frame in matted:
        now = _Seen(frame, small_grey(frame.frame.picture))
        fresh = _working_copy(frame.alpha)
        motion = None
        if before is not None and before.size_wh == now.size_wh:
            motion = estimator.between(before.grey, now.grey)
        before = now
        if motion is None or motion.is_cut or state is None:
            state = fresh
            yield frame
            continue
        last = moved(resized(state, picture_size(fresh)), motion.flow)
        raised, lowered = _corrections(last, fresh, motion)
        state = minus(plus(fresh, raised), lowered)
        same_size = state.shape == frame.alpha.shape
        alpha = state if same_size else _corrected(frame.alpha, raised, lowered)
        yield MattedFrame(frame.frame, alpha)


@dataclass(frozen=True, eq=False)
class _Seen:
    """A frame with its matte and its small grey picture."""

    matted: MattedFrame
    grey: Plane

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the frame."""
        return self.matted.frame.size_wh

    def is_like(self, other: _Seen) -> bool:
        """Whether frames and mattes are of the same size."""
        same_matte = self.matted.alpha.shape == other.matted.alpha.shape
        return same_matte and self.size_wh == other.size_wh


def _repaired(before: _Seen, now: _Seen, after: _Seen) -> MattedFrame:
    if not (now.is_like(before) and now.is_like(after)):
        return now.matted
    was, alpha, will_be = (each.matted.alpha for each in (before, now, after))
    least = cast(Plane, cv2.min(_difference(alpha, was), _difference(alpha, will_be)))
    weight = look_up(_BY_DIFFERENCE, least)
    if not cv2.countNonZero(weight):
        return now.matted
    stirred = plus(_difference(before.grey, now.grey), _difference(now.grey, after.grey))
    calm = look_up(_BY_STIRRING, blurred(stirred, 3))
    weight = times(weight, look_up(_BY_DISAGREEMENT, _difference(was, will_be)))
    weight = times(weight, resized(calm, picture_size(alpha)))
    mean = cast(Alpha, cv2.addWeighted(was, 0.5, will_be, 0.5, 0))
    return MattedFrame(now.matted.frame, mix(mean, alpha, weight))


def _difference(a: Plane, b: Plane) -> Plane:
    return cast(Plane, cv2.absdiff(a, b))


def _working_copy(alpha: Alpha) -> Plane:
    """A copy small enough to be fast."""
    return resized(alpha, small_size(picture_size(alpha), _WORKING_SIDE))


def _corrections(last: Plane, fresh: Plane, motion: Motion) -> tuple[Plane, Plane]:
    """By how much the new matte is to be raised, and lowered, towards the last one."""
    trust = times(look_up(_BY_RESIDUAL, motion.residual), look_up(_BY_SPEED, motion.speed()))
    weight = times(look_up(_BY_ALPHA, fresh), resized(trust, (fresh.shape[1], fresh.shape[0])))
    return (
        _faded(times(minus(last, fresh), weight)),
        _faded(times(minus(fresh, last), weight)),
    )


def _faded(difference: Plane) -> Plane:
    """One level less: rounding would otherwise keep small differences for ever."""
    return cast(Plane, cv2.subtract(difference, _ONE))


def _corrected(alpha: Alpha, raised: Plane, lowered: Plane) -> Alpha:
    """Apply corrections to a matte that may be larger than they are."""
    change = cv2.subtract(raised, lowered, dtype=cv2.CV_16S)
    change = cv2.resize(change, (alpha.shape[1], alpha.shape[0]))
    return cast(Alpha, cv2.add(alpha, change, dtype=cv2.CV_8U))


def _table(values: NDArray[np.float64]) -> Plane:
    return np.rint(255 * values).astype(np.uint8)


def _inertia() -> NDArray[np.float64]:
    """By alpha: all of it at one half, `_INERTIA_OF_CERTAINTY` of it at 0 and at 255."""
    share = np.linspace(0, 1, 256)[1:-1]
    entropy = -(share * np.log2(share) + (1 - share) * np.log2(1 - share))
    doubt = np.pad(1 - (1 - entropy) ** 2, 1)
    return _INERTIA * np.maximum(doubt, _INERTIA_OF_CERTAINTY)


def _ramp(start: float, end: float) -> NDArray[np.float64]:
    """From 0 to 1, or from 1 to 0 if `start` is the larger: a sharp limit would draw outlines."""
    return np.clip((np.arange(256) - start) / (end - start), 0, 1)


_BY_DIFFERENCE = _table(_ramp(_DIFFERS / 2, _DIFFERS))
_BY_DISAGREEMENT = _table(_ramp(3 * _DIFFERS, _DIFFERS))
_BY_STIRRING = _table(_ramp(1.5 * _STIRRED, _STIRRED))
_BY_ALPHA = _table(_inertia())
_BY_RESIDUAL = _table(np.exp(-((np.arange(256) / _RESIDUAL) ** 2)))
_BY_SPEED = _table(np.exp(-((np.arange(256) / _SPEED) ** 2)))
