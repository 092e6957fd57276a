"""Repairs of MP4 files, on files of a few bytes and on a real one."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from stream.sinks.mp4 import cut_torn_fragment, move_index_to_front
from tests.clips import make_clip
from tests.outputs import boxes, names, sound, times


def box(kind: str, size: int = 16) -> bytes:
    return size.to_bytes(4, "big") + kind.encode() + bytes(size - 8)


HEAD = box("ftyp") + box("moov")
FRAGMENT = box("moof") + box("mdat", 40)


@pytest.mark.parametrize(
    "torn", [b"", b"\0", box("moof")[:9], box("moof"), box("moof") + box("mdat", 40)[:-1]]
)
def test_a_torn_fragment_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(HEAD + 2 * FRAGMENT + torn)
    cut_torn_fragment(path)
    assert path.read_bytes() == HEAD + 2 * FRAGMENT


def test_a_file_without_any_fragment_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    for content in (b"", box("ftyp"), HEAD, HEAD + box("moof")[:9]):
        path.write_bytes(content)
        cut_torn_fragment(path)
        assert path.read_bytes() == b""


def test_a_file_that_was_closed_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    long_box = b"\0\0\0\1mdat" + (24).to_bytes(8, "big") + bytes(8)
    path.write_bytes(box("ftyp") + long_box + box("moov"))
    cut_torn_fragment(path)
    assert path.read_bytes() == box("ftyp") + long_box + box("moov")


def index_last(path: Path) -> Path:
    """Write the packets of a clip to another file, whose index comes last."""
    copy = path.with_name("index_last.mp4")
    with av.open(str(path)) as old, av.open(str(copy), "w") as new:
        twins = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = twins[packet.stream.index]
                new.mux(packet)
    return copy


def test_the_index_moves_and_nothing_else_changes(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", audio_tracks=2, variable_rate=True, start_s=0.5)
    moved = index_last(clip)
    assert boxes(moved)[-1] == "moov"
    before = times(moved), sound(moved)
    move_index_to_front(moved)
    assert (times(moved), sound(moved)) == before
    kinds = boxes(moved)
    assert kinds.index("moov") < kinds.index("mdat")
    assert names(tmp_path) == ["in.mp4", "index_last.mp4"]


def test_a_file_that_cannot_be_copied_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    clip = index_last(make_clip(tmp_path / "in.mp4"))
    before = clip.read_bytes()
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        move_index_to_front(clip)
    assert clip.read_bytes() == before
    assert names(tmp_path) == ["in.mp4", "index_last.mp4"]
