"""The sound of the input, copied as it is or encoded anew, in step with the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.packet import Packet

from stream.sink import open_sink
from stream.sinks.audio_track import AudioTrack, open_track
from stream.sinks.codecs import CONTAINERS
from stream.source import SourceInfo
from tests.clips import make_clip
from tests.outputs import (
    FRAME_TICKS,
    ONE_THREAD,
    TIME_BASE,
    composited,
    convert,
    grey_frames,
    pictures,
    sound,
    times,
)

FRAME_S = Fraction(1, 30)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (".mp4", ".mp4"),
        (".mp4", ".mov"),
        (".mkv", ".mp4"),
        (".mkv", ".mkv"),
        (".webm", ".webm"),
        (".webm", ".mp4"),
    ],
)
def test_all_tracks_are_copied_byte_for_byte(tmp_path: Path, before: str, after: str) -> None:
    codec = "libvpx-vp9" if before == ".webm" else "libx264"
    clip = make_clip(tmp_path / f"in{before}", audio_tracks=2, codec=codec)
    written = sound(convert(clip, tmp_path / f"out{after}"))
    wanted = sound(clip)
    assert len(written) == 2
    assert [[data for _, data in track] for track in written] == [
        [data for _, data in track] for track in wanted
    ]
    for track, original in zip(written, wanted, strict=True):
        shifts = [abs(a - b) for (a, _), (b, _) in zip(track, original, strict=True)]
        assert max(shifts) < Fraction(1, 1000)


def test_sound_that_an_edit_list_hides_does_not_delay_the_pictures_of_matroska(
    tmp_path: Path,
) -> None:
    clip = make_clip(tmp_path / "in.mp4", audio_tracks=1)
    out = convert(clip, tmp_path / "out.mkv")
    assert times(out)[0] == 0
    (written,), (wanted,) = sound(out), sound(clip)
    assert wanted[0][0] < 0 <= written[0][0]
    assert [data for _, data in written] == [data for _, data in wanted[1:]]


def test_broadcast_sound_gets_the_header_that_files_need(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.ts", audio_tracks=1, start_s=1.0)
    for suffix in (".mp4", ".mkv"):
        out = convert(clip, tmp_path / f"out{suffix}")
        with av.open(str(out)) as container, av.open(str(clip)) as original:
            assert container.streams.audio[0].codec_context.extradata
            heard = sum(frame.samples for frame in container.decode(audio=0))
            assert heard == sum(frame.samples for frame in original.decode(audio=0))


def loudness(path: Path) -> float:
    with av.open(str(path)) as container:
        samples = [f.to_ndarray().astype(float).ravel() for f in container.decode(audio=0)]
        return float(np.sqrt(np.mean(np.concatenate(samples) ** 2)))


@pytest.mark.parametrize(
    ("before", "after", "codec"), [(".mp4", ".webm", "opus"), (".webm", ".mov", "aac")]
)
def test_sound_that_the_container_cannot_hold_is_encoded_anew(
    tmp_path: Path, before: str, after: str, codec: str, caplog: pytest.LogCaptureFixture
) -> None:
    video_codec = "libvpx-vp9" if before == ".webm" else "libx264"
    clip = make_clip(tmp_path / f"in{before}", audio_tracks=2, frames=30, codec=video_codec)
    out = convert(clip, tmp_path / f"out{after}")
    with av.open(str(out)) as container:
        assert [stream.codec_context.name for stream in container.streams.audio] == [codec] * 2
        first, *_ = container.decode(audio=0)
        assert abs(first.pts * first.time_base) <= FRAME_S
    assert loudness(out) == pytest.approx(loudness(clip), rel=0.1)
    assert "is encoded anew" in caplog.text


def clip_with(
    path: Path, codec: str, *, rate: int = 44_100, layout: str = "stereo", start_s: int = 0
) -> Path:
    """A clip of two seconds with a tone of that codec."""
    samples_a_picture, channels = rate // 25, av.AudioLayout(layout).nb_channels
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream(codec, rate=rate, layout=layout)
        tone = 8000 * np.sin(2 * np.pi * rate / 100 * np.arange(samples_a_picture) / rate)
        for index in range(25 * start_s, 25 * start_s + 50):
            picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "bgr24")
            picture.pts, picture.time_base = index, Fraction(1, 25)
            container.mux(video.encode(picture))
            samples = np.repeat(tone.astype(np.int16), channels)[None]
            piece = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
            piece.sample_rate, piece.time_base = rate, Fraction(1, rate)
            piece.pts = index * samples_a_picture
            container.mux(audio.encode(piece))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


@pytest.mark.parametrize(
    ("codec", "after", "written"),
    [
        ("libmp3lame", ".mp4", "mp3"),
        ("flac", ".mkv", "flac"),
        ("flac", ".mp4", "aac"),
        ("pcm_s16le", ".mov", "pcm_s16le"),
        ("pcm_s16le", ".mp4", "aac"),
        ("ac3", ".mp4", "ac3"),
        ("ac3", ".webm", "opus"),
    ],
)
def test_each_container_gets_the_sound_that_its_players_know(
    tmp_path: Path, codec: str, after: str, written: str
) -> None:
    clip = clip_with(tmp_path / "in.mkv", codec)
    out = convert(clip, tmp_path / f"out{after}")
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == written
        heard_s = sum(Fraction(f.samples, f.sample_rate) for f in container.decode(audio=0))
    assert abs(heard_s - 2) < Fraction(1, 20)
    assert loudness(out) > 0


def joined_programmes(path: Path, codec: str, forms: tuple[tuple[int, str], ...]) -> Path:
    """A broadcast that changes the rate and layout of its sound every two seconds."""
    programmes = [
        clip_with(path.with_name(f"{index}.ts"), codec, rate=rate, layout=layout, start_s=2 * index)
        for index, (rate, layout) in enumerate(forms)
    ]
    path.write_bytes(b"".join(programme.read_bytes() for programme in programmes))
    return path


@pytest.mark.parametrize(
    ("forms", "codec", "after"),
    [
        (((44_100, "stereo"), (48_000, "mono")), "mp2", ".mp4"),
        (((48_000, "stereo"), (44_100, "mono")), "eac3", ".mov"),  # first as the encoder takes it
        (((44_100, "stereo"), (48_000, "stereo")), "eac3", ".mov"),  # then as the encoder takes it
        (((48_000, "5.1"), (48_000, "stereo")), "aac", ".mp4"),
        (((48_000, "stereo"), (48_000, "5.1")), "aac", ".mkv"),
        (((44_100, "stereo"), (48_000, "mono")), "aac", ".mov"),
    ],
)
def test_sound_that_changes_its_form_in_mid_stream_goes_on(
    tmp_path: Path, forms: tuple[tuple[int, str], tuple[int, str]], codec: str, after: str
) -> None:
    out = convert(joined_programmes(tmp_path / "in.ts", codec, forms), tmp_path / f"out{after}")
    with av.open(str(out)) as container:
        frames = list(container.decode(audio=0))
    assert len({(f.sample_rate, f.layout.name) for f in frames}) == 1
    heard = np.concatenate([f.to_ndarray()[0] for f in frames])
    seconds = np.array_split(heard[: 4 * frames[0].sample_rate], 4)
    assert min(float(np.sqrt(np.mean(second**2))) for second in seconds) > 0.1
    begins = [begin for begin, _ in sound(out)[0]]
    assert float(begins[-1]) == pytest.approx(4, abs=0.1)
    assert np.diff(np.array(begins, float)).max() < 0.05


@pytest.mark.parametrize("after", [".mp4", ".mkv"])
def test_only_what_differs_from_the_beginning_of_a_broadcast_is_encoded_anew(
    tmp_path: Path, after: str, caplog: pytest.LogCaptureFixture
) -> None:
    forms = ((48_000, "5.1"), (48_000, "stereo"), (48_000, "5.1"), (48_000, "stereo"))
    clip = joined_programmes(tmp_path / "in.ts", "aac", forms)
    out = convert(clip, tmp_path / f"out{after}")
    sent = {data[7:] for _, data in sound(clip)[0]}
    packets = [(float(begin), data in sent) for begin, data in sound(out)[0]]
    copied = [sum(is_copy for begin, is_copy in packets if begin // 2 == n) for n in range(4)]
    assert min(copied[0], copied[2]) > 85
    assert max(copied[1], copied[3]) < 5
    begins = [begin for begin, _ in packets]
    assert begins[-1] == pytest.approx(8, abs=0.1)
    assert np.diff(begins).max() < 0.05
    assert caplog.text.count("changes its form") == 1


@contextmanager
def opened_track(
    clip: Path, target: Path
) -> Iterator[tuple[list[Packet[AudioStream]], AudioTrack]]:
    """The packets of a clip's sound, and the track that brings them into another file."""
    with av.open(str(clip)) as container, av.open(str(target), "w") as output:
        stream = container.streams.audio[0]
        track = open_track(stream, output, CONTAINERS[target.suffix], name=clip.name)
        assert track is not None
        yield [packet for packet in container.demux(stream) if packet.size], track


def test_sound_that_overlaps_what_went_before_goes_on_when_that_has_ended(tmp_path: Path) -> None:
    clip = clip_with(tmp_path / "in.ts", "mp2")
    with opened_track(clip, tmp_path / "out.webm") as (packets, track):
        begins: list[int] = []
        for index, packet in enumerate(packets):
            assert packet.pts is not None and packet.duration is not None
            if index >= 20:
                packet.pts -= packet.duration - 1  # the most that the order of packets allows
                packet.dts = packet.pts
            begins += [encoded.pts or 0 for encoded in track.convert(packet)]
    assert len(begins) > 80
    steps = np.diff(begins)
    assert steps.min() > 0
    assert np.count_nonzero(steps != 960) < 20  # 20 ms; an MPEG-TS counts in 90,000ths


def test_broadcast_sound_that_is_damaged_is_left_out(tmp_path: Path) -> None:
    clip = clip_with(tmp_path / "in.ts", "aac")
    with opened_track(clip, tmp_path / "out.mp4") as (packets, track):
        damaged: Packet[AudioStream] = Packet(bytes(100))
        written = [len(track.convert(p)) for p in [*packets[:5], damaged, *packets[5:10]]]
    assert written == [1] * 5 + [0] + [1] * 5


def test_sound_that_cannot_be_brought_to_another_form_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = clip_with(tmp_path / "in.mkv", "pcm_s16le", layout="20 channels")
    out = convert(clip, tmp_path / "out.mp4")
    assert sound(out) == []
    assert len(pictures(out)) == 50
    assert "audio stream 1 cannot be decoded" in caplog.text


def test_languages_stay_with_their_tracks(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", audio_tracks=2)
    tagged = tmp_path / "tagged.mp4"
    with av.open(str(clip)) as old, av.open(str(tagged), "w") as new:
        twins = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for stream, language in zip(new.streams.audio, ("deu", "fra"), strict=True):
            stream.metadata["language"] = language
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = twins[packet.stream.index]
                new.mux(packet)
    with av.open(str(convert(tagged, tmp_path / "out.mp4"))) as container:
        assert [stream.language for stream in container.streams.audio] == ["deu", "fra"]


def test_sound_stops_where_a_run_is_cut_short(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", audio_tracks=1, frames=60)
    out = convert(clip, tmp_path / "out.mp4", end=20)
    (track,) = sound(out)
    end_s = track[-1][0] + Fraction(1024, 48_000)
    assert abs(end_s - 20 * FRAME_S) <= FRAME_S


def test_a_run_that_ends_before_the_sound_begins_is_silent_without_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = with_sound(
        tmp_path / "in.mp4",
        make_clip(tmp_path / "pictures.mp4", frames=60),
        make_clip(tmp_path / "other.mp4", start_s=1, frames=30, audio_tracks=1),
    )
    assert sound(convert(clip, tmp_path / "out.mp4", end=10)) == []
    assert caplog.text == ""


def test_sound_starts_where_the_first_picture_does(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", audio_tracks=1, frames=60)
    out = convert(clip, tmp_path / "out.mp4", skip=30)
    (track,) = sound(out)
    assert times(out)[0] == 1
    assert abs(track[0][0] - 1) <= FRAME_S


def with_sound(path: Path, pictures_of: Path, sound_of: Path) -> Path:
    """A clip of the pictures of one and the sound of another."""
    with (
        av.open(str(pictures_of)) as a,
        av.open(str(sound_of)) as b,
        av.open(str(path), "w") as joined,
    ):
        video, audio = a.streams.video[0], b.streams.audio[0]
        twins = [joined.add_stream_from_template(video), joined.add_stream_from_template(audio)]
        for source, stream, twin in ((a, video, twins[0]), (b, audio, twins[1])):
            for packet in source.demux(stream):
                if packet.dts is not None:
                    packet.stream = twin
                    joined.mux(packet)
    return path


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_a_finished_run_keeps_sound_that_is_shorter_or_longer_than_the_pictures(
    tmp_path: Path, share: float
) -> None:
    clip = with_sound(
        tmp_path / "in.mp4",
        make_clip(tmp_path / "pictures.mp4", frames=30),
        make_clip(tmp_path / "other.mp4", frames=int(30 * share), audio_tracks=1),
    )
    (written,), (wanted,) = sound(convert(clip, tmp_path / "out.mp4")), sound(clip)
    assert [data for _, data in written] == [data for _, data in wanted]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_pictures_that_come_later_than_the_sound_stay_later(tmp_path: Path, suffix: str) -> None:
    clip = with_sound(
        tmp_path / f"in{suffix}",
        make_clip(tmp_path / "pictures.mp4", start_s=11.5),
        make_clip(tmp_path / "other.mp4", start_s=10, frames=60, audio_tracks=1),
    )
    out = convert(clip, tmp_path / "out.mp4")
    (track,) = sound(out)
    assert float(track[0][0]) == pytest.approx(0, abs=0.022)
    assert float(times(out)[0]) == pytest.approx(1.5, abs=0.023)


def test_sound_moves_with_pictures_from_before_zero(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", audio_tracks=1)
    info = SourceInfo("in.mp4", (64, 48), TIME_BASE, frame_rate=Fraction(30), path=clip)
    with open_sink(str(tmp_path / "out.mp4"), info, encoding=ONE_THREAD) as sink:
        for frame in grey_frames(12, first_pts=-3 * FRAME_TICKS):
            sink.write(frame)
    (written,), (wanted,) = sound(tmp_path / "out.mp4"), sound(clip)
    assert times(tmp_path / "out.mp4")[0] == 0
    assert abs(written[0][0] - wanted[0][0] - 3 * FRAME_S) < Fraction(1, 1000)


def test_a_clip_without_sound_stays_silent(tmp_path: Path) -> None:
    out = convert(make_clip(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    assert sound(out) == []
    assert len(pictures(out)) == 12


def test_sound_that_cannot_be_opened_is_only_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in.mp4").write_bytes(b"gone")
    info = SourceInfo("in.mp4", (64, 48), TIME_BASE, path=tmp_path / "in.mp4")
    with open_sink(str(tmp_path / "out.mp4"), info, encoding=ONE_THREAD) as sink:
        sink.write(composited(np.zeros((48, 64, 3), np.uint8)))
    assert len(pictures(tmp_path / "out.mp4")) == 1
    assert "its sound cannot be read" in caplog.text


def test_sound_is_written_as_the_pictures_come_and_not_kept(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", audio_tracks=1, frames=150)
    with open_sink(
        str(tmp_path / "out.mkv"),
        SourceInfo("in.mkv", (64, 48), TIME_BASE, frame_rate=Fraction(30), path=clip),
        encoding=ONE_THREAD,
    ) as sink:
        for frame in grey_frames(140):
            sink.write(frame)
        (track,) = sound(tmp_path / "out.part.mkv")
        assert track[-1][0] > 2
