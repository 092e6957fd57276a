"""One audio stream of an output: the packets of the input's as they are, or encoded anew."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Protocol

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet

from stream.sinks.codecs import Container

_SAMPLE_RATE_HZ = 48_000
_BITS_PER_S_AND_CHANNEL = 96_000

_log = logging.getLogger(__name__)


class AudioTrack(Protocol):
    """Turns packets of an input stream into packets of an output stream."""

    def convert(self, packet: Packet[AudioStream]) -> Sequence[Packet[AudioStream]]:
        """What is to be written for `packet`, which is used up."""

    def flush(self) -> Sequence[Packet[AudioStream]]:
        """What is left after the last packet."""


def open_track(
    stream: AudioStream, output: OutputContainer, container: Container, *, name: str
) -> AudioTrack | None:
    """Add a stream to `output`: a copy if `container` may hold it, otherwise one that is encoded.

    Args:
        stream: The input's.
        output: Its header must not be written yet.
        container: The kind of `output`.
        name: What warnings call the input.

    Returns:
        The track; None, after a warning, if there is no decoder for it.
    """
    context = stream.codec_context
    if context is None or not context.sample_rate:
        _log.warning("%s: audio stream %d is of an unknown kind: left out", name, stream.index)
        return None
    codec = context.codec.canonical_name
    if container.audio_codecs is None or codec in container.audio_codecs:
        with contextlib.suppress(ValueError):  # the container does not know the codec after all
            return CopiedTrack(stream, output)
    encoder = container.audio_encoder
    _log.warning(
        "%s: audio stream %d is encoded anew, with %s, as %s is not for %s files",
        name,
        stream.index,
        encoder,
        codec,
        container.muxer,
    )
    return EncodedTrack(stream, output, encoder=encoder)


class CopiedTrack:
    """Packets as they are; what of a broadcast is too damaged for that is left out."""

    def __init__(self, stream: AudioStream, output: OutputContainer) -> None:
        self._output = output.add_stream_from_template(stream)
        self._output.metadata.update(_kept_metadata(stream))
        # AAC from a broadcast carries its set-up in every packet instead of once in the header.
        context = stream.codec_context
        in_band = context.codec.canonical_name == "aac" and not context.extradata
        self._filter = BitStreamFilterContext("aac_adtstoasc", stream) if in_band else None

    def convert(self, packet: Packet[AudioStream]) -> Sequence[Packet[AudioStream]]:
        """The packet itself."""
        try:
            packets = self._filter.filter(packet) if self._filter else [packet]
        except av.FFmpegError:
            return []
        for each in packets:
            each.stream = self._output
        return packets

    def flush(self) -> Sequence[Packet[AudioStream]]:
        """Nothing."""
        return []


class EncodedTrack:
    """Packets encoded anew, as 48 kHz mono or stereo; what cannot be decoded is left out.

    The input may change its format, rate and layout. Where it overlaps what went before, by less
    than a packet of its own, so much is left out that times only grow: no file takes others.
    """

    def __init__(self, stream: AudioStream, output: OutputContainer, *, encoder: str) -> None:
        channels = min(2, stream.codec_context.layout.nb_channels)
        self._input = stream
        encoded = output.add_stream(
            encoder,
            rate=_SAMPLE_RATE_HZ,
            layout="stereo" if channels == 2 else "mono",
            bit_rate=channels * _BITS_PER_S_AND_CHANNEL,
        )
        assert isinstance(encoded, AudioStream)
        encoded.metadata.update(_kept_metadata(stream))
        self._output = encoded
        self._resampler: AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None
        self._last_dts: int | None = None

    def convert(self, packet: Packet[AudioStream]) -> Sequence[Packet[AudioStream]]:
        """What the encoder makes of it, sooner or later."""
        return list(self._later(self._encode(packet)))

    def flush(self) -> Sequence[Packet[AudioStream]]:
        """What decoder and encoder still hold."""
        encoded = [*self._encode(None), *self._encode_all(self._rest())]
        return list(self._later([*encoded, *self._output.encode(None)]))

    def _encode(self, packet: Packet[AudioStream] | None) -> Sequence[Packet[AudioStream]]:
        try:
            frames = self._input.decode(packet)
        except av.FFmpegError:
            return []
        return self._encode_all(even for frame in frames for even in self._resampled(frame))

    def _encode_all(self, frames: Iterable[AudioFrame]) -> Sequence[Packet[AudioStream]]:
        return [encoded for frame in frames for encoded in self._output.encode(frame)]

    def _resampled(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """The frame as the encoder takes it; broadcasts change their form between programmes."""
        form = frame.format.name, frame.layout.name, frame.sample_rate
        if form != self._form:
            yield from self._rest()
            self._form = form
            self._resampler = AudioResampler(
                self._output.format, self._output.layout, self._output.rate
            )
        assert self._resampler is not None
        yield from self._resampler.resample(_timed_in_samples(frame))

    def _rest(self) -> Iterator[AudioFrame]:
        if self._resampler is not None:
            yield from self._resampler.resample(None)

    def _later(self, packets: Iterable[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
        """The packets that come after all before them."""
        for packet in packets:
            if self._last_dts is None or packet.dts is None or packet.dts > self._last_dts:
                self._last_dts = packet.dts
                yield packet


def _timed_in_samples(frame: AudioFrame) -> AudioFrame:
    """The frame itself, its time in the unit that resampled ones have.

    The encoder takes the unit of its first frame for that of all, and a resampler without anything
    to do leaves the input's.
    """
    unit = Fraction(1, frame.sample_rate)
    if frame.pts is not None and frame.time_base is not None:
        frame.pts = round(frame.pts * frame.time_base / unit)
    frame.time_base = unit
    return frame


def _kept_metadata(stream: AudioStream) -> dict[str, str]:
    return {key: value for key, value in stream.metadata.items() if key in {"language", "title"}}
