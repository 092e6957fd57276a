"""How wide each layer of the backbone stays, when all are weighed against each other.

One threshold for all layers cuts each to its outstanding channels, whatever a channel costs there
and however much the layer as a whole matters. Here the channels go a few at a time, always where
the least importance is lost for what is saved of the targets that are not met yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from torch import Tensor

from pruner.budget import Target
from pruner.groups import Branch, Group
from pruner.policy import MULTIPLE, Limits


class _Cut(NamedTuple):
    """One group made narrower; the cheapest is the smallest."""

    price: float
    group: str
    width: int


def greedy_counts(
    groups: Mapping[str, Group],
    scores: Mapping[str, Tensor],
    counts: Mapping[str, int],
    targets: Sequence[Target],
    *,
    limits: Limits,
) -> dict[str, int]:
    """Narrow the backbone until all targets are met; the branches are left as they are.

    Args:
        groups: The groups of the network.
        scores: One score per channel, by group name, that compare across groups: what the loss
            would lose with a channel, as `taylor` estimates it.
        counts: Channels kept to begin with, by group name.
        targets: What has to be met.
        limits: Groups that stay as asked for, and the smallest share that any other one keeps.

    Raises:
        PrunerUsageError: The narrowest backbone misses a target; the message says what is possible.
    """
    kept = dict(counts)
    free = [
        group
        for group in groups.values()
        if group.branch is Branch.BACKBONE and group.name not in limits.keep
    ]
    lost = {group.name: _lost(scores[group.name]) for group in free}
    while missed := [target for target in targets if target.measure(kept) > target.limit]:
        cut = min(_cuts(free, lost, kept, missed, limits.min_keep), default=None)
        if cut is None:
            raise missed[0].out_of_reach(kept, counts)
        kept[cut.group] = cut.width
    return kept


def _cuts(
    free: Sequence[Group],
    lost: Mapping[str, Sequence[float]],
    kept: Mapping[str, int],
    missed: Sequence[Target],
    min_keep: float,
) -> Iterator[_Cut]:
    """Every group, one multiple of channels narrower, where that is allowed and saves something."""
    before = [target.measure(kept) for target in missed]
    for group in free:
        width = (kept[group.name] - 1) // MULTIPLE * MULTIPLE
        if width < max(MULTIPLE, min_keep * group.width):
            continue
        after = {**kept, group.name: width}
        saved = sum(
            (value - target.measure(after)) / target.limit
            for value, target in zip(before, missed, strict=True)
        )
        if saved > 0:
            loss = lost[group.name][width] - lost[group.name][kept[group.name]]
            yield _Cut(loss / saved, group.name, width)


def _lost(scores: Tensor) -> list[float]:
    """What is lost with all but the best 0, 1, 2 ... channels."""
    rising = scores.sort().values.tolist()
    return list(accumulate(rising, initial=0.0))[::-1]
