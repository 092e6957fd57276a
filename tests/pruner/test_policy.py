from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.widths import MODNetWidths
from pruner.errors import PrunerUsageError
from pruner.groups import Branch, Group, groups
from pruner.policy import Limits, adaptive, best_channels, channel_counts, rounded

KNOWN = groups(MODNetWidths())
FREE = Limits(min_keep=0)


def rising_scores() -> dict[str, Tensor]:
    """Channel i of n scores i: a threshold t cuts the share t of a backbone group."""
    return {name: torch.arange(float(group.width)) for name, group in KNOWN.items()}


def counts(ratio: float, threshold: float, limits: Limits = FREE) -> dict[str, int]:
    return channel_counts(KNOWN, rising_scores(), ratio=ratio, threshold=threshold, limits=limits)


def test_scores_at_or_above_the_threshold_stay() -> None:
    scores = torch.tensor([3.0, 5.0, 4.0, 7.0, 6.0])  # normalised: 0, 0.5, 0.25, 1, 0.75
    assert [adaptive(scores, t) for t in (0.0, 0.25, 0.5, 0.51, 1.0)] == [5, 4, 3, 2, 1]


def test_equal_scores_tell_nothing_apart_so_all_stay() -> None:
    assert adaptive(torch.full((40,), 2.0), 0.9) == 40


@pytest.mark.parametrize(
    ("count", "width", "expected"),
    [(11.9, 64, 8), (12, 64, 16), (1, 64, 8), (0, 64, 8), (61, 64, 64), (23, 20, 20), (3, 6, 6)],
)
def test_backbone_widths_are_multiples_of_eight_within_the_group(
    count: float, width: int, expected: int
) -> None:
    assert rounded(count, Group("hidden[3]", Branch.BACKBONE, width, ())) == expected


@pytest.mark.parametrize(("count", "expected"), [(5.9, 4), (6, 8), (0.1, 4), (15, 16)])
def test_halves_are_multiples_of_four(count: float, expected: int) -> None:
    assert rounded(count, Group("lr8x.batch", Branch.LR, 16, ())) == expected


@pytest.mark.parametrize(("least", "expected"), [(0, 8), (8, 8), (8.1, 16), (70, 64)])
def test_rounding_never_goes_below_the_least_or_above_the_group(
    least: float, expected: int
) -> None:
    group = Group("hidden[3]", Branch.BACKBONE, 64, ())
    assert rounded(5, group, least=least) == expected


def test_ratio_cuts_the_branches_and_threshold_the_backbone() -> None:
    branches, backbone = counts(0.5, 0.0), counts(0.0, 0.5)
    for name, group in KNOWN.items():
        assert branches[name] == group.width // (1 if group.branch is Branch.BACKBONE else 2)
        if group.branch is not Branch.BACKBONE:
            assert backbone[name] == group.width
    assert backbone["last"] == 640
    assert backbone["hidden[1]"] == 48


def test_nothing_is_cut_at_zero() -> None:
    assert counts(0.0, 0.0) == {name: group.width for name, group in KNOWN.items()}


@pytest.mark.parametrize("ratio", [0.1, 0.3, 0.5, 0.62, 0.9, 0.99])
def test_both_halves_keep_the_same_share_and_make_a_multiple_of_eight(ratio: float) -> None:
    kept = counts(ratio, 0.0)
    for name in KNOWN:
        if name.endswith(".batch"):
            layer = name.removesuffix(".batch")
            assert kept[name] == kept[f"{layer}.instance"]
            assert (2 * kept[name]) % 8 == 0


@pytest.mark.parametrize("value", [0.2, 0.5, 0.8, 0.999])
def test_more_pruning_never_keeps_more(value: float) -> None:
    gentle, hard = counts(value - 0.1, value - 0.1), counts(value, value)
    assert all(hard[name] <= gentle[name] for name in KNOWN)


def test_no_group_falls_below_its_share_unless_it_is_told_to() -> None:
    lone = {name: torch.zeros(group.width) for name, group in KNOWN.items()}
    for scores in lone.values():
        scores[0] = 1  # one outstanding channel: the threshold alone would keep just that
    protected = channel_counts(KNOWN, lone, ratio=0.5, threshold=0.5)
    bare = channel_counts(KNOWN, lone, ratio=0.5, threshold=0.5, limits=FREE)
    told = channel_counts(KNOWN, lone, ratio=0.5, threshold=0.5, limits=Limits({"hidden[11]": 24}))
    assert protected["hidden[11]"] == 144
    assert bare["hidden[11]"] == 8
    assert told == protected | {"hidden[11]": 24}


def test_what_a_group_is_told_to_keep_is_not_rounded() -> None:
    assert counts(0.5, 0.5, Limits({"last": 321, "f.batch": 3}))["last"] == 321


@pytest.mark.parametrize(
    ("ratio", "threshold", "limits", "message"),
    [
        (1.0, 0.5, FREE, r"ratio: expected a share in \[0, 1\), got 1"),
        (-0.1, 0.5, FREE, "ratio: .* got -0.1"),
        (float("nan"), 0.5, FREE, "ratio: .* got nan"),
        (0.5, 1.01, FREE, r"threshold: expected a number in \[0, 1\], got 1.01"),
        (0.5, 0.5, Limits(min_keep=2), "min-keep: .* got 2"),
        (0.5, 0.5, Limits({"first": 8}), "keep: no group 'first'; there are stem, "),
        (0.5, 0.5, Limits({"last": 1281}), "keep: last has 1280 channels .* got 1281"),
        (0.5, 0.5, Limits({"se": 0}), "keep: se has 320 channels .* got 0"),
    ],
)
def test_what_cannot_be_is_refused(
    ratio: float, threshold: float, limits: Limits, message: str
) -> None:
    with pytest.raises(PrunerUsageError, match=message):
        counts(ratio, threshold, limits)


def test_the_best_channels_are_those_with_the_highest_scores() -> None:
    scores = {"se": torch.tensor([0.1, 0.9, 0.5, 0.7])}
    assert sorted(best_channels(scores, {"se": 2})["se"].tolist()) == [1, 3]
