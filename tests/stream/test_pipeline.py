from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream.composite import Foreground
from stream.errors import CameraError, InputError, ModelError, OutputError
from stream.frame import Alpha, CompositedFrame, Frame, Image, MattedFrame
from stream.live.stand_in import StandIn
from stream.mattes.temporal import one_frame_delayed
from stream.matting import MattePredictor
from stream.pipeline import composited_frames, run
from stream.report import RunReport
from stream.source import SourceInfo
from stream.stats import StageClock
from tests.tiny_ir import write_tiny_ir

WAIT_S = 5.0  # only ever reached by a failing test
ROOM = 99  # the grey level of the room that must not be seen


def frame(pts: int) -> Frame:
    return Frame(np.full((4, 6, 3), ROOM, np.uint8), pts, Fraction(1, 30), time.perf_counter())


class FakeSource:
    def __init__(self, count: int, *, live: bool = False, error: Exception | None = None) -> None:
        self.info = SourceInfo("fake", (6, 4), Fraction(1, 30), is_live=live)
        self.closed = threading.Event()
        self._count = count
        self._error = error

    def __iter__(self) -> Iterator[Frame]:
        for pts in range(self._count):
            yield frame(pts)
        if self._error:
            raise self._error

    def close(self) -> None:
        self.closed.set()


class StalledSource(FakeSource):
    """Delivers its frames, then nothing until it is closed."""

    def __iter__(self) -> Iterator[Frame]:
        yield from super().__iter__()
        self.closed.wait(WAIT_S)


class FakePredictor:
    """Everything is person up to the column of the frame's number."""

    model_name, device_name, input_size_wh = "tiny", "CPU", (64, 32)

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self._before = before

    def predict(self, image: Image) -> Alpha:
        self._before()
        return np.zeros(image.shape[:2], np.uint8)

    def mattes(self, frames: Iterable[Frame]) -> Iterator[MattedFrame]:
        for frame in frames:
            yield MattedFrame(frame, self.predict(frame.image))


class FakeBackground:
    is_transparent = False
    level = 7

    def picture(self, matted: MattedFrame) -> Image:
        return np.full_like(matted.frame.image, self.level)

    def placeholder(self, size_wh: tuple[int, int]) -> Image:
        return np.full((size_wh[1], size_wh[0], 4), 8, np.uint8)

    def close(self) -> None:
        pass


class FakeSink:
    def __init__(self, *, stop_after: int = 1000, error_at: int = -1) -> None:
        self.frames: list[CompositedFrame] = []
        self.idled = threading.Event()
        self.stopped = False
        self.closed = False
        self._stop_after = stop_after
        self._error_at = error_at

    @property
    def pts(self) -> list[int]:
        return [composited.frame.pts for composited in self.frames]

    def write(self, composited: CompositedFrame) -> None:
        assert not self.closed
        if len(self.frames) == self._error_at:
            raise OutputError("disk full")
        self.frames.append(composited)
        self.stopped = len(self.frames) >= self._stop_after

    def idle(self) -> None:
        self.idled.set()

    def close(self) -> None:
        self.closed = True


def go(source: Any, *sinks: FakeSink, predictor: Any = None, **options: Any) -> RunReport:
    background: Any = FakeBackground()
    report = run(source, predictor or FakePredictor(), background, sinks, **options)
    assert all(sink.closed for sink in sinks)
    assert source.closed.is_set()
    return report


def test_a_file_is_delivered_whole_and_in_order_to_every_sink() -> None:
    sinks = FakeSink(), FakeSink()
    seen: list[int] = []
    report = go(FakeSource(50), *sinks, progress=seen.append)
    assert sinks[0].pts == sinks[1].pts == list(range(50))
    assert seen == list(range(1, 51))
    assert (report.frames_in, report.frames_out, report.frames_dropped) == (50, 50, 0)
    assert not report.interrupted


def test_steps_work_on_the_mattes_in_their_order_and_are_timed() -> None:
    def adding(amount: int) -> Callable[[Iterable[MattedFrame]], Iterator[MattedFrame]]:
        def step(matted: Iterable[MattedFrame]) -> Iterator[MattedFrame]:
            for each in matted:
                yield MattedFrame(each.frame, 2 * each.alpha + np.uint8(amount))

        return step

    sink = FakeSink()
    steps = [("first", adding(1)), ("second", adding(3))]
    report = go(FakeSource(5), sink, steps=steps)
    assert sink.pts == [0, 1, 2, 3, 4]
    assert {int(composited.matted.alpha[0, 0]) for composited in sink.frames} == {2 * 1 + 3}
    assert list(report.stages) == ["capture", "matting", "first", "second", "composite", "output"]
    assert report.stages["second"].count == 5


def test_a_step_that_comes_a_frame_late_loses_none() -> None:
    sink = FakeSink()
    go(FakeSource(5), sink, steps=[("delay", one_frame_delayed)])
    assert sink.pts == [0, 1, 2, 3, 4]


def test_a_step_that_fails_ends_the_run() -> None:
    def broken(matted: Iterable[MattedFrame]) -> Iterator[MattedFrame]:
        for each in matted:
            if each.frame.pts == 2:
                raise ValueError("bug")
            yield each

    source, sink = FakeSource(50), FakeSink()
    with pytest.raises(ValueError, match="bug"):
        go(source, sink, steps=[("broken", broken)])
    assert sink.pts == [0, 1]
    assert source.closed.is_set()


@pytest.mark.parametrize(("foreground", "cleaned"), [("blur-fusion", True), ("none", False)])
def test_the_colours_of_people_are_found_as_asked_for(foreground: str, cleaned: bool) -> None:
    class Half(FakePredictor):
        def predict(self, image: Image) -> Alpha:
            ramp = np.array([0, 0, 100, 200, 255, 255], np.uint8)
            return np.tile(ramp, (4, 1))

    class Contrast(FakeSource):
        def __iter__(self) -> Iterator[Frame]:
            image = np.tile(np.array([0, 0, 98, 196, 250, 250], np.uint8), (4, 1))
            yield replace(frame(0), picture=np.dstack([image] * 3))

    sink = FakeSink()
    go(Contrast(1), sink, predictor=Half(), foreground=Foreground(foreground))
    naive = (200 * 196 + 55 * FakeBackground.level) / 255  # darkened by the old background
    assert (sink.frames[0].image[0, 3, 0] > naive + 10) == cleaned


def test_a_live_source_drops_old_frames_but_delivers_the_last() -> None:
    captured_all = threading.Event()

    class Camera(FakeSource):
        def __iter__(self) -> Iterator[Frame]:
            yield from super().__iter__()
            captured_all.set()

    slow = FakePredictor(before=lambda: captured_all.wait(WAIT_S) or None)
    sink = FakeSink()
    report = go(Camera(100, live=True), sink, predictor=slow)
    assert sink.pts[-1] == 99
    assert sink.pts == sorted(sink.pts)
    assert report.frames_in == 100
    assert report.frames_dropped == 100 - len(sink.pts) > 0


def test_a_live_source_never_shows_the_raw_room_when_matting_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls: list[int] = []

    def fails_at_times() -> None:
        calls.append(0)
        if len(calls) in (2, 3, 4):
            raise RuntimeError("inference failed")

    class Person(FakePredictor):
        def predict(self, image: Image) -> Alpha:
            return np.bitwise_not(super().predict(image))

    class Camera(FakeSource):
        def __iter__(self) -> Iterator[Frame]:
            for pts in range(6):
                turn.acquire(timeout=WAIT_S)
                yield frame(pts)

    class Paced(FakeSink):
        def write(self, composited: CompositedFrame) -> None:
            super().write(composited)
            turn.release()

    turn = threading.Semaphore(1)
    sink = Paced()
    go(Camera(6, live=True), sink, predictor=Person(fails_at_times))
    levels = [int(composited.image[0, 0, 0]) for composited in sink.frames]
    assert levels == [ROOM, 7, 7, 7, ROOM, ROOM]
    assert not (sink.frames[1].frame.image == ROOM).any()  # no view of a window can show it
    assert caplog.messages == ["matting failed, only the background is shown: inference failed"]


def test_a_camera_that_never_comes_back_leaves_the_background_and_then_its_error() -> None:
    shown = threading.Event()

    class Watched(FakeSink):
        def write(self, composited: CompositedFrame) -> None:
            super().write(composited)
            if composited.image[0, 0, 0] == 8:
                shown.set()

    class Camera(FakeSource):
        def __iter__(self) -> Iterator[Frame]:
            yield frame(0)
            assert shown.wait(WAIT_S)
            raise CameraError("camera 0 stopped and did not come back within 30 s")

    source, sink, clock = Camera(1, live=True), Watched(), StageClock()
    background: Any = FakeBackground()
    stand_in = StandIn(
        sink, background, info=source.info, is_missing=lambda: clock.silence_s("capture") > 0
    )
    with pytest.raises(CameraError, match="did not come back"):
        run(source, FakePredictor(), background, [stand_in], clock=clock)
    assert [int(composited.image[0, 0, 0]) for composited in sink.frames] == [7, 8]
    assert not (sink.frames[-1].frame.image == ROOM).any()
    assert sink.closed


@pytest.mark.parametrize("live", [True, False])
def test_a_fault_of_the_model_that_only_the_user_can_mend_ends_the_run(live: bool) -> None:
    def refuse() -> None:
        raise ModelError("damaged")

    sink = FakeSink()
    with pytest.raises(ModelError, match="damaged"):
        go(FakeSource(5, live=live), sink, predictor=FakePredictor(refuse))
    assert sink.closed


def test_a_file_that_breaks_off_is_delivered_up_to_there_and_its_error_raised() -> None:
    source, sink = FakeSource(5, error=InputError("corrupt")), FakeSink()
    with pytest.raises(InputError, match="corrupt"):
        go(source, sink)
    assert sink.pts == [0, 1, 2, 3, 4]
    assert sink.closed
    assert source.closed.is_set()


def test_a_sink_that_fails_ends_the_run_and_every_sink_is_closed() -> None:
    source, sinks = FakeSource(50), (FakeSink(), FakeSink(error_at=3))
    with pytest.raises(OutputError, match="disk full"):
        go(source, *sinks)
    assert all(sink.closed for sink in sinks)
    assert source.closed.is_set()
    assert not [t for t in threading.enumerate() if t.name in ("capture", "matting", "composite")]


def test_a_stop_event_ends_the_run_although_the_source_stalls() -> None:
    stop = threading.Event()

    class Stopper(FakeSink):
        def write(self, composited: CompositedFrame) -> None:
            super().write(composited)
            if composited.frame.pts == 2:
                stop.set()

    sink = Stopper()
    report = go(StalledSource(3), sink, stop=stop)
    assert sink.pts == [0, 1, 2]
    assert report.interrupted


def test_a_closed_window_ends_the_run() -> None:
    sink = FakeSink(stop_after=4)
    report = go(FakeSource(50), sink)
    assert sink.pts == [0, 1, 2, 3]
    assert report.interrupted


def test_a_window_that_is_closed_while_the_source_stalls_ends_the_run() -> None:
    class Window(FakeSink):
        def idle(self) -> None:
            self.stopped = True

    sink = Window()
    report = go(StalledSource(2, live=True), sink)
    assert sink.pts[-1] == 1
    assert report.interrupted


def test_a_limited_run_delivers_exactly_so_many_frames() -> None:
    sink = FakeSink()
    report = go(FakeSource(50), sink, max_frames=7)
    assert sink.pts == list(range(7))
    assert report.frames_out == 7
    assert not report.interrupted


def test_frames_can_be_taken_without_sinks_and_left_early() -> None:
    source: Any = FakeSource(50)
    predictor: Any = FakePredictor()
    background: Any = FakeBackground()
    frames = composited_frames(
        source, predictor, background, clock=StageClock(), stop=threading.Event()
    )
    assert next(frames).frame.pts == 0
    frames.close()
    assert source.closed.is_set()


def test_the_report_tells_what_happened_and_is_json() -> None:
    report = go(FakeSource(5), FakeSink())
    data = json.loads(report.to_json())
    assert list(data["stages"]) == ["capture", "matting", "composite", "output"]
    assert set(data["stages"]["matting"]) == {"count", "median_ms", "p95_ms"}
    assert all(timing["count"] == 5 for timing in data["stages"].values())
    assert data["latency"]["count"] == 5
    assert data["fps"] == pytest.approx(5 / data["wall_s"])
    assert data["frame_size_wh"] == [6, 4]
    assert (data["model"], data["device"], data["input_size_wh"]) == ("tiny", "CPU", [64, 32])
    assert {"python", "openvino", "opencv", "av", "numpy"} == set(data["versions"])


def test_the_report_tells_matting_from_inference() -> None:
    clock = StageClock()
    predictor = FakePredictor(before=lambda: clock.infer(0.04))
    report = go(FakeSource(5), FakeSink(), predictor=predictor, clock=clock)
    data = json.loads(report.to_json())
    assert data["inference"] == {"count": 5, "median_ms": 40.0, "p95_ms": 40.0}
    assert data["stages"]["matting"]["median_ms"] < 40


def test_a_source_without_frames_gives_an_empty_report() -> None:
    report = go(FakeSource(0), FakeSink())
    assert (report.frames_in, report.frames_out, report.latency.count) == (0, 0, 0)
    assert report.inference.count == 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_memory_files_and_threads_stay_flat_over_20000_frames(tmp_path: Path) -> None:
    def resident_mb() -> float:
        return (
            int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        )

    def held() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    seen: dict[int, tuple[float, tuple[int, int]]] = {}

    class Counting(FakeSink):
        def write(self, composited: CompositedFrame) -> None:
            if composited.frame.pts in (10_500, 19_500):  # the clock's history is full by then
                seen[composited.frame.pts] = resident_mb(), held()

    predictor = MattePredictor(write_tiny_ir(tmp_path / "tiny.xml"), size=32, requests=3)
    report = go(FakeSource(20_000), Counting(), predictor=predictor)
    assert report.frames_out == 20_000
    (early_mb, early_held), (late_mb, late_held) = seen.values()
    assert late_mb - early_mb < 2
    assert late_held == early_held
