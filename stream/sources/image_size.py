"""What size an image file claims to be, read from its header before anything is decoded.

OpenCV decodes up to a thousand million pixels without asking, so a file of a few kilobytes could
claim gigabytes of memory.
"""

from __future__ import annotations

import struct

_JPEG_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
_JPEG_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def claimed_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG, WebP or BMP; None for other formats and torn headers."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _pair(data, ">II", 16)
        if data.startswith(b"\xff\xd8"):
            return _jpeg_size(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp_size(data)
        if data.startswith(b"BM"):
            width, height = _pair(data, "<ii", 18)
            return width, abs(height)  # a negative height means top row first
    except (struct.error, IndexError):
        pass
    return None


def _pair(data: bytes, layout: str, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, data, offset)
    return first, second


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments (0xFF, marker, length, body) to the frame header."""
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker in _JPEG_FRAME_HEADERS:
            height, width = _pair(data, ">HH", at + 5)
            return width, height
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _JPEG_WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """The three kinds of WebP each store their size in their own way."""
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little")
        height = int.from_bytes(data[27:30], "little")
        return width + 1, height + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = _pair(data, "<HH", 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
