from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from stream.frame import Frame, MattedFrame
from ui.difference import heat_map, heat_picture, mean_difference


def matte(value: int, *, size_wh: tuple[int, int] = (32, 24)) -> np.ndarray:
    return np.full(size_wh[::-1], value, np.uint8)


def test_equal_mattes_do_not_differ_and_opposite_ones_wholly() -> None:
    assert mean_difference(matte(77), matte(77)) == 0
    assert mean_difference(matte(0), matte(255)) == 1


def test_the_difference_is_a_mean_over_the_picture() -> None:
    half = matte(0)
    half[:12] = 51
    assert mean_difference(matte(0), half) == pytest.approx(0.1)


def test_the_heat_map_is_a_dim_picture_that_glows_where_the_mattes_differ() -> None:
    image = np.full((24, 32, 3), 200, np.uint8)
    difference = matte(0)
    difference[:, 16:] = 128
    heat = heat_picture(image, difference).astype(int)
    assert (heat[:, :16] == 60).all()
    blue, green, red = heat[0, -1]
    assert red > 230 and green > 200 > blue


def test_a_larger_difference_glows_more() -> None:
    image = np.zeros((1, 3, 3), np.uint8)
    glow = heat_picture(image, np.array([[10, 40, 120]], np.uint8)).sum(axis=2)[0]
    assert glow[0] < glow[1] < glow[2]


def test_the_heat_map_keeps_the_time_of_its_frame_and_shrinks_large_pictures() -> None:
    frame = Frame(np.zeros((540, 1920, 3), np.uint8), 7, Fraction(1, 25), captured_at=0.0)
    heat = heat_map(
        MattedFrame(frame, matte(0, size_wh=(1920, 540))), matte(9, size_wh=(1920, 540))
    )
    assert heat.frame.pts == 7
    assert heat.image.shape == (270, 960, 3)
