"""From pictures in memory to what a video encoder takes."""

from __future__ import annotations

import logging

import cv2
import numpy as np
from av.video.frame import VideoFrame
from cv2.typing import MatLike

from stream.compositing.yuv import YUVPicture, YUVSpace, yuv_frame
from stream.frame import Picture, as_image

_log = logging.getLogger(__name__)


class PictureConverter:
    """Turns pictures into frames, all of the first one's size, matrix and range.

    A first picture in BGR makes that BT.709 in limited range.

    Args:
        pixel_format: FFmpeg's name of the frames' format.
        even: Whether an odd width or height grows by one pixel, a copy of the border.
        name: What warnings call the output.
    """

    def __init__(self, pixel_format: str, *, even: bool, name: str) -> None:
        self._pixel_format = pixel_format
        self._even = even
        self._name = name
        self._size_wh: tuple[int, int] | None = None
        self._right, self._bottom = 0, 0
        self._has_resized = False
        self._space: YUVSpace | None = None

    def frame(self, picture: Picture) -> VideoFrame:
        """Convert a picture; the frame has no time yet.

        Args:
            picture: In 4:2:0, or (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA, uint8. A format
                without alpha ignores that of the picture.
        """
        if isinstance(picture, YUVPicture):
            if self._space is None:
                self._space, self._size_wh = picture.space, picture.size_wh
            is_fitting = (picture.space, picture.size_wh) == (self._space, self._size_wh)
            if is_fitting and self._pixel_format == "yuv420p":
                return picture.to_frame()
        self._space = self._space or YUVSpace()
        fitted = np.asarray(self._padded(self._resized(as_image(picture))), np.uint8)
        return yuv_frame(fitted, self._space, pixel_format=self._pixel_format)

    def _resized(self, image: MatLike) -> MatLike:
        size_wh = image.shape[1], image.shape[0]
        if self._size_wh is None:
            self._size_wh = size_wh
            self._fix_padding(*size_wh)
        if size_wh == self._size_wh:
            return image
        if not self._has_resized:
            self._has_resized = True
            _log.warning(
                "%s: pictures of another size are made as large as the first, %d x %d",
                self._name,
                *self._size_wh,
            )
        return cv2.resize(image, self._size_wh, interpolation=cv2.INTER_AREA)

    def _fix_padding(self, width: int, height: int) -> None:
        if self._even and (width % 2 or height % 2):
            self._right, self._bottom = width % 2, height % 2
            _log.warning(
                "%s: %d x %d becomes %d x %d, as the codec takes only even sizes",
                self._name,
                width,
                height,
                width + self._right,
                height + self._bottom,
            )

    def _padded(self, image: MatLike) -> MatLike:
        if not (self._right or self._bottom):
            return image
        return cv2.copyMakeBorder(image, 0, self._bottom, 0, self._right, cv2.BORDER_REPLICATE)
