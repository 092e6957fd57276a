from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from stream.frame import CompositedFrame, Frame, Image, MattedFrame
from stream.live import stand_in as module
from stream.live.stand_in import StandIn, nobody
from stream.source import SourceInfo

ROOM, SCENE = 99, 7
INFO = SourceInfo("camera 0", (6, 4), Fraction(1, 1000), is_live=True)


class FakeSink:
    def __init__(self) -> None:
        self.frames: list[CompositedFrame] = []
        self.idled = 0
        self.stopped = self.closed = False

    def write(self, frame: CompositedFrame) -> None:
        self.frames.append(frame)

    def idle(self) -> None:
        self.idled += 1

    def close(self) -> None:
        self.closed = True


class FakeBackground:
    def __init__(self, channels: int = 3) -> None:
        self._channels = channels

    def placeholder(self, size_wh: tuple[int, int]) -> Image:
        return np.full((size_wh[1], size_wh[0], self._channels), SCENE, np.uint8)


class Bench:
    """A stand-in before a fake sink, and whether the source gives no picture."""

    def __init__(self, channels: int = 3) -> None:
        self.sink = FakeSink()
        self.is_missing = True
        sink: Any = self.sink
        background: Any = FakeBackground(channels)
        self.stand_in = StandIn(sink, background, info=INFO, is_missing=lambda: self.is_missing)

    @property
    def pts(self) -> list[int]:
        return [frame.frame.pts for frame in self.sink.frames]


def composited(pts: int, captured_at: float) -> CompositedFrame:
    room = np.full((4, 6, 3), ROOM, np.uint8)
    matted = MattedFrame(Frame(room, pts, INFO.time_base, captured_at), room[..., 0])
    return CompositedFrame(room, matted)


@pytest.fixture
def now_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now_s = [100.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now_s[0])
    return now_s


@pytest.mark.parametrize("channels", [3, 4])
def test_a_frame_with_nobody_has_nothing_of_the_room(channels: int) -> None:
    frame = composited(5, 1.0).frame
    matted = nobody(frame, np.full((4, 6, channels), SCENE, np.uint8))
    assert not matted.alpha.any()
    assert matted.frame.image.shape == (4, 6, 3)
    assert (matted.frame.image == SCENE).all()
    assert (matted.frame.pts, matted.frame.captured_at) == (5, 1.0)


def test_before_the_first_picture_the_background_is_shown_once() -> None:
    bench = Bench()
    for _ in range(3):
        bench.stand_in.idle()
    (shown,) = bench.sink.frames
    assert (shown.image == SCENE).all()
    assert (shown.frame.image == SCENE).all()
    assert bench.sink.idled == 3


def test_where_people_are_cut_out_the_stand_in_is_transparent_too() -> None:
    bench = Bench(channels=4)
    bench.stand_in.idle()
    assert bench.sink.frames[0].image.shape == (4, 6, 4)


def test_a_picture_that_is_only_late_stays() -> None:
    bench = Bench()
    bench.stand_in.write(composited(5, 1.0))
    bench.is_missing = False
    bench.stand_in.idle()
    assert bench.pts == [5]
    assert bench.sink.idled == 1


def test_lost_and_found_and_lost_again_time_goes_on(now_s: list[float]) -> None:
    bench = Bench()
    bench.stand_in.idle()
    bench.stand_in.write(composited(0, 100.0))
    now_s[0] = 101.5
    bench.stand_in.idle()
    bench.stand_in.idle()
    bench.stand_in.write(composited(2000, 102.0))
    now_s[0] = 103.5
    bench.stand_in.idle()
    assert bench.pts == [-1, 0, 1500, 2000, 3500]
    assert [int(frame.image[0, 0, 0]) for frame in bench.sink.frames] == [
        SCENE,
        ROOM,
        SCENE,
        ROOM,
        SCENE,
    ]


def test_it_stops_and_closes_as_the_sink_does() -> None:
    bench = Bench()
    assert not bench.stand_in.stopped
    bench.sink.stopped = True
    assert bench.stand_in.stopped
    with bench.stand_in:
        pass
    assert bench.sink.closed
