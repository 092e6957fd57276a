from __future__ import annotations

from stream.sources.timeline import Timeline


def place_all(timeline: Timeline, *pts: int | None) -> list[int | None]:
    return [timeline.place(value) for value in pts]


def test_sound_timestamps_stay_exactly_as_they_are() -> None:
    timeline = Timeline(step=10)
    assert place_all(timeline, -25, -15, -2, 40, 9000) == [-25, -15, -2, 40, 9000]
    assert timeline.faults() == ""


def test_a_missing_timestamp_becomes_the_last_one_plus_a_step() -> None:
    timeline = Timeline(step=10)
    assert place_all(timeline, None, None, 25, None) == [0, 10, 25, 35]
    assert timeline.faults() == "3 without a timestamp (placed by the frame rate)"


def test_a_frame_out_of_order_is_dropped_and_counted() -> None:
    timeline = Timeline(step=10)
    assert place_all(timeline, 0, 10, 10, 5, 20) == [0, 10, None, None, 20]
    assert timeline.faults() == "2 out of order (dropped)"


def test_time_that_starts_again_goes_on_behind_what_was() -> None:
    timeline = Timeline(step=10)
    assert place_all(timeline, 1000, 1010, 0, 12, 20) == [1000, 1010, 1020, 1032, 1040]
    assert "1 where time starts again" in timeline.faults()


def test_after_a_pause_the_next_frame_follows_by_the_gap_and_the_rest_by_its_own_times() -> None:
    timeline = Timeline(step=10)
    place_all(timeline, 500, 510)
    timeline.resume(gap=70)
    assert place_all(timeline, 90_000, 90_010) == [580, 590]


def test_a_pause_may_end_in_a_frame_without_a_timestamp() -> None:
    timeline = Timeline(step=10)
    place_all(timeline, 500, 510)
    timeline.resume(gap=3)
    assert place_all(timeline, None, None, 540) == [513, 523, 540]


def test_time_goes_forward_even_after_a_pause_of_nothing() -> None:
    timeline = Timeline(step=10)
    place_all(timeline, 0)
    timeline.resume(gap=0)
    assert timeline.place(0) == 1
