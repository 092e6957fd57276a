from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from stream.frame import Frame
from stream.source import SourceInfo
from stream.sources.closable import ClosableSource
from stream.sources.held import held

WAIT_S = 5.0  # only ever reached by a failing test


class Picture(ClosableSource):
    def __init__(self) -> None:
        super().__init__()
        self.info = SourceInfo("picture", (2, 2), Fraction(1), is_still=True)
        self.is_released = False

    def _read(self) -> Iterator[Frame]:
        yield Frame(np.zeros((2, 2, 3), np.uint8), 0, self.info.time_base, captured_at=0.0)

    def _release(self) -> None:
        self.is_released = True


def test_a_held_source_delivers_its_frames_and_does_not_end_until_it_is_closed() -> None:
    picture = Picture()
    source = held(picture)
    delivered, ended = threading.Event(), threading.Event()

    def consume() -> None:
        for _ in source:
            delivered.set()
        ended.set()

    consumer = threading.Thread(target=consume)
    consumer.start()
    assert delivered.wait(WAIT_S)
    assert not ended.is_set()
    source.close()
    assert ended.wait(WAIT_S)
    consumer.join(WAIT_S)
    assert picture.is_released
