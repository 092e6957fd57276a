"""The few pixels where person and background mix, taken out of a picture and put back.

Mostly a matte is 0 or 255 and a composite is a copy; one pixel in twenty needs arithmetic. Those
lie in short stretches along the outline, so they are moved in runs of eight, which costs less than
moving them singly.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.frame import Alpha, Image

Pixels: TypeAlias = NDArray[np.uint8]
"""(1, N, 3) or (1, N) uint8: the pixels of all runs, one after the other."""


class MixedRuns:
    """The runs of pixels in which one has 0 < alpha < 255.

    Args:
        alpha: (H, W) uint8, contiguous.
    """

    def __init__(self, alpha: Alpha) -> None:
        # Eight bytes are looked at as one number; if no eight fit into a row, four, two or one.
        self._run = math.gcd(alpha.shape[1], 8)
        runs = cv2.inRange(alpha, 1, 254).reshape(-1).view(f"u{self._run}")
        self._places = np.flatnonzero(runs != 0)
        self._per_row = alpha.shape[1] // self._run

    def __len__(self) -> int:
        return self._places.size

    def take(self, picture: Image | Alpha) -> Pixels:
        """Copy the runs out of a contiguous picture of the alpha's size."""
        return self._take(picture, self._places)

    def take_squeezed(self, picture: Image, rows: int) -> Pixels:
        """Copy the runs out of a picture of the alpha's width, each row of which serves `rows`."""
        row, column = np.divmod(self._places, self._per_row)
        return self._take(picture, row // rows * self._per_row + column)

    def put(self, pixels: Pixels, into: Image) -> None:
        """Write the runs into a contiguous picture of the alpha's size."""
        run = np.dtype((np.void, self._run * into.shape[2]))
        into.reshape(-1).view(run)[self._places] = pixels.reshape(-1).view(run)

    def _take(self, picture: Image | Alpha, places: NDArray[np.intp]) -> Pixels:
        runs = picture.reshape(-1, self._run * picture[0, 0].size)
        return np.take(runs, places, axis=0).reshape(1, -1, *picture.shape[2:])
