from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.widths import MODNetWidths
from pruner.budget import Counts, Target
from pruner.compress import Wish, compress
from pruner.cost import CostModel
from pruner.errors import PrunerUsageError
from pruner.greedy import greedy_counts
from pruner.groups import Branch, groups
from pruner.policy import Limits
from tests.pruner.networks import SLIM, tiny_network

KNOWN = groups(MODNetWidths())
WHOLE = {name: group.width for name, group in KNOWN.items()}
FREE = Limits(min_keep=0)
COST = CostModel(MODNetWidths())


def scores(**special: Tensor) -> dict[str, Tensor]:
    """Every channel matters as much, but for the groups that are given."""
    return {name: special.get(name, torch.ones(width)) for name, width in WHOLE.items()}


def at_most(share: float, what: str = "macs") -> Target:
    """A target of that share of the whole network."""

    def measure(counts: Counts) -> float:
        value: int = getattr(COST(counts), what)
        return value

    return Target(what, share * measure(WHOLE), measure, lambda value: f"{value:g}")


def narrowed(counts: Counts) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count < WHOLE[name]}


def test_channels_go_where_nothing_is_lost() -> None:
    rated = scores(last=torch.cat([torch.zeros(800), torch.ones(480)]))
    kept = greedy_counts(KNOWN, rated, WHOLE, [at_most(0.9)], limits=FREE)
    assert narrowed(kept) == {"last": kept["last"]}
    assert 480 <= kept["last"] < 1280


def test_among_equals_those_go_that_save_the_most() -> None:
    """The late blocks have the most filters; the stem puts out the largest picture."""
    few = greedy_counts(KNOWN, scores(), WHOLE, [at_most(0.99, "parameters")], limits=FREE)
    small = greedy_counts(KNOWN, scores(), WHOLE, [at_most(0.99, "activations")], limits=FREE)
    assert narrowed(few) == {"blocks[13:16]": 144}
    assert narrowed(small) == {"stem": 24}


def test_all_targets_are_met_and_no_more_than_that() -> None:
    targets = [at_most(0.8), at_most(0.5, "parameters"), at_most(0.9, "activations")]
    kept = greedy_counts(KNOWN, scores(), WHOLE, targets, limits=FREE)
    assert 0.99 < max(target.measure(kept) / target.limit for target in targets) <= 1


def test_branches_limits_and_floors_are_left_alone() -> None:
    limits = Limits({"last": 1280, "hidden[16]": 960}, min_keep=0.75)
    kept = greedy_counts(KNOWN, scores(), WHOLE, [at_most(0.9, "parameters")], limits=limits)
    assert all(KNOWN[name].branch is Branch.BACKBONE for name in narrowed(kept))
    assert not {"last", "hidden[16]"} & set(narrowed(kept))
    assert len(narrowed(kept)) > 3
    assert all(count >= 0.75 * WHOLE[name] for name, count in kept.items())


def test_what_is_out_of_reach_is_told_with_what_is_possible() -> None:
    with pytest.raises(PrunerUsageError, match=r"macs: .* is out of reach; .* are possible"):
        greedy_counts(KNOWN, scores(), WHOLE, [at_most(0.1)], limits=FREE)


def test_a_network_is_pruned_to_the_target(portraits: Path) -> None:
    network = tiny_network(SLIM).float()
    limit = 0.9 * CostModel(SLIM)({}).parameters
    wish = Wish(
        ratio=0.0, policy="greedy", criterion="taylor", data=portraits, max_parameters=limit
    )
    result = compress(network, wish)
    assert sum(p.numel() for p in result.model.parameters()) <= limit
    assert (result.ratio, result.threshold) == (0.0, None)
    assert result.model.widths.lr16x == SLIM.lr16x
    assert result.model.widths != SLIM


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(policy="greedy", max_macs=1e9), "only --importance taylor allows"),
        (Wish(policy="greedy", criterion="taylor"), "greedy needs --target-macs"),
        (
            Wish(policy="greedy", criterion="taylor", max_macs=1e9, threshold=0.5),
            "neither --target-latency nor --threshold",
        ),
        (
            Wish(policy="greedy", criterion="taylor", max_macs=1e9, max_latency_ms=9),
            "neither --target-latency nor --threshold",
        ),
    ],
)
def test_options_that_do_not_go_with_it_are_refused(wish: Wish, expected: str) -> None:
    with pytest.raises(PrunerUsageError, match=expected):
        compress(tiny_network(SLIM), wish)
