"""Finds how hard to prune for a network of a given size or speed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pruner.errors import PrunerUsageError

STEPS = 1000
"""Strengths are tried in thousandths: fine enough for any width, and short enough to type again."""

Counts = Mapping[str, int]
"""Channels kept, by group name."""


@dataclass(frozen=True)
class Target:
    """An upper limit on something that falls as the network gets narrower.

    Attributes:
        name: What is limited, as in an error message.
        limit: The largest value that will do.
        measure: The value for a network with these channel counts.
        show: A value as text, with its unit.
    """

    name: str
    limit: float
    measure: Callable[[Counts], float]
    show: Callable[[float], str]

    def out_of_reach(self, least: Counts, most: Counts) -> PrunerUsageError:
        """The error that says what is possible, from the narrowest and the widest network."""
        low, high = (self.show(self.measure(counts)) for counts in (least, most))
        return PrunerUsageError(
            f"{self.name}: {self.show(self.limit)} is out of reach; with these options "
            f"{low} to {high} are possible"
        )


def gentlest_strength(counts_at: Callable[[float], Counts], targets: Sequence[Target]) -> float:
    """The smallest pruning strength that meets all targets, by bisection.

    Args:
        counts_at: The channels kept when pruned with a strength in [0, 1): whatever of ratio and
            threshold is to be found takes this value, so the two rise together.
        targets: At least one limit. All fall (latency: nearly) as the strength rises.

    Returns:
        A multiple of 1 / `STEPS`.

    Raises:
        PrunerUsageError: The strongest pruning misses a target; the message says what is possible.
    """
    hardest = STEPS - 1
    for target in targets:
        least = counts_at(hardest / STEPS)
        if target.measure(least) > target.limit:
            raise target.out_of_reach(least, counts_at(0.0))
    low, high = -1, hardest  # `high` always meets the targets, `low` never does
    while high - low > 1:
        middle = (low + high) // 2
        counts = counts_at(middle / STEPS)
        if all(target.measure(counts) <= target.limit for target in targets):
            high = middle
        else:
            low = middle
    return high / STEPS
