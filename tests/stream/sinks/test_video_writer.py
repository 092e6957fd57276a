"""Video files: every time and colour as it was, and playable whatever happens."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from stream.compositing.yuv import YUVSpace, to_yuv
from stream.errors import OutputError
from stream.frame import CompositedFrame
from stream.sink import open_matte_sink, open_sink
from stream.sinks.codecs import Encoding
from stream.source import SourceInfo
from tests.clips import make_clip, timestamps
from tests.outputs import (
    FRAME_TICKS,
    INFO,
    NOISY,
    NOISY_INFO,
    ONE_THREAD,
    TIME_BASE,
    boxes,
    composited,
    convert,
    disk_that_holds,
    grey_frames,
    names,
    noisy_frames,
    pictures,
    soft_disc,
    sound,
    times,
)

PATCH_BGR = (60, 30, 200)
OPAQUE = (".mp4", ".mov", ".mkv", ".webm")


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_every_timestamp_of_a_variable_frame_rate_is_kept(tmp_path: Path, suffix: str) -> None:
    clip = make_clip(tmp_path / "in.mp4", variable_rate=True, audio_tracks=1)
    assert times(convert(clip, tmp_path / f"out{suffix}")) == timestamps(clip)


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_matroska_keeps_timestamps_to_its_millisecond(tmp_path: Path, suffix: str) -> None:
    clip = make_clip(tmp_path / "in.mp4", variable_rate=True, audio_tracks=1)
    written = times(convert(clip, tmp_path / f"out{suffix}"))
    wanted = timestamps(clip)
    assert len(written) == len(wanted)
    assert max(abs(a - b) for a, b in zip(written, wanted, strict=True)) <= Fraction(1, 2000)


def test_pictures_from_before_zero_are_all_shown(tmp_path: Path) -> None:
    with open_sink(str(tmp_path / "out.mp4"), INFO, encoding=ONE_THREAD) as sink:
        for frame in grey_frames(10, first_pts=-4 * FRAME_TICKS):
            sink.write(frame)
    assert times(tmp_path / "out.mp4") == [index * Fraction(1, 30) for index in range(10)]


@pytest.mark.parametrize("suffix", OPAQUE)
@pytest.mark.parametrize("before", [".ts", ".mp4", ".mkv"])
def test_a_clip_whose_clock_begins_at_any_hour_begins_at_zero(
    tmp_path: Path, before: str, suffix: str
) -> None:
    clip = make_clip(
        tmp_path / f"in{before}", audio_tracks=1, start_s=3600, variable_rate=before != ".ts"
    )
    out = convert(clip, tmp_path / f"out{suffix}")
    (original,), (track,) = sound(clip), sound(out)
    priming_s = 0.022  # what an AAC encoder puts before the sound
    assert min(times(out)[0], track[0][0]) == pytest.approx(0, abs=priming_s)
    shift_s = times(clip)[0] - times(out)[0]
    assert max(abs(a - b - shift_s) for a, b in zip(times(clip), times(out), strict=True)) < 0.001
    if suffix != ".webm":  # there the sound is encoded anew
        pairs = zip(original, track, strict=True)
        assert max(abs(a - b - shift_s) for (a, _), (b, _) in pairs) < 0.001


def test_the_last_picture_lasts_as_long_as_the_others(tmp_path: Path) -> None:
    with open_sink(str(tmp_path / "out.mp4"), INFO, encoding=ONE_THREAD) as sink:
        for frame in grey_frames(10):
            sink.write(frame)
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.duration * stream.time_base == Fraction(10, 30)


@pytest.mark.parametrize("suffix", OPAQUE)
def test_colours_are_converted_and_tagged_as_bt709(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with open_sink(str(path), INFO, encoding=ONE_THREAD) as sink:
        sink.write(composited(np.full((48, 64, 3), PATCH_BGR, np.uint8)))
    (frame,) = pictures(path)
    assert (frame.colorspace, frame.color_range) == (1, 1)
    assert frame.format.name == "yuv420p"
    luma = 16 + 219 * (0.2126 * 200 + 0.7152 * 30 + 0.0722 * 60) / 255
    assert abs(int(frame.to_ndarray()[20, 20]) - luma) <= 1
    assert np.abs(frame.to_ndarray(format="bgr24")[20, 20].astype(int) - PATCH_BGR).max() <= 3
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)


def test_the_colours_of_an_unknown_standard_are_not_called_bt709(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    image = np.full((48, 64, 3), PATCH_BGR, np.uint8)
    with open_sink(str(path), INFO, encoding=ONE_THREAD) as sink:
        picture = to_yuv(image, YUVSpace(matrix=6))
        sink.write(CompositedFrame(picture, composited(image).matted))
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (6, 2, 2)


def test_an_odd_size_grows_to_an_even_one_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image = np.zeros((47, 63, 3), np.uint8)
    image[-1], image[:, -1] = 200, 200
    with open_sink(str(tmp_path / "out.mp4"), INFO, encoding=Encoding(crf=5)) as sink:
        for index in range(3):
            sink.write(composited(image, pts=index))
    frame = pictures(tmp_path / "out.mp4")[0]
    assert (frame.width, frame.height) == (64, 48)
    assert abs(int(frame.to_ndarray(format="bgr24")[-1, -1, 0]) - 200) < 12
    (message,) = caplog.messages
    assert "63 x 47 becomes 64 x 48" in message


def test_pictures_of_another_size_are_resized_to_the_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_sink(str(tmp_path / "out.mp4"), INFO, encoding=ONE_THREAD) as sink:
        for index, height in enumerate((48, 96, 20)):
            sink.write(composited(np.zeros((height, 64, 3), np.uint8), pts=index))
    assert {(frame.width, frame.height) for frame in pictures(tmp_path / "out.mp4")} == {(64, 48)}
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("rotation", [90, 180])
def test_rotation_is_in_the_pixels_and_nowhere_else(tmp_path: Path, rotation: int) -> None:
    clip = make_clip(tmp_path / "in.mp4", rotation=rotation, frames=3)
    (frame, *_) = pictures(convert(clip, tmp_path / "out.mp4"))
    assert frame.rotation == 0
    assert (frame.width, frame.height) == ((48, 64) if rotation == 90 else (64, 48))


def test_prores_keeps_straight_alpha_and_odd_sizes(tmp_path: Path) -> None:
    alpha = soft_disc((65, 49))
    image = np.dstack([np.full((49, 65, 3), PATCH_BGR, np.uint8), alpha])
    with open_sink(str(tmp_path / "out.mov"), INFO, transparent=True) as sink:
        sink.write(composited(image))
    with av.open(str(tmp_path / "out.mov")) as container:
        assert container.streams.video[0].codec_context.codec_tag == "ap4h"
        (frame,) = container.decode(video=0)
    written = frame.to_ndarray(format="bgra").astype(int)
    assert np.abs(written - image).max() <= 2  # colours too, also where alpha is 0


def test_webm_keeps_alpha_that_players_know_of(tmp_path: Path) -> None:
    path = tmp_path / "out.webm"
    mattes = [soft_disc((128, 96), index) for index in range(5)]
    with open_sink(str(path), INFO, transparent=True, encoding=ONE_THREAD) as sink:
        for index, alpha in enumerate(mattes):
            image = np.dstack([np.full((96, 128, 3), PATCH_BGR, np.uint8), alpha])
            sink.write(composited(image, pts=FRAME_TICKS * index))
    written = [f.to_ndarray(format="bgra")[..., 3] for f in pictures(path, decoder="libvpx-vp9")]
    assert np.abs(np.stack(written).astype(int) - np.stack(mattes)).mean() < 1
    with av.open(str(path)) as container:
        assert container.streams.video[0].metadata["alpha_mode"] == "1"


def test_frames_may_lose_or_gain_alpha_in_mid_stream(tmp_path: Path) -> None:
    opaque, transparent = np.zeros((48, 64, 3), np.uint8), np.zeros((48, 64, 4), np.uint8)
    for suffix, is_transparent in ((".mp4", False), (".webm", True)):
        path = tmp_path / f"out{suffix}"
        with open_sink(str(path), INFO, transparent=is_transparent, encoding=ONE_THREAD) as sink:
            sink.write(composited(opaque, pts=0))
            sink.write(composited(transparent, pts=FRAME_TICKS))
        assert len(pictures(path)) == 2


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("pixel_format", ["gray", "bgr24"])
def test_a_matte_video_gives_alpha_back_within_two_levels(
    tmp_path: Path, suffix: str, pixel_format: str
) -> None:
    path = tmp_path / f"matte{suffix}"
    mattes = [soft_disc((128, 96), index) for index in range(6)]
    with open_matte_sink(str(path), INFO, encoding=ONE_THREAD) as sink:
        for index, alpha in enumerate(mattes):
            image = np.full((96, 128, 3), PATCH_BGR, np.uint8)
            sink.write(composited(image, pts=FRAME_TICKS * index, alpha=alpha))
    for frame, alpha in zip(pictures(path), mattes, strict=True):
        grey = frame.to_ndarray(format=pixel_format).reshape(96, 128, -1).astype(int)
        assert np.abs(grey - alpha[..., None]).max() <= 2


def test_a_matte_video_has_no_sound(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", audio_tracks=1)
    info = SourceInfo("in.mp4", (64, 48), TIME_BASE, path=clip)
    with open_matte_sink(str(tmp_path / "matte.mp4"), info, encoding=ONE_THREAD) as sink:
        sink.write(composited(np.zeros((48, 64, 3), np.uint8)))
    with av.open(str(tmp_path / "matte.mp4")) as container:
        assert not container.streams.audio


def test_nothing_bears_the_name_before_it_is_complete(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.mp4"), INFO, encoding=ONE_THREAD)
    sink.write(next(grey_frames(1)))
    assert names(tmp_path) == ["out.part.mp4"]
    sink.close()
    sink.close()
    assert names(tmp_path) == ["out.mp4"]


def test_no_frames_leave_no_file(tmp_path: Path) -> None:
    open_sink(str(tmp_path / "out.mp4"), INFO).close()
    assert names(tmp_path) == []


def test_what_an_exception_ends_is_complete_all_the_same(tmp_path: Path) -> None:
    def fail_half_way() -> None:
        with open_sink(str(tmp_path / "out.mp4"), INFO, encoding=ONE_THREAD) as sink:
            for frame in grey_frames(7):
                sink.write(frame)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    assert len(pictures(tmp_path / "out.mp4")) == 7


def test_a_file_is_an_ordinary_mp4_with_its_index_first(tmp_path: Path) -> None:
    convert(make_clip(tmp_path / "in.mp4", audio_tracks=1), tmp_path / "out.mp4")
    kinds = boxes(tmp_path / "out.mp4")
    assert kinds.index("moov") < kinds.index("mdat")
    assert "moof" not in kinds


@pytest.mark.parametrize("by_keyword", [False, True])
def test_a_live_recording_is_not_copied_when_it_ends(tmp_path: Path, by_keyword: bool) -> None:
    info = SourceInfo("camera 0", (64, 48), TIME_BASE, is_live=not by_keyword)
    encoding = Encoding(threads=1, faststart=False if by_keyword else None)
    with open_sink(str(tmp_path / "out.mp4"), info, encoding=encoding) as sink:
        for frame in grey_frames(5):
            sink.write(frame)
    assert boxes(tmp_path / "out.mp4")[-2:] == ["mdat", "moov"]
    assert len(pictures(tmp_path / "out.mp4")) == 5


KILLED = """
import os, signal
from stream.sink import open_sink
from tests.outputs import NOISY, NOISY_INFO, noisy_frames
sink = open_sink("out{suffix}", NOISY_INFO, encoding=NOISY)
for frame in noisy_frames(35):
    sink.write(frame)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_killed_program_leaves_a_playable_part(tmp_path: Path, suffix: str) -> None:
    root = str(Path(__file__).parents[3])
    program = f"import sys; sys.path.insert(0, {root!r})" + KILLED.format(suffix=suffix)
    killed = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert names(tmp_path) == [f"out.part{suffix}"]
    assert times(tmp_path / f"out.part{suffix}")[:2] == [0, Fraction(1, 30)] or suffix == ".mkv"
    assert len(pictures(tmp_path / f"out.part{suffix}")) >= 20


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_full_disk_is_an_error_that_leaves_what_was_complete(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    sink = open_sink(str(tmp_path / f"out{suffix}"), NOISY_INFO, encoding=NOISY)
    with (
        disk_that_holds(600_000),
        pytest.raises(OutputError, match=rf"out\{suffix}: .*MB free"),
        sink,
    ):
        for frame in noisy_frames(100):
            sink.write(frame)
    assert names(tmp_path) == [f"out.part{suffix}"]
    assert f"out.part{suffix}" in caplog.text
    assert len(pictures(tmp_path / f"out.part{suffix}")) >= 10


def test_a_disk_that_fills_on_closing_leaves_what_was_complete(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.mp4"), NOISY_INFO, encoding=NOISY)
    for frame in noisy_frames(35):
        sink.write(frame)
    with disk_that_holds(1000), pytest.raises(OutputError, match=r"out\.mp4"):
        sink.close()
    sink.close()
    assert names(tmp_path) == ["out.part.mp4"]
    assert len(pictures(tmp_path / "out.part.mp4")) >= 20


def test_a_disk_without_space_for_a_copy_leaves_the_index_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stream.sinks.mp4.move_index_to_front", fail)
    with open_sink(str(tmp_path / "out.mp4"), INFO, encoding=ONE_THREAD) as sink:
        for frame in grey_frames(5):
            sink.write(frame)
    assert names(tmp_path) == ["out.mp4"]
    assert len(pictures(tmp_path / "out.mp4")) == 5
    assert "No space left" in caplog.text


def test_a_file_that_is_complete_gets_its_name_even_if_its_second_pass_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stream.sinks.mp4.move_index_to_front", interrupt)
    sink = open_sink(str(tmp_path / "out.mp4"), INFO, encoding=ONE_THREAD)
    sink.write(next(grey_frames(1)))
    with pytest.raises(KeyboardInterrupt):
        sink.close()
    assert names(tmp_path) == ["out.mp4"]


def test_a_picture_that_the_encoder_refuses_is_an_output_error(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.mp4"), INFO, encoding=ONE_THREAD)
    huge = np.zeros((2, 40_000, 3), np.uint8)
    with pytest.raises(OutputError, match=r"out\.mp4"), sink:
        sink.write(composited(huge))
    assert names(tmp_path) == []


def test_a_player_can_seek_to_every_second_second(tmp_path: Path) -> None:
    with open_sink(str(tmp_path / "out.mp4"), INFO, encoding=ONE_THREAD) as sink:
        for frame in grey_frames(130):
            sink.write(frame)
    with av.open(str(tmp_path / "out.mp4")) as container:
        keys = [p.pts * p.time_base for p in container.demux(video=0) if p.is_keyframe]
    assert all(after - before <= 2 for before, after in itertools.pairwise(keys))
    assert keys[0] == 0
    assert keys[-1] >= 2
