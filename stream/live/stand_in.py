"""What is shown while there is nobody to show: the background, never the raw room."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from stream.background import Background
from stream.closing import Closing
from stream.frame import CompositedFrame, Frame, Image, MattedFrame
from stream.sink import Sink
from stream.source import SourceInfo


def nobody(frame: Frame, placeholder: Image) -> MattedFrame:
    """A frame without anybody in it and without the room, so that no view of it can show that.

    Args:
        frame: Gives the time.
        placeholder: See `stream.background.Background`.
    """
    image = np.ascontiguousarray(placeholder[..., :3])
    return MattedFrame(replace(frame, picture=image), np.zeros(image.shape[:2], np.uint8))


class StandIn(Closing):
    """Shows the background in a sink that is watched, while the source gives no picture.

    Args:
        sink: What is watched; owned by this one.
        background: What is shown.
        info: The source.
        is_missing: Whether the source gives no picture, before its first or after its latest.
    """

    def __init__(
        self,
        sink: Sink,
        background: Background,
        *,
        info: SourceInfo,
        is_missing: Callable[[], bool],
    ) -> None:
        self._sink = sink
        self._background = background
        self._info = info
        self._is_missing = is_missing
        self._latest: Frame | None = None
        self._is_shown = False

    @property
    def stopped(self) -> bool:
        """Whether the user wants no more."""
        return self._sink.stopped

    def write(self, frame: CompositedFrame) -> None:
        """Show a frame."""
        self._latest = frame.frame
        self._is_shown = False
        self._sink.write(frame)

    def idle(self) -> None:
        """Show the background instead of the latest frame if no more will come soon."""
        if not self._is_shown and self._is_missing():
            self._is_shown = True
            self._sink.write(self._without_anybody())
        self._sink.idle()

    def close(self) -> None:
        """Finish."""
        self._sink.close()

    def _without_anybody(self) -> CompositedFrame:
        picture = self._background.placeholder(self._info.size_wh)
        now_s = time.perf_counter()
        latest = self._latest or Frame(picture, -1, self._info.time_base, captured_at=now_s)
        elapsed = round((now_s - latest.captured_at) / latest.time_base)
        frame = replace(latest, pts=latest.pts + elapsed, captured_at=now_s)
        return CompositedFrame(picture, nobody(frame, picture))
