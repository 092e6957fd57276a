"""Several sinks as one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

from stream.frame import CompositedFrame
from stream.sink import Sink


class Tee:
    """Gives every frame to each of several sinks.

    Args:
        sinks: Any number of them, also none; owned by this one.
        stop: Is set when the user wants no more of one of them.
    """

    def __init__(self, sinks: Sequence[Sink], *, stop: threading.Event) -> None:
        self._sinks = sinks
        self._stop = stop

    def write(self, frame: CompositedFrame) -> None:
        """Give them a frame.

        Raises:
            StreamError: One of them cannot take it.
        """
        for sink in self._sinks:
            sink.write(frame)
        self._ask()

    def idle(self) -> None:
        """Tell them that no frame is ready."""
        for sink in self._sinks:
            sink.idle()
        self._ask()

    def close(self) -> None:
        """Finish each of them, even if another one cannot be finished.

        Raises:
            StreamError: One of them cannot be finished.
        """
        with contextlib.ExitStack() as closing:
            for sink in self._sinks:
                closing.callback(sink.close)

    def _ask(self) -> None:
        if any(sink.stopped for sink in self._sinks):
            self._stop.set()
