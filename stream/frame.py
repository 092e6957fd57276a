"""The values that flow through the pipeline: frozen, as threads share them."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8 BGR; where stated (H, W, 4) BGRA with straight (unassociated) alpha."""

Alpha: TypeAlias = NDArray[np.uint8]
"""(H, W) uint8, 0 = background, 255 = person; always at the size of its frame."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture and its place in time.

    Attributes:
        image: (H, W, 3) uint8 BGR, upright.
        pts: Presentation time in units of `time_base`, as the input has it.
        time_base: Seconds per unit of `pts`.
        captured_at: `time.perf_counter()` in seconds when the picture was obtained; latency counts
            from here.
    """

    image: Image
    pts: int
    time_base: Fraction
    captured_at: float

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def time_s(self) -> float:
        """Presentation time in seconds."""
        return float(self.pts * self.time_base)


@dataclass(frozen=True, eq=False)
class MattedFrame:
    """A frame and its matte at the frame's own size."""

    frame: Frame
    alpha: Alpha


@dataclass(frozen=True, eq=False)
class CompositedFrame:
    """A finished picture, with what it was made of.

    Attributes:
        image: (H, W, 3) uint8 BGR, or (H, W, 4) BGRA with straight alpha where the background is
            transparent.
        matted: The frame and matte it was made from; carries the timing.
    """

    image: Image
    matted: MattedFrame

    @property
    def frame(self) -> Frame:
        """The captured frame."""
        return self.matted.frame
