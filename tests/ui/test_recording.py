from __future__ import annotations

from pathlib import Path

import av
import pytest

from stream.errors import InputError
from tests.clips import make_clip, timestamps
from tests.outputs import sound
from tests.ui.recordings import live_recording
from ui.handlers import accept_recording
from ui.recording import completed
from ui.workplace import Workplace


def test_a_recording_learns_how_long_it_is(tmp_path: Path) -> None:
    recording = live_recording(tmp_path / "clip.webm", frames=15, audio_tracks=1)
    frames, tracks = timestamps(recording), len(sound(recording))
    whole = completed(recording)
    with av.open(whole) as container:
        assert container.duration == pytest.approx(500_000, abs=50_000)
    assert timestamps(whole) == frames
    assert len(sound(whole)) == tracks == 1


def test_a_clip_that_tells_its_length_stays_as_it_is(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    assert completed(clip) == clip
    assert clip.exists()


def test_a_recording_that_cannot_be_written_anew_stays_as_it_is(tmp_path: Path) -> None:
    # A WebM in name alone: what is in it would have to be in a Matroska file.
    recording = live_recording(tmp_path / "clip.mkv", frames=15)
    recording = recording.rename(recording.with_suffix(".webm"))
    assert completed(recording) == recording
    assert list(tmp_path.glob("*whole*")) == []


def test_a_recording_that_is_too_long_is_refused(workplace: Workplace) -> None:
    recording = live_recording(workplace.uploads / "clip.webm", frames=180)
    with pytest.raises(InputError, match="6 seconds long: expected at most 5"):
        accept_recording(workplace, recording)
    assert list(workplace.uploads.glob("*whole*")) == []
