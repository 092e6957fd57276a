"""What the network sees of a picture: its size, and its colours in whatever form it comes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from stream.compositing.yuv import YUVPicture, YUVSpace, stacked
from stream.frame import Image
from stream.inference.network_input import network_size, shrink_into


@pytest.mark.parametrize(
    ("size_wh", "short_side", "expected"),
    [
        ((1280, 720), 288, (512, 288)),
        ((1280, 720), 512, (896, 512)),
        ((1920, 1080), 512, (896, 512)),
        ((720, 1280), 288, (288, 512)),
        ((640, 480), 512, (672, 512)),
        ((225, 275), 512, (512, 640)),
        ((100, 100), 300, (288, 288)),
        ((1, 1), 32, (32, 32)),
        ((5000, 10), 64, (256, 64)),  # a strip: no more than four times as long
    ],
)
def test_the_network_sees_the_pictures_aspect_ratio_in_multiples_of_32(
    size_wh: tuple[int, int], short_side: int, expected: tuple[int, int]
) -> None:
    assert network_size(size_wh, short_side) == expected


def test_shrinking_a_lot_averages_the_pixels_it_leaves_out() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 200  # plain interpolation to a quarter would see one colour of them only
    target = np.empty((96, 96, 3), np.uint8)
    shrink_into(stripes, target)
    assert abs(int(target.min()) - 100) <= 1
    assert abs(int(target.max()) - 100) <= 1


@pytest.mark.parametrize("size_wh", [(512, 288), (1283, 721), (1601, 901), (300, 100)])
def test_shrinking_shifts_nothing(size_wh: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), 6), np.uint8)
    target = np.empty((288, 512, 3), np.uint8)
    shrink_into(smooth, target)
    expected = cv2.resize(smooth, (512, 288), interpolation=cv2.INTER_AREA)
    assert np.abs(target.astype(int) - expected).mean() < 0.6


def encoded(image: Image, space: YUVSpace) -> YUVPicture:
    """By the formulas of BT.709 and BT.601; FFmpeg's own conversion is up to a level too dark."""
    red, blue = (0.2126, 0.0722) if space.matrix == 1 else (0.299, 0.114)
    b, g, r = np.moveaxis(image.astype(float), 2, 0)
    luma = red * r + (1 - red - blue) * g + blue * b
    chroma = (b - luma) / (2 - 2 * blue), (r - luma) / (2 - 2 * red)
    is_full = space.value_range == ColorRange.JPEG
    planes = [luma if is_full else 16 + luma * 219 / 255]
    planes += [128 + each * (1 if is_full else 224 / 255) for each in chroma]
    size_wh = image.shape[1], image.shape[0]
    return YUVPicture(stacked([np.rint(each).astype(np.uint8) for each in planes], size_wh), space)


@pytest.mark.parametrize("size_wh", [(640, 360), (1602, 902)])
@pytest.mark.parametrize("value_range", [ColorRange.MPEG, ColorRange.JPEG])
@pytest.mark.parametrize("matrix", [1, 6])
def test_a_picture_in_420_is_seen_in_its_colours(
    size_wh: tuple[int, int], matrix: int, value_range: ColorRange
) -> None:
    soft = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    image = np.asarray(cv2.resize(soft, size_wh, interpolation=cv2.INTER_LINEAR), np.uint8)
    seen, expected = np.empty((2, 288, 512, 3), np.uint8)
    shrink_into(encoded(image, YUVSpace(matrix, value_range)), seen)
    shrink_into(image, expected)
    difference = seen.astype(int) - expected
    assert np.abs(difference.mean(axis=(0, 1))).max() < 0.3
    assert np.abs(difference).max() <= 3
