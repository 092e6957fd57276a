"""Reads packets from a container that is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar, cast

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

_Kind = TypeVar("_Kind", bound=Stream)


def read_packets(container: InputContainer, streams: Sequence[_Kind]) -> Iterator[Packet[_Kind]]:
    """Yield every packet of some streams, in the order of the file.

    Raises:
        av.FFmpegError: It cannot be read to its end.
    """
    for packet in cast("Iterator[Packet[_Kind]]", container.demux(*streams)):
        if packet.size:
            yield packet
        elif packet.dts is None:  # the end; past it PyAV trips over streams that began late
            return
