from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from stream.inference.rate import Level, RateControl, levels

FPS = 25.0
BUDGET_S = 1 / FPS
MOVED_S = 0.004

Cost = Callable[[int, int], float]
"""What an inference takes in seconds, by the network's shorter side and the number of frames."""


def simulated(
    cost: Cost, *, frames: int = 2500, start: int = 512, every: int = 1
) -> list[tuple[int, Level]]:
    """When which level was chosen, for frames that take what a cost function says."""
    control = RateControl(levels(512, every), fps=FPS, start=start)
    changes = [(0, control.level)]
    age = 0
    for number in range(frames):
        if control.level != changes[-1][1]:
            changes.append((number, control.level))
            age = 0
        if age % control.level.every:
            control.moved(MOVED_S)
        else:
            compiling_s = 0.5 if age == 0 else 0.0
            control.inferred(compiling_s + cost(control.level.size, number))
        age += 1
    return changes


def by_area(at_512_s: float, *, overhead_s: float = 0.0) -> Cost:
    return lambda size, number: overhead_s + at_512_s * (size / 512) ** 2


def noisy(cost: Cost, spread: float) -> Cost:
    rng = random.Random(0)
    return lambda size, number: cost(size, number) * rng.lognormvariate(0, spread)


# --- the ladder -----------------------------------------------------------------------------------


def test_the_ladder_leads_from_the_largest_input_to_the_fewest_inferences() -> None:
    assert [(level.size, level.every) for level in levels(320)] == [
        (320, 1),
        (256, 1),
        (224, 1),
        (192, 1),
        (160, 1),
        (160, 2),
        (160, 3),
        (160, 4),
    ]


def test_every_size_of_the_ladder_is_one_that_the_network_takes() -> None:
    assert all(level.size % 32 == 0 for level in levels(512))


def test_an_input_that_is_small_already_is_only_skipped() -> None:
    assert levels(128) == [Level(128, 1), Level(128, 2), Level(128, 3), Level(128, 4)]


def test_frames_that_are_skipped_anyway_stay_skipped() -> None:
    assert levels(192, 3) == [Level(192, 3), Level(160, 3), Level(160, 4)]
    assert levels(160, 9) == [Level(160, 9)]


# --- the choice -----------------------------------------------------------------------------------


def test_what_is_fast_enough_stays_as_fine_as_it_can_be() -> None:
    assert simulated(by_area(0.7 * BUDGET_S)) == [(0, Level(512, 1))]


def test_too_slow_a_network_gets_at_once_the_size_that_should_do() -> None:
    changes = simulated(by_area(4 * BUDGET_S))
    assert [level for _, level in changes] == [Level(512, 1), Level(224, 1)]
    assert changes[1][0] < FPS  # within a second


def test_a_cost_that_does_not_shrink_with_the_size_takes_a_second_step() -> None:
    sizes = [level.size for _, level in simulated(by_area(1.2 * BUDGET_S, overhead_s=0.01))]
    assert sizes == [512, 384]
    sizes = [level.size for _, level in simulated(by_area(3 * BUDGET_S, overhead_s=0.02))]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 3


def test_where_the_smallest_input_is_too_slow_frames_are_skipped() -> None:
    assert simulated(by_area(14 * BUDGET_S))[-1][1] == Level(160, 2)
    assert simulated(by_area(26 * BUDGET_S))[-1][1] == Level(160, 4)


def test_where_nothing_helps_the_fastest_level_is_kept() -> None:
    changes = simulated(by_area(1000 * BUDGET_S))
    assert [level for _, level in changes] == [Level(512, 1), Level(160, 4)]


def test_a_moved_matte_that_costs_more_than_an_inferred_one_is_not_chosen() -> None:
    control = RateControl(levels(160), fps=1000.0, start=160)
    for _ in range(5):
        control.moved(0.004)
    for _ in range(50):
        control.inferred(0.002)
    assert control.level == Level(160, 1)


def test_a_small_start_is_left_for_as_fine_a_level_as_the_time_allows() -> None:
    changes = simulated(by_area(0.5 * BUDGET_S), start=288)
    assert [level.size for _, level in changes] == [256, 512]
    assert changes[1][0] >= 3 * FPS


def test_time_to_spare_must_be_plenty_before_a_finer_level_is_tried() -> None:
    cost = by_area(0.9 * BUDGET_S)  # it would do, but barely
    assert [level.size for _, level in simulated(cost, start=448)] == [448]


def test_compiling_does_not_count() -> None:
    assert simulated(by_area(0.5 * BUDGET_S), frames=40) == [(0, Level(512, 1))]


def test_a_few_slow_frames_change_nothing() -> None:
    def hiccup(size: int, number: int) -> float:
        return 5 * BUDGET_S if number % 50 < 4 else 0.7 * BUDGET_S

    assert len(simulated(hiccup)) == 1


def test_what_other_programs_take_is_given_back_when_they_end() -> None:
    def loaded(size: int, number: int) -> float:
        share = 3.0 if 500 < number < 1000 else 0.7
        return share * BUDGET_S * (size / 512) ** 2

    sizes = [level.size for _, level in simulated(loaded)]
    assert sizes[0] == 512
    assert min(sizes) == 256
    assert sizes[-1] in (448, 512)


def test_a_climb_in_vain_is_tried_ever_more_rarely() -> None:
    def trap(size: int, number: int) -> float:  # looks as if there were time for more
        return 0.4 * BUDGET_S if size <= 320 else 2 * BUDGET_S

    climbs = [
        number
        for (_, before), (number, level) in pairwise(simulated(trap, frames=5000))
        if level.size > before.size
    ]
    pauses_s = [(later - earlier) / FPS for earlier, later in pairwise(climbs)]
    assert pauses_s[0] < 10
    assert pauses_s[-1] > 30
    assert all(later > earlier - 1 for earlier, later in pairwise(pauses_s))


@pytest.mark.parametrize("share", [0.6, 0.8, 0.95, 1.1, 1.6, 2.5, 4.0, 14.0])
def test_noise_does_not_make_it_swing(share: float) -> None:
    changes = simulated(noisy(by_area(share * BUDGET_S), 0.25), frames=5000)
    times = [number / FPS for number, _ in changes]
    back_and_forth = [
        times[i + 2] - times[i]
        for i in range(len(changes) - 2)
        if changes[i][1] == changes[i + 2][1]
    ]
    assert all(seconds > 3 for seconds in back_and_forth)
    assert len(changes) < 12  # in 200 seconds
