"""How many channels each group keeps.

*Adaptive*, for the backbone: scores are min-max normalised within the group, and channels at or
above the threshold stay. *Fixed*, for the SE gate and the LR, HR and fusion branches: every group
keeps the same share. Both are rounded to widths that suit the inference kernels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from pruner.errors import PrunerUsageError
from pruner.groups import Branch, Group

MULTIPLE = 8
"""Kept widths are multiples of this: vectors and INT8 kernels come in eights."""

HALF_MULTIPLE = 4
"""The halves of an IBNorm are multiples of this, so that the two together are one of eight."""

MIN_KEEP = 0.25
"""No group keeps a smaller share of its channels unless it is asked to: a single outstanding
channel stretches the min-max scale so far that eight of 576 would be left to squeeze through."""


@dataclass(frozen=True)
class Limits:
    """What a user asks of single groups.

    Attributes:
        keep: Channels to keep, by group name; taken as they are, without rounding.
        min_keep: The smallest share of its channels that any other group keeps, in [0, 1].
    """

    keep: Mapping[str, int] = field(default_factory=dict)
    min_keep: float = MIN_KEEP


def channel_counts(
    groups: Mapping[str, Group],
    scores: Mapping[str, Tensor],
    *,
    ratio: float,
    threshold: float,
    limits: Limits | None = None,
) -> dict[str, int]:
    """How many channels every group keeps.

    Args:
        groups: The groups of the network.
        scores: One score per channel, by group name.
        ratio: Share of channels that the gate and the branches lose, in [0, 1).
        threshold: Normalised score below which a backbone channel goes, in [0, 1].
        limits: Requests for single groups.

    Raises:
        PrunerUsageError: A number out of its range, or a limit that does not fit its group.
    """
    limits = limits or Limits()
    _check(groups, ratio, threshold, limits)
    counts = {}
    for name, group in groups.items():
        adapts = group.branch is Branch.BACKBONE
        wanted = adaptive(scores[name], threshold) if adapts else (1 - ratio) * group.width
        least = limits.min_keep * group.width
        counts[name] = limits.keep.get(name, rounded(wanted, group, least=least))
    return counts


def adaptive(scores: Tensor, threshold: float) -> int:
    """How many of the scores (channels,), min-max normalised, reach the threshold.

    Equal scores tell nothing apart, so all channels stay.
    """
    low, high = scores.aminmax()
    if low == high:
        return scores.numel()
    return int(((scores - low) / (high - low) >= threshold).sum())


def rounded(count: float, group: Group, *, least: float = 0) -> int:
    """The nearest width that suits the kernels: one multiple, `least`, or more; at most all."""
    multiple = HALF_MULTIPLE if group.name.endswith((".batch", ".instance")) else MULTIPLE
    multiples = max(1, int(count / multiple + 0.5), math.ceil(least / multiple))
    return min(group.width, multiples * multiple)


def best_channels(scores: Mapping[str, Tensor], counts: Mapping[str, int]) -> dict[str, Tensor]:
    """Indices of the highest scores of each group, as `surgery.prune` takes them."""
    return {name: scores[name].topk(count).indices for name, count in counts.items()}


def _check(groups: Mapping[str, Group], ratio: float, threshold: float, limits: Limits) -> None:
    if not 0 <= ratio < 1:
        raise PrunerUsageError(f"ratio: expected a share in [0, 1), got {ratio:g}")
    if not 0 <= threshold <= 1:
        raise PrunerUsageError(f"threshold: expected a number in [0, 1], got {threshold:g}")
    if not 0 <= limits.min_keep <= 1:
        raise PrunerUsageError(f"min-keep: expected a share in [0, 1], got {limits.min_keep:g}")
    for name, count in limits.keep.items():
        if name not in groups:
            raise PrunerUsageError(f"keep: no group {name!r}; there are {', '.join(groups)}")
        if not 1 <= count <= groups[name].width:
            raise PrunerUsageError(
                f"keep: {name} has {groups[name].width} channels and needs at least 1, got {count}"
            )
