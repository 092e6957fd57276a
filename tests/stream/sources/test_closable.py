from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from stream.frame import Frame
from stream.sources.closable import ClosableSource


class Counter(ClosableSource):
    """Yields frames for ever; counts how often it is released, and how often while being read."""

    def __init__(self) -> None:
        super().__init__()
        self.released = 0
        self.released_while_reading = 0
        self.is_reading = False
        self.blocked = threading.Event()
        self.block_at: int | None = None

    def _read(self) -> Iterator[Frame]:
        pts = 0
        while True:
            self.is_reading = True
            if pts == self.block_at:
                self.blocked.set()
                self._closing.wait()
            self.is_reading = False
            yield Frame(np.zeros((2, 2, 3), np.uint8), pts, Fraction(1), 0.0)
            pts += 1

    def _release(self) -> None:
        self.released += 1
        self.released_while_reading += self.is_reading


def test_leaving_the_with_block_releases_a_source_that_was_never_read() -> None:
    with Counter() as source:
        pass
    assert source.released


def test_leaving_a_loop_early_releases_the_source() -> None:
    source = Counter()
    frames = iter(source)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert source.released


def test_a_closed_source_yields_nothing_more() -> None:
    source = Counter()
    frames = iter(source)
    assert next(frames).pts == 0
    source.close()
    assert source.released
    assert list(frames) == []


def test_closing_from_another_thread_ends_a_read_that_waits_and_releases_after_it() -> None:
    source = Counter()
    source.block_at = 3
    read: list[int] = []
    reader = threading.Thread(target=lambda: read.extend(frame.pts for frame in source))
    reader.start()
    source.blocked.wait()
    source.close()
    reader.join()
    assert read == [0, 1, 2]
    assert source.released
    assert not source.released_while_reading
