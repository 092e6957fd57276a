from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from stream.compositing.yuv import YUVPicture
from stream.frame import Image
from stream.sources.decode import ImageConverter
from stream.sources.video_file import open_video
from tests.clips import SQUARE_BGR, make_clip, picture

RGB, BT709, UNSPECIFIED, BT601, BT2020 = 0, 1, 2, 6, 9
LIMITED, FULL = 1, 2
PQ, HLG = 16, 18
WEIGHTS = {BT601: (0.299, 0.114), BT709: (0.2126, 0.0722), BT2020: (0.2627, 0.0593)}


def to_yuv(bgr: tuple[int, int, int], *, matrix: int, full: bool) -> tuple[int, int, int]:
    """Y'CbCr in 8 bits by the definition (ITU-R BT.601, BT.709, BT.2020)."""
    blue, green, red = (value / 255 for value in bgr)
    k_red, k_blue = WEIGHTS[matrix]
    y = k_red * red + (1 - k_red - k_blue) * green + k_blue * blue
    cb, cr = (blue - y) / (2 - 2 * k_blue), (red - y) / (2 - 2 * k_red)
    if full:
        return round(255 * y), round(128 + 255 * cb), round(128 + 255 * cr)
    return round(16 + 219 * y), round(128 + 224 * cb), round(128 + 224 * cr)


def decoded_colour(
    path: Path,
    yuv: tuple[int, int, int],
    *,
    tag: int,
    colour_range: int = LIMITED,
    size_wh: tuple[int, int] = (64, 48),
) -> np.ndarray:
    """The mean BGR that comes out of a lossless clip of one colour."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = *size_wh, "yuv444p"
        stream.colorspace, stream.color_range = tag, colour_range
        frame = av.VideoFrame(*size_wh, "yuv444p")
        for plane, value in zip(frame.planes, yuv, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.colorspace, frame.color_range = tag, colour_range
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_video(path) as source:
        return next(iter(source)).image.mean(axis=(0, 1))


@pytest.mark.parametrize("matrix", [BT601, BT709, BT2020])
@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
@pytest.mark.parametrize("bgr", [SQUARE_BGR, (0, 0, 0), (255, 255, 255)])
def test_colours_follow_the_matrix_and_range_that_the_stream_names(
    tmp_path: Path, matrix: int, colour_range: int, bgr: tuple[int, int, int]
) -> None:
    yuv = to_yuv(bgr, matrix=matrix, full=colour_range == FULL)
    found = decoded_colour(tmp_path / "c.mp4", yuv, tag=matrix, colour_range=colour_range)
    assert found == pytest.approx(bgr, abs=2)


@pytest.mark.parametrize(
    ("size_wh", "meant"), [((720, 576), BT601), ((1280, 16), BT709), ((16, 720), BT709)]
)
def test_without_a_matrix_hd_is_taken_for_bt709_and_the_rest_for_bt601(
    tmp_path: Path, size_wh: tuple[int, int], meant: int
) -> None:
    yuv = to_yuv(SQUARE_BGR, matrix=meant, full=False)
    found = decoded_colour(tmp_path / "c.mp4", yuv, tag=UNSPECIFIED, size_wh=size_wh)
    assert found == pytest.approx(SQUARE_BGR, abs=2)


def first_image(path: Path) -> Image:
    with open_video(path) as source:
        return next(iter(source)).image


@pytest.mark.parametrize(
    ("rotation", "flips", "expected"),
    [
        (0, {"hflip": True}, lambda image: image[:, ::-1]),
        (0, {"vflip": True}, lambda image: image[::-1]),
        (180, {"hflip": True}, lambda image: image[::-1]),
    ],
)
def test_a_mirrored_clip_is_mirrored_back(tmp_path: Path, rotation, flips, expected) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "clip.mp4"
    shown = picture((64, 48))
    shown[:8, :8] = 255  # in a corner, so that no two orientations look alike
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(rotation, **flips)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="bgr24")))
        container.mux(stream.encode(None))
    assert np.abs(first_image(path).astype(int) - expected(shown)).mean() < 4


@pytest.mark.parametrize(
    ("aspect", "size_wh"), [("16/11", (93, 48)), ("1/2", (64, 96)), ("1/1", (64, 48))]
)
def test_pixels_that_are_not_square_are_made_square(
    tmp_path: Path, aspect: str, size_wh: tuple[int, int]
) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(aspect)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture((64, 48)), format="bgr24")))
        container.mux(stream.encode(None))
    assert first_image(path).shape[1::-1] == size_wh


def test_an_hdr_clip_is_read_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        stream.colorspace, stream.color_primaries, stream.color_trc = BT2020, 9, HLG
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture((64, 48)), format="bgr24")))
        container.mux(stream.encode(None))
    assert first_image(path).dtype == np.uint8
    assert "clip.mp4 is HDR" in caplog.text


@pytest.fixture
def stream() -> Iterator[VideoStream]:
    with av.open(io.BytesIO(), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30)
        assert isinstance(stream, VideoStream)
        yield stream


@pytest.mark.parametrize(
    ("tagged", "transfer", "warnings"),
    [(UNSPECIFIED, PQ, 1), (BT709, PQ, 1), (PQ, UNSPECIFIED, 1), (HLG, BT709, 0)],
)
def test_hdr_is_what_the_frames_say_or_else_the_container(
    stream: VideoStream,
    caplog: pytest.LogCaptureFixture,
    tagged: int,
    transfer: int,
    warnings: int,
) -> None:
    stream.color_trc = tagged
    converter = ImageConverter(stream, name="clip.mp4")
    frame = av.VideoFrame(64, 48, "yuv420p")
    frame.color_trc = transfer
    for _ in range(2):
        converter.picture(frame)
    assert caplog.text.count("clip.mp4 is HDR") == warnings


@pytest.mark.parametrize(
    ("tagged", "named", "matrix"),
    [
        *((BT709, UNSPECIFIED, BT709), (BT601, BT709, BT709)),
        *((UNSPECIFIED, UNSPECIFIED, BT601), (RGB, UNSPECIFIED, BT601)),
    ],
)
def test_the_matrix_is_what_the_frames_say_or_else_the_container(
    stream: VideoStream, tagged: int, named: int, matrix: int
) -> None:
    stream.colorspace = tagged
    frame = av.VideoFrame(64, 48, "yuv420p")
    frame.colorspace = named
    shown = ImageConverter(stream, name="clip.mp4").picture(frame)
    assert isinstance(shown, YUVPicture)
    assert shown.space.matrix == matrix


@pytest.mark.parametrize(
    ("size_wh", "matrix", "bgr"),
    [
        ((64, 48), BT2020, (131, 182, 228)),  # 130.99, 181.89, 227.89 by the definition
        ((63, 47), BT709, (132, 185, 230)),  # 131.81, 185.21, 230.40
    ],
)
def test_colours_become_no_darker_in_a_frame_that_is_not_kept_in_420(
    stream: VideoStream, size_wh: tuple[int, int], matrix: int, bgr: tuple[int, int, int]
) -> None:
    frame = av.VideoFrame(*size_wh, "yuv420p")
    for plane, value in zip(frame.planes, (180, 100, 150), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.colorspace, frame.color_range = matrix, LIMITED
    picture = ImageConverter(stream, name="clip.mp4").picture(frame)
    assert isinstance(picture, np.ndarray)
    assert (picture == bgr).all()


def test_decoding_uses_no_more_threads_than_it_may(tmp_path: Path) -> None:
    from stream.sources import decode

    with open_video(make_clip(tmp_path / "clip.mp4")) as source:
        assert source._stream.thread_count == decode.DECODER_THREADS
