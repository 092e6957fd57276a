from __future__ import annotations

import numpy as np
import pytest

from stream.mixed_pixels import MixedRuns

WIDTHS = [1, 2, 7, 12, 16, 33, 40]


def matte(width: int, height: int = 9) -> np.ndarray:
    """Mostly 0 and 255, with a few values between."""
    rng = np.random.default_rng(width)
    alpha = rng.choice(np.array([0, 255], np.uint8), (height, width))
    alpha[rng.random(alpha.shape) < 0.1] = 100
    alpha[height // 2, width // 2] = 1
    return alpha


@pytest.mark.parametrize("width", WIDTHS)
def test_every_mixed_pixel_is_taken_and_put_back_where_it_was(width: int) -> None:
    alpha = matte(width)
    picture = np.random.default_rng(0).integers(0, 256, (9, width, 3), np.uint8)
    runs = MixedRuns(alpha)
    inverted = picture.copy()
    runs.put(255 - runs.take(picture), inverted)
    is_changed = (inverted == 255 - picture).all(2)
    assert is_changed[(alpha > 0) & (alpha < 255)].all()
    assert (is_changed | (inverted == picture).all(2)).all()


@pytest.mark.parametrize("width", WIDTHS)
def test_pixels_of_pictures_and_of_the_matte_are_taken_in_the_same_order(width: int) -> None:
    alpha = matte(width)
    runs = MixedRuns(alpha)
    grey = np.repeat(alpha[..., None], 3, axis=2)
    assert (runs.take(grey) == runs.take(alpha)[..., None]).all()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows", [1, 2, 4, 20])
def test_a_row_of_a_squeezed_picture_serves_several_rows(width: int, rows: int) -> None:
    squeezed = np.random.default_rng(1).integers(0, 256, (-(-9 // rows), width, 3), np.uint8)
    full = np.repeat(squeezed, rows, axis=0)[:9].copy()
    runs = MixedRuns(matte(width))
    assert (runs.take_squeezed(squeezed, rows) == runs.take(full)).all()


def test_a_matte_of_black_and_white_has_no_mixed_pixels() -> None:
    assert len(MixedRuns(np.array([[0, 255] * 8], np.uint8))) == 0


def test_pixels_that_are_not_mixed_are_left_alone_but_for_close_neighbours() -> None:
    alpha = np.zeros((64, 64), np.uint8)
    alpha[:, 32:] = 255
    alpha[:, 32] = 128
    assert len(MixedRuns(alpha)) == 64  # one run in each row
