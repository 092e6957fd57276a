"""Sound that is decoded, brought to one form and encoded anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet

BITS_PER_S_AND_CHANNEL = 96_000

_LEAST_STEP_S = Fraction(1, 500)
"""From a packet to the next one; Matroska counts milliseconds."""


def aac_encoder(rate_hz: int, layout: str) -> AudioCodecContext:
    """An encoder that belongs to no stream.

    Args:
        rate_hz: Samples per second.
        layout: FFmpeg's name of the channels, such as "5.1".
    """
    context = AudioCodecContext.create("aac", "w")
    context.sample_rate, context.layout, context.format = rate_hz, layout, "fltp"
    context.bit_rate = context.layout.nb_channels * BITS_PER_S_AND_CHANNEL
    return context


class Order:
    """Leaves out packets that do not come after all before them: no file takes those."""

    def __init__(self) -> None:
        self._last_s: Fraction | None = None

    def later(self, packets: Iterable[Packet[AudioStream]]) -> list[Packet[AudioStream]]:
        """Those of the packets that do."""
        return [packet for packet in packets if self._is_later(packet)]

    def _is_later(self, packet: Packet[AudioStream]) -> bool:
        assert packet.dts is not None
        begin_s = packet.dts * packet.time_base
        if self._last_s is not None and begin_s < self._last_s + _LEAST_STEP_S:
            return False
        self._last_s = begin_s
        return True


class EncodedTrack:
    """Packets encoded anew; what cannot be decoded is left out.

    The input may change its format, rate and layout. Where it overlaps what went before, by less
    than a packet of its own, so much is left out that times only grow.

    Args:
        stream: The input's.
        output: The output's.
        context: The encoder; what comes out of it fits the header of `output`.
        order: Of all that goes into `output`.
    """

    def __init__(
        self, stream: AudioStream, output: AudioStream, context: AudioCodecContext, order: Order
    ) -> None:
        self._input = stream
        self._output = output
        self._context = context
        self._order = order
        self._resampler: AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None

    def convert(self, packet: Packet[AudioStream]) -> Sequence[Packet[AudioStream]]:
        """What the encoder makes of it, sooner or later."""
        return self._encoded(self._decoded(packet))

    def flush(self) -> Sequence[Packet[AudioStream]]:
        """What decoder and encoder still hold; the decoder may then be used again."""
        packets = self._encoded([*self._decoded(None), *self._rest(), None])
        self._input.codec_context.flush_buffers()
        return packets

    def _decoded(self, packet: Packet[AudioStream] | None) -> Iterator[AudioFrame]:
        try:
            for frame in self._input.decode(packet):
                yield from self._resampled(frame)
        except av.FFmpegError:
            self._resampler = self._form = None  # it may not stand a form that damage made up

    def _encoded(self, frames: Iterable[AudioFrame | None]) -> Sequence[Packet[AudioStream]]:
        """Encode frames; None takes out what the encoder holds."""
        packets = [packet for frame in frames for packet in self._context.encode(frame)]
        for packet in packets:
            packet.stream = self._output
        return self._order.later(packets)

    def _resampled(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """The frame as the encoder takes it; broadcasts change their form between programmes."""
        form = frame.format.name, frame.layout.name, frame.sample_rate
        if form != self._form:
            yield from self._rest()
            self._form = form
            self._resampler = AudioResampler(
                self._context.format, self._context.layout, self._context.rate
            )
        assert self._resampler is not None
        yield from self._resampler.resample(_timed_in_samples(frame))

    def _rest(self) -> Iterator[AudioFrame]:
        if self._resampler is not None:
            yield from self._resampler.resample(None)


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
