"""Ctrl-C and SIGTERM: stop tidily the first time, at once the second."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any


class StopSignals:
    """While it is entered, SIGINT and SIGTERM set `stop`. Main thread only.

    Attributes:
        stop: Set by the first signal; whoever works looks at it and finishes what was begun.
        exit_code: 128 + the signal that came, as shells have it; 0 while none has.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.exit_code = 0
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.exit_code:  # something hangs: no tidying up
            os._exit(128 + number)
        self.exit_code = 128 + number
        self.stop.set()
