"""Clips as browsers record them."""

from __future__ import annotations

from pathlib import Path

import av

from tests.clips import make_clip


def live_recording(path: Path, *, frames: int, audio_tracks: int = 0) -> Path:
    """Write a WebM, or another kind of Matroska file, that does not say how long it is."""
    codec = "libvpx-vp9" if path.suffix == ".webm" else "libx264"
    source = path.with_name(f"source{path.suffix}")
    make_clip(source, frames=frames, codec=codec, audio_tracks=audio_tracks)
    with av.open(source) as whole, av.open(path, "w", options={"live": "1"}) as live:
        copies = [live.add_stream_from_template(stream) for stream in whole.streams]
        for packet in whole.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                live.mux(packet)
    return path
