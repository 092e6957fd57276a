from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stream.inference.model_setup
import stream.session
from stream.errors import DisplayError, ModelError, UsageError
from stream.frame import Alpha, CompositedFrame, Frame, Image, MattedFrame
from stream.inference.adaptive import AdaptivePredictor
from stream.inference.reuse import MatteReuse
from stream.mattes.subject import Subject
from stream.sample import CLIP
from stream.session import Session, SessionOptions
from stream.sink import NullSink
from stream.source import SourceInfo
from stream.sources.closable import ClosableSource
from stream.stats import StageClock
from stream.steps import StepOptions
from tests.clips import make_clip
from tests.tiny_ir import write_tiny_ir

STILL = str(CLIP.with_name("background.jpg"))


class FakeWindow(NullSink):
    """Remembers what it was made with, and what it was given."""

    made_with: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, **arguments: Any) -> None:
        FakeWindow.made_with = arguments
        self.frames: list[CompositedFrame] = []
        FakeWindow.latest = self

    def write(self, frame: CompositedFrame) -> None:
        self.frames.append(frame)


class FakePredictor:
    made_with: dict[str, Any] = {}  # noqa: RUF012
    model_name, device_name, input_size_wh = "tiny", "CPU", None

    def __init__(self, model: str, *, size: int, **arguments: Any) -> None:
        self.size = size
        FakePredictor.latest = self
        FakePredictor.made_with = {"model": model, "size": size, **arguments}

    def predict(self, image: Image) -> Alpha:
        return np.zeros(image.shape[:2], np.uint8)

    def close(self) -> None:
        pass


class FakeCamera(ClosableSource):
    """Its frames come when the test asks for them."""

    def __init__(self) -> None:
        super().__init__()
        self.info = SourceInfo("camera 0", (64, 48), Fraction(1, 1000), is_live=True)

    def _read(self) -> Iterator[Frame]:
        yield from ()

    def _release(self) -> None: ...


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.session, "open_source", lambda *_, **__: FakeCamera())


@pytest.fixture
def predictor(monkeypatch: pytest.MonkeyPatch) -> type[FakePredictor]:
    monkeypatch.setattr(stream.inference.model_setup, "MattePredictor", FakePredictor)
    return FakePredictor


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> type[FakeWindow]:
    monkeypatch.setattr("stream.live.window.WindowSink", FakeWindow)
    monkeypatch.setattr("stream.live.virtual_camera.VirtualCameraSink", FakeWindow)
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


@pytest.mark.parametrize(("device", "model"), [("CPU", "pruned-int8"), ("GPU", "pruned")])
def test_a_cpu_gets_the_network_of_8_bits_where_none_is_asked_for(
    open_session: Opener, predictor: type[FakePredictor], device: str, model: str
) -> None:
    open_session(SessionOptions(output="none", device=device))
    assert predictor.made_with["model"] == model
    open_session(SessionOptions(output="none", device=device, model="original"))
    assert predictor.made_with["model"] == "original"


def test_a_camera_gets_a_size_that_keeps_up(
    open_session: Opener, predictor: type[FakePredictor], camera: None
) -> None:
    options = SessionOptions(input="0", output="none")
    open_session(options)
    assert predictor.made_with["size"] == 288
    open_session(replace(options, size=320))
    assert predictor.made_with["size"] == 320
    open_session(replace(options, size=320, target_fps=25.0))
    assert predictor.made_with["size"] == 288  # to begin with


def test_a_file_gets_the_full_size_unless_it_is_watched(
    open_session: Opener, predictor: type[FakePredictor], window: type[FakeWindow], clip: Path
) -> None:
    options = SessionOptions(input=str(clip), output="none")
    open_session(options)
    assert predictor.made_with["size"] == 384
    open_session(replace(options, target_fps=25.0))
    assert predictor.made_with["size"] == 384  # to begin with
    open_session(replace(options, output="window"))
    assert predictor.made_with["size"] == 288
    open_session(replace(options, output="window", input=STILL))
    assert predictor.made_with["size"] == 384


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (SessionOptions(), FakePredictor),
        (SessionOptions(skip=2), MatteReuse),
        (SessionOptions(still=True), MatteReuse),
        (SessionOptions(target_fps=25.0), AdaptivePredictor),
    ],
)
def test_where_mattes_are_reused_one_frame_at_a_time_is_in_inference(
    open_session: Opener,
    predictor: type[FakePredictor],
    clip: Path,
    options: SessionOptions,
    kind: type,
) -> None:
    session = open_session(replace(options, input=str(clip), output="none", threads=2))
    assert type(session.predictor) is kind
    reuses = kind is not FakePredictor
    assert predictor.made_with["requests"] == (1 if reuses else 3)
    if reuses:
        with pytest.raises(UsageError, match="one frame is in inference at a time, not 3"):
            open_session(replace(options, input=str(clip), output="none", requests=3))


def test_n_skipped_frames_make_a_matte_serve_one_more(
    open_session: Opener, predictor: type[FakePredictor], clip: Path
) -> None:
    session = open_session(SessionOptions(input=str(clip), output="none", skip=2))
    assert isinstance(session.predictor, MatteReuse)
    assert session.predictor.every == 3


def test_every_inference_is_counted_by_the_clock(
    open_session: Opener, predictor: type[FakePredictor], clip: Path
) -> None:
    session = open_session(SessionOptions(input=str(clip), output="none"))
    predictor.made_with["on_inference"](0.04)
    assert session.clock.inference().count == 1


def test_single_pictures_have_nothing_to_do_with_each_other(
    open_session: Opener, predictor: type[FakePredictor]
) -> None:
    steps = StepOptions(delay_one_frame=True, subject=Subject.LARGEST)
    options = SessionOptions(input=STILL, output="none", skip=3, target_fps=25.0, steps=steps)
    session = open_session(options)
    assert [name for name, _ in session.steps] == ["subject", "refine"]
    assert isinstance(session.predictor, FakePredictor)


def test_a_window_shows_the_background_until_the_first_picture_comes(
    open_session: Opener, predictor: type[FakePredictor], window: type[FakeWindow], clip: Path
) -> None:
    options = SessionOptions(input=str(clip), output="window", backgrounds=("#00b140",))
    session = open_session(options)
    session.sinks[0].idle()
    (shown,) = window.latest.frames
    assert (shown.image == (0x40, 0xB1, 0)).all()
    assert window.made_with["missing"]() == "starting"
    session.clock.deliver(0.0)
    assert window.made_with["missing"]() == ""


@pytest.mark.parametrize("output", ["window", "virtual"])
def test_the_background_takes_the_place_of_a_camera_that_is_lost(
    open_session: Opener,
    predictor: type[FakePredictor],
    window: type[FakeWindow],
    camera: None,
    output: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silence_s = [0.5]
    monkeypatch.setattr(StageClock, "silence_s", lambda self, stage: silence_s[0])
    session = open_session(SessionOptions(input="0", output=output, backgrounds=("#00b140",)))
    session.clock.deliver(0.0)
    session.sinks[0].idle()
    assert window.latest.frames == []
    silence_s[0] = 1.5
    session.sinks[0].idle()
    assert [int(frame.image[0, 0, 1]) for frame in window.latest.frames] == [0xB1]
    if output == "window":
        assert window.made_with["missing"]() == "no picture from camera 0"


def test_a_clip_that_is_paused_is_not_lost(
    open_session: Opener,
    predictor: type[FakePredictor],
    window: type[FakeWindow],
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(StageClock, "silence_s", lambda self, stage: 3600.0)
    session = open_session(SessionOptions(input=str(clip), output="window"))
    session.clock.deliver(0.0)
    session.sinks[0].idle()
    assert window.latest.frames == []


def test_a_paused_window_holds_a_clip(
    open_session: Opener, predictor: type[FakePredictor], window: type[FakeWindow], clip: Path
) -> None:
    session = open_session(SessionOptions(input=str(clip), output="window"))
    running, read = window.made_with["running"], threading.Event()
    running.clear()

    def consume() -> None:
        for _ in session.source:
            read.set()

    reader = threading.Thread(target=consume)
    reader.start()
    assert not read.wait(0.05)
    running.set()
    assert read.wait(5)
    reader.join(5)


def test_networks_for_pictures_of_many_sizes_are_not_kept(
    open_session: Opener,
    predictor: type[FakePredictor],
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream.inference.model_setup, "user_cache_dir", lambda: tmp_path)
    open_session(SessionOptions(input=str(clip), output="none"))
    assert predictor.made_with["cache_dir"] == tmp_path
    open_session(SessionOptions(input=STILL, output="none"))
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
    open_session(SessionOptions(output="window", model="pruned", skip=2, size=256))
    predictor.latest.size = 192  # as it has become to hold a frame rate
    image = np.full((48, 64, 3), 99, np.uint8)
    matted = MattedFrame(Frame(image, 0, Fraction(1, 30), 0.0), np.zeros((48, 64), np.uint8))
    window.made_with["comparison"].picture(CompositedFrame(image, matted))
    assert (predictor.made_with["model"], predictor.made_with["size"]) == ("original", 192)
    monkeypatch.setattr(stream.session, "model_names", lambda: ("pruned",))
    open_session(SessionOptions(output="window", model="pruned"))
    assert window.made_with["comparison"] is None


def test_an_image_stays_in_the_window(
    open_session: Opener, predictor: type[FakePredictor], window: type[FakeWindow]
) -> None:
    session = open_session(SessionOptions(input=STILL, output="window"))
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
