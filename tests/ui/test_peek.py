from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from stream.errors import InputError
from stream.source import open_source
from tests.clips import make_audio, make_clip
from ui.peek import count_frames, picture_at


def test_every_moment_shows_the_frame_that_a_player_shows(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=20, variable_rate=True)
    with open_source(str(clip)) as source:
        frames = list(source)
    for frame, later in itertools.pairwise(frames):
        for time_s in (frame.time_s, (frame.time_s + later.time_s) / 2):
            assert np.array_equal(picture_at(clip, time_s), frame.image)


def test_after_the_end_the_last_frame_is_shown(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=5)
    with open_source(str(clip)) as source:
        *_, last = source
    assert np.array_equal(picture_at(clip, 99.0), last.image)


def test_pictures_are_upright(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", rotation=90)
    assert picture_at(clip, 0.1).shape == (64, 48, 3)


def test_a_file_without_pictures_has_no_moments(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no video stream"):
        picture_at(make_audio(tmp_path / "sound.m4a"), 0.0)


@pytest.mark.parametrize(("at_most", "count"), [(100, 20), (7, 7)])
def test_frames_are_counted_up_to_a_limit(tmp_path: Path, at_most: int, count: int) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=20, audio_tracks=1)
    assert count_frames(clip, at_most=at_most) == count
