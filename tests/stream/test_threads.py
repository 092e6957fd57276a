from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from stream.threads import Handoff, Overflow, Workers

WAIT_S = 5.0  # only ever reached by a failing test


def worker_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("stage")]


@pytest.fixture(autouse=True)
def every_stage_ends() -> Iterator[None]:
    yield
    assert worker_threads() == []


def started(function: object) -> threading.Thread:
    thread = threading.Thread(target=function)  # type: ignore[arg-type]
    thread.start()
    return thread


class Source:
    """Yields numbers for ever; tells how far it got and that it was closed, and in which thread."""

    def __init__(self) -> None:
        self.produced = 0
        self.closed_in: str | None = None

    def __iter__(self) -> Iterator[int]:
        try:
            while True:
                self.produced += 1
                yield self.produced
        finally:
            self.closed_in = threading.current_thread().name


# --- Handoff --------------------------------------------------------------------------------------


def test_items_come_out_in_the_order_they_went_in() -> None:
    handoff = Handoff[int](capacity=3)
    for item in (1, 2, 3):
        assert handoff.put(item)
    handoff.end()
    assert list(handoff) == [1, 2, 3]


def test_a_full_handoff_keeps_the_newest_and_reports_each_item_it_drops() -> None:
    dropped: list[int] = []
    handoff = Handoff[int](capacity=2, overflow=Overflow.DROP_OLDEST, on_drop=dropped.append)
    for item in range(6):
        assert handoff.put(item)
    handoff.end()
    assert list(handoff) == [4, 5]
    assert dropped == [0, 1, 2, 3]


def test_an_error_comes_after_the_items_that_were_handed_over_before_it() -> None:
    handoff = Handoff[int](capacity=2)
    handoff.put(1)
    handoff.end(OSError("unplugged"))
    assert next(handoff) == 1
    with pytest.raises(OSError, match="unplugged"):
        next(handoff)
    assert list(handoff) == []


def test_a_full_handoff_makes_the_producer_wait_until_an_item_is_taken() -> None:
    handoff = Handoff[int]()
    handoff.put(1)
    done = threading.Event()
    producer = started(lambda: (handoff.put(2), done.set()))
    assert not done.is_set()
    assert next(handoff) == 1
    assert done.wait(WAIT_S)
    assert next(handoff) == 2
    producer.join(WAIT_S)


@pytest.mark.parametrize("wakes", [True, False], ids=["woken", "by itself"])
def test_cancelling_ends_a_producer_that_waits_for_room(wakes: bool) -> None:
    cancelled = threading.Event()
    handoff = Handoff[int](cancelled=cancelled.is_set)
    handoff.put(1)
    results: list[bool] = []
    producer = started(lambda: results.append(handoff.put(2)))
    cancelled.set()
    if wakes:
        handoff.wake()
    producer.join(WAIT_S)
    assert results == [False]


@pytest.mark.parametrize("wakes", [True, False], ids=["woken", "by itself"])
def test_cancelling_ends_a_consumer_that_waits_for_an_item(wakes: bool) -> None:
    cancelled = threading.Event()
    handoff = Handoff[int](cancelled=cancelled.is_set)
    results: list[list[int]] = []
    consumer = started(lambda: results.append(list(handoff)))
    cancelled.set()
    if wakes:
        handoff.wake()
    consumer.join(WAIT_S)
    assert results == [[]]


def test_a_handoff_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 item, got capacity=0"):
        Handoff[int](capacity=0)


# --- Workers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("capacity", [1, 4])
def test_a_chain_of_stages_loses_nothing_and_keeps_the_order(capacity: int) -> None:
    with Workers() as workers:
        numbers = workers.iterate(range(500), name="stage 1", capacity=capacity)
        doubled = workers.iterate((2 * n for n in numbers), name="stage 2", capacity=capacity)
        assert list(doubled) == [2 * n for n in range(500)]


def test_stages_run_at_the_same_time() -> None:
    both_are_here = threading.Barrier(2, timeout=WAIT_S)

    def meet(items: range) -> Iterator[int]:
        both_are_here.wait()
        yield from items

    with Workers() as workers:
        one = workers.iterate(meet(range(2)), name="stage 1")
        other = workers.iterate(meet(range(2)), name="stage 2")
        assert (list(one), list(other)) == ([0, 1], [0, 1])


def test_a_slow_consumer_of_a_live_source_gets_the_newest_item_and_at_last_the_last() -> None:
    dropped: list[int] = []
    all_dropped = threading.Event()

    def on_drop(item: int) -> None:
        dropped.append(item)
        if item == 98:
            all_dropped.set()

    with Workers() as workers:
        newest = workers.iterate(
            range(100), name="stage 1", overflow=Overflow.DROP_OLDEST, on_drop=on_drop
        )
        assert all_dropped.wait(WAIT_S)
        assert list(newest) == [99]
    assert dropped == list(range(99))


def test_a_waiting_source_never_runs_ahead_further_than_its_capacity() -> None:
    source = Source()
    with Workers() as workers:
        items = workers.iterate(source, name="stage 1", capacity=2)
        for expected in range(1, 50):
            assert next(items) == expected
            assert source.produced <= expected + 3  # two that wait, one in the producer's hand


@pytest.mark.parametrize("failing_stage", [0, 1, 2])
def test_an_exception_in_any_stage_reaches_the_caller_after_what_came_before_it(
    failing_stage: int,
) -> None:
    def stage(number: int, items: Iterator[int]) -> Iterator[int]:
        for item in items:
            if number == failing_stage and item == 4:
                raise ZeroDivisionError(f"stage {number}")
            yield item

    received: list[int] = []
    with (
        pytest.raises(ZeroDivisionError, match=f"stage {failing_stage}"),
        Workers() as workers,
    ):
        items: Iterator[int] = iter(Source())
        for number in range(3):
            items = workers.iterate(stage(number, items), name=f"stage {number}")
        for item in items:
            received.append(item)
    assert received == [1, 2, 3]


def test_a_consumer_may_leave_early_and_the_sources_generator_is_closed_in_its_own_thread() -> None:
    source = Source()
    with Workers() as workers:
        middle = workers.iterate(source, name="stage 1")
        for item in workers.iterate((n for n in middle), name="stage 2"):
            if item == 3:
                break
    assert source.closed_in == "stage 1"


def test_a_callers_own_exception_ends_the_workers_and_passes_through() -> None:
    with pytest.raises(KeyError), Workers() as workers:
        next(workers.iterate(Source(), name="stage 1"))
        raise KeyError("the caller's")


def test_a_stop_event_ends_a_run_that_waits_for_a_source_that_stalls() -> None:
    stop = threading.Event()
    release = threading.Event()

    def stalls() -> Iterator[int]:
        yield 1
        stop.set()  # as a signal handler would: nobody is woken
        release.wait(WAIT_S)

    with Workers(stop=stop) as workers:
        assert list(workers.iterate(stalls(), name="stage 1")) in ([], [1])
        release.set()


def test_a_consumer_is_called_while_it_waits_so_that_a_window_stays_alive() -> None:
    release = threading.Event()

    def late() -> Iterator[int]:
        release.wait(WAIT_S)
        yield 1

    with Workers() as workers:
        assert list(workers.iterate(late(), name="stage 1", on_idle=release.set)) == [1]


def test_a_thread_that_does_not_stop_is_named(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()

    def hangs() -> Iterator[int]:
        yield 1
        release.wait(WAIT_S)

    with Workers(join_timeout_s=0.01) as workers:
        next(workers.iterate(hangs(), name="stage that hangs"))
    assert caplog.messages == ["the thread 'stage that hangs' did not stop within 0.01 s"]
    release.set()
    for thread in threading.enumerate():
        if thread.name == "stage that hangs":
            thread.join(WAIT_S)


def test_an_error_while_being_stopped_is_told_and_does_not_spoil_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails_to_close() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            raise OSError("device busy")

    with caplog.at_level(logging.WARNING), Workers() as workers:
        next(workers.iterate(fails_to_close(), name="stage 1"))
    assert caplog.messages == ["stage 1 failed while it was being stopped: device busy"]
