"""Fair timing on a machine that others use too: one turn each, round after round.

What disturbs the machine for a while then burdens everybody alike, and the ratio of two times of
the same round hardly changes. That is why ratios are taken within each round, and then the median.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

import numpy as np

from stream.stats import Timing

Task: TypeAlias = Callable[[], object]

_LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: How often each has its turn.
        warm_up: Rounds before these that do not count: they allocate and fill the caches.
        seconds: No round starts later than this, except the first three.
    """

    rounds: int
    warm_up: int
    seconds: float


@dataclass(frozen=True)
class Laps:
    """The times of one task, one per round, in milliseconds.

    Attributes:
        wall_ms: By the clock on the wall.
        cpu_ms: Processor time of all threads of this process.
    """

    wall_ms: list[float]
    cpu_ms: list[float]


def interleave(
    tasks: Mapping[str, Task],
    effort: Effort,
    *,
    wall_s: Callable[[], float] = time.perf_counter,
    cpu_s: Callable[[], float] = time.process_time,
) -> dict[str, Laps]:
    """Run each task once in turn, again and again.

    Args:
        tasks: What to time, by name; always run in this order.
        effort: How often.
        wall_s: The clock on the wall, in seconds.
        cpu_s: The clock of processor time, in seconds.

    Returns:
        The times of each task: of all tasks equally many, those of one round at the same place.
    """
    laps = {name: Laps([], []) for name in tasks}
    started_s = wall_s()
    for counted in range(-effort.warm_up, effort.rounds):
        if counted >= _LEAST_ROUNDS and wall_s() - started_s > effort.seconds:
            break
        for name, task in tasks.items():
            cpu_start_s, wall_start_s = cpu_s(), wall_s()
            task()
            wall_ms, cpu_ms = 1e3 * (wall_s() - wall_start_s), 1e3 * (cpu_s() - cpu_start_s)
            if counted >= 0:
                laps[name].wall_ms.append(wall_ms)
                laps[name].cpu_ms.append(cpu_ms)
    return laps


def timing(times_ms: Sequence[float]) -> Timing:
    """Median and 95th percentile of at least one time."""
    median_ms, p95_ms = np.percentile(times_ms, (50, 95))
    return Timing(len(times_ms), median_ms=float(median_ms), p95_ms=float(p95_ms))


def speedup(first: Sequence[float], other: Sequence[float]) -> float:
    """How many times as fast the other is: the median of the rounds' ratios.

    Args:
        first: Times of what is compared with, one per round.
        other: Times of the other in the same rounds.

    Returns:
        The ratio; 0 where the clock is too coarse to tell.
    """
    ratios = [a / b for a, b in zip(first, other, strict=True) if b > 0]
    return median(ratios) if ratios else 0.0
