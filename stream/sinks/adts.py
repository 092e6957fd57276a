"""The header of a packet of AAC from a broadcast (ADTS: ISO/IEC 14496-3, 1.A.3)."""

from __future__ import annotations

from dataclasses import dataclass

from av.audio.stream import AudioStream
from av.packet import Packet

_RATES_HZ = (
    96000,
    88200,
    64000,
    48000,
    44100,
    32000,
    24000,
    22050,
    16000,
    12000,
    11025,
    8000,
    7350,
)
_LAYOUTS = ("stereo", "mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1")
"""FFmpeg's names; the first stands for what only the packet itself describes: two languages."""


@dataclass(frozen=True)
class AdtsForm:
    """What a decoder is set up for.

    Attributes:
        profile: Which tools of AAC are used: 1 = low complexity.
        rate_hz: Samples per second, without what spectral band replication adds.
        channels: The number of a layout.
    """

    profile: int
    rate_hz: int
    channels: int

    @property
    def layout(self) -> str:
        """FFmpeg's name of the channels."""
        return _LAYOUTS[self.channels]


def adts_form(packet: Packet[AudioStream]) -> AdtsForm | None:
    """What the header says; None where there is none."""
    head = bytes(memoryview(packet)[:4])
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    profile, rate, channels = head[2] >> 6, head[2] >> 2 & 15, (head[2] & 1) << 2 | head[3] >> 6
    return AdtsForm(profile, _RATES_HZ[rate], channels) if rate < len(_RATES_HZ) else None
