from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stream.packets import read_packets


@dataclass
class FakePacket:
    size: int
    dts: int | None


class ContainerWithLateStream:
    """As PyAV does it: an empty packet for each stream, and an error for one that began late."""

    def demux(self, *streams: object) -> Iterator[FakePacket]:
        yield FakePacket(size=5, dts=0)
        yield FakePacket(size=0, dts=1)
        yield FakePacket(size=6, dts=2)
        yield FakePacket(size=0, dts=None)
        raise IndexError("list index out of range")


def test_a_stream_that_begins_late_in_the_file_does_not_end_in_an_error() -> None:
    packets = read_packets(ContainerWithLateStream(), ["video"])  # type: ignore[arg-type, list-item]
    assert [packet.size for packet in packets] == [5, 6]
