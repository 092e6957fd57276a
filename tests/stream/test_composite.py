from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest

from stream.composite import Foreground, blend, composite, cut_out
from stream.compositing.backdrops import TransparentBackground, colour_background
from stream.frame import Alpha, Frame, Image, MattedFrame

GREY = (128, 128, 128)


def exact(person: Image, alpha: Alpha, background: Image) -> np.ndarray:
    share = alpha[..., None] / 255
    return share * person + (1 - share) * background


def noise(size_wh: tuple[int, int], seed: int, channels: int = 3) -> Image:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (size_wh[1], size_wh[0], channels), np.uint8)


def plain(size_wh: tuple[int, int], bgr: tuple[int, int, int]) -> Image:
    return np.full((size_wh[1], size_wh[0], 3), bgr, np.uint8)


def portrait(size_wh: tuple[int, int] = (320, 240)) -> tuple[Image, Alpha]:
    """A person whose true colours are known: brown, textured, with hair that stands off."""
    width, height = size_wh
    rng = np.random.default_rng(3)
    coverage = np.zeros((4 * height, 4 * width), np.uint8)
    centre = (2 * width, int(2.4 * height))
    cv2.ellipse(coverage, centre, (int(0.7 * width), int(1.2 * height)), 0, 0, 360, 255, -1)
    for _ in range(260):  # strands, each a fraction of a pixel wide
        angle = rng.uniform(np.pi, 2 * np.pi)
        reach = rng.uniform(1.0, 1.35)
        tip = centre + np.array([0.7 * width, 1.2 * height]) * reach * (
            np.cos(angle),
            np.sin(angle),
        )
        cv2.line(coverage, centre, tuple(int(v) for v in tip), 255, 2)
    alpha = cv2.resize(coverage, size_wh, interpolation=cv2.INTER_AREA)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.0)
    texture = cv2.GaussianBlur(rng.normal(0, 60, (height, width)), (0, 0), 3.0)
    person = np.array((45.0, 70.0, 110.0)) + texture[..., None]
    return np.clip(person, 0, 255).astype(np.uint8), alpha


def green_room(size_wh: tuple[int, int] = (320, 240)) -> Image:
    width, height = size_wh
    light = np.linspace(-20, 20, width)[None, :, None]
    return (np.array((60.0, 210.0, 40.0)) + light).clip(0, 255).astype(np.uint8).repeat(height, 0)


def camera(person: Image, alpha: Alpha, room: Image) -> Image:
    return np.rint(exact(person, alpha, room)).astype(np.uint8)


def matted(image: Image, alpha: Alpha, pts: int = 0) -> MattedFrame:
    return MattedFrame(Frame(image, pts, Fraction(1, 30), captured_at=0.0), alpha)


class TestBlend:
    def test_every_alpha_of_every_two_colours_is_exact_to_one_grey_level(self) -> None:
        alpha = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 256, axis=1)
        person = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 256, axis=0)
        person = np.repeat(person, 3, axis=2)
        for level in range(0, 256, 15):
            background = np.full_like(person, level)
            rounded = np.rint(exact(person, alpha, background))
            mixed = blend(person, alpha, background)
            assert np.abs(mixed - rounded).max() <= 1
            assert (mixed[0] == background[0]).all()
            assert (mixed[255] == person[255]).all()

    @pytest.mark.parametrize("size_wh", [(1, 1), (7, 5), (16, 9), (63, 47), (160, 90), (854, 48)])
    def test_any_size_is_blended(self, size_wh: tuple[int, int]) -> None:
        person, background = noise(size_wh, 1), noise(size_wh, 2)
        alpha = noise(size_wh, 3, channels=1)[..., 0]
        rounded = np.rint(exact(person, alpha, background))
        assert np.abs(blend(person, alpha, background) - rounded).max() <= 1

    def test_pictures_need_not_lie_in_one_piece(self) -> None:
        whole = noise((64, 48), 1)
        alpha = noise((64, 48), 2, channels=1)[..., 0]
        background = noise((64, 48), 3)
        parts = [picture[5:40, 3:50] for picture in (whole, alpha, background)]
        assert (blend(*parts) == blend(*(part.copy() for part in parts))).all()

    @pytest.mark.parametrize("foreground", [Foreground.NONE, Foreground.BLUR_FUSION])
    @pytest.mark.parametrize("value", [0, 77, 255])
    def test_nothing_that_was_handed_in_is_written_into_or_handed_on(
        self, foreground: Foreground, value: int
    ) -> None:
        inputs = noise((64, 48), 1), np.full((48, 64), value, np.uint8), noise((64, 48), 2)
        copies = [each.copy() for each in inputs]
        mixed = blend(*inputs, foreground=foreground)
        assert not any(np.shares_memory(mixed, each) for each in inputs)
        mixed[:] = 0
        assert all((each == copy).all() for each, copy in zip(inputs, copies, strict=True))

    def test_the_next_frame_does_not_overwrite_the_last(self) -> None:
        person, alpha = portrait()
        first = blend(person, alpha, green_room(), foreground=Foreground.BLUR_FUSION)
        kept = first.copy()
        blend(255 - person, alpha, green_room(), foreground=Foreground.BLUR_FUSION)
        assert (first == kept).all()


class TestHalo:
    """A person in front of a green room is put on grey; the truth is known."""

    size_wh = (320, 240)

    def errors(self, foreground: Foreground) -> tuple[float, float]:
        """Mean error in grey levels where alpha is mixed and where it is not."""
        person, alpha = portrait(self.size_wh)
        seen = camera(person, alpha, green_room(self.size_wh))
        grey = plain(self.size_wh, GREY)
        off = np.abs(blend(seen, alpha, grey, foreground=foreground) - exact(person, alpha, grey))
        is_mixed = (alpha > 0) & (alpha < 255)
        return float(off[is_mixed].mean()), float(off[~is_mixed].mean())

    def test_most_of_the_old_room_is_gone_from_hair_and_edges(self) -> None:
        before, _ = self.errors(Foreground.NONE)
        after, _ = self.errors(Foreground.BLUR_FUSION)
        assert before > 5
        assert after < before / 6

    def test_where_nothing_is_mixed_nothing_changes(self) -> None:
        assert self.errors(Foreground.BLUR_FUSION)[1] == self.errors(Foreground.NONE)[1]
        person, alpha = portrait(self.size_wh)
        seen = camera(person, alpha, green_room(self.size_wh))
        grey = plain(self.size_wh, GREY)
        mixed = blend(seen, alpha, grey, foreground=Foreground.BLUR_FUSION)
        assert (mixed[alpha == 255] == seen[alpha == 255]).all()
        assert (mixed[alpha == 0] == GREY).all()

    def test_put_back_into_its_own_room_the_person_looks_as_before(self) -> None:
        person, alpha = portrait(self.size_wh)
        room = green_room(self.size_wh)
        seen = camera(person, alpha, room)
        off = np.abs(blend(seen, alpha, room, foreground=Foreground.BLUR_FUSION).astype(int) - seen)
        assert off.mean() < 0.5


class TestCutOut:
    def test_the_alpha_is_attached_as_it_is(self) -> None:
        person, alpha = portrait()
        picture = cut_out(person, alpha)
        assert picture.shape == (240, 320, 4)
        assert (picture[..., 3] == alpha).all()

    @pytest.mark.parametrize("foreground", [Foreground.NONE, Foreground.BLUR_FUSION])
    def test_laid_over_a_background_it_looks_like_the_composite(
        self, foreground: Foreground
    ) -> None:
        person, alpha = portrait()
        seen = camera(person, alpha, green_room())
        background = noise((320, 240), 5)
        picture = cut_out(seen, alpha, foreground=foreground)
        straight = exact(picture[..., :3], alpha, background)
        assert np.abs(straight - blend(seen, alpha, background, foreground=foreground)).max() <= 1.5

    def test_nothing_of_the_room_is_hidden_under_the_transparent_parts(self) -> None:
        person, alpha = portrait()
        pictures = [
            cut_out(camera(person, alpha, room), alpha)[..., :3].astype(int)
            for room in (plain((320, 240), (250, 250, 250)), noise((320, 240), 7) // 2)
        ]
        outside = cv2.dilate(alpha, np.ones((9, 9))) == 0
        for picture in pictures:
            assert np.abs(picture[outside] - (45, 70, 110)).max() < 60  # the person's own colours
        assert np.abs(pictures[0] - pictures[1])[outside].max() < 30

    def test_where_nobody_is_nothing_is_left(self) -> None:
        picture = cut_out(noise((64, 48), 1), np.zeros((48, 64), np.uint8))
        assert not picture[..., 3].any()
        assert np.ptp(picture[..., :3], axis=(0, 1)).max() <= 1


class TestStage:
    def frames(self) -> Iterator[MattedFrame]:
        person, alpha = portrait()
        for pts in range(3):
            yield matted(person, alpha, pts)

    def test_frames_come_out_in_order_with_their_matte_and_time(self) -> None:
        frames = list(self.frames())
        background = colour_background(GREY)
        composited = list(composite(frames, background))
        assert [each.matted for each in composited] == frames
        person, alpha = portrait()
        clean = blend(person, alpha, plain((320, 240), GREY), foreground=Foreground.BLUR_FUSION)
        assert all((each.image == clean).all() for each in composited)

    def test_it_asks_for_the_next_frame_only_when_it_is_asked_for_one(self) -> None:
        frames = self.frames()
        next(composite(frames, colour_background(GREY)))
        assert next(frames).frame.pts == 1

    def test_people_are_cut_out_where_there_is_no_background(self) -> None:
        (first, *_) = composite(self.frames(), TransparentBackground())
        assert first.image.shape == (240, 320, 4)
        assert (first.image[..., 3] == first.matted.alpha).all()

    def test_the_old_background_may_be_left_in_the_hair(self) -> None:
        (first, *_) = composite(self.frames(), colour_background(GREY), foreground=Foreground.NONE)
        person, alpha = portrait()
        assert (first.image == blend(person, alpha, plain((320, 240), GREY))).all()

    def test_frames_of_different_sizes_are_all_composited(self) -> None:
        sizes = [(64, 48), (31, 57), (64, 48)]
        frames = [matted(noise(s, 1), noise(s, 2, channels=1)[..., 0]) for s in sizes]
        images = [each.image for each in composite(frames, colour_background(GREY))]
        assert [image.shape[1::-1] for image in images] == sizes
