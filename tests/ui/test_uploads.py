from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from stream.errors import InputError, ModelError
from stream.sample import CLIP
from tests.clips import cut_short, make_audio, make_clip
from tests.tiny_ir import write_tiny_ir
from tests.ui.recordings import live_recording
from ui.uploads import (
    Limits,
    check_background,
    check_clip,
    discarded_on_refusal,
    gather_model,
)

LIMITS = Limits(max_bytes=100_000, max_seconds=2, max_frames=60, max_pixels=320 * 240)


def as_text(folder: Path) -> Path:
    path = folder / "clip.mp4"
    path.write_text("this is no video")
    return path


def as_playlist(folder: Path) -> Path:
    secret = make_clip(folder / "secret.mp4")
    path = folder / "clip.mp4"
    path.write_text(f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n")
    return path


def as_concat_script(folder: Path) -> Path:
    secret = make_clip(folder / "secret.mp4")
    path = folder / "clip.mp4"
    path.write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    return path


def as_picture(folder: Path) -> Path:
    path = folder / "clip.png"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    return path


def as_large_file(folder: Path) -> Path:
    path = make_clip(folder / "clip.mp4")
    with path.open("ab") as file:
        file.write(bytes(100_000))
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "text": (as_text, "not a video"),
    "nothing": (lambda folder: folder / "clip.mp4", "gone"),
    "a playlist": (as_playlist, "not a video"),
    "a concat script": (as_concat_script, "not a video"),
    "a picture": (as_picture, "is a picture"),
    "sound alone": (lambda folder: make_audio(folder / "clip.m4a"), "no video stream"),
    "a torn file": (lambda f: cut_short(make_clip(f / "clip.mp4"), share=0.05), "no video stream"),
    "a long clip": (lambda f: make_clip(f / "c.mp4", frames=9, rate=3), "3 seconds long"),
    "many frames": (lambda f: make_clip(f / "c.mp4", frames=70, rate=60), "seconds long"),
    "a large picture": (lambda f: make_clip(f / "c.mp4", size_wh=(640, 480)), "640 x 480"),
    "many bytes": (as_large_file, "0 MB"),
}


def test_a_video_within_the_limits_is_accepted(tmp_path: Path) -> None:
    info = check_clip(make_clip(tmp_path / "clip.mp4"), LIMITS)
    assert info.size_wh == (64, 48)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_clip_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    make, words = REFUSED[kind]
    path = make(tmp_path)
    with pytest.raises(InputError, match=words) as refused:
        check_clip(path, LIMITS)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_a_recording_that_does_not_tell_its_length_is_counted(tmp_path: Path) -> None:
    path = live_recording(tmp_path / "clip.webm", frames=20)
    assert check_clip(path, LIMITS).duration_s is None
    with pytest.raises(InputError, match="over 10 frames long"):
        check_clip(path, Limits(max_frames=10))


def test_a_refused_upload_is_deleted(tmp_path: Path) -> None:
    upload = as_text(tmp_path)
    with pytest.raises(InputError), discarded_on_refusal([upload], within=tmp_path):
        check_clip(upload, LIMITS)
    assert not upload.exists()


def test_a_file_that_is_no_upload_is_never_deleted(tmp_path: Path) -> None:
    with pytest.raises(InputError), discarded_on_refusal([CLIP], within=tmp_path):
        check_clip(CLIP, LIMITS)
    assert CLIP.exists()


def test_pictures_and_videos_can_be_backgrounds(tmp_path: Path) -> None:
    check_background(as_picture(tmp_path), LIMITS)
    check_background(make_clip(tmp_path / "clip.mp4"), LIMITS)


@pytest.mark.parametrize("make", [as_text, as_playlist, as_large_file])
def test_what_cannot_be_a_background_is_refused(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        check_background(make(tmp_path), LIMITS)


def test_the_two_files_of_a_model_are_brought_together(tmp_path: Path) -> None:
    for name in ("one", "other", "job"):
        (tmp_path / name).mkdir()
    xml = write_tiny_ir(tmp_path / "one" / "mine.xml")
    weights = tmp_path / "other" / "weights of mine.bin"
    xml.with_suffix(".bin").rename(weights)
    model = gather_model([weights, xml], tmp_path / "job", LIMITS)
    assert model == tmp_path / "job" / "mine.xml"
    assert model.with_suffix(".bin").is_file()


def test_half_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"its \.bin; got mine\.xml"):
        gather_model([write_tiny_ir(tmp_path / "mine.xml")], tmp_path, LIMITS)


def test_what_is_no_matting_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    files = [tmp_path / "mine.xml", tmp_path / "mine.bin"]
    for file in files:
        file.write_text("<net/>")
    with pytest.raises(ModelError, match="cannot read the model"):
        gather_model(files, tmp_path / "job", LIMITS)
