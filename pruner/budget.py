"""Finds how hard to prune for a network of a given size or speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.widths import MODNetWidths
from pruner.errors import PrunerUsageError

STEPS = 1000
"""Strengths are tried in thousandths: fine enough for any width, and short enough to type again."""


@dataclass(frozen=True)
class Target:
    """An upper limit on something that falls as the network gets narrower.

    Attributes:
        name: What is limited, as in an error message.
        limit: The largest value that will do.
        measure: The value for a network of these widths.
        show: A value as text, with its unit.
    """

    name: str
    limit: float
    measure: Callable[[MODNetWidths], float]
    show: Callable[[float], str]


def gentlest_strength(
    widths_at: Callable[[float], MODNetWidths], targets: Sequence[Target]
) -> float:
    """The smallest pruning strength that meets all targets, by bisection.

    Args:
        widths_at: The network's widths when pruned with a strength in [0, 1): whatever of ratio and
            threshold is to be found takes this value, so the two rise together.
        targets: At least one limit. All fall (latency: nearly) as the strength rises.

    Returns:
        A multiple of 1 / `STEPS`.

    Raises:
        PrunerUsageError: The strongest pruning misses a target; the message says what is possible.
    """
    hardest = STEPS - 1
    for target in targets:
        least = target.measure(widths_at(hardest / STEPS))
        if least > target.limit:
            most = target.measure(widths_at(0.0))
            raise PrunerUsageError(
                f"{target.name}: {target.show(target.limit)} is out of reach; with these options "
                f"{target.show(least)} to {target.show(most)} are possible"
            )
    low, high = -1, hardest  # `high` always meets the targets, `low` never does
    while high - low > 1:
        middle = (low + high) // 2
        widths = widths_at(middle / STEPS)
        if all(target.measure(widths) <= target.limit for target in targets):
            high = middle
        else:
            low = middle
    return high / STEPS
