"""Brings the sound of a video file into another one, beside new pictures."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard

from stream.packets import read_packets
from stream.sinks.audio_track import AudioTrack, open_track
from stream.sinks.codecs import Container

_LOCAL = {"protocol_whitelist": "file"}  # a playlist that calls itself a video opens no address

_log = logging.getLogger(__name__)


class AudioFeed:
    """All audio streams of a file, written packet by packet as far as the pictures have come.

    Sound that cannot be read is worth a warning, never an error: the pictures go on without it.

    Args:
        path: The video file that has the sound.
        output: Gets a stream for each of the input's; its header must not be written yet.
        container: The kind of `output`.
        first_s: Time of the output's first picture in the input, in seconds. Where this is not the
            input's first picture, earlier sound is left out.
        shift_s: Added to every time, in seconds.

    Raises:
        av.FFmpegError: The file cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        output: OutputContainer,
        container: Container,
        *,
        first_s: Fraction,
        shift_s: Fraction,
    ) -> None:
        self._path = path
        self._output = output
        self._has_edit_lists = container.is_mp4
        self._shift_s = shift_s
        self._input = av.open(str(path), options=_LOCAL, metadata_errors="replace")
        self._from_s = first_s if _has_picture_before(self._input, first_s) else None
        self._tracks: dict[int, AudioTrack] = {}
        for stream in self._input.streams.audio:
            if track := open_track(stream, output, container, name=path.name):
                self._tracks[stream.index] = track
        for other in self._input.streams:
            if other.index not in self._tracks:
                other.discard = Discard.all  # the demuxer steps over the pictures
        self._last_dts: dict[int, int] = {}
        self._given: set[int] = set()  # the tracks that got a packet
        self._written: set[int] = set()  # and those that gave one
        self._out_of_order = 0
        self._packets = self._read()
        self._next = next(self._packets, None)

    def write_until(self, end_s: Fraction | None) -> None:
        """Write the sound that begins before `end_s`, in seconds of the input; None: all."""
        while self._next is not None and (end_s is None or _begin_s(self._next) < end_s):
            index = self._next.stream.index
            self._given.add(index)
            self._put(index, self._tracks[index].convert(_shifted(self._next, self._shift_s)))
            self._next = next(self._packets, None)

    def finish(self, *, last_s: Fraction, end_s: Fraction) -> None:
        """Write the rest: all that is left if the run came to the input's end, else up to `end_s`.

        Args:
            last_s: Time of the output's last picture in the input, in seconds.
            end_s: When that picture ends.
        """
        self.write_until(end_s if _has_picture_after(self._path, last_s) else None)
        for index, track in self._tracks.items():
            self._put(index, track.flush())
        for index in self._given - self._written:
            _log.warning("%s: audio stream %d cannot be decoded: left out", self._path.name, index)
        if self._out_of_order:
            _log.warning(
                "%s: %d sound packets out of order left out", self._path.name, self._out_of_order
            )

    def close(self) -> None:
        """Close the input."""
        self._input.close()

    def _put(self, index: int, packets: Sequence[Packet[AudioStream]]) -> None:
        if packets:
            self._written.add(index)
            self._output.mux(packets)

    def _read(self) -> Iterator[Packet[AudioStream]]:
        """The packets to be written, in the order of the file."""
        streams = tuple(s for s in self._input.streams.audio if s.index in self._tracks)
        if not streams:
            return
        try:
            for packet in read_packets(self._input, streams):
                if self._is_wanted(packet):
                    yield packet
        except av.FFmpegError as error:
            _log.warning("%s: its sound ends early: %s", self._path.name, error.strerror)

    def _is_wanted(self, packet: Packet[AudioStream]) -> bool:
        packet.dts = packet.pts if packet.dts is None else packet.dts
        if packet.dts is None or (self._from_s is not None and _end_s(packet) <= self._from_s):
            return False
        if packet.is_discard and not self._has_edit_lists:
            return False  # hidden by the input's edit list; here it would be heard
        last = self._last_dts.get(packet.stream.index)
        if last is not None and packet.dts <= last:
            self._out_of_order += 1
            return False
        self._last_dts[packet.stream.index] = packet.dts
        return True


def _begin_s(packet: Packet[AudioStream]) -> Fraction:
    assert packet.dts is not None
    return packet.dts * packet.time_base


def _end_s(packet: Packet[AudioStream]) -> Fraction:
    return _begin_s(packet) + (packet.duration or 0) * packet.time_base


def _shifted(packet: Packet[AudioStream], shift_s: Fraction) -> Packet[AudioStream]:
    ticks = round(shift_s / packet.time_base)
    packet.dts = None if packet.dts is None else packet.dts + ticks
    packet.pts = None if packet.pts is None else packet.pts + ticks
    return packet


def _has_picture_before(container: InputContainer, time_s: Fraction) -> bool:
    video = container.streams.best("video")
    if video is None or video.start_time is None or video.time_base is None:
        return False
    return video.start_time * video.time_base < time_s


def _has_picture_after(path: Path, time_s: Fraction) -> bool:
    try:
        with av.open(str(path), options=_LOCAL, metadata_errors="replace") as container:
            video = container.streams.best("video")
            if video is None or not video.time_base:
                return False
            ticks = time_s / video.time_base
            container.seek(int(ticks), stream=video)
            packets = read_packets(container, [video])
            return any(packet.pts is not None and packet.pts > ticks for packet in packets)
    except av.FFmpegError:
        return True
