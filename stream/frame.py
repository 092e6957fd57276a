"""The values that flow through the pipeline: frozen, as threads share them."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8 BGR; where stated (H, W, 4) BGRA with straight (unassociated) alpha."""

Alpha: TypeAlias = NDArray[np.uint8]
"""(H, W) uint8, 0 = background, 255 = person; at the size of its picture. Only between the network
and the last of `stream.steps` may it be smaller: what is done there is then cheaper."""


class OtherForm(Protocol):
    """A picture that is not held as BGR, such as `stream.compositing.yuv.YUVPicture`."""

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""

    def to_image(self) -> Image:
        """The picture as (H, W, 3) uint8 BGR."""


Picture: TypeAlias = Image | OtherForm
"""A picture in whatever form its source holds it."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture and its place in time.

    Attributes:
        picture: Upright.
        pts: Presentation time in units of `time_base`, as the input has it.
        time_base: Seconds per unit of `pts`.
        captured_at: `time.perf_counter()` in seconds when the picture was obtained; latency counts
            from here.
    """

    picture: Picture
    pts: int
    time_base: Fraction
    captured_at: float

    @cached_property
    def image(self) -> Image:
        """The picture as (H, W, 3) uint8 BGR; converted when somebody first looks at it."""
        return as_image(self.picture)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return picture_size(self.picture)

    @property
    def time_s(self) -> float:
        """Presentation time in seconds."""
        return float(self.pts * self.time_base)


@dataclass(frozen=True, eq=False)
class MattedFrame:
    """A frame and its matte."""

    frame: Frame
    alpha: Alpha


@dataclass(frozen=True, eq=False)
class CompositedFrame:
    """A finished picture, with what it was made of.

    Attributes:
        picture: In the form of the frame's; an (H, W, 4) uint8 BGRA image with straight alpha where
            the background is transparent.
        matted: The frame and matte it was made from; carries the timing.
    """

    picture: Picture
    matted: MattedFrame

    @cached_property
    def image(self) -> Image:
        """The picture as (H, W, 3) uint8 BGR or (H, W, 4) BGRA; converted when first looked at."""
        return as_image(self.picture)

    @property
    def frame(self) -> Frame:
        """The captured frame."""
        return self.matted.frame


def picture_size(picture: Picture) -> tuple[int, int]:
    """Width and height in pixels of a picture of any form."""
    if isinstance(picture, np.ndarray):
        return picture.shape[1], picture.shape[0]
    return picture.size_wh


def as_image(picture: Picture) -> Image:
    """A picture of any form as (H, W, 3) uint8 BGR; an image is given back as it is."""
    return picture if isinstance(picture, np.ndarray) else picture.to_image()
