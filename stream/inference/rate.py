"""How fine mattes can be at a given number of frames per second: a choice that does not jump."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST = 160
"""Shorter side, in pixels, of the smallest input from which the network gives a useful matte."""

_SIZES = (448, 384, 320, 256, 224, 192, SMALLEST)
"""Neighbours differ by a third in what they cost, so that noise cannot make one the other."""

_MOST_FRAMES = 4
"""How many frames one matte serves at most: more of them, and hands come late."""

_FEW, _MANY = 10, 100
"""The latest inferences whose median decides on a fall, and on a climb."""

_GUESS_S = 0.005
"""What a moved matte takes, until the first has been measured."""

_FULL, _SAFE, _INVITING = 0.95, 0.85, 0.75
"""Shares of the time for a frame: above the first a level is left for one below the second, and
only one below the third is tried."""

_PATIENCE_S, _MAX_PATIENCE_S = 3.0, 60.0
"""How long a level is kept before a finer one is tried: twice as long after each vain climb."""


@dataclass(frozen=True)
class Level:
    """A choice between fineness and speed.

    Attributes:
        size: The network's shorter side in pixels.
        every: How many frames one matte serves.
    """

    size: int
    every: int


def levels(size: int, every: int = 1) -> list[Level]:
    """From the finest to the fastest: smaller inputs first, then fewer runs with the smallest.

    Args:
        size: The largest input.
        every: How many frames a matte serves at least.
    """
    sizes = [size, *(smaller for smaller in _SIZES if smaller <= size - 32)]
    more = range(every + 1, max(every, _MOST_FRAMES) + 1)
    return [*(Level(each, every) for each in sizes), *(Level(sizes[-1], each) for each in more)]


class RateControl:
    """Chooses the finest level that holds a frame rate, from the times that frames have taken.

    Too slow a level is left within a few frames for one that should be fast enough. A finer one is
    tried only after a while and only with time to spare, and after twice that while when the last
    climb was in vain. So it does not swing between two levels. Time is counted in frames.

    Args:
        levels: From the finest to the fastest; see there.
        fps: Frames per second to hold.
        start: Shorter side in pixels of the input to begin with; the nearest below is taken.
    """

    def __init__(self, levels: Sequence[Level], *, fps: float, start: int) -> None:
        self._levels = levels
        self._fps = fps
        self._place = next((i for i, level in enumerate(levels) if level.size <= start), 0)
        self._frames = 0  # at this level
        self._is_compiled = False  # the network, for this level
        self._inferred_s: deque[float] = deque(maxlen=_MANY)  # at this level
        self._moved_s: deque[float] = deque(maxlen=_FEW)
        self._has_climbed = False
        self._patience_s = _PATIENCE_S

    @property
    def level(self) -> Level:
        """What to use for the next frame."""
        return self._levels[self._place]

    def moved(self, seconds: float) -> None:
        """Count a frame whose matte was not inferred, but moved from another one."""
        self._frames += 1
        self._moved_s.append(seconds)

    def inferred(self, seconds: float) -> None:
        """Count a frame whose matte was inferred."""
        self._frames += 1
        if self._is_compiled:
            self._inferred_s.append(seconds)
        self._is_compiled = True
        if len(self._inferred_s) >= _FEW:
            self._decide()

    def _decide(self) -> None:
        latest_s = statistics.median(list(self._inferred_s)[-_FEW:])
        if self._load(self.level, latest_s) > _FULL:
            place = self._best(_SAFE, latest_s)
            if place > self._place:
                if self._has_climbed:
                    self._patience_s = min(2 * self._patience_s, _MAX_PATIENCE_S)
                self._change(place)
        elif self._frames >= self._patience_s * self._fps:
            place = self._best(_INVITING, statistics.median(self._inferred_s))
            if place < self._place:
                self._change(place)

    def _change(self, place: int) -> None:
        self._has_climbed = place < self._place
        self._place = place
        self._frames = 0
        self._is_compiled = False
        self._inferred_s.clear()

    def _best(self, share: float, inferred_s: float) -> int:
        """The finest level that takes this share of a frame's time; if none does, the fastest."""
        loads = [self._load(level, inferred_s) for level in self._levels]
        fitting = (place for place, load in enumerate(loads) if load <= share)
        return next(fitting, loads.index(min(loads)))

    def _load(self, level: Level, inferred_s: float) -> float:
        """The share of a frame's time that a level should take on average.

        Args:
            level: Which one.
            inferred_s: What an inference takes at the present one.
        """
        inferred_s *= (level.size / self.level.size) ** 2
        moved_s = statistics.median(self._moved_s) if self._moved_s else _GUESS_S
        return (inferred_s + (level.every - 1) * moved_s) / level.every * self._fps
