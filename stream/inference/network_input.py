"""What the network sees of a picture."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from stream.compositing.arithmetic import Plane, merged
from stream.compositing.yuv import YUVPicture
from stream.frame import Image, Picture, as_image

STRIDE = 32
"""The sides of the network's input are multiples of it."""

_MAX_ASPECT = 4


def network_size(size_wh: tuple[int, int], short_side: int) -> tuple[int, int]:
    """The network's input size for a picture: its aspect ratio, as far as multiples of 32 allow.

    Args:
        size_wh: Width and height of the picture in pixels.
        short_side: What the network's shorter side should be in pixels. Its longer side is at most
            four times that, so that a strip of a picture cannot ask for any amount of memory.
    """
    aspect = min(max(size_wh) / min(size_wh), _MAX_ASPECT)
    short = max(1, round(short_side / STRIDE)) * STRIDE
    long = round(short * aspect / STRIDE) * STRIDE
    return (long, short) if size_wh[0] >= size_wh[1] else (short, long)


def shrink_into(picture: Picture, target: Image) -> None:
    """Write a picture into an array of another size, as BGR.

    One in 4:2:0 is converted when it is small.

    Args:
        picture: Of any form.
        target: (h, w, 3) uint8, overwritten.
    """
    if isinstance(picture, YUVPicture):
        planes = [np.empty(target.shape[:2], np.uint8) for _ in picture.planes]
        for plane, small in zip(picture.planes, planes, strict=True):
            _shrink(plane, small)
        cv2.transform(merged(planes), picture.space.to_bgr, dst=target)
    else:
        _shrink(as_image(picture), target)


def _shrink(image: Plane, target: Plane) -> None:
    """Resize.

    Interpolation sees 2 x 2 pixels, which is best for mattes down to a third of the size: averaging
    would only soften the picture. Further down it would miss too many, so halves are taken first;
    that costs a tenth of `cv2.INTER_AREA`.
    """
    height, width = target.shape[:2]
    while image.shape[0] >= 3 * height and image.shape[1] >= 3 * width:
        rows, columns = image.shape[0] // 2, image.shape[1] // 2
        even = image[: 2 * rows, : 2 * columns]
        image = cast(Plane, cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA))
    cv2.resize(image, (width, height), dst=target, interpolation=cv2.INTER_LINEAR)
