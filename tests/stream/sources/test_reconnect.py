from __future__ import annotations

import threading
import time

from stream.sources.reconnect import Patience


def test_the_first_attempt_comes_at_once_and_the_waits_between_the_others_double() -> None:
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return len(waits) == 8

    attempts = list(Patience(timeout_s=60).attempts(Stop()))
    assert len(attempts) == 8
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_there_is_at_least_one_attempt_and_none_after_the_timeout() -> None:
    begin = time.monotonic()
    patience = Patience(timeout_s=0.05, first_wait_s=0.02)
    assert len(list(Patience(timeout_s=0).attempts(threading.Event()))) == 1
    assert len(list(patience.attempts(threading.Event()))) >= 2
    assert time.monotonic() - begin < 1


def test_no_attempt_is_made_once_stopped() -> None:
    stop = threading.Event()
    stop.set()
    assert list(Patience().attempts(stop)) == []
