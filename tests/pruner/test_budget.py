from __future__ import annotations

from dataclasses import replace

import pytest

from models.widths import MODNetWidths
from pruner.budget import STEPS, Target, gentlest_strength
from pruner.errors import PrunerUsageError


def widths_at(strength: float) -> MODNetWidths:
    return replace(MODNetWidths(), last=1 + round(1000 * (1 - strength)))


def last_at_most(limit: float, calls: list[int] | None = None) -> Target:
    def measure(widths: MODNetWidths) -> float:
        if calls is not None:
            calls.append(widths.last)
        return widths.last

    return Target("channels", limit, measure, lambda value: f"{value:g} channels")


@pytest.mark.parametrize("limit", [2, 3, 500, 999.5, 1000, 1001, 5000])
def test_the_gentlest_strength_that_meets_the_target_is_found(limit: float) -> None:
    strength = gentlest_strength(widths_at, [last_at_most(limit)])
    assert widths_at(strength).last <= limit
    assert strength == 0 or widths_at(strength - 1 / STEPS).last > limit


def test_the_search_is_short() -> None:
    calls: list[int] = []
    gentlest_strength(widths_at, [last_at_most(500, calls)])
    assert len(calls) <= 12


def test_all_targets_are_met() -> None:
    strict, loose = last_at_most(200), last_at_most(700)
    expected = gentlest_strength(widths_at, [strict])
    assert gentlest_strength(widths_at, [loose, strict]) == expected
    assert gentlest_strength(widths_at, [strict, loose]) == expected


def test_an_impossible_target_says_what_is_possible() -> None:
    with pytest.raises(PrunerUsageError) as caught:
        gentlest_strength(widths_at, [last_at_most(700), last_at_most(1.5)])
    assert str(caught.value) == (
        "channels: 1.5 channels is out of reach; "
        "with these options 2 channels to 1001 channels are possible"
    )
