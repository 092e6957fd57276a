"""How results are encoded: every codec and container setting in one place."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

KEYFRAME_INTERVAL_S = 2.0
"""A player can seek to, and a crash can cost, at most this much."""

DEFAULT_ENCODER_THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))
"""Matting wants the processor as well, and each thread has pictures of its own in memory."""


@dataclass(frozen=True)
class Encoding:
    """What a caller may change about a video file. None leaves the choice to the tables below.

    Attributes:
        crf: Constant rate factor: lower is better and larger. ProRes has none.
        preset: x264's trade of time for size, "ultrafast" to "placebo", in the place of the one
            below.
        threads: Encoder threads.
        faststart: Whether closing an MP4 or MOV moves its index to the front, for which it is
            copied once; None = unless the source is live.
    """

    crf: int | None = None
    preset: str | None = None
    threads: int = DEFAULT_ENCODER_THREADS
    faststart: bool | None = None


@dataclass(frozen=True)
class VideoCodec:
    """A video encoder of FFmpeg and how it is to run.

    Attributes:
        encoder: FFmpeg's name for it.
        pixel_format: FFmpeg's name of what it is fed with.
        settings: The encoder's options.
    """

    encoder: str
    pixel_format: str
    settings: Mapping[str, str]

    @property
    def needs_even_size(self) -> bool:
        """Whether one chroma sample stands for 2 x 2 pixels."""
        return "420" in self.pixel_format

    def options(self, encoding: Encoding) -> dict[str, str]:
        """The settings with the caller's changes, as far as the encoder knows them."""
        wishes = {"crf": encoding.crf, "preset": encoding.preset}
        changes = {k: str(v) for k, v in wishes.items() if v is not None and k in self.settings}
        settings = {**self.settings, **changes}
        if encoding.preset is not None:
            settings.pop("x264-params", None)  # they mend our preset
        return settings


class Content(Enum):
    """What pictures show."""

    OPAQUE = "opaque pictures"
    TRANSPARENT = "pictures with alpha"
    MATTE = "mattes, as grey pictures"


@dataclass(frozen=True)
class Container:
    """A kind of video file and what goes into it.

    Attributes:
        muxer: FFmpeg's name for it.
        codecs: The encoder for each content that it can hold.
        audio_codecs: Names of the codecs that players expect in it, copied unchanged; None = all.
        audio_encoder: For all other sound.
        options: Of the muxer.
    """

    muxer: str
    codecs: Mapping[Content, VideoCodec]
    audio_codecs: frozenset[str] | None
    audio_encoder: str
    options: Mapping[str, str]

    @property
    def is_mp4(self) -> bool:
        """Whether it is built as an MP4: of boxes, with an index and edit lists."""
        return self.muxer in {"mp4", "mov"}


@dataclass(frozen=True)
class VideoFormat:
    """All that has to be known to write a video file.

    Attributes:
        container: The kind of the file.
        codec: One of the container's.
        encoding: What the caller wants changed.
    """

    container: Container
    codec: VideoCodec
    encoding: Encoding


# The fastest preset and those of the tools it leaves out that pay: a fifth slower, half as large.
# "veryfast" takes 2.5 times as long and twice the memory for files a quarter smaller.
_H264_TOOLS = {
    "8x8dct": "1",
    "aq-mode": "1",
    "cabac": "1",
    "deblock": "0,0",
    "mbtree": "1",
    "no-deblock": "0",
    "rc-lookahead": "2",
    "sync-lookahead": "0",
}
_H264_PARAMS = ":".join("=".join(tool) for tool in _H264_TOOLS.items())
_H264_SETTINGS = {"preset": "ultrafast", "crf": "19", "x264-params": _H264_PARAMS}
_H264 = VideoCodec("libx264", "yuv420p", _H264_SETTINGS)
# Without the psychovisual tricks of slower presets, which smear flat areas, alpha comes back within
# 2 levels. CRF 0 would be exact, but makes a lossless profile that few players know.
_H264_MATTE = VideoCodec("libx264", "yuv420p", {"preset": "ultrafast", "crf": "1"})

_VP9_SETTINGS = {
    "auto-alt-ref": "0",  # hidden reference frames and alpha exclude each other
    "cpu-used": "8",
    "deadline": "realtime",
    "lag-in-frames": "0",
    "row-mt": "1",
}
_VP9 = VideoCodec("libvpx-vp9", "yuv420p", {**_VP9_SETTINGS, "crf": "24"})
_VP9_TRANSPARENT = VideoCodec("libvpx-vp9", "yuva420p", {**_VP9_SETTINGS, "crf": "18"})
_VP9_MATTE = VideoCodec("libvpx-vp9", "yuv420p", {**_VP9_SETTINGS, "crf": "4"})

_PRORES_4444 = VideoCodec("prores_ks", "yuva444p10le", {"profile": "4444", "vendor": "apl0"})

_MP4_AUDIO = frozenset({"aac", "ac3", "alac", "eac3", "mp3", "opus"})
_MOV_AUDIO = frozenset(
    {"aac", "ac3", "alac", "mp3", "pcm_f32le", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le"}
)

# Written in fragments, so that a crash or a full disk leaves a file that plays; closing makes it an
# ordinary MP4. The index waits for the first fragment, as start times are not known before.
_MP4_OPTIONS = {"movflags": "+hybrid_fragmented+delay_moov", "flush_packets": "1"}
# Matroska and WebM have no edit lists: by default, sound from before zero delays the pictures.
_MKV_OPTIONS = {"avoid_negative_ts": "disabled", "flush_packets": "1"}

_H264_CODECS = {Content.OPAQUE: _H264, Content.MATTE: _H264_MATTE}
_MOV_CODECS = {**_H264_CODECS, Content.TRANSPARENT: _PRORES_4444}
_WEBM_CODECS = {
    Content.OPAQUE: _VP9,
    Content.TRANSPARENT: _VP9_TRANSPARENT,
    Content.MATTE: _VP9_MATTE,
}

CONTAINERS: Mapping[str, Container] = {
    ".mp4": Container("mp4", _H264_CODECS, _MP4_AUDIO, "aac", _MP4_OPTIONS),
    ".mov": Container("mov", _MOV_CODECS, _MOV_AUDIO, "aac", _MP4_OPTIONS),
    ".mkv": Container("matroska", _H264_CODECS, None, "aac", _MKV_OPTIONS),
    ".webm": Container(
        "webm", _WEBM_CODECS, frozenset({"opus", "vorbis"}), "libopus", _MKV_OPTIONS
    ),
}
"""By file name extension."""
