from __future__ import annotations

import pytest

from pruner.budget import STEPS, Counts, Target, gentlest_strength
from pruner.errors import PrunerUsageError


def counts_at(strength: float) -> Counts:
    return {"last": 1 + round(1000 * (1 - strength))}


def last_at_most(limit: float, calls: list[int] | None = None) -> Target:
    def measure(counts: Counts) -> float:
        if calls is not None:
            calls.append(counts["last"])
        return counts["last"]

    return Target("channels", limit, measure, lambda value: f"{value:g} channels")


@pytest.mark.parametrize("limit", [2, 3, 500, 999.5, 1000, 1001, 5000])
def test_the_gentlest_strength_that_meets_the_target_is_found(limit: float) -> None:
    strength = gentlest_strength(counts_at, [last_at_most(limit)])
    assert counts_at(strength)["last"] <= limit
    assert strength == 0 or counts_at(strength - 1 / STEPS)["last"] > limit


def test_the_search_is_short() -> None:
    calls: list[int] = []
    gentlest_strength(counts_at, [last_at_most(500, calls)])
    assert len(calls) <= 12


def test_all_targets_are_met() -> None:
    strict, loose = last_at_most(200), last_at_most(700)
    expected = gentlest_strength(counts_at, [strict])
    assert gentlest_strength(counts_at, [loose, strict]) == expected
    assert gentlest_strength(counts_at, [strict, loose]) == expected


def test_an_impossible_target_says_what_is_possible() -> None:
    with pytest.raises(PrunerUsageError) as caught:
        gentlest_strength(counts_at, [last_at_most(700), last_at_most(1.5)])
    assert str(caught.value) == (
        "channels: 1.5 channels is out of reach; "
        "with these options 2 channels to 1001 channels are possible"
    )
