"""How the picture moves from one frame to the next, seen on a small grey copy of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.compositing.arithmetic import Plane, blurred, look_up, sampled
from stream.compositing.yuv import YUVPicture
from stream.frame import Picture, as_image, picture_size

Flow: TypeAlias = NDArray[np.float32]
"""(h, w, 2) float32, in pixels: what is seen at (x, y) was at (x, y) + flow[y, x] before."""

P = TypeVar("P", Plane, Flow)

_NONE = cast(Flow, None)
"""OpenCV takes None where its types ask for an array."""

_SHORT_SIDE, _MAX_SIDE = 108, 432
_CUT = 20.0
"""Mean grey levels that motion cannot explain: more of them, and it is another scene."""


@dataclass(frozen=True, eq=False)
class Motion:
    """From one frame to the next.

    Attributes:
        flow: Where each part of the new frame was before.
        residual: (h, w) uint8: by how many grey levels the new frame differs from the old one
            moved by `flow`, averaged over 3 x 3 pixels. What appears, or moves too fast, is large.
    """

    flow: Flow
    residual: Plane

    @property
    def is_cut(self) -> bool:
        """Whether the frames show different scenes."""
        return cv2.mean(self.residual)[0] > _CUT

    def speed(self) -> Plane:
        """(h, w) uint8: how fast each part moves, in thousandths of the longer side per frame."""
        length = cv2.magnitude(self.flow[..., 0], self.flow[..., 1])
        return cast(Plane, cv2.convertScaleAbs(length, alpha=1000 / max(length.shape)))


def small_grey(picture: Picture) -> Plane:
    """A small copy for `MotionEstimator`: what noise and fine texture there is is averaged out.

    Returns:
        (h, w) uint8, the shorter side being 108 pixels; strips are squeezed.
    """
    size_wh = picture_size(picture)
    scale = _SHORT_SIDE / min(size_wh)
    columns, rows = (min(round(side * scale), _MAX_SIDE) for side in size_wh)
    if isinstance(picture, YUVPicture):
        return look_up(picture.space.grey, sampled(picture.planes[0], (columns, rows)))
    small = sampled(as_image(picture), (columns, rows))
    return cast(Plane, cv2.cvtColor(small, cv2.COLOR_BGR2GRAY))


class MotionEstimator:
    """Dense optical flow: Kroeger et al., Fast Optical Flow using Dense Inverse Search, 2016."""

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)

    def between(self, before: Plane, now: Plane) -> Motion:
        """The motion from one picture to another of the same size.

        Args:
            before: (h, w) uint8, from `small_grey`.
            now: (h, w) uint8.
        """
        flow = cast(Flow, self._search.calc(now, before, _NONE))
        unexplained = cast(Plane, cv2.absdiff(moved(before, flow), now))
        return Motion(flow, blurred(unexplained, 3))


def moved(plane: P, flow: Flow) -> P:
    """What was seen before, moved to where it is now.

    Args:
        plane: (H, W) or (H, W, C), uint8 or float32, of any size.
        flow: Of the same view, of any size.
    """
    height, width = plane.shape[:2]
    scale = np.array((width / flow.shape[1], height / flow.shape[0]), np.float32)
    way = cv2.resize(flow * scale, (width, height))
    how = cv2.INTER_LINEAR | cv2.WARP_RELATIVE_MAP
    return cast(P, cv2.remap(plane, way, _NONE, how, borderMode=cv2.BORDER_REPLICATE))
