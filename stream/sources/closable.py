"""The frame of every source: read by one thread, closed by any."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator

from stream.closing import Closing
from stream.frame import Frame
from stream.source import SourceInfo


class ClosableSource(Closing):
    """A source whose iteration ends soon after `close`, whichever thread calls it.

    A device or container must not be closed while it is being read. So whoever finds it unused
    releases it: `close`, or the reading thread as soon as its read returns.
    """

    info: SourceInfo

    def __init__(self) -> None:
        self._closing = threading.Event()
        self._in_use = threading.Lock()

    @abstractmethod
    def _read(self) -> Iterator[Frame]:
        """Yield the frames; a wait inside it ends when `_closing` is set."""

    @abstractmethod
    def _release(self) -> None:
        """Give back what was opened; never runs during `_read`, and may run twice."""

    def __iter__(self) -> Iterator[Frame]:
        frames = self._read()
        try:
            while (frame := self._next(frames)) is not None:
                yield frame
        finally:
            self.close()

    def _next(self, frames: Iterator[Frame]) -> Frame | None:
        with self._in_use:
            frame = None if self._closing.is_set() else next(frames, None)
        return None if self._closing.is_set() else frame

    def close(self) -> None:
        """End the iteration and release what was opened; any thread may, any number of times."""
        self._closing.set()
        if self._in_use.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._in_use.release()
