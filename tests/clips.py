"""Small clips made with PyAV: what real input has and simple code forgets."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
TICKS_PER_S = 60_000  # MPEG-4 takes no finer time base than 1/65535 s
BACKGROUND_BGR = (160, 90, 40)
SQUARE_BGR = (60, 30, 200)


def picture(size_wh: tuple[int, int], index: int = 0) -> NDArray[np.uint8]:
    """A red square on blue, three pixels further right with each `index`; (H, W, 3) uint8 BGR."""
    width, height = size_wh
    image = np.full((height, width, 3), BACKGROUND_BGR, np.uint8)
    side = max(1, height // 3)
    left = 3 * index % max(1, width - side)
    top = height // 3
    image[top : top + side, left : left + side] = SQUARE_BGR
    return image


def make_clip(
    path: Path,
    *,
    size_wh: tuple[int, int] = (64, 48),
    frames: int = 12,
    rate: int = 30,
    audio_tracks: int = 0,
    rotation: int = 0,
    variable_rate: bool = False,
    start_s: float = 0.0,
    codec: str = "libx264",
    moving: bool = True,
) -> Path:
    """Write a BT.709 clip of `picture`s; the suffix of `path` chooses the container.

    Args:
        path: Where to write; returned as it is.
        size_wh: Stored size in pixels, before rotation; an odd size is stored as 4:4:4.
        frames: How many pictures.
        rate: Pictures per second; the mean where `variable_rate`.
        audio_tracks: How many tracks, each a sine of another pitch (Opus in WebM, AAC elsewhere).
        rotation: Degrees counter-clockwise, a multiple of 90, by which a player turns the picture.
        variable_rate: Gaps between the pictures that differ and fit no constant rate.
        start_s: Time of the first picture and of the sound. What lies before zero, MP4 and MOV hide
            with an edit list: it is stored and not shown.
        codec: Any video encoder that the container takes.
        moving: Whether the square moves.
    """
    with av.open(path, "w", options=_mux_options(path)) as container:
        video = container.add_stream(codec, rate=rate, options=_codec_options(codec))
        video.width, video.height = size_wh
        video.pix_fmt = _pix_fmt(codec, size_wh)
        video.codec_context.time_base = Fraction(1, TICKS_PER_S)
        video.codec_context.thread_count = 1
        video.color_range, video.colorspace = ColorRange.MPEG, 1
        video.color_primaries = video.color_trc = 1
        if rotation:
            video.set_display_rotation(rotation)
        tracks = [_add_audio(container, path) for _ in range(audio_tracks)]
        container.start_encoding()
        for number, track in enumerate(tracks, start=1):
            _write_sine(
                container, track, hertz=220 * number, start_s=start_s, seconds=frames / rate
            )
        ticks = _ticks(frames, rate=rate, variable=variable_rate, start_s=start_s)
        for index, pts in enumerate(ticks):
            image = picture(size_wh, index if moving else 0)
            container.mux(video.encode(_frame(image, video.pix_fmt, pts)))
        container.mux(video.encode(None))
    return path


def make_audio(path: Path, *, seconds: float = 0.5) -> Path:
    """Write a file that holds sound and no picture."""
    with av.open(path, "w") as container:
        track = _add_audio(container, path)
        _write_sine(container, track, hertz=440, start_s=0.0, seconds=seconds)
    return path


def make_size_change(path: Path, *, sizes_wh: tuple[tuple[int, int], ...]) -> Path:
    """Write an MPEG-TS clip whose size changes in mid-stream: six frames of each of `sizes_wh`."""
    with path.open("wb") as joined:
        for part, size_wh in enumerate(sizes_wh):
            piece = path.with_name(f"{path.stem}.{part}.ts")
            make_clip(piece, size_wh=size_wh, frames=6, start_s=1 + part * 6 / 30)
            joined.write(piece.read_bytes())
            piece.unlink()
    return path


def cut_short(path: Path, *, share: float = 0.5) -> Path:
    """Throw away the end of a file, keeping `share` of its bytes; our MP4s have the index first."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def timestamps(path: Path) -> list[Fraction]:
    """Presentation time in seconds of each picture to be shown, sorted: what a plain demux says."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        packets = [p for p in container.demux(stream) if p.pts is not None and not p.is_discard]
        return sorted(p.pts * stream.time_base for p in packets)


def _mux_options(path: Path) -> dict[str, str]:
    return {"movflags": "+faststart"} if path.suffix in {".mp4", ".mov"} else {}


def _codec_options(codec: str) -> dict[str, str]:
    if codec == "libx264":
        return {"preset": "ultrafast", "crf": "10", "bf": "2", "g": "6"}
    if codec == "libvpx-vp9":
        return {"deadline": "realtime", "cpu-used": "8"}
    return {}


def _pix_fmt(codec: str, size_wh: tuple[int, int]) -> str:
    even = not (size_wh[0] % 2 or size_wh[1] % 2)
    wanted = "yuv420p" if even else "yuv444p"
    offered = [f.name for f in av.Codec(codec, "w").video_formats or []]
    return wanted if wanted in offered or not offered else offered[0]


def _ticks(frames: int, *, rate: int, variable: bool, start_s: float) -> Iterator[int]:
    step = TICKS_PER_S // rate
    pts = round(start_s * TICKS_PER_S)
    for index in range(frames):
        yield pts
        pts += step * (70 + 7 * index % 60) // 100 if variable else step


def _frame(image: NDArray[np.uint8], pix_fmt: str, pts: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(
        format=pix_fmt, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    frame.pts, frame.time_base = pts, Fraction(1, TICKS_PER_S)
    return frame


def _add_audio(container: av.container.OutputContainer, path: Path) -> AudioStream:
    codec = "libopus" if path.suffix == ".webm" else "aac"
    return container.add_stream(codec, rate=SAMPLE_RATE, layout="mono")


def _write_sine(
    container: av.container.OutputContainer,
    track: AudioStream,
    *,
    hertz: int,
    start_s: float,
    seconds: float,
) -> None:
    size = track.codec_context.frame_size or 960
    for first in range(0, int(seconds * SAMPLE_RATE), size):
        time_s = np.arange(first, first + size) / SAMPLE_RATE
        wave = (0.2 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = first + round(start_s * SAMPLE_RATE)
        container.mux(track.encode(frame))
    container.mux(track.encode(None))
