"""How far a job is, and how often that is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from stream.frame import Image
from stream.source import SourceInfo

_TICK_S = 0.25
_PICTURE_S = 1.0


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        working: Which model works, 0 or 1; None while things are being made ready.
        done: Frames that it has finished.
        total: Frames of the clip; None where the clip does not tell.
        seconds_left: Until all is done; None while nobody knows.
        pictures: The latest composite of each model, (H, W, 3) uint8 BGR, where there is a new one.
    """

    working: int | None = None
    done: int = 0
    total: int | None = None
    seconds_left: float | None = None
    pictures: tuple[Image | None, Image | None] = (None, None)


class Ticker:
    """Says when it is time to tell how far a job is, and when to show a picture with that.

    A visitor can stop a job only when it tells something, and whatever it tells takes time from it.

    Args:
        now: The clock, in seconds.
    """

    def __init__(self, *, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._told_s = float("-inf")
        self._shown_s = [float("-inf")] * 2

    def is_due(self) -> bool:
        """Whether to tell something now: four times a second."""
        now_s = self._now()
        if now_s - self._told_s < _TICK_S:
            return False
        self._told_s = now_s
        return True

    def picture_is_due(self, which: int) -> bool:
        """Whether to show a picture of that model now: once a second."""
        now_s = self._now()
        if now_s - self._shown_s[which] < _PICTURE_S:
            return False
        self._shown_s[which] = now_s
        return True


def expected_frames(info: SourceInfo) -> int | None:
    """How many frames a clip has, as far as it tells."""
    if info.frame_count is not None:
        return info.frame_count
    if info.duration_s is None or info.frame_rate is None:
        return None
    return max(1, round(info.duration_s * info.frame_rate))


def time_left_s(done: int, total: int | None, elapsed_s: float) -> float | None:
    """Seconds until the rest is done, if it goes on as so far; None while nobody knows."""
    return None if total is None or not done else max(0, total - done) * elapsed_s / done
