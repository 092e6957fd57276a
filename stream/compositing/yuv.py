"""Pictures in 4:2:0, the form in which nearly all video files hold them.

A file that is read, composited and written in this form is never converted to BGR and back: that
is cheaper, and what is not covered by the new background keeps the very numbers it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray

from stream.compositing.arithmetic import Plane, halved, resized, split
from stream.frame import Image, Picture, as_image

_RGB, _BT709, _UNSPECIFIED, _ALSO_BT601, _BT601 = 0, 1, 2, 5, 6
"""FFmpeg's numbers (AVCOL_SPC) of matrices; PyAV's `Colorspace` has swscale's."""

_LUMA = {_BT709: (0.2126, 0.0722), _BT601: (0.299, 0.114)}
"""The parts of red and of blue in the luma of a matrix."""

_SWSCALE = {_BT709: Colorspace.ITU709, _BT601: Colorspace.ITU601}
_TO_BGRA = {1: cv2.COLOR_GRAY2BGRA, 3: cv2.COLOR_BGR2BGRA}


@dataclass(frozen=True)
class YUVSpace:
    """How luma and chroma stand for colours.

    Attributes:
        matrix: FFmpeg's number of it: 1 = BT.709, 6 = BT.601.
        value_range: Whether black and white are 16 and 235 or 0 and 255.
    """

    matrix: int = _BT709
    value_range: ColorRange = ColorRange.MPEG

    @cached_property
    def to_bgr(self) -> NDArray[np.float64]:
        """(3, 4): what makes B, G and R of Y, U and V, and what is added; all 0 to 255.

        From the luma coefficients of ITU-R BT.709-6 and BT.601-7.
        """
        red, blue = _LUMA[self.matrix]
        green = 1 - red - blue
        of_chroma = np.array(
            [
                [2 * (1 - blue), 0],
                [-2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green],
                [0, 2 * (1 - red)],
            ]
        )
        black, luma, chroma = (0, 1, 1) if self._is_full else (16, 255 / 219, 255 / 224)
        colours = np.column_stack([np.full(3, luma), chroma * of_chroma])
        return np.column_stack([colours, -colours @ (black, 128, 128)])

    @cached_property
    def grey(self) -> Plane:
        """256 uint8: for every luma, grey from 0 to 255."""
        luma = np.arange(256.0) if self._is_full else (np.arange(256) - 16) * (255 / 219)
        return np.asarray(np.rint(luma.clip(0, 255)), np.uint8)

    @property
    def _is_full(self) -> bool:
        return self.value_range == ColorRange.JPEG


@dataclass(frozen=True, eq=False)
class YUVPicture:
    """A picture of even width and height in which 2 x 2 pixels share their chroma.

    Attributes:
        samples: (3 H / 2, W) uint8, contiguous: the plane of luma, then the two of chroma.
        space: What they stand for.
    """

    samples: Plane
    space: YUVSpace

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.samples.shape[1], self.samples.shape[0] * 2 // 3

    @property
    def planes(self) -> tuple[Plane, Plane, Plane]:
        """Y, (H, W), then U and V, (H / 2, W / 2): views of the samples."""
        return _planes(self.samples)

    def to_image(self) -> Image:
        """The picture as (H, W, 3) uint8 BGR.

        On average within a fifth of a level, anywhere within two. It takes 1.1 ms for 720p: swscale
        is faster, 0.3 ms, but truncates, a level too dark, or is exact, in 4.6 ms.
        """
        samples = cv2.merge([resized(plane, self.size_wh) for plane in self.planes])
        return cast(Image, cv2.transform(samples, self.space.to_bgr))

    def to_frame(self) -> VideoFrame:
        """The picture as FFmpeg takes it, if possible without a copy; it has no time yet."""
        # PyAV 18 takes a buffer's height down to a multiple of 4, and its chroma from there.
        is_shared = self.size_wh[1] % 4 == 0
        make = VideoFrame.from_numpy_buffer if is_shared else VideoFrame.from_ndarray
        frame = make(self.samples, "yuv420p")
        frame.colorspace, frame.color_range = self.space.matrix, self.space.value_range
        return frame


def yuv_picture(frame: VideoFrame) -> YUVPicture | None:
    """The picture of a decoded frame in its own matrix and range.

    As it is in 8 bits and 4:2:0; without what more it has of chroma, depth or alpha.

    Args:
        frame: As it was decoded, its matrix named.

    Returns:
        None where the picture is of odd size, or neither BT.601 nor BT.709.
    """
    matrix = _BT601 if frame.colorspace == _ALSO_BT601 else frame.colorspace
    form = frame.format.name
    is_fit = frame.width % 2 == frame.height % 2 == 0 and frame.height > 2  # swscale's least
    if not form.startswith("yuv") or matrix not in _SWSCALE or not is_fit:
        return None
    is_full = form.startswith("yuvj") or frame.color_range == ColorRange.JPEG
    space = YUVSpace(matrix, ColorRange.JPEG if is_full else ColorRange.MPEG)
    if form not in ("yuv420p", "yuvj420p"):
        frame = frame.reformat(
            format="yuv420p",
            src_color_range=space.value_range,
            dst_color_range=space.value_range,
            interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND,
            threads=1,
        )
    return YUVPicture(np.asarray(frame.to_ndarray(), np.uint8), space)


def name_matrix(frame: VideoFrame, tagged: int) -> None:
    """Name the matrix of a decoded frame that names none.

    It is the one that the container names, if any; else HD is taken for BT.709 and smaller
    pictures for BT.601, as players do.

    Args:
        frame: As it was decoded.
        tagged: FFmpeg's number (AVCOL_SPC) of the container's.
    """
    if frame.colorspace == _UNSPECIFIED and not frame.format.is_rgb:
        is_hd = frame.width >= 1280 or frame.height > 576
        guess = _BT709 if is_hd else _BT601
        frame.colorspace = guess if tagged in (_RGB, _UNSPECIFIED) else tagged


def yuv_frame(
    image: NDArray[np.uint8], space: YUVSpace, *, pixel_format: str = "yuv420p"
) -> VideoFrame:
    """Convert a picture to what FFmpeg takes; the frame has no time yet.

    Args:
        image: (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA, uint8. A format without alpha ignores
            that of the picture.
        space: What luma and chroma shall stand for.
        pixel_format: FFmpeg's name of the frame's form.
    """
    # By way of BGRA, because swscale's BGR to 4:2:0 truncates: half a level too dark.
    channels = 1 if image.ndim == 2 else image.shape[2]
    bgra = image if channels == 4 else cv2.cvtColor(image, _TO_BGRA[channels])
    return VideoFrame.from_numpy_buffer(np.ascontiguousarray(bgra, np.uint8), "bgra").reformat(
        format=pixel_format,
        dst_colorspace=_SWSCALE[space.matrix],
        dst_color_range=space.value_range,
        threads=1,
    )


def to_yuv(picture: Picture, space: YUVSpace) -> YUVPicture:
    """A picture of even width and height in 4:2:0; one that is of this space is given back."""
    if isinstance(picture, YUVPicture) and picture.space == space:
        return picture
    frame = yuv_frame(as_image(picture), space)
    return YUVPicture(np.asarray(frame.to_ndarray(), np.uint8), space)


def luma_and_chroma(picture: Picture) -> tuple[Plane, Plane, Plane]:
    """Light, (H, W), and two planes of colour of half the size, of a picture of any form."""
    if isinstance(picture, YUVPicture):
        return picture.planes
    image = as_image(picture)
    _, red, blue = split(cast(Plane, cv2.cvtColor(halved(image), cv2.COLOR_BGR2YCrCb)))
    return cast(Plane, cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)), red, blue


def stacked(planes: Sequence[Plane], size_wh: tuple[int, int]) -> Plane:
    """Resize three planes to those of a picture and lay them out as `YUVPicture.samples`.

    Args:
        planes: (h, w) uint8 each, of any sizes.
        size_wh: Width and height of the picture in pixels, both even.
    """
    samples = np.empty((size_wh[1] * 3 // 2, size_wh[0]), np.uint8)
    for plane, place in zip(planes, _planes(samples), strict=True):
        cv2.resize(plane, place.shape[::-1], dst=place, interpolation=cv2.INTER_LINEAR)
    return samples


def _planes(samples: Plane) -> tuple[Plane, Plane, Plane]:
    width, height = samples.shape[1], samples.shape[0] * 2 // 3
    u, v = samples[height:].reshape(2, height // 2, width // 2)
    return samples[:height], u, v
