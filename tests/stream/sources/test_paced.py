from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from stream.frame import Frame
from stream.source import SourceInfo
from stream.sources import paced as module
from stream.sources.closable import ClosableSource
from stream.sources.paced import paced


class Clip(ClosableSource):
    """Frames at the given milliseconds, each there at once."""

    def __init__(self, *times_ms: int) -> None:
        super().__init__()
        self.info = SourceInfo(name="clip", size_wh=(2, 2), time_base=Fraction(1, 1000))
        self._times_ms = times_ms
        self.is_released = False

    def _read(self) -> Iterator[Frame]:
        for pts in self._times_ms:
            yield Frame(np.zeros((2, 2, 3), np.uint8), pts, self.info.time_base, captured_at=0.0)

    def _release(self) -> None:
        self.is_released = True


class Clock(threading.Event):
    """Time that passes only where somebody waits for the event, which never comes."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    perf_counter = monotonic

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now_s += timeout
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


class Pause(threading.Event):
    """Whether the clip runs: not while the given seconds of a pause last."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.left_s = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        if self.left_s > 0:
            self._clock.now_s += timeout
            self.left_s -= timeout
        return self.left_s <= 0


def start(clip: Clip, clock: Clock, pause: Pause | None = None) -> Iterator[Frame]:
    source = paced(clip, running=pause)
    source._closing = clock  # type: ignore[attr-defined]
    return iter(source)


def test_a_paced_file_counts_as_live_and_keeps_its_timestamps(clock: Clock) -> None:
    assert paced(Clip()).info.is_live
    assert [frame.pts for frame in start(Clip(1000, 1001, 1003), clock)] == [1000, 1001, 1003]


def test_each_frame_comes_when_it_is_due_counted_from_the_first(clock: Clock) -> None:
    due = [clock.now_s for _ in start(Clip(500, 520, 1560), clock)]
    assert due == pytest.approx([100.0, 100.02, 101.06])


def test_latency_counts_from_when_a_frame_was_due(clock: Clock) -> None:
    frames = list(start(Clip(0, 40), clock))
    assert [frame.captured_at for frame in frames] == pytest.approx([100.0, 100.04])


def test_a_frame_that_is_a_little_late_does_not_move_the_ones_after_it(clock: Clock) -> None:
    frames = start(Clip(0, 40, 80), clock)
    next(frames)
    clock.now_s += 0.06
    next(frames)
    assert clock.now_s == pytest.approx(100.06)
    next(frames)
    assert clock.now_s == pytest.approx(100.08)


def test_during_a_pause_no_frame_comes_and_afterwards_all_come_at_pace(clock: Clock) -> None:
    pause = Pause(clock)
    frames = start(Clip(0, 40, 80, 120), clock, pause)
    next(frames)
    pause.left_s = 60.0
    delivered = [(frame.pts, clock.now_s) for frame in frames]
    assert [pts for pts, _ in delivered] == [40, 80, 120]
    resumed_s = delivered[0][1]
    assert resumed_s > 160
    assert [due_s - resumed_s for _, due_s in delivered] == pytest.approx([0, 0.04, 0.08])


def test_a_frame_after_a_pause_is_new_although_it_was_read_before(clock: Clock) -> None:
    pause = Pause(clock)
    frames = start(Clip(0, 40), clock, pause)
    next(frames)
    pause.left_s = 60.0
    assert next(frames).captured_at == pytest.approx(clock.now_s)


def test_closing_ends_a_pause() -> None:
    clip, running = Clip(0, 1), threading.Event()
    source = paced(clip, running=running)
    reader = threading.Thread(target=lambda: list(source))
    reader.start()
    source.close()
    reader.join(5)
    assert not reader.is_alive()
    assert clip.is_released


def test_after_a_stall_the_clock_starts_again_instead_of_catching_up(clock: Clock) -> None:
    frames = start(Clip(0, 40, 80), clock)
    next(frames)
    clock.now_s += 60
    next(frames)
    next(frames)
    assert clock.now_s == pytest.approx(160.04)


def test_closing_ends_the_wait_for_a_frame_that_is_due_in_an_hour() -> None:
    clip = Clip(0, 3_600_000)
    source = paced(clip)
    first = threading.Event()

    def read() -> None:
        for _ in source:
            first.set()

    reader = threading.Thread(target=read)
    reader.start()
    first.wait()
    source.close()
    reader.join(5)
    assert not reader.is_alive()
    assert clip.is_released
