import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from stream.errors import ModelError, OutputError
from stream.frame import CompositedFrame, Frame, MattedFrame
from stream.live.hud import HudStats
from stream.live.views import Comparison
from stream.live.window import KEYS, WindowSink

RAW, COMPOSITE, ALPHA, OTHER_ALPHA = 200, 50, 255, 0
SIZE_WH = (320, 240)
MIDDLE = np.s_[110:130, 40:50]
"""A part of the picture that no panel covers but the help."""


NOTICE = np.s_[-10, 155:165]
"""Where notices stand."""


class FakeGui:
    """OpenCV's window functions: keeps what is shown, types the given keys, one per look."""

    def __init__(self, keys: Sequence[str | int] = ()) -> None:
        self.keys = list(keys)
        self.shown: list[np.ndarray] = []
        self.size_wh: tuple[int, int] | None = None
        self.visible = 1.0
        self.destroyed = 0

    def namedWindow(self, title: str, flags: int) -> None:  # noqa: N802
        assert flags & cv2.WINDOW_KEEPRATIO == cv2.WINDOW_KEEPRATIO

    def resizeWindow(self, title: str, width: int, height: int) -> None:  # noqa: N802
        self.size_wh = (width, height)

    def imshow(self, title: str, image: np.ndarray) -> None:
        self.shown.append(image.copy())

    def waitKeyEx(self, delay_ms: int) -> int:  # noqa: N802
        key = self.keys.pop(0) if self.keys else -1
        return ord(key) if isinstance(key, str) else key

    def getWindowProperty(self, title: str, which: int) -> float:  # noqa: N802
        if self.visible == 0.0:
            raise cv2.error("NULL guiReceiver")
        return self.visible

    def destroyWindow(self, title: str) -> None:  # noqa: N802
        self.destroyed += 1


class FakeBackground:
    is_transparent = False

    def __init__(self) -> None:
        self.place = 0

    def next(self) -> None:
        self.place += 1

    def previous(self) -> None:
        self.place -= 1

    def picture(self, matted: MattedFrame) -> np.ndarray:
        return np.full_like(matted.frame.image, COMPOSITE)

    def close(self) -> None: ...


class FakePredictor:
    model_name = "MODNet"

    def __init__(self) -> None:
        self.closed = 0

    def predict(self, image: np.ndarray) -> np.ndarray:
        return np.full(image.shape[:2], OTHER_ALPHA, np.uint8)

    def close(self) -> None:
        self.closed += 1


def finish(matted: Iterable[MattedFrame]) -> Iterator[CompositedFrame]:
    """Nothing but background, unless somebody is in the matte."""
    for each in matted:
        value = RAW if each.alpha.any() else COMPOSITE
        yield CompositedFrame(np.full_like(each.frame.image, value), each)


class FakeFile:
    stopped = False

    def __init__(self, fails_after: int = 1000) -> None:
        self.frames: list[CompositedFrame] = []
        self.closed = 0
        self._fails_after = fails_after

    def write(self, frame: CompositedFrame) -> None:
        if len(self.frames) == self._fails_after:
            raise OutputError("the disk is full")
        self.frames.append(frame)

    def close(self) -> None:
        self.closed += 1

    @property
    def pts(self) -> list[int]:
        return [frame.frame.pts for frame in self.frames]


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Bench:
    """A window on a fake screen, and what a test wants to know of it."""

    def __init__(self, tmp_path: Path, **options: object) -> None:
        self.gui = FakeGui()
        self.clock = Clock()
        self.background = FakeBackground()
        self.window = WindowSink(
            background=self.background,
            stats=lambda: HudStats(30.0, {"matting": 9.0}, 0, "MODNet-P", "CPU", SIZE_WH),
            folder=tmp_path,
            now=self.clock,
            gui=self.gui,
            **options,
        )
        self.clock.now_s += 10  # the notice at the start is gone
        self.pts = 1000

    def show(self, frames: int = 1, *, keys: Sequence[str | int] = (), channels: int = 3) -> int:
        """Write frames while keys are typed; the brightness in a place without text."""
        self.gui.keys += keys
        for _ in range(frames):
            self.pts += 3
            self.clock.now_s += 0.1
            self.window.write(composited(self.pts, self.clock.now_s, channels=channels))
        return int(np.median(self.gui.shown[-1][MIDDLE]))


def composited(pts: int, captured_at: float = 0.0, *, channels: int = 3) -> CompositedFrame:
    width, height = SIZE_WH
    raw = np.full((height, width, 3), RAW, np.uint8)
    alpha = np.full((height, width), ALPHA, np.uint8)
    image = np.full((height, width, channels), COMPOSITE, np.uint8)
    for array in (raw, alpha, image):
        array.flags.writeable = False
    return CompositedFrame(image, MattedFrame(Frame(raw, pts, Fraction(1, 90), captured_at), alpha))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_composite_is_shown_at_the_start(bench: Bench) -> None:
    assert bench.show() == COMPOSITE
    assert bench.gui.size_wh == SIZE_WH


def test_a_large_picture_opens_a_window_that_fits_a_small_screen(bench: Bench) -> None:
    image = np.zeros((2160, 3840, 3), np.uint8)
    bench.window.write(CompositedFrame(image, composited(0, 100.0).matted))
    assert bench.gui.size_wh == (1280, 720)
    assert bench.gui.shown[0].shape == image.shape


def test_the_numbers_are_drawn_and_go_with_their_key(bench: Bench) -> None:
    bench.show()
    assert (bench.gui.shown[-1] != COMPOSITE).any()
    bench.show(2, keys="i")
    assert (bench.gui.shown[-1] == COMPOSITE).all()


def test_the_start_tells_how_to_find_the_keys(bench: Bench) -> None:
    bench.clock.now_s -= 10
    bench.show()
    assert (bench.gui.shown[-1][NOTICE] != COMPOSITE).any()


def test_each_key_has_one_meaning_and_a_text(bench: Bench) -> None:
    characters = "".join(key.characters for key in KEYS)
    assert len(set(characters)) == len(characters)
    assert all(key.label and key.help for key in KEYS)


def test_the_help_is_drawn_over_the_middle_and_goes_again(bench: Bench) -> None:
    centre = np.s_[120, 100:220]
    bench.show(2, keys="h")
    assert (bench.gui.shown[-1][centre] != COMPOSITE).mean() > 0.9
    bench.show(2, keys="h")
    assert (bench.gui.shown[-1][centre] == COMPOSITE).all()


@pytest.mark.parametrize("key", ["q", "Q", "\x1b"])
def test_quitting_stops_the_sink_and_shows_no_more(bench: Bench, key: str) -> None:
    bench.show(keys=key)
    assert bench.window.stopped
    bench.show()
    assert len(bench.gui.shown) == 1


def test_closing_the_window_stops_the_sink(bench: Bench) -> None:
    bench.show()
    assert not bench.window.stopped
    bench.gui.visible = 0.0
    bench.show()
    assert bench.window.stopped


def test_a_system_that_never_says_visible_does_not_count_as_closed(bench: Bench) -> None:
    bench.gui.visible = -1.0
    bench.show(3)
    assert not bench.window.stopped


@pytest.mark.parametrize("code", [0xFF51, 0xFFE1, 0x100000 | 0xFF51])
def test_arrows_and_shift_are_not_taken_for_letters(bench: Bench, code: int) -> None:
    bench.show(keys=[code])
    assert not bench.window.stopped


def test_a_letter_typed_with_num_lock_is_a_letter(bench: Bench) -> None:
    bench.show(keys=[0x100000 | ord("q")])
    assert bench.window.stopped


def test_keys_change_the_background(bench: Bench) -> None:
    bench.show(3, keys="nnb")
    assert bench.background.place == 1


@pytest.mark.parametrize(("key", "value"), [("m", ALPHA), ("o", RAW)])
def test_a_view_is_shown_until_its_key_is_typed_again(bench: Bench, key: str, value: int) -> None:
    assert bench.show(2, keys=key) == value
    assert bench.show(2, keys=key) == COMPOSITE


def test_a_view_is_labelled(bench: Bench) -> None:
    bench.show(2, keys="im")
    bottom_left = np.s_[-4:, :4]
    bench.show(1)
    assert (bench.gui.shown[-1][bottom_left] != ALPHA).all()


def test_a_transparent_composite_is_shown_on_a_checkerboard(bench: Bench) -> None:
    bench.show(channels=4)
    light_and_dark = bench.gui.shown[-1][112:128, 32:64].mean(axis=(0, 2))
    assert light_and_dark[0] != light_and_dark[-1]


def test_the_last_composite_stays_while_paused_and_writing_waits(bench: Bench) -> None:
    bench.show(keys=["p", -1, -1, " "])
    assert not bench.window.paused
    assert len(bench.gui.shown) == 4
    assert {int(np.median(image[MIDDLE])) for image in bench.gui.shown} == {COMPOSITE}


def test_a_pause_is_said_on_the_picture(bench: Bench) -> None:
    bench.show(keys=["p", "p"])
    before, paused = bench.gui.shown
    assert (before[NOTICE] == COMPOSITE).all()
    assert (paused[NOTICE] != COMPOSITE).any()


def test_a_pause_never_shows_the_original(bench: Bench) -> None:
    bench.show(keys="o")
    bench.show(keys=["p", -1, "o", -1, "p"])
    during = bench.gui.shown[2:]
    assert {int(np.median(image[MIDDLE])) for image in during} == {COMPOSITE}


def test_a_paused_matte_can_be_looked_at(bench: Bench) -> None:
    bench.show(keys=["p", "m", "p"])
    assert np.median(bench.gui.shown[-1][MIDDLE]) == ALPHA


def test_quitting_ends_a_pause(bench: Bench) -> None:
    bench.show(keys=["p", -1, "q"])
    assert bench.window.stopped


def test_a_signal_ends_a_pause(tmp_path: Path) -> None:
    signals = iter([False, False, True])
    bench = Bench(tmp_path, cancelled=lambda: next(signals))
    bench.show(keys="p")
    assert len(bench.gui.shown) == 3


def test_frames_captured_during_a_pause_are_not_shown_afterwards(bench: Bench) -> None:
    bench.show()
    bench.window.toggle_pause()
    stale = composited(0, bench.clock.now_s)
    bench.clock.now_s += 5
    bench.window.toggle_pause()
    bench.window.write(stale)
    assert len(bench.gui.shown) == 1
    bench.show()
    assert len(bench.gui.shown) == 2


def test_a_pause_holds_the_file_until_its_end(tmp_path: Path) -> None:
    running = threading.Event()
    bench = Bench(tmp_path, running=running)
    assert running.is_set()
    bench.window.toggle_pause()
    assert not running.is_set()
    bench.window.toggle_pause()
    assert running.is_set()


def test_why_no_picture_comes_is_said_for_as_long_as_none_does(tmp_path: Path) -> None:
    reason = ["no picture from camera 0"]
    bench = Bench(tmp_path, missing=lambda: reason[0])
    bench.show()
    bench.clock.now_s += 60
    bench.window.idle()
    assert (bench.gui.shown[-1][NOTICE] != COMPOSITE).any()
    reason[0] = ""
    bench.window.idle()
    assert (bench.gui.shown[-1][NOTICE] == COMPOSITE).all()


def test_the_original_is_left_when_no_picture_comes_any_more(tmp_path: Path) -> None:
    reason = [""]
    bench = Bench(tmp_path, missing=lambda: reason[0])
    assert bench.show(2, keys="o") == RAW
    reason[0] = "no picture from camera 0"
    bench.window.idle()
    assert np.median(bench.gui.shown[-1][MIDDLE]) == COMPOSITE
    reason[0] = ""
    assert bench.show() == COMPOSITE


def test_keys_are_answered_while_no_frame_comes(bench: Bench) -> None:
    bench.window.idle()
    assert not bench.gui.shown  # there is nothing to show yet
    bench.show()
    bench.gui.keys = ["q"]
    bench.window.idle()
    assert bench.window.stopped


def test_actions_need_no_keyboard(bench: Bench) -> None:
    bench.window.toggle_matte()
    assert bench.show() == ALPHA
    bench.window.press("m")
    assert bench.show() == COMPOSITE
    bench.window.press("$")
    assert bench.show() == COMPOSITE


def test_the_split_view_shows_both_models_over_the_same_background(tmp_path: Path) -> None:
    predictor = FakePredictor()
    bench = Bench(tmp_path, comparison=Comparison(lambda: predictor, finish))
    bench.show(2, keys="s")
    shown = bench.gui.shown[-1]
    half = SIZE_WH[0] // 2
    assert (shown[120, : half - 1] == COMPOSITE).all()  # an empty matte: nothing but background
    assert (shown[120, half + 1 :] == COMPOSITE).all()
    assert (shown[120, half - 1 : half + 1] == 255).all()  # the line between them
    assert (shown[-4:, :4] != COMPOSITE).all()  # a label in either corner
    assert (shown[-4:, -4:] != COMPOSITE).all()
    bench.window.close()
    bench.window.close()
    assert predictor.closed == 1


def test_the_other_model_is_loaded_when_it_is_first_asked_for(tmp_path: Path) -> None:
    loaded: list[FakePredictor] = []

    def load() -> FakePredictor:
        loaded.append(FakePredictor())
        return loaded[-1]

    bench = Bench(tmp_path, comparison=Comparison(load, finish))
    bench.show()
    assert not loaded
    bench.show(7, keys="sss")
    assert len(loaded) == 1


def test_the_split_view_follows_the_person(tmp_path: Path) -> None:
    bench = Bench(tmp_path, comparison=Comparison(FakePredictor, finish))
    image = np.tile(np.arange(SIZE_WH[0], dtype=np.uint8)[:, None] % 251, (SIZE_WH[1], 1, 3))
    alpha = np.zeros(SIZE_WH[::-1], np.uint8)
    alpha[:, 300:] = 255
    matted = MattedFrame(composited(0, 100.0).frame, alpha)
    bench.gui.keys = ["s"]
    bench.window.write(CompositedFrame(image, matted))
    bench.window.write(CompositedFrame(image, matted))
    right = bench.gui.shown[-1][120, SIZE_WH[0] // 2 + 1 :, 0]
    assert (right == image[0, -right.size :, 0]).all()


def test_without_a_second_model_there_is_a_notice_and_no_split_view(bench: Bench) -> None:
    assert bench.show(2, keys="s") == COMPOSITE
    assert (bench.gui.shown[-1][NOTICE] != COMPOSITE).any()


def test_a_second_model_that_fails_gives_the_composite(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def load() -> FakePredictor:
        raise ModelError("the model is damaged")

    bench = Bench(tmp_path, comparison=Comparison(load, finish))
    assert bench.show(2, keys="s") == COMPOSITE
    assert "the model is damaged" in caplog.text
    assert bench.show(2) == COMPOSITE


def recording_bench(tmp_path: Path, file: FakeFile) -> tuple[Bench, list[Path]]:
    paths: list[Path] = []

    def open_recording(path: Path) -> FakeFile:
        paths.append(path)
        return file

    return Bench(tmp_path, open_recording=open_recording), paths


def test_a_recording_starts_at_zero_and_keeps_the_distances(tmp_path: Path) -> None:
    file = FakeFile()
    bench, paths = recording_bench(tmp_path, file)
    bench.show(4, keys=[-1, "r", -1, -1])
    bench.show(2, keys="r")
    assert file.pts == [0, 3, 6]
    assert file.closed == 1
    assert paths[0].parent == tmp_path
    assert paths[0].name.startswith("recording_")
    assert paths[0].suffix == ".mp4"


def test_a_recording_leaves_a_pause_out(tmp_path: Path) -> None:
    file = FakeFile()
    bench, _ = recording_bench(tmp_path, file)
    bench.show(3, keys="r")
    bench.window.toggle_pause()
    bench.pts += 5000
    bench.clock.now_s += 60
    bench.window.toggle_pause()
    bench.show(2)
    assert file.pts == [0, 3, 6, 9]


def test_a_recording_holds_the_composite_whatever_is_shown(tmp_path: Path) -> None:
    file = FakeFile()
    bench, _ = recording_bench(tmp_path, file)
    bench.show(3, keys="ro")
    assert all((frame.image == COMPOSITE).all() for frame in file.frames)


def test_a_recording_has_no_transparency_that_mp4_could_not_hold(tmp_path: Path) -> None:
    file = FakeFile()
    bench, _ = recording_bench(tmp_path, file)
    bench.show(2, keys="r", channels=4)
    assert file.frames[0].image.shape[2] == 3


def test_a_recording_shows_its_length(tmp_path: Path) -> None:
    bench, _ = recording_bench(tmp_path, FakeFile())
    top_right = np.s_[:4, -4:]
    bench.show(1, keys="r")
    assert (bench.gui.shown[-1][top_right] == COMPOSITE).all()
    bench.show(1)
    assert (bench.gui.shown[-1][top_right] != COMPOSITE).all()


def test_a_recording_that_fails_is_given_up_and_the_window_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = FakeFile(fails_after=1)
    bench, _ = recording_bench(tmp_path, file)
    assert bench.show(5, keys="r") == COMPOSITE
    assert "the disk is full" in caplog.text
    assert file.closed == 1
    assert not bench.window.stopped
    assert (bench.gui.shown[-1][NOTICE] != COMPOSITE).any()  # the notice


def test_a_recording_that_cannot_be_opened_is_a_notice(tmp_path: Path) -> None:
    def refuse(path: Path) -> FakeFile:
        raise OutputError("the folder is read-only")

    bench = Bench(tmp_path, open_recording=refuse)
    assert bench.show(2, keys="r") == COMPOSITE


def test_closing_the_window_finishes_the_recording(tmp_path: Path) -> None:
    file = FakeFile()
    bench, _ = recording_bench(tmp_path, file)
    with bench.window:
        bench.show(3, keys="r")
    assert file.closed == 1
    assert bench.gui.destroyed == 1


def test_screenshots_hold_the_view_without_text_and_never_overwrite(
    bench: Bench, tmp_path: Path
) -> None:
    bench.show(5, keys="ccmc")
    files = sorted(tmp_path.glob("screenshot_*.png"))
    assert len(files) == 3
    assert sorted(np.unique(cv2.imread(str(file))).tolist() for file in files) == [
        [COMPOSITE],
        [COMPOSITE],
        [ALPHA],
    ]


def test_a_screenshot_of_a_transparent_composite_is_transparent(
    bench: Bench, tmp_path: Path
) -> None:
    bench.show(keys="c", channels=4)
    (file,) = tmp_path.glob("*.png")
    assert cv2.imread(str(file), cv2.IMREAD_UNCHANGED).shape[2] == 4


def test_a_screenshot_that_cannot_be_written_is_a_notice(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "missing")
    assert bench.show(2, keys="c") == COMPOSITE
    assert (bench.gui.shown[-1][NOTICE] != COMPOSITE).any()


def test_warnings_of_the_program_are_shown_until_the_window_closes(bench: Bench) -> None:
    logger = logging.getLogger("stream")
    before = list(logger.handlers)
    logging.getLogger("stream.sources.camera").warning("camera 0 is gone, reconnecting")
    bench.show()
    assert (bench.gui.shown[-1][NOTICE] != COMPOSITE).any()
    bench.window.close()
    assert len(logger.handlers) == len(before) - 1


def test_what_is_shown_never_writes_into_the_frame(bench: Bench) -> None:
    bench.gui.keys += "hmosi"
    frames = [composited(pts, bench.clock.now_s) for pts in range(8)]
    for frame in frames:  # of read-only arrays: a write raises
        bench.window.write(frame)
    assert all((shown != COMPOSITE).any() for shown in bench.gui.shown)
    for frame in frames:
        assert (frame.image == COMPOSITE).all()
        assert (frame.frame.image == RAW).all()
        assert (frame.matted.alpha == ALPHA).all()
