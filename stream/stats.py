"""How long each stage takes: what the window shows while it runs, and the report at the end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

A = TypeVar("A")
B = TypeVar("B")

_HISTORY = 10_000
_RECENT = 30
_BUNCH = 12
"""Results over which a stage's time is averaged: a whole number of bunches of 2, 3, 4 or 6."""


@dataclass(frozen=True)
class Timing:
    """How long something took.

    Attributes:
        count: How often it happened.
        median_ms: Half of the times were at most this, in milliseconds.
        p95_ms: 95 of 100 were at most this, in milliseconds.
    """

    count: int
    median_ms: float
    p95_ms: float


class StageClock:
    """Collects times per stage, from any thread, in constant memory.

    Percentiles are those of the latest 10,000 times of a stage.

    Args:
        now: The clock, in seconds; that of `Frame.captured_at`.
    """

    def __init__(self, *, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._stages: dict[str, _Samples] = {}
        self._last_at: dict[str, float] = {}
        self._latency = _Samples()
        self._inference = _Samples()
        self._delivered_at: deque[float] = deque(maxlen=_RECENT)
        self._dropped = 0

    @contextlib.contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Count the time spent in the `with` block to `stage`."""
        started = self._now()
        yield
        self._add(stage, self._now() - started)

    def timed_source(self, stage: str, items: Iterable[A]) -> Iterator[A]:
        """Yield the items; count to `stage` how long each took to come."""
        for item, seconds in self._steps(items):
            self._add(stage, seconds)
            yield item

    def timed_stage(
        self, stage: str, function: Callable[[Iterable[A]], Iterable[B]], items: Iterable[A]
    ) -> Iterator[B]:
        """Yield from `function(items)`; count to `stage` how long it was busy with each result.

        Neither the wait for its items counts nor the time in which the consumer holds a result.
        Where several items are under way at once, results come in bunches, after a long time for
        one and hardly any for the next; then the mean of the latest dozen is counted for each.
        """
        waited_s = 0.0
        under_way = 0
        busy_s: deque[float] = deque(maxlen=_BUNCH)

        def awaited() -> Iterator[A]:
            nonlocal waited_s, under_way
            for item, seconds in self._steps(items):
                waited_s += seconds
                under_way += 1
                yield item

        for result, seconds in self._steps(function(awaited())):
            busy_s.append(seconds - waited_s)
            self._add(stage, busy_s[-1] if under_way == 1 else sum(busy_s) / len(busy_s))
            waited_s = 0.0
            under_way -= 1
            yield result

    def infer(self, seconds: float) -> None:
        """Count an inference that took so long."""
        with self._lock:
            self._inference.add(seconds)

    def drop(self) -> None:
        """Count a frame that was thrown away."""
        with self._lock:
            self._dropped += 1

    def deliver(self, captured_at: float) -> None:
        """Count a frame that has reached its sinks.

        Args:
            captured_at: When it was captured; see `Frame.captured_at`.
        """
        now = self._now()
        with self._lock:
            self._latency.add(now - captured_at)
            self._delivered_at.append(now)

    @property
    def dropped(self) -> int:
        """How many frames were thrown away."""
        return self._dropped

    @property
    def delivered(self) -> int:
        """How many frames reached their sinks."""
        return self._latency.count

    @property
    def fps(self) -> float:
        """Frames per second over the latest frames that were delivered; 0 before the second."""
        with self._lock:
            times = tuple(self._delivered_at)
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0

    def recent_ms(self) -> dict[str, float]:
        """Median of the latest times of each stage in milliseconds."""
        with self._lock:
            return {stage: samples.recent_ms() for stage, samples in self._stages.items()}

    def summary(self) -> dict[str, Timing]:
        """Times of each stage, in the order in which the stages first ran."""
        with self._lock:
            return {stage: samples.timing() for stage, samples in self._stages.items()}

    def latency(self) -> Timing:
        """Times from capture to delivery."""
        with self._lock:
            return self._latency.timing()

    def inference(self) -> Timing:
        """Times of single inferences."""
        with self._lock:
            return self._inference.timing()

    def silence_s(self, stage: str) -> float:
        """Seconds since a stage last came to a result; 0 before its first."""
        with self._lock:
            last_at = self._last_at.get(stage)
            return 0.0 if last_at is None else self._now() - last_at

    def _steps(self, items: Iterable[A]) -> Iterator[tuple[A, float]]:
        """Each item with the seconds it took to come."""
        iterator = iter(items)
        while True:
            started = self._now()
            try:
                item = next(iterator)
            except StopIteration:
                return
            yield item, self._now() - started

    def _add(self, stage: str, seconds: float) -> None:
        with self._lock:
            self._stages.setdefault(stage, _Samples()).add(seconds)
            self._last_at[stage] = self._now()


class _Samples:
    """The latest times of one stage and how many there were in all."""

    def __init__(self) -> None:
        self.count = 0
        self._seconds: deque[float] = deque(maxlen=_HISTORY)

    def add(self, seconds: float) -> None:
        self.count += 1
        self._seconds.append(seconds)

    def recent_ms(self) -> float:
        return 1e3 * float(np.median(list(islice(reversed(self._seconds), _RECENT))))

    def timing(self) -> Timing:
        if not self._seconds:
            return Timing(count=0, median_ms=0.0, p95_ms=0.0)
        median_s, p95_s = np.percentile(self._seconds, (50, 95))
        return Timing(self.count, median_ms=1e3 * float(median_s), p95_ms=1e3 * float(p95_s))
