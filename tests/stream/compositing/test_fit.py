from __future__ import annotations

import numpy as np
import pytest

from stream.compositing.fit import Fit, fitted
from stream.frame import Image

RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)


def stripes(size_wh: tuple[int, int]) -> Image:
    """Three equal vertical stripes: red, green, blue."""
    width, height = size_wh
    image = np.empty((height, width, 3), np.uint8)
    image[:, : width // 3] = RED
    image[:, width // 3 : -(width // 3)] = GREEN
    image[:, -(width // 3) :] = BLUE
    return image


def test_a_wide_picture_that_covers_a_square_loses_both_sides() -> None:
    picture = fitted(stripes((90, 30)), (60, 60), Fit.COVER)
    assert picture.shape == (60, 60, 3)
    assert (picture == GREEN).all()


def test_a_tall_picture_that_covers_a_wide_frame_keeps_its_middle() -> None:
    tall = np.rot90(stripes((90, 30))).copy()
    assert (fitted(tall, (60, 20), Fit.COVER) == GREEN).all()


def test_a_contained_picture_is_whole_between_equal_black_bars() -> None:
    picture = fitted(stripes((90, 30)), (90, 90), Fit.CONTAIN)
    assert (picture[30:60] == stripes((90, 30))).all()
    assert not picture[:30].any()
    assert not picture[60:].any()


def test_a_stretched_picture_is_whole_and_fills_the_frame() -> None:
    picture = fitted(stripes((90, 30)), (90, 90), Fit.STRETCH)
    assert (picture == stripes((90, 90))).all()


@pytest.mark.parametrize("fit", Fit)
def test_a_picture_of_the_right_size_is_used_as_it_is(fit: Fit) -> None:
    picture = stripes((90, 30))
    assert fitted(picture, (90, 30), fit) is picture


@pytest.mark.parametrize("fit", Fit)
@pytest.mark.parametrize("size_wh", [(1, 1), (1, 900), (900, 1), (31, 47), (2000, 1500)])
@pytest.mark.parametrize("frame_wh", [(1, 1), (64, 48), (17, 301)])
def test_any_size_fits_any_frame(
    fit: Fit, size_wh: tuple[int, int], frame_wh: tuple[int, int]
) -> None:
    picture = fitted(np.full((size_wh[1], size_wh[0], 3), 200, np.uint8), frame_wh, fit)
    assert picture.shape == (frame_wh[1], frame_wh[0], 3)
    assert picture.max() == 200
    if fit is not Fit.CONTAIN:
        assert picture.min() == 200


def test_fine_patterns_become_grey_when_a_picture_is_shrunk() -> None:
    checks = np.indices((256, 256)).sum(0) % 2 * 255
    image = np.repeat(checks.astype(np.uint8)[..., None], 3, axis=2)
    small = fitted(image, (32, 32), Fit.COVER)
    assert np.abs(small.astype(int) - 128).max() <= 2
