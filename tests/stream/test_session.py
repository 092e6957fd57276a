from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import stream.session
from stream.errors import DisplayError, ModelError
from stream.sample import CLIP
from stream.session import Session, SessionOptions
from stream.sink import NullSink
from tests.clips import make_clip
from tests.tiny_ir import write_tiny_ir


class FakeWindow(NullSink):
    """Remembers what it was made with."""

    made_with: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, **arguments: Any) -> None:
        FakeWindow.made_with = arguments


class FakePredictor:
    made_with: dict[str, Any] = {}  # noqa: RUF012
    model_name, device_name = "tiny", "CPU"

    def __init__(self, model: str, **arguments: Any) -> None:
        FakePredictor.made_with = {"model": model, **arguments}

    def close(self) -> None:
        pass


@pytest.fixture
def predictor(monkeypatch: pytest.MonkeyPatch) -> type[FakePredictor]:
    monkeypatch.setattr(stream.session, "MattePredictor", FakePredictor)
    return FakePredictor


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> type[FakeWindow]:
    monkeypatch.setattr("stream.window.WindowSink", FakeWindow)
    monkeypatch.setattr("stream.virtual_camera.VirtualCameraSink", FakeWindow)
    return FakeWindow


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", frames=3)


@pytest.fixture
def open_session() -> Iterator[Callable[[SessionOptions], Session]]:
    opened: list[Session] = []

    def open_one(options: SessionOptions) -> Session:
        opened.append(Session(options, cancelled=lambda: False))
        return opened[-1]

    yield open_one
    for session in opened:
        session.close()


Opener = Callable[[SessionOptions], Session]


def test_without_an_input_the_sample_is_put_before_the_samples_background(
    open_session: Opener, predictor: type[FakePredictor]
) -> None:
    session = open_session(SessionOptions(output="none"))
    assert session.source.info.path == CLIP
    assert not session.background.is_transparent
    assert len(session.sinks) == 1


def test_a_file_has_several_frames_in_inference_and_a_camera_one(
    open_session: Opener,
    predictor: type[FakePredictor],
    window: type[FakeWindow],
    clip: Path,
) -> None:
    options = SessionOptions(input=str(clip), output="none", threads=2)
    open_session(options)
    assert predictor.made_with["requests"] == 3
    open_session(replace(options, output="virtual"))  # paced like a camera
    assert predictor.made_with["requests"] == 1
    open_session(replace(options, requests=7))
    assert predictor.made_with["requests"] == 7


def test_networks_for_pictures_of_many_sizes_are_not_kept(
    open_session: Opener,
    predictor: type[FakePredictor],
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream.session, "user_cache_dir", lambda: tmp_path)
    open_session(SessionOptions(input=str(clip), output="none"))
    assert predictor.made_with["cache_dir"] == tmp_path
    open_session(SessionOptions(input=str(CLIP.with_name("background.jpg")), output="none"))
    assert predictor.made_with["cache_dir"] is None


def test_a_file_in_a_window_keeps_its_pace_and_several_backgrounds_are_at_hand(
    open_session: Opener, predictor: type[FakePredictor], window: type[FakeWindow], clip: Path
) -> None:
    session = open_session(SessionOptions(input=str(clip), output="window"))
    assert session.source.info.is_live
    before = session.background
    session.background.next()
    assert session.background is before
    stats = window.made_with["stats"]()
    assert (stats.model, stats.device, stats.size_wh) == ("tiny", "CPU", (64, 48))
    assert (stats.fps, stats.dropped, stats.stage_ms) == (0.0, 0, {})


def test_a_windows_recording_has_no_sound_of_another_time(
    open_session: Opener,
    predictor: type[FakePredictor],
    window: type[FakeWindow],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    sound = make_clip(tmp_path / "sound.mp4", frames=3, audio_tracks=1)
    open_session(SessionOptions(input=str(sound), output="window"))
    opened: list[Any] = []
    monkeypatch.setattr(stream.session, "open_sink", lambda spec, info, **_: opened.append(info))
    window.made_with["open_recording"](tmp_path / "recording.mp4")
    assert opened[0].path is None
    assert opened[0].frame_rate == Fraction(30)


def test_the_split_view_compares_with_the_other_network(
    open_session: Opener,
    predictor: type[FakePredictor],
    window: type[FakeWindow],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream.session, "model_names", lambda: ("original", "pruned"))
    open_session(SessionOptions(output="window", model="pruned"))
    window.made_with["compare"]()
    assert predictor.made_with["model"] == "original"
    monkeypatch.setattr(stream.session, "model_names", lambda: ("pruned",))
    open_session(SessionOptions(output="window", model="pruned"))
    assert window.made_with["compare"] is None


def test_an_image_stays_in_the_window(
    open_session: Opener, predictor: type[FakePredictor], window: type[FakeWindow]
) -> None:
    image = str(CLIP.with_name("background.jpg"))
    session = open_session(SessionOptions(input=image, output="window"))
    frames = iter(session.source)
    assert next(frames).pts == 0
    session.source.close()  # as a closed window does; without it the iteration would not end
    assert next(frames, None) is None


@pytest.mark.parametrize(
    ("output", "device"), [("virtual", None), ("virtual:/dev/video10", "/dev/video10")]
)
def test_a_virtual_camera_is_told_its_device_and_what_the_input_is(
    open_session: Opener,
    predictor: type[FakePredictor],
    window: type[FakeWindow],
    clip: Path,
    output: str,
    device: str | None,
) -> None:
    open_session(SessionOptions(input=str(clip), output=output))
    assert window.made_with == {
        "size_wh": (64, 48),
        "frame_rate": Fraction(30),
        "device": device,
        "source": str(clip),
    }


def test_files_that_are_read_are_never_replaced(
    predictor: type[FakePredictor], tmp_path: Path, clip: Path
) -> None:
    scene = make_clip(tmp_path / "scene.mp4", frames=3)
    content = scene.read_bytes()
    options = SessionOptions(
        input=str(clip), backgrounds=(str(scene),), output=str(scene), overwrite=True
    )
    with pytest.raises(stream.errors.OutputError, match=r"scene\.mp4"):
        Session(options, cancelled=lambda: False)
    assert scene.read_bytes() == content


def test_what_was_opened_is_closed_when_something_else_cannot_be(
    monkeypatch: pytest.MonkeyPatch, clip: Path
) -> None:
    closed: list[str] = []
    original = stream.session.open_source

    def open_source(*arguments: Any, **options: Any) -> Any:
        source = original(*arguments, **options)
        monkeypatch.setattr(source, "_release", lambda: closed.append("source"))
        return source

    monkeypatch.setattr(stream.session, "open_source", open_source)
    with pytest.raises(ModelError, match="no model is called 'no'"):
        Session(SessionOptions(input=str(clip), output="none", model="no"), cancelled=bool)
    assert closed


def test_without_a_display_there_is_no_window(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clip: Path
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    model = str(write_tiny_ir(tmp_path / "tiny.xml"))
    with pytest.raises(DisplayError, match="no display"):
        Session(SessionOptions(input=str(clip), output="window", model=model), cancelled=bool)
