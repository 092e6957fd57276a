"""How long to try again when a camera or a stream has stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from stream.source import RECONNECT_TIMEOUT_S


@dataclass(frozen=True)
class Patience:
    """Waits between attempts that double from `first_wait_s` to `longest_wait_s`.

    Attributes:
        timeout_s: How long to try, in seconds.
        first_wait_s: Before the second attempt; the first comes at once.
        longest_wait_s: Between any two attempts.
    """

    timeout_s: float = RECONNECT_TIMEOUT_S
    first_wait_s: float = 0.05
    longest_wait_s: float = 2.0

    def attempts(self, stop: threading.Event) -> Iterator[float]:
        """Yield the seconds waited so far, once per attempt, until time is up or `stop` is set."""
        start_s = time.monotonic()
        wait_s = self.first_wait_s
        waited_s = 0.0
        while not stop.is_set():
            yield waited_s
            left_s = start_s + self.timeout_s - time.monotonic()
            if left_s <= 0 or stop.wait(min(wait_s, left_s)):
                return
            wait_s = min(2 * wait_s, self.longest_wait_s)
            waited_s = time.monotonic() - start_s
