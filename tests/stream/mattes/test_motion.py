from __future__ import annotations

import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from stream.compositing.yuv import YUVSpace, to_yuv
from stream.mattes.motion import small_grey


@pytest.mark.parametrize("value_range", [ColorRange.MPEG, ColorRange.JPEG])
def test_grey_goes_from_black_to_white_whatever_form_the_picture_has(
    value_range: ColorRange,
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
    image = np.asarray(cv2.resize(noise, (640, 360), interpolation=cv2.INTER_NEAREST), np.uint8)
    image[:32, :32], image[-32:, -32:] = 0, 255
    of_video = small_grey(to_yuv(image, YUVSpace(matrix=6, value_range=value_range)))
    of_image = small_grey(image)
    assert of_video.shape == of_image.shape == (108, 192)
    assert np.abs(of_video.astype(int) - of_image).max() <= 3
    assert (of_video.min(), of_video.max()) == (0, 255)
