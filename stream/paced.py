"""A file shown in a window: due in time, like a camera."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from stream.closable import ClosableSource
from stream.frame import Frame
from stream.source import Source

LATE_S = 0.5
"""A frame later than this restarts the clock: no burst to catch up after a pause."""


class _PacedSource(ClosableSource):
    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self.info = replace(source.info, is_live=True)

    def _read(self) -> Iterator[Frame]:
        start_s: float | None = None
        for frame in self._source:
            now_s = time.monotonic()
            if start_s is None or now_s - (start_s + frame.time_s) > LATE_S:
                start_s = now_s - frame.time_s
            if self._closing.wait(max(0.0, start_s + frame.time_s - now_s)):
                return
            yield replace(frame, captured_at=time.perf_counter())

    def close(self) -> None:
        super().close()
        self._source.close()

    def _release(self) -> None:
        self._source.close()


def paced(source: Source) -> Source:
    """Deliver each frame when it is due, counted from the first, and call the source live.

    The returned source owns `source` and closes it.
    """
    return _PacedSource(source)
