"""The pictures that a window can show of a frame."""

from __future__ import annotations

import enum
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from stream.composite import blend
from stream.errors import StreamError
from stream.frame import Alpha, CompositedFrame, Image, MattedFrame

if TYPE_CHECKING:
    from stream.inference.predictor import Predictor

_log = logging.getLogger(__name__)


class View(enum.Enum):
    """What is shown of a frame; the value is its label."""

    COMPOSITE = ""
    MATTE = "matte"
    ORIGINAL = "original"
    SPLIT = "split"


class Viewer:
    """Makes the picture of the chosen view, once per frame.

    Args:
        comparison: The split view, if there is a second model.
    """

    def __init__(self, comparison: Comparison | None) -> None:
        self.view = View.COMPOSITE
        self.comparison = comparison
        self._made: tuple[CompositedFrame, View, Image] | None = None

    def toggle(self, view: View) -> None:
        """Change to a view, or from it back to the composite."""
        self.view = View.COMPOSITE if self.view is view else view

    def leave(self, view: View) -> None:
        """Change from a view to the composite, if it is that one."""
        if self.view is view:
            self.view = View.COMPOSITE

    def picture(self, frame: CompositedFrame) -> Image:
        """What is to be shown of a frame; the composite where a view fails.

        Returns:
            (H, W, 3) uint8 BGR, never to be written into.
        """
        if self._made is None or self._made[0] is not frame or self._made[1] is not self.view:
            try:
                image = self._make(frame)
            except StreamError as error:
                _log.warning("no %s view: %s", self.view.value, error)
                self.view = View.COMPOSITE
                image = opaque(frame.image)
            self._made = (frame, self.view, image)
        return self._made[2]

    def _make(self, frame: CompositedFrame) -> Image:
        if self.view is View.MATTE:
            return np.asarray(cv2.cvtColor(frame.matted.alpha, cv2.COLOR_GRAY2BGR), np.uint8)
        if self.view is View.ORIGINAL:
            return frame.frame.image
        if self.view is View.SPLIT and self.comparison is not None:
            return self.comparison.picture(frame)
        return opaque(frame.image)


class Comparison:
    """Shows what another model makes of the same frames.

    Both models' composites are cropped to the same half of the picture, the one the person is in,
    so that the same edge is seen twice, at full size.

    Args:
        load: Loads the other model when the first picture is asked for.
        finish: Makes a composite of each matte, as the stream does with those of its model.
    """

    def __init__(
        self,
        load: Callable[[], Predictor],
        finish: Callable[[Iterable[MattedFrame]], Iterator[CompositedFrame]],
    ) -> None:
        self._load = load
        self._matted: deque[MattedFrame] = deque()
        self._composited = finish(iter(self._matted.popleft, None))
        self._predictor: Predictor | None = None
        self._centre = 0.5

    @property
    def model_name(self) -> str:
        """Name of the other model; empty until it is loaded."""
        return "" if self._predictor is None else self._predictor.model_name

    def aim(self, alpha: Alpha) -> None:
        """Crop around the person in this matte; around the middle if it is empty."""
        mass = np.cumsum(alpha.sum(axis=0, dtype=np.float64))
        # The median: a chair at the edge of the room that passes for a person moves the mean more.
        middle = np.searchsorted(mass, mass[-1] / 2) if mass[-1] else mass.size / 2
        self._centre = float(middle / mass.size)

    def picture(self, frame: CompositedFrame) -> Image:
        """The other model's composite on the left, the given one on the right.

        Returns:
            (H, W, 3) uint8 BGR, one column narrower than the frame if its width is odd.

        Raises:
            StreamError: The other model or the background fails.
        """
        if self._predictor is None:
            self._predictor = self._load()
        alpha = self._predictor.predict(frame.frame.picture)
        self._matted.append(MattedFrame(frame.frame, alpha))
        other = next(self._composited)
        width = frame.image.shape[1]
        half = max(1, width // 2)
        left = min(max(0, round(self._centre * width - half / 2)), width - half)
        crops = [opaque(image)[:, left : left + half] for image in (other.image, frame.image)]
        picture = np.hstack(crops)
        picture[:, half - 1 : half + 1] = 255
        return picture

    def close(self) -> None:
        """Release the other model, if it was loaded."""
        predictor, self._predictor = self._predictor, None
        if predictor is not None:
            predictor.close()


def opaque(image: Image) -> Image:
    """A picture for those who cannot show transparency.

    Args:
        image: (H, W, 3) uint8 BGR, returned as it is, or (H, W, 4) BGRA with straight alpha, laid
            over a checkerboard.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    if image.shape[2] == 3:
        return image
    height, width = image.shape[:2]
    return blend(image[..., :3], image[..., 3], _checkerboard(height, width))


@lru_cache(maxsize=1)
def _checkerboard(height: int, width: int) -> Image:
    rows, columns = np.arange(height) // 16, np.arange(width) // 16
    is_light = (rows[:, None] + columns) % 2
    board = np.repeat(np.where(is_light, 204, 153).astype(np.uint8)[..., None], 3, axis=2)
    board.flags.writeable = False
    return board
