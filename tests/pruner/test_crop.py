import numpy as np
import pytest

from pruner.crop import Window, around_person, warp, whole_or_part, wider_than_picture
from tests.pruner.people import person


def test_a_window_of_the_whole_picture_changes_nothing() -> None:
    image, _ = person((64, 96))
    same = warp(image, Window((32, 48), (64, 96)), (96, 64))
    assert np.array_equal(same, image)


def test_a_mirrored_window_mirrors() -> None:
    image, _ = person((64, 96))
    mirrored = warp(image, Window((32, 48), (64, 96), flip=True), (96, 64))
    assert np.array_equal(mirrored, image[:, ::-1])


def test_picture_and_matte_stay_on_each_other() -> None:
    _, alpha = person((200, 240))
    picture = np.repeat(alpha[..., None], 3, axis=2)
    rng = np.random.default_rng(0)
    for _ in range(20):
        window = whole_or_part((200, 240), 1.0, rng)
        assert np.array_equal(
            warp(picture, window, (64, 64))[..., 1], warp(alpha, window, (64, 64))
        )


def test_a_window_stays_inside_the_picture() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        window = whole_or_part((200, 120), 4 / 3, rng)
        for centre, size, limit in zip(window.centre_xy, window.size_wh, (200, 120), strict=True):
            assert size / 2 <= centre + 1e-9 <= limit - size / 2 + 2e-9
        assert window.size_wh[0] / window.size_wh[1] == pytest.approx(4 / 3)


def test_a_close_crop_shows_the_person() -> None:
    _, alpha = person((200, 240))
    rng = np.random.default_rng(2)
    shares = [
        (warp(alpha, window, (64, 64)) > 127).mean()
        for _ in range(20)
        if (window := around_person(alpha, 1.0, rng)) is not None
    ]
    assert len(shares) == 20
    assert min(shares) > 0.1


def test_nobody_there_gives_no_close_crop() -> None:
    assert around_person(np.zeros((50, 50), np.uint8), 1.0, np.random.default_rng(0)) is None


def test_a_small_cutout_still_stands_on_the_lower_edge() -> None:
    _, alpha = person((64, 96))
    rng = np.random.default_rng(3)
    for _ in range(20):
        made = warp(alpha, wider_than_picture((64, 96), 1.0, rng), (96, 96), outside=0)
        assert made[-1].max() > 200
        assert made[0].max() < 30
