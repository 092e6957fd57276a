"""Pictures in 4:2:0: kept as they are, composited as they are, and the same as by way of BGR."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from stream.composite import Foreground, blend, blend_yuv, composite
from stream.compositing.backdrops import PictureBackground
from stream.compositing.fit import Fit
from stream.compositing.room_blur import BlurredRoom
from stream.compositing.yuv import (
    YUVPicture,
    YUVSpace,
    stacked,
    to_yuv,
    yuv_frame,
    yuv_picture,
)
from stream.frame import Alpha, Frame, Image, MattedFrame
from stream.sink import open_sink
from stream.sources.video_file import open_video
from tests.clips import make_clip

BT709, BT601 = 1, 6
LIMITED, FULL = ColorRange.MPEG, ColorRange.JPEG
SPACES = [YUVSpace(matrix, levels) for matrix in (BT709, BT601) for levels in (LIMITED, FULL)]
SIZE_WH = (320, 192)


def smooth(seed: int, size_wh: tuple[int, int] = SIZE_WH) -> Image:
    """Soft colours, whose chroma is about the same in 2 x 2 pixels."""
    small = np.random.default_rng(seed).integers(60, 200, (3, 4, 3), np.uint8)
    return np.asarray(cv2.resize(small, size_wh, interpolation=cv2.INTER_CUBIC), np.uint8)


def soft_disc(size_wh: tuple[int, int] = SIZE_WH) -> Alpha:
    width, height = size_wh
    y, x = np.mgrid[:height, :width]
    inside = height / 3 - np.hypot(x - width / 2, y - height / 2)
    return np.rint(255 / (1 + np.exp(-inside / 6))).astype(np.uint8)


def matted(picture: Image | YUVPicture, alpha: Alpha) -> MattedFrame:
    return MattedFrame(Frame(picture, 0, Fraction(1, 30), captured_at=0.0), alpha)


@pytest.mark.parametrize("space", SPACES)
def test_a_picture_comes_back_from_any_matrix_and_range(space: YUVSpace) -> None:
    image = smooth(1)
    back = to_yuv(image, space).to_image()
    assert np.abs(back.astype(int) - image).max() <= 6
    assert np.abs(back.astype(int) - image).mean() < 1.5


@pytest.mark.parametrize("space", SPACES)
def test_a_picture_becomes_neither_darker_nor_lighter_as_bgr(space: YUVSpace) -> None:
    planes = [np.random.default_rng(0).integers(90, 160, (24, 32), np.uint8) for _ in range(3)]
    samples = np.concatenate(
        [
            np.repeat(np.repeat(planes[0], 2, 0), 2, 1),
            planes[1].reshape(12, 64),
            planes[2].reshape(12, 64),
        ]
    )
    flat = [cv2.resize(plane, (64, 48)).astype(float) for plane in planes[1:]]
    exact = np.dstack([samples[:48], *flat]) @ space.to_bgr[:, :3].T + space.to_bgr[:, 3]
    error = (YUVPicture(samples, space).to_image() - exact)[(exact > 1) & (exact < 254)]
    assert abs(error.mean()) < 0.2
    assert np.abs(error).max() < 2


@pytest.mark.parametrize("form", ["yuv422p", "yuvj444p", "yuv420p10le", "yuva444p10le"])
@pytest.mark.parametrize("levels", [LIMITED, FULL])
def test_other_forms_of_yuv_keep_their_numbers_in_420(form: str, levels: ColorRange) -> None:
    levels = FULL if form.startswith("yuvj") else levels
    flat = av.VideoFrame(64, 48, "yuv444p")
    for plane, value in zip(flat.planes, (100, 90, 160), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame = flat.reformat(format=form, src_color_range=levels, dst_color_range=levels)
    frame.colorspace, frame.color_range = BT709, levels
    found = yuv_picture(frame)
    assert found is not None
    assert found.space == YUVSpace(BT709, levels)
    assert [plane.mean() for plane in found.planes] == pytest.approx([100, 90, 160], abs=0.5)


@pytest.mark.parametrize("form", ["gray", "rgb24", "gbrp"])
def test_other_colours_are_not_taken_for_yuv(form: str) -> None:
    assert yuv_picture(av.VideoFrame(64, 48, form)) is None


@pytest.mark.parametrize("height", [178, 180])
def test_every_even_height_keeps_its_rows_and_its_colours(height: int) -> None:
    image = smooth(1, (320, height))
    back = to_yuv(image, SPACES[0]).to_image()
    assert back.shape == image.shape
    assert np.abs(back.astype(int) - image).max() <= 6


def test_a_matrix_and_range_are_not_taken_for_others() -> None:
    picture = to_yuv(smooth(1), SPACES[0])
    images = [YUVPicture(picture.samples, space).to_image().astype(int) for space in SPACES]
    assert all(np.abs(images[0] - other).max() > 8 for other in images[1:])


def test_a_picture_that_is_in_the_right_space_is_not_touched() -> None:
    picture = to_yuv(smooth(1), SPACES[0])
    assert to_yuv(picture, SPACES[0]) is picture
    assert to_yuv(picture, SPACES[1]).space == SPACES[1]


def test_planes_are_views_in_the_order_that_ffmpeg_has() -> None:
    picture = YUVPicture(np.zeros((12, 6), np.uint8), SPACES[0])
    for level, plane in enumerate(picture.planes, start=1):
        plane[:] = level
    assert [plane.shape for plane in picture.planes] == [(8, 6), (4, 3), (4, 3)]
    assert picture.size_wh == (6, 8)
    frame = picture.to_frame()
    assert [bytes(plane)[0] for plane in frame.planes] == [1, 2, 3]
    assert (frame.width, frame.height, frame.colorspace) == (6, 8, BT709)


def test_planes_of_any_size_are_stacked_at_the_size_of_the_picture() -> None:
    planes = [np.full((3, 5), level, np.uint8) for level in (10, 20, 30)]
    samples = stacked(planes, (6, 8))
    assert [set(plane.ravel()) for plane in YUVPicture(samples, SPACES[0]).planes] == [
        {10},
        {20},
        {30},
    ]


class TestBlend:
    @pytest.mark.parametrize("foreground", [Foreground.NONE, Foreground.BLUR_FUSION])
    @pytest.mark.parametrize("space", SPACES)
    def test_it_gives_what_the_way_by_bgr_gives(
        self, space: YUVSpace, foreground: Foreground
    ) -> None:
        person, room = (to_yuv(smooth(seed), space) for seed in (1, 2))
        alpha = soft_disc()
        mixed = blend_yuv(person, alpha, room, foreground=foreground)
        in_bgr = blend(person.to_image(), alpha, room.to_image(), foreground=foreground)
        off = np.abs(mixed.samples.astype(int) - to_yuv(in_bgr, space).samples)
        assert off.mean() < 1  # as much as two conversions cost by themselves
        assert off.max() <= 3

    def test_every_plane_is_mixed_exactly_to_one_level(self) -> None:
        rng = np.random.default_rng(0)
        person, room = (rng.integers(0, 256, (96, 64), np.uint8) for _ in range(2))
        alpha = cv2.resize(rng.integers(0, 256, (32, 32), np.uint8), (64, 64), interpolation=0)
        mixed = blend_yuv(YUVPicture(person, SPACES[0]), alpha, YUVPicture(room, SPACES[0]))
        shares = stacked((alpha, *2 * (alpha[::2, ::2].copy(),)), (64, 64)) / 255
        exact = shares * person + (1 - shares) * room
        assert np.abs(mixed.samples - np.rint(exact)).max() <= 1

    def test_what_is_opaque_keeps_its_numbers_and_so_does_the_background(self) -> None:
        person, room = (to_yuv(smooth(seed), SPACES[0]) for seed in (1, 2))
        alpha = np.zeros(SIZE_WH[::-1], np.uint8)
        alpha[:, : SIZE_WH[0] // 2] = 255
        mixed = blend_yuv(person, alpha, room, foreground=Foreground.BLUR_FUSION)
        for found, left, right in zip(mixed.planes, person.planes, room.planes, strict=True):
            half = found.shape[1] // 2
            assert (found[:, :half] == left[:, :half]).all()
            assert (found[:, half:] == right[:, half:]).all()


class TestStage:
    def test_a_frame_in_420_is_composited_in_420(self) -> None:
        picture = to_yuv(smooth(1), SPACES[1])
        background = PictureBackground(smooth(2), Fit.COVER)
        (done,) = composite([matted(picture, soft_disc())], background)
        assert isinstance(done.picture, YUVPicture)
        assert done.picture.space == SPACES[1]
        (in_bgr,) = composite([matted(smooth(1), soft_disc())], background)
        assert np.abs(done.image.astype(int) - in_bgr.image).mean() < 1.5

    def test_a_background_that_stands_still_is_converted_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        conversions: list[YUVSpace] = []

        def counted(picture: Image, space: YUVSpace) -> YUVPicture:
            conversions.append(space)
            return to_yuv(picture, space)

        monkeypatch.setattr("stream.composite.to_yuv", counted)
        frames = [
            matted(to_yuv(smooth(1), space), soft_disc()) for space in SPACES[:2] for _ in range(3)
        ]
        assert len(list(composite(frames, PictureBackground(smooth(2), Fit.COVER)))) == 6
        assert conversions == SPACES[:2]

    def test_a_blurred_room_stays_in_the_form_of_the_frame(self) -> None:
        alpha = soft_disc()
        image = smooth(1)
        in_bgr = BlurredRoom(0.5).picture(matted(image, alpha))
        room = BlurredRoom(0.5)
        in_yuv = room.picture(matted(to_yuv(image, SPACES[0]), alpha))
        assert isinstance(in_yuv, YUVPicture)
        assert isinstance(in_bgr, np.ndarray)
        assert np.abs(in_yuv.to_image().astype(int) - in_bgr).max() <= 8
        assert room.placeholder((48, 32)).shape == (32, 48, 3)


class TestFile:
    def copy(self, clip: Path, out: Path) -> list[tuple[np.ndarray, np.ndarray]]:
        """Write a clip to another file as it is; the samples of both, frame by frame."""
        with open_video(clip) as source, open_sink(str(out), source.info) as sink:
            background = PictureBackground(np.zeros((8, 8, 3), np.uint8), Fit.STRETCH)
            nobody_missing = (
                matted(f.picture, np.full(f.size_wh[::-1], 255, np.uint8)) for f in source
            )
            for index, done in enumerate(composite(nobody_missing, background)):
                done.matted.frame.__dict__["pts"] = index
                sink.write(done)
        with av.open(str(clip)) as before, av.open(str(out)) as after:
            pairs = zip(before.decode(video=0), after.decode(video=0), strict=True)
            return [(a.to_ndarray(), b.to_ndarray()) for a, b in pairs]

    def test_nothing_of_a_file_is_lost_but_what_the_encoder_takes(self, tmp_path: Path) -> None:
        for before, after in self.copy(make_clip(tmp_path / "a.mp4"), tmp_path / "b.mp4"):
            assert np.abs(before.astype(int) - after).mean() < 1

    @pytest.mark.parametrize("space", SPACES)
    def test_the_file_that_is_written_names_the_matrix_and_range_of_the_one_that_was_read(
        self, tmp_path: Path, space: YUVSpace
    ) -> None:
        clip = tmp_path / "a.mp4"
        with av.open(str(clip), "w") as container:
            stream = container.add_stream("libx264", rate=30, options={"crf": "5"})
            stream.width, stream.height, stream.pix_fmt = *SIZE_WH, "yuv420p"
            stream.colorspace, stream.color_range = space.matrix, space.value_range
            frame = yuv_frame(smooth(1), space)
            container.mux([*stream.encode(frame), *stream.encode(None)])
        self.copy(clip, tmp_path / "b.mp4")
        with av.open(str(tmp_path / "b.mp4")) as written:
            frame = next(written.decode(video=0))
            assert (frame.colorspace, frame.color_range) == (space.matrix, space.value_range)
        with open_video(tmp_path / "b.mp4") as source:
            assert np.abs(next(iter(source)).image.astype(int) - smooth(1)).mean() < 3
