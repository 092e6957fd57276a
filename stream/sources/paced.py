"""A file that is watched: due in time, like a camera, and held during a pause."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from stream.frame import Frame
from stream.source import Source
from stream.sources.closable import ClosableSource

LATE_S = 0.5
"""A frame later than this restarts the clock: no burst to catch up after a stall."""

_POLL_S = 0.1
"""How soon a source that is held sees that it was closed."""


class _PacedSource(ClosableSource):
    def __init__(self, source: Source, running: threading.Event) -> None:
        super().__init__()
        self._source = source
        self._running = running
        self.info = replace(source.info, is_live=True)

    def _read(self) -> Iterator[Frame]:
        start_s: float | None = None
        for frame in self._source:
            now_s = time.monotonic()
            if start_s is None or now_s - (start_s + frame.time_s) > LATE_S:
                start_s = now_s - frame.time_s
            if self._closing.wait(max(0.0, start_s + frame.time_s - now_s)):
                return
            start_s += self._held_s()
            yield replace(frame, captured_at=time.perf_counter())

    def _held_s(self) -> float:
        """Wait until the clip may run; how many seconds that took."""
        began_s = time.monotonic()
        while not self._running.wait(_POLL_S) and not self._closing.is_set():
            pass
        return time.monotonic() - began_s

    def close(self) -> None:
        super().close()
        self._source.close()

    def _release(self) -> None:
        self._source.close()


def paced(source: Source, *, running: threading.Event | None = None) -> Source:
    """Deliver each frame when it is due, counted from the first, and call the source live.

    The returned source owns `source` and closes it.

    Args:
        source: A file.
        running: While it is not set, no frame is due: the clip stands still and then goes on.
    """
    if running is None:
        running = threading.Event()
        running.set()
    return _PacedSource(source, running)
