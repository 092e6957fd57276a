from __future__ import annotations

import random
import threading
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from stream.errors import InputError
from stream.frame import Frame
from stream.source import open_source
from stream.sources import decode, video_file
from stream.sources.video_file import open_video
from tests.clips import (
    SQUARE_BGR,
    cut_short,
    make_audio,
    make_clip,
    make_size_change,
    picture,
    timestamps,
)


def read(path: Path) -> list[Frame]:
    with open_video(path) as source:
        return list(source)


def times(frames: list[Frame]) -> list[Fraction]:
    return [frame.pts * frame.time_base for frame in frames]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("constant.mp4", {}),
        ("variable.mp4", {"variable_rate": True}),
        ("variable.mkv", {"variable_rate": True, "audio_tracks": 2}),
        ("late.mp4", {"start_s": 1.5, "audio_tracks": 1}),
        ("late.ts", {"start_s": 1.5, "audio_tracks": 1}),
        ("early.mp4", {"start_s": -0.1, "audio_tracks": 1}),
        ("sound.webm", {"codec": "libvpx-vp9", "audio_tracks": 2}),
        ("old.avi", {"codec": "mpeg4"}),
        ("prores.mov", {"codec": "prores_ks"}),
        ("rotated.mov", {"rotation": 90}),
    ],
)
def test_every_frame_arrives_with_the_timestamp_that_it_has_in_the_file(
    tmp_path: Path, name: str, options: dict[str, object]
) -> None:
    clip = make_clip(tmp_path / name, **options)  # type: ignore[arg-type]
    assert times(read(clip)) == timestamps(clip)


def test_the_info_tells_what_the_container_says(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=15, rate=25)
    with open_video(clip) as source:
        info = source.info
    assert (info.name, info.path, info.size_wh) == ("clip.mp4", clip, (64, 48))
    assert (info.frame_rate, info.frame_count) == (25, 15)
    assert info.duration_s == pytest.approx(0.6)
    assert not info.is_live
    assert not info.is_still


def test_a_container_without_an_index_of_all_frames_gives_no_count(tmp_path: Path) -> None:
    with open_video(make_clip(tmp_path / "clip.mkv")) as source:
        assert source.info.frame_count is None
        assert source.info.duration_s == pytest.approx(0.4)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_rotated_clip_comes_out_upright(tmp_path: Path, rotation: int) -> None:
    clip = make_clip(tmp_path / "clip.mp4", rotation=rotation)
    expected = np.rot90(picture((64, 48)), rotation // 90)
    frame = read(clip)[0]
    assert frame.image.shape == expected.shape
    assert frame.image.flags.c_contiguous
    assert np.abs(frame.image.astype(int) - expected).mean() < 4
    with open_video(clip) as source:
        assert source.info.size_wh == frame.size_wh


@pytest.mark.parametrize("size_wh", [(1, 1), (2, 2), (63, 47), (64, 47), (101, 30)])
def test_an_odd_size_is_delivered_as_it_is(tmp_path: Path, size_wh: tuple[int, int]) -> None:
    frames = read(make_clip(tmp_path / "clip.mp4", size_wh=size_wh))
    assert {frame.size_wh for frame in frames} == {size_wh}
    assert all(frame.image.flags.c_contiguous for frame in frames)


def test_a_clip_that_changes_its_size_keeps_the_first_one(tmp_path: Path) -> None:
    clip = make_size_change(tmp_path / "clip.ts", sizes_wh=((64, 48), (128, 96), (32, 24)))
    frames = read(clip)
    assert [frame.size_wh for frame in frames] == [(64, 48)] * 18
    square = [frame.image[20, 6] for frame in frames[::6]]
    assert np.abs(np.array(square, int) - SQUARE_BGR).max() < 25


def test_a_clip_cut_short_gives_what_is_there_and_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = read(cut_short(make_clip(tmp_path / "clip.mp4", frames=60), share=0.7))
    assert 10 < len(frames) < 60
    assert f"clip.mp4 is cut short: {len(frames)} of 60 frames" in caplog.text


def test_a_clip_that_is_left_early_is_not_called_short(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed_meanwhile(_at: int | None) -> None:
        source._closing.set()  # as `close` in another thread does

    with open_video(make_clip(tmp_path / "clip.mp4", frames=12)) as source:
        monkeypatch.setattr(source._timeline, "place", closed_meanwhile)
        assert len(list(source)) == 1
    assert not caplog.text


def test_a_clip_that_is_hidden_in_part_by_an_edit_list_is_not_called_short(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(read(make_clip(tmp_path / "clip.mp4", start_s=-0.1))) == 9
    assert caplog.text == ""


def test_recordings_joined_end_to_end_keep_every_frame_in_rising_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    late = make_clip(tmp_path / "late.ts", frames=40, start_s=10)
    early = make_clip(tmp_path / "early.ts", frames=40, start_s=1)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(late.read_bytes() + early.read_bytes())
    placed = times(read(joined))
    assert len(placed) == 80
    assert placed == sorted(set(placed))
    assert "1 where time starts again" in caplog.text


def test_a_stream_that_begins_late_in_the_file_does_no_harm(tmp_path: Path) -> None:
    silent = make_clip(tmp_path / "silent.ts", frames=60, start_s=1)
    loud = make_clip(tmp_path / "loud.ts", frames=60, start_s=3, audio_tracks=3)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(silent.read_bytes() + loud.read_bytes())
    assert len(read(joined)) == 120


def test_an_avi_loses_no_frame_though_it_stores_no_presentation_times(tmp_path: Path) -> None:
    frames = read(make_clip(tmp_path / "clip.avi", frames=30, rate=25))
    assert len(frames) == 30
    assert {after - before for before, after in pairwise(times(frames))} == {Fraction(1, 25)}


def test_a_stream_without_timestamps_is_placed_by_its_frame_rate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = read(make_clip(tmp_path / "raw.h264"))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 25 for i in range(12)])
    assert "12 without a timestamp" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", "empty.mp4 is empty"),
        ("text.mp4", b"not a video " * 99, "text.mp4 is not a video"),
        ("list.mp4", b"ffconcat version 1.0\nfile 'clip.ts'\n", "list.mp4 is a playlist"),
        (
            "list.m3u8",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.ts\n#EXT-X-ENDLIST\n",
            "list.m3u8 is a playlist",
        ),
        ("web.mp4", b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n", "web.mp4 is not a video"),
    ],
)
def test_what_is_not_a_video_is_refused_in_one_line_that_names_it(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    make_clip(tmp_path / "clip.ts")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        open_video(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_sound_file_has_no_video_stream(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sound\.m4a has no video stream"):
        open_video(make_audio(tmp_path / "sound.m4a"))


def test_a_cover_picture_is_not_a_video_stream(tmp_path: Path) -> None:
    song = tmp_path / "song.mp4"
    with av.open(make_audio(tmp_path / "sound.m4a")) as sound, av.open(song, "w") as output:
        track = output.add_stream_from_template(sound.streams.audio[0])
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        for packet in sound.demux(audio=0):
            if packet.dts is not None:
                packet.stream = track
                output.mux(packet)
        output.mux(cover.encode(av.VideoFrame.from_ndarray(picture((64, 48)), format="bgr24")))
    with pytest.raises(InputError, match="no video stream"):
        open_video(song)


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bits_end_in_frames_or_in_one_line_but_never_in_a_crash(
    tmp_path: Path, seed: int
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=30)
    damaged = bytearray(clip.read_bytes())
    chance = random.Random(seed)
    for _ in range((1, 10, 100)[seed % 3]):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    clip.write_bytes(damaged)
    try:
        frames = read(clip)
    except InputError as error:
        assert "clip.mp4" in str(error)
    else:
        assert frames
        assert [f.pts for f in frames] == sorted({f.pts for f in frames})


def test_damage_in_the_middle_costs_a_few_frames_and_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=60)
    with av.open(clip) as container:
        packets = [p for p in container.demux(video=0) if p.pos]
        middle = next(p for p in packets[30:] if not p.is_keyframe and p.size > 8)
        start, size = middle.pos, middle.size
    content = bytearray(clip.read_bytes())
    content[start : start + size] = b"\xff" * size
    clip.write_bytes(content)
    assert 55 <= len(read(clip)) < 60
    assert "clip.mp4 is damaged" in caplog.text


def test_reading_gives_up_after_too_many_broken_packets_in_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "MAX_FAULTS", 5)
    clip = make_clip(tmp_path / "clip.mp4", frames=60)
    content = bytearray(clip.read_bytes())
    with av.open(clip) as container:
        for packet in list(container.demux(video=0))[12:]:
            if packet.pos:
                content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    clip.write_bytes(content)
    with pytest.raises(InputError, match="5 packets in a row"):
        read(clip)


def test_closing_from_another_thread_ends_the_iteration_and_closes_the_file(
    tmp_path: Path,
) -> None:
    source = open_video(make_clip(tmp_path / "clip.mp4", frames=60))
    frames = iter(source)
    next(frames)
    closer = threading.Thread(target=source.close)
    closer.start()
    closer.join()
    assert list(frames) == []
    with pytest.raises(AssertionError, match="not open"):
        source._container.size  # noqa: B018


def test_a_name_with_a_colon_is_no_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(tmp_path / "clip.mp4").rename(tmp_path / "tcp:clip.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(read(Path("tcp:clip.mp4"))) == 12


def test_a_failed_opening_leaves_no_file_open(tmp_path: Path) -> None:
    opened = Path("/proc/self/fd")
    if not opened.is_dir():
        pytest.skip("needs /proc")
    sound = make_audio(tmp_path / "sound.m4a")
    before = len(list(opened.iterdir()))
    with pytest.raises(InputError):
        open_video(sound)
    assert len(list(opened.iterdir())) == before


class TestUntrustedFiles:
    def test_an_ordinary_clip_is_read(self, tmp_path: Path) -> None:
        with open_video(make_clip(tmp_path / "clip.mp4"), untrusted=True) as source:
            assert len(list(source)) == 12

    @pytest.mark.parametrize(
        "content",
        [b"ffconcat version 1.0\nfile 'secret.ts'\n", b"#EXTM3U\n#EXTINF:9,\nsecret.ts\n"],
    )
    def test_a_disguised_playlist_opens_no_other_file(self, tmp_path: Path, content: bytes) -> None:
        make_clip(tmp_path / "secret.ts")
        (tmp_path / "clip.mp4").write_bytes(content)
        with pytest.raises(InputError, match=r"clip\.mp4 is not a video"):
            open_video(tmp_path / "clip.mp4", untrusted=True)

    def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(video_file, "MAX_UNTRUSTED_PIXELS", 64 * 47)
        clip = make_clip(tmp_path / "clip.mp4")
        with pytest.raises(InputError, match="64 x 48: larger than"):
            open_video(clip, untrusted=True)
        with open_video(clip) as trusted:
            assert trusted.info.size_wh == (64, 48)

    def test_a_picture_larger_than_its_container_says_is_not_decoded(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(video_file, "MAX_UNTRUSTED_PIXELS", 64 * 48)
        clip = make_size_change(tmp_path / "clip.ts", sizes_wh=((64, 48), (640, 480)))
        with open_video(clip, untrusted=True) as source:
            assert {frame.size_wh for frame in source} == {(64, 48)}
            assert source._decoder.faults == 6


@pytest.mark.shared
def test_real_clips_arrive_frame_for_frame(shared: Path) -> None:
    clips = sorted((shared / "clips").glob("*.mkv"))
    assert clips
    for clip in clips:
        with open_source(str(clip)) as source:
            found = times(list(source))
        assert found == timestamps(clip), clip.name
