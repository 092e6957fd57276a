"""One audio stream of an output: the packets of the input's as they are, or encoded anew."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from typing import Protocol

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet

from stream.sinks.adts import AdtsForm, adts_form
from stream.sinks.audio_encoder import BITS_PER_S_AND_CHANNEL, EncodedTrack, Order, aac_encoder
from stream.sinks.codecs import Container

_SAMPLE_RATE_HZ = 48_000

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
            twin = output.add_stream_from_template(stream)
            twin.metadata.update(_kept_metadata(stream))
            # AAC from a broadcast carries its set-up in every packet instead of once in the header.
            if codec == "aac" and not context.extradata:
                return BroadcastTrack(stream, twin, name=name)
            return CopiedTrack(twin)
    encoder = container.audio_encoder
    _log.warning(
        "%s: audio stream %d is encoded anew, with %s, as %s is not for %s files",
        name,
        stream.index,
        encoder,
        codec,
        container.muxer,
    )
    return _encoded_track(stream, output, encoder)


def _encoded_track(stream: AudioStream, output: OutputContainer, encoder: str) -> EncodedTrack:
    """Add a stream of 48 kHz, mono or stereo."""
    channels = min(2, stream.codec_context.layout.nb_channels)
    encoded = output.add_stream(
        encoder,
        rate=_SAMPLE_RATE_HZ,
        layout="stereo" if channels == 2 else "mono",
        bit_rate=channels * BITS_PER_S_AND_CHANNEL,
    )
    assert isinstance(encoded, AudioStream)
    encoded.metadata.update(_kept_metadata(stream))
    return EncodedTrack(stream, encoded, encoded.codec_context, Order())


class CopiedTrack:
    """Packets as they are."""

    def __init__(self, output: AudioStream) -> None:
        self._output = output

    def convert(self, packet: Packet[AudioStream]) -> Sequence[Packet[AudioStream]]:
        """The packet itself."""
        packet.stream = self._output
        return [packet]

    def flush(self) -> Sequence[Packet[AudioStream]]:
        """Nothing."""
        return []


class BroadcastTrack:
    """AAC packets without the headers of their own; what is too damaged for that is left out.

    A file has one header for all of them, a broadcast changes between stereo and 5.1. So the first
    packet's header serves, and where others differ they are encoded anew, to fit it.
    """

    def __init__(self, stream: AudioStream, output: AudioStream, *, name: str) -> None:
        self._input = stream
        self._output = output
        self._name = name
        self._filter = BitStreamFilterContext("aac_adtstoasc", stream)
        self._order = Order()
        self._form: AdtsForm | None = None
        self._encoded: EncodedTrack | None = None
        self._has_changed = False

    def convert(self, packet: Packet[AudioStream]) -> Sequence[Packet[AudioStream]]:
        """The packet, or what the encoder makes of it, sooner or later."""
        form = adts_form(packet)
        if form is None:
            return []
        self._form = self._form or form
        if form != self._form:
            return self._encoder(self._form).convert(packet)
        return [*self.flush(), *self._order.later(self._copied(packet))]

    def flush(self) -> Sequence[Packet[AudioStream]]:
        """What the encoder still holds."""
        encoded, self._encoded = self._encoded, None
        return encoded.flush() if encoded else []

    def _copied(self, packet: Packet[AudioStream]) -> Sequence[Packet[AudioStream]]:
        try:
            packets = self._filter.filter(packet)
        except av.FFmpegError:
            return []
        for each in packets:
            each.stream = self._output
        return packets

    def _encoder(self, form: AdtsForm) -> EncodedTrack:
        if self._encoded is None:
            context = aac_encoder(form.rate_hz, form.layout)
            self._encoded = EncodedTrack(self._input, self._output, context, self._order)
        if not self._has_changed:
            self._has_changed = True
            _log.warning(
                "%s: audio stream %d changes its form: what differs from its beginning is encoded "
                "anew",
                self._name,
                self._input.index,
            )
        return self._encoded


def _kept_metadata(stream: AudioStream) -> dict[str, str]:
    return {key: value for key, value in stream.metadata.items() if key in {"language", "title"}}
