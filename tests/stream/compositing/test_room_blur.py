from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from stream.compositing.room_blur import HEAVIEST, LIGHTEST, BlurredRoom
from stream.frame import Alpha, Frame, Image, MattedFrame

RED, GREY = (20, 20, 230), (120, 120, 120)
SIZE_WH = (320, 180)


def seen(image: Image, alpha: Alpha) -> MattedFrame:
    return MattedFrame(Frame(image, 0, Fraction(1, 30), captured_at=0.0), alpha)


def nobody(size_wh: tuple[int, int] = SIZE_WH) -> Alpha:
    return np.zeros((size_wh[1], size_wh[0]), np.uint8)


def red_person(size_wh: tuple[int, int] = SIZE_WH) -> MattedFrame:
    """Someone in red before a grey wall, with a soft edge that the matte knows."""
    width, height = size_wh
    alpha = nobody(size_wh)
    cv2.ellipse(alpha, (width // 2, height), (width // 6, 3 * height // 4), 0, 0, 360, 255, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), height / 120)
    share = alpha[..., None] / 255
    image = np.rint(share * RED + (1 - share) * np.array(GREY)).astype(np.uint8)
    return seen(image, alpha)


def noise(size_wh: tuple[int, int] = SIZE_WH) -> Image:
    return np.random.default_rng(0).integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("size_wh", [SIZE_WH, (180, 320), (1280, 720), (333, 187)])
def test_the_person_does_not_bleed_into_the_room(strength: float, size_wh: tuple[int, int]) -> None:
    frame = red_person(size_wh)
    picture = BlurredRoom(strength).picture(frame)
    assert picture.shape == frame.frame.image.shape
    assert np.abs(picture.astype(int) - GREY).max() <= 5
    simple = cv2.GaussianBlur(frame.frame.image, (0, 0), 0.035 * min(size_wh))
    assert np.abs(simple[frame.alpha < 10].astype(int) - GREY).max() > 20


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_the_blur_is_a_gaussian_as_wide_as_is_said(strength: float) -> None:
    room = cv2.GaussianBlur(noise((640, 360)), (0, 0), 4)
    room = cv2.normalize(room, None, 0, 255, cv2.NORM_MINMAX)
    deviation = 360 * (LIGHTEST + (HEAVIEST - LIGHTEST) * strength)
    expected = cv2.GaussianBlur(room, (0, 0), deviation).astype(int)
    picture = BlurredRoom(strength).picture(seen(room, nobody((640, 360))))
    margin = int(3 * deviation)
    inside = np.s_[margin:-margin, margin:-margin]
    left = np.abs(picture[inside] - expected[inside]).mean() / expected[inside].std()
    assert left < 0.2  # 1 would be an unrelated picture


def test_even_the_lightest_blur_hides_what_is_written_on_the_wall() -> None:
    lines = np.repeat(np.where(np.arange(720) // 3 % 2, 255, 0).astype(np.uint8), 1280)
    image = np.repeat(lines.reshape(720, 1280, 1), 3, axis=2)
    picture = BlurredRoom(0.0).picture(seen(image, nobody((1280, 720))))
    assert np.ptp(picture) <= 8


def test_more_strength_leaves_less_of_the_room() -> None:
    frame = seen(cv2.GaussianBlur(noise(), (0, 0), 3), nobody())
    contrasts = [BlurredRoom(s).picture(frame).std() for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert contrasts == sorted(contrasts, reverse=True)


def test_behind_the_person_the_room_goes_on() -> None:
    image = np.repeat(np.repeat(np.linspace(40, 200, 320)[None, :, None], 180, 0), 3, 2)
    alpha = nobody()
    alpha[40:, 120:200] = 255
    hidden = image.astype(np.uint8)
    hidden[alpha == 255] = RED
    picture = BlurredRoom(0.5).picture(seen(hidden, alpha))
    off = np.abs(picture.astype(int) - image.astype(int))
    assert off[:, 30:-30].max() <= 40
    assert off[:, 30:-30].mean() <= 8


def test_someone_who_fills_the_picture_leaves_no_trace() -> None:
    alpha = np.full(SIZE_WH[::-1], 255, np.uint8)
    one, other = (
        BlurredRoom(0.5).picture(seen(image, alpha)) for image in (noise(), 255 - noise())
    )
    assert (one == other).all()


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 90), (5000, 2), (7, 5)])
def test_frames_of_any_size_are_blurred(size_wh: tuple[int, int]) -> None:
    image = np.full((size_wh[1], size_wh[0], 3), GREY, np.uint8)
    picture = BlurredRoom(0.5).picture(seen(image, nobody(size_wh)))
    assert (picture == image).all()


def test_without_a_matte_it_shows_the_room_as_it_last_was_and_nobody() -> None:
    background = BlurredRoom(0.5)
    before = background.placeholder((64, 48))
    assert before.shape == (48, 64, 3)
    assert np.ptp(before) == 0
    background.picture(red_person())
    after = background.placeholder((64, 48))
    assert np.abs(after.astype(int) - GREY).max() <= 8
