from __future__ import annotations

import pytest

from stream.bench.rounds import Effort, interleave, speedup, timing


class Clock:
    """Stands still except when told."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    def work(self, *, wall_s: float, cpu_s: float) -> None:
        self.wall_s += wall_s
        self.cpu_s += cpu_s


def test_each_has_one_turn_in_every_round_and_always_in_the_same_order() -> None:
    turns: list[str] = []
    tasks = {name: (lambda name=name: turns.append(name)) for name in "abc"}
    interleave(tasks, Effort(rounds=2, warm_up=1, seconds=60))
    assert "".join(turns) == "abc" * 3


def test_wall_and_processor_time_of_each_turn_are_its_own_and_the_first_rounds_do_not_count() -> (
    None
):
    clock = Clock()
    slow_s = iter((9.0, 2.0, 4.0))
    laps = interleave(
        {
            "slow": lambda: clock.work(wall_s=next(slow_s), cpu_s=0.5),
            "fast": lambda: clock.work(wall_s=0.25, cpu_s=0.125),
        },
        Effort(rounds=2, warm_up=1, seconds=60),
        wall_s=lambda: clock.wall_s,
        cpu_s=lambda: clock.cpu_s,
    )
    assert laps["slow"].wall_ms == [2000, 4000]
    assert laps["slow"].cpu_ms == [500, 500]
    assert laps["fast"].wall_ms == [250, 250]
    assert laps["fast"].cpu_ms == [125, 125]


def test_no_round_starts_when_the_time_is_up_but_three_are_always_made() -> None:
    clock = Clock()

    def rounds(seconds: float) -> int:
        effort = Effort(rounds=100, warm_up=1, seconds=seconds)
        task = {"a": lambda: clock.work(wall_s=1, cpu_s=1)}
        laps = interleave(task, effort, wall_s=lambda: clock.wall_s, cpu_s=lambda: clock.cpu_s)
        return len(laps["a"].wall_ms)

    assert rounds(seconds=0) == 3
    assert rounds(seconds=9.5) == 9


def test_the_median_is_quoted_with_the_95th_percentile() -> None:
    found = timing([1.0] * 10 + [3.0] * 9 + [100.0] * 2)
    assert (found.count, found.median_ms, found.p95_ms) == (21, 3.0, 100.0)


def test_a_ratio_survives_a_machine_that_becomes_slower_for_a_while() -> None:
    disturbed = [1.0, 1.0, 7.0, 5.0, 1.0]
    first = [30 * factor for factor in disturbed]
    other = [10 * factor for factor in disturbed]
    assert speedup(first, other) == pytest.approx(3)


def test_a_clock_too_coarse_for_a_task_gives_no_ratio() -> None:
    assert speedup([1.0, 1.0], [0.0, 0.0]) == 0
    assert speedup([1.0, 1.0], [0.0, 0.5]) == 2
