from __future__ import annotations

import cv2
import numpy as np
import pytest

from stream.compositing.arithmetic import in_colour, resized
from stream.compositing.foreground import cleaned, estimate_colours
from stream.compositing.pixelwise import Pixelwise
from stream.frame import Alpha, Image

CLEANED = Pixelwise(cleaned)


def soft_disc(size_wh: tuple[int, int] = (320, 240), softness: float = 6.0) -> Alpha:
    """A disc in the middle with a soft edge."""
    width, height = size_wh
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(x - width / 2, y - height / 2)
    inside = height / 4 - distance
    return np.rint(255 / (1 + np.exp(-inside / softness))).astype(np.uint8)


def plain(size_wh: tuple[int, int], bgr: tuple[int, int, int]) -> Image:
    return np.full((size_wh[1], size_wh[0], 3), bgr, np.uint8)


def camera(person: Image, room: Image, alpha: Alpha) -> Image:
    share = alpha[..., None] / 255
    return np.rint(share * person + (1 - share) * room).astype(np.uint8)


def clean(image: Image, alpha: Alpha) -> Image:
    """The image with the person's colour in place of what the camera saw."""
    colours = estimate_colours([image], alpha)
    near, far = (resized(colour, alpha.shape[::-1]) for colour in colours)
    return CLEANED(image, in_colour(alpha), near, far)


@pytest.mark.parametrize("size_wh", [(320, 240), (240, 320), (321, 239), (90, 60), (1280, 720)])
def test_two_plain_colours_are_told_apart(size_wh: tuple[int, int]) -> None:
    person, room = (40, 60, 200), (60, 220, 30)
    alpha = soft_disc(size_wh, softness=size_wh[1] / 40)
    image = camera(plain(size_wh, person), plain(size_wh, room), alpha)
    clearly_mixed = (alpha > 25) & (alpha < 255)
    off_before = np.abs(image[clearly_mixed].astype(int) - person)
    off = np.abs(clean(image, alpha)[clearly_mixed].astype(int) - person)
    assert off_before.max() > 100
    assert off.max() <= 22
    assert off.mean() < off_before.mean() / 10


def test_opaque_pixels_next_to_mixed_ones_keep_their_colour_exactly() -> None:
    alpha = soft_disc()
    image = np.random.default_rng(0).integers(0, 256, (*alpha.shape, 3), np.uint8)
    assert (clean(image, alpha)[alpha == 255] == image[alpha == 255]).all()


def test_detail_of_the_person_survives() -> None:
    size_wh = (320, 240)
    alpha = soft_disc(size_wh)
    x = np.arange(320)
    hair = np.repeat(np.where(x // 3 % 2, 30, 90).astype(np.uint8)[None, :, None], 240, axis=0)
    person = np.repeat(hair, 3, axis=2)
    image = camera(person, plain(size_wh, (60, 220, 30)), alpha)
    nearly_opaque = (alpha > 200) & (alpha < 255)
    error = np.abs(clean(image, alpha)[nearly_opaque].astype(int) - person[nearly_opaque])
    assert error.mean() < 8  # stripes of 30 and 90, so their mean would be off by 30


def test_the_room_is_estimated_as_well() -> None:
    size_wh = (320, 240)
    alpha = soft_disc(size_wh)
    image = camera(plain(size_wh, (40, 60, 200)), plain(size_wh, (60, 220, 30)), alpha)
    background = estimate_colours([image], alpha).background
    small = cv2.resize(alpha, background.shape[1::-1])
    assert np.abs(background[small < 230].astype(int) - (60, 220, 30)).max() <= 16


@pytest.mark.parametrize("size_wh", [(1, 1), (2, 1), (1, 300), (5000, 3), (17, 9)])
@pytest.mark.parametrize("value", [0, 100, 255])
def test_pictures_of_any_size_with_nobody_or_nothing_else_do_no_harm(
    size_wh: tuple[int, int], value: int
) -> None:
    alpha = np.full(size_wh[::-1], value, np.uint8)
    image = plain(size_wh, (10, 20, 30))
    colours = estimate_colours([image], alpha)
    assert colours.foreground.shape == colours.background.shape
    assert colours.foreground.size <= 54 * 54 * 3 or min(size_wh) < 54
    assert np.abs(clean(image, alpha).astype(int) - image).max() <= 3


def test_planes_of_different_sizes_give_the_colours_of_the_whole_picture() -> None:
    alpha = soft_disc()
    image = camera(plain((320, 240), (40, 60, 200)), plain((320, 240), (60, 220, 30)), alpha)
    blue, *rest = cv2.split(image)
    halves = [cv2.resize(plane, (160, 120), interpolation=cv2.INTER_AREA) for plane in rest]
    whole = estimate_colours([image], alpha)
    planar = estimate_colours([blue, *halves], alpha)
    small = resized(alpha, whole.foreground.shape[1::-1])
    for is_seen, *pair in zip((small > 50, small < 205), whole, planar, strict=True):
        assert np.abs(pair[0].astype(int) - pair[1])[is_seen].max() <= 8
