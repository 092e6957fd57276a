"""Repairs timestamps, so that every stage after it may rely on them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

JUMP_STEPS = 30
"""A step back by more than this many frames is a new start, not a frame out of order."""


def nominal_step(rate: Fraction | None, time_base: Fraction) -> int:
    """Duration of a frame in units of `time_base`, at 30 frames per second if no rate is known."""
    return max(1, round(1 / ((rate or 30) * time_base)))


@dataclass
class Timeline:
    """Gives every frame a `pts` greater than the one before, and sound ones the pts they had.

    A missing pts becomes the one before plus `step`; a frame out of order is dropped; and where
    time starts again (joined recordings, a stream that came back) the rest is moved behind what
    was. Everything is counted, in units of the stream's time base.

    Attributes:
        step: Nominal duration of a frame, at least 1.
        missing: Frames without a pts so far.
        dropped: Frames out of order so far.
        restarts: New starts so far.
    """

    step: int
    missing: int = 0
    dropped: int = 0
    restarts: int = 0
    _last: int | None = None
    _follow_at: int = 0
    _is_resuming: bool = False
    _offset: int = 0

    def place(self, pts: int | None) -> int | None:
        """The pts to give to the next frame in presentation order, or None to drop the frame."""
        if pts is None:
            self.missing += 1
            pts = self._follow_at - self._offset
        elif self._is_resuming:
            self._offset = self._follow_at - pts
        self._is_resuming = False
        placed = pts + self._offset
        last = self._last
        if last is not None and placed <= last:
            if last - placed <= JUMP_STEPS * self.step:
                self.dropped += 1
                return None
            self.restarts += 1
            placed = self._follow_at
            self._offset = placed - pts
        self._last = placed
        self._follow_at = placed + self.step
        return placed

    def resume(self, *, gap: int) -> None:
        """Place the next frame, whatever its pts, `gap` units behind the last one."""
        if self._last is not None:
            self._follow_at = self._last + max(gap, 1)
            self._is_resuming = True

    def faults(self) -> str:
        """What had to be repaired, for a message; empty where nothing had."""
        parts = {
            "without a timestamp (placed by the frame rate)": self.missing,
            "out of order (dropped)": self.dropped,
            "where time starts again (moved behind the rest)": self.restarts,
        }
        return ", ".join(f"{count} {fault}" for fault, count in parts.items() if count)
