"""A video as background, over and over."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from stream.compositing.fit import Fit, fitted
from stream.errors import InputError
from stream.frame import Frame, Image, MattedFrame
from stream.sources.video_file import open_video

MAX_STEP_S = 10.0
"""However far the frames' time jumps, the video goes on by no more: it has to decode it all."""

_ROUNDING_S = 0.002
"""Containers that count milliseconds are this much off, and the frames' own ones may be too."""

_log = logging.getLogger(__name__)


class VideoBackground:
    """Runs by the frames' time from its first picture on, with two of its pictures in memory.

    A frame older than the last one gets the same picture as that one.

    Args:
        path: The video.
        fit: How it fills the frame.
        untrusted: The file is somebody else's; see `stream.source.open_source`.

    Raises:
        InputError: It cannot be read.
    """

    is_transparent = False

    def __init__(self, path: Path, fit: Fit, *, untrusted: bool = False) -> None:
        self._path = path
        self._fit = fit
        self._untrusted = untrusted
        self._now_s: float | None = None
        self._position_s = 0.0
        self._length: int | None = None  # in pictures; known after the first round
        self._has_ended = False
        self._fitted: Image
        self._open()

    def picture(self, matted: MattedFrame) -> Image:
        """The video's picture for the frame's time, at the frame's size."""
        self._run_until(matted.frame.time_s)
        return self.placeholder(matted.frame.size_wh)

    def placeholder(self, size_wh: tuple[int, int]) -> Image:
        """The video's present picture at any size."""
        if self._fitted.shape[1::-1] != size_wh:
            self._fitted = fitted(self._shown.image, size_wh, self._fit)
        return self._fitted

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _open(self) -> None:
        self._source = open_video(self._path, untrusted=self._untrusted)
        step = 1 / (self._source.info.frame_rate or 30)
        self._step_s = float(step)
        # What is wrong with the file is said at its end, once: later rounds stop short of that.
        self._frames: Iterator[Frame] = islice(iter(self._source), self._length)
        first = next(self._frames)
        self._count = 1
        self._start_s = first.time_s
        self._show(first)

    def _show(self, frame: Frame) -> None:
        self._shown = frame
        self._fitted = frame.image
        try:
            self._following = next(self._frames, None)
        except InputError as error:
            _log.warning("%s", error)
            self._following = None
        self._count += self._following is not None

    def _run_until(self, time_s: float) -> None:
        passed_s = 0.0 if self._now_s is None else time_s - self._now_s
        if self._now_s is None or passed_s > 0 or passed_s < -MAX_STEP_S:
            self._now_s = time_s
        self._position_s += min(max(passed_s, 0.0), MAX_STEP_S)
        while not self._has_ended and self._position_s + _ROUNDING_S >= self._shown_until_s():
            if self._following is not None:
                self._show(self._following)
            else:
                self._rewind()

    def _shown_until_s(self) -> float:
        """Where in the round the picture changes."""
        if self._following is not None:
            return self._following.time_s - self._start_s
        return self._shown.time_s - self._start_s + self._step_s

    def _rewind(self) -> None:
        self._position_s = (self._position_s + _ROUNDING_S) % self._shown_until_s() - _ROUNDING_S
        self._length = self._count
        self.close()
        if self._length == 1:
            self._has_ended = True
            return
        try:
            self._open()
        except (InputError, OSError) as error:
            _log.warning("the background stands still: %s", error)
            self._has_ended = True
