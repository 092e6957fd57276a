from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import pytest

from stream.stats import StageClock


class FakeTime:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def pass_ms(self, milliseconds: float) -> None:
        self.now_s += milliseconds / 1e3


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def clock(time: FakeTime) -> StageClock:
    return StageClock(now=time)


def test_a_stage_reports_how_often_it_ran_its_median_and_its_95th_percentile(
    clock: StageClock, time: FakeTime
) -> None:
    for milliseconds in range(101):
        with clock.time("output"):
            time.pass_ms(milliseconds)
    timing = clock.summary()["output"]
    assert timing.count == 101
    assert timing.median_ms == pytest.approx(50)
    assert timing.p95_ms == pytest.approx(95)
    assert clock.recent_ms()["output"] == pytest.approx(85.5)  # of the latest 30


def test_a_timed_stage_counts_neither_the_wait_for_its_items_nor_its_consumer(
    clock: StageClock, time: FakeTime
) -> None:
    def slow_source() -> Iterator[int]:
        for item in range(3):
            time.pass_ms(500)
            yield item

    def double(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            time.pass_ms(7)
            yield 2 * item

    results = []
    for result in clock.timed_stage("double", double, slow_source()):
        time.pass_ms(900)
        results.append(result)
    assert results == [0, 2, 4]
    timing = clock.summary()["double"]
    assert timing.count == 3
    assert timing.median_ms == pytest.approx(7)
    assert timing.p95_ms == pytest.approx(7)


def test_results_that_come_in_bunches_count_the_mean_of_a_dozen(
    clock: StageClock, time: FakeTime
) -> None:
    def in_pairs(items: Iterable[int]) -> Iterator[int]:
        held: list[int] = []
        for item in items:
            held.append(item)
            if len(held) == 3:  # three under way, two done at a time
                time.pass_ms(30)
                yield held.pop(0)
                yield held.pop(0)

    results = list(clock.timed_stage("matting", in_pairs, range(101)))
    assert results == list(range(100))
    timing = clock.summary()["matting"]
    assert timing.median_ms == pytest.approx(15)
    assert timing.p95_ms < 20


def test_a_stage_without_a_queue_counts_every_result_by_itself(
    clock: StageClock, time: FakeTime
) -> None:
    def uneven(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            time.pass_ms(item)
            yield item

    assert list(clock.timed_stage("uneven", uneven, [1, 1, 90, 1, 1])) == [1, 1, 90, 1, 1]
    assert clock.summary()["uneven"].median_ms == pytest.approx(1)


def test_inferences_are_counted_apart_from_the_stages(clock: StageClock) -> None:
    for seconds in (0.03, 0.04, 0.08):
        clock.infer(seconds)
    assert clock.inference().count == 3
    assert clock.inference().median_ms == pytest.approx(40)
    assert clock.summary() == {}


def test_a_stage_is_silent_since_its_last_result(clock: StageClock, time: FakeTime) -> None:
    assert clock.silence_s("capture") == 0
    with clock.time("capture"):
        time.pass_ms(500)
    time.pass_ms(1500)
    with clock.time("matting"):
        time.pass_ms(500)
    assert clock.silence_s("capture") == pytest.approx(2)


def test_a_timed_source_counts_how_long_each_item_took_to_come(
    clock: StageClock, time: FakeTime
) -> None:
    def camera() -> Iterator[int]:
        for item in range(3):
            time.pass_ms(33)
            yield item

    for _ in clock.timed_source("capture", camera()):
        time.pass_ms(900)
    timing = clock.summary()["capture"]
    assert timing.count == 3
    assert timing.median_ms == pytest.approx(33)


def test_a_timed_stage_passes_its_error_on(clock: StageClock) -> None:
    def fails(items: Iterable[int]) -> Iterator[int]:
        yield from items
        raise OSError("lost")

    results = clock.timed_stage("fails", fails, [1])
    assert next(results) == 1
    with pytest.raises(OSError, match="lost"):
        next(results)


def test_stages_are_listed_in_the_order_in_which_they_first_ran(clock: StageClock) -> None:
    for stage in ("capture", "matting", "capture", "composite"):
        with clock.time(stage):
            pass
    assert list(clock.summary()) == ["capture", "matting", "composite"]


def test_latency_counts_from_capture_to_delivery(clock: StageClock, time: FakeTime) -> None:
    for milliseconds in (10, 20, 60):
        captured_at = time.now_s
        time.pass_ms(milliseconds)
        clock.deliver(captured_at)
    assert clock.latency().count == clock.delivered == 3
    assert clock.latency().median_ms == pytest.approx(20)


def test_the_frame_rate_is_that_of_the_latest_frames(clock: StageClock, time: FakeTime) -> None:
    assert clock.fps == 0.0
    for milliseconds in [1000] * 40 + [40] * 30:
        time.pass_ms(milliseconds)
        clock.deliver(time.now_s)
    assert clock.fps == pytest.approx(25)


def test_a_clock_that_has_measured_nothing_reports_zeros(clock: StageClock) -> None:
    assert clock.summary() == clock.recent_ms() == {}
    assert clock.latency().count == clock.delivered == clock.dropped == 0


def test_nothing_is_lost_when_threads_count_at_once(clock: StageClock) -> None:
    def work() -> None:
        for _ in range(200):
            with clock.time("matting"):
                clock.drop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.dropped == clock.summary()["matting"].count == 800


def test_memory_stays_bounded_however_long_it_runs(clock: StageClock, time: FakeTime) -> None:
    for _ in range(10_000):
        with clock.time("matting"):
            time.pass_ms(1)
    for _ in range(10_000):
        with clock.time("matting"):
            time.pass_ms(3)
    timing = clock.summary()["matting"]
    assert timing.count == 20_000
    assert timing.median_ms == pytest.approx(3)  # of the latest 10,000
