from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from stream.errors import InputError
from stream.source import CameraRequest, open_source
from stream.sources import camera, network, pipe
from tests.clips import make_clip, picture


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Which door each spec went through, for what cannot be opened here."""
    calls: list[tuple[object, ...]] = []

    def record(kind: str) -> object:
        return lambda *args, **options: calls.append((kind, *args))

    monkeypatch.setattr(camera, "open_camera", record("camera"))
    monkeypatch.setattr(network, "open_address", record("address"))
    monkeypatch.setattr(pipe, "open_stdin", record("stdin"))
    monkeypatch.setattr(pipe, "open_fifo", record("fifo"))
    return calls


@pytest.mark.parametrize("spec", ["0", "12", "/dev/video0", "/dev/v4l/by-id/usb-cam"])
def test_a_number_or_video_device_is_a_camera(spec: str, opened: list[tuple[object, ...]]) -> None:
    wanted = CameraRequest(size_wh=(1280, 720), fps=30)
    open_source(spec, camera=wanted)
    assert opened == [("camera", spec, wanted)]


@pytest.mark.parametrize("spec", ["rtsp://a.b/c", "http://a.b/c.mp4", "udp://@:5000", "what://x"])
def test_anything_with_a_protocol_is_an_address(
    spec: str, opened: list[tuple[object, ...]]
) -> None:
    open_source(spec)
    assert opened == [("address", spec)]


def test_a_dash_is_standard_input(opened: list[tuple[object, ...]]) -> None:
    open_source("-")
    assert opened == [("stdin",)]


def test_a_file_may_be_given_as_a_file_url_with_escapes(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "my clip.mp4")
    with open_source(clip.as_uri()) as source:
        assert source.info.path == clip


def test_a_video_an_image_and_a_folder_each_open_as_what_they_are(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.JPG"), picture((64, 48)))
    make_clip(tmp_path / "clip.mp4")
    found = {}
    for name in ("clip.mp4", "photo.JPG", ""):
        with open_source(str(tmp_path / name)) as source:
            found[name] = (source.info.is_still, source.info.path, len(list(source)))
    assert found == {
        "clip.mp4": (False, tmp_path / "clip.mp4", 12),
        "photo.JPG": (True, None, 1),
        "": (True, None, 1),
    }


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InputError, match=r"no such file: no/such/clip\.mp4") as caught:
        open_source("no/such/clip.mp4")
    assert caught.value.hint
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("spec", ["0", "-", "rtsp://a.b/c", "file:///etc/passwd", "."])
def test_an_untrusted_spec_opens_files_and_nothing_else(
    spec: str, opened: list[tuple[object, ...]]
) -> None:
    with pytest.raises(InputError):
        open_source(spec, untrusted=True)
    assert opened == []


def test_an_untrusted_file_that_is_named_like_a_camera_is_still_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[tuple[object, ...]]
) -> None:
    make_clip(tmp_path / "0.mp4").rename(tmp_path / "0")
    monkeypatch.chdir(tmp_path)
    with open_source("0", untrusted=True) as source:
        assert len(list(source)) == 12
    assert opened == []
