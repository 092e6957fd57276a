from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from stream import background as backgrounds
from stream.background import BackgroundSwitch, Fit, open_background
from stream.errors import InputError, StreamError, UsageError
from stream.frame import Frame, Image, MattedFrame
from tests.clips import SQUARE_BGR, make_clip

SIZE_WH = (64, 48)


def frame(time_s: int = 0) -> MattedFrame:
    image = np.random.default_rng(0).integers(0, 256, (SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
    still = Frame(image, time_s, Fraction(1), captured_at=0.0)
    return MattedFrame(still, np.zeros(image.shape[:2], np.uint8))


def shown(spec: str, *, fit: Fit = Fit.COVER) -> Image:
    with closing(open_background(spec, fit=fit)) as background:
        assert not background.is_transparent
        return background.picture(frame())


def write(path: Path, image: np.ndarray) -> str:
    cv2.imwrite(str(path), image)
    return str(path)


class TestSpecs:
    @pytest.mark.parametrize("spec", ["#00b140", "#00B140", " #00b140 "])
    def test_a_colour(self, spec: str) -> None:
        assert (shown(spec) == (0x40, 0xB1, 0)).all()

    def test_a_colour_by_name(self) -> None:
        assert (shown("Navy") == (128, 0, 0)).all()

    def test_the_room_out_of_focus(self) -> None:
        contrasts = [shown(spec).std() for spec in ("blur:0", "blur:0.5", "blur:1")]
        assert contrasts == sorted(contrasts, reverse=True)
        assert (shown("blur") == shown("blur:0.5")).all()

    def test_nothing(self) -> None:
        assert open_background("transparent").is_transparent

    def test_an_image(self, tmp_path: Path) -> None:
        spec = write(tmp_path / "beach.png", np.full((90, 160, 3), (10, 20, 30), np.uint8))
        assert (shown(spec) == (10, 20, 30)).all()
        bars = shown(spec, fit=Fit.CONTAIN)
        assert not bars[:5].any()
        assert (bars[20:28] == (10, 20, 30)).all()

    @pytest.mark.parametrize(
        ("kind", "stored"),
        [
            ("grey", np.full((9, 16), 77, np.uint8)),
            ("sixteen bits", np.full((9, 16, 3), 77 * 257, np.uint16)),
            ("alpha", np.full((9, 16, 4), (77, 77, 77, 255), np.uint8)),
        ],
    )
    def test_an_image_of_any_kind(self, tmp_path: Path, kind: str, stored: np.ndarray) -> None:
        assert (shown(write(tmp_path / f"{kind}.png", stored)) == 77).all()

    def test_a_video(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "sea.mp4", size_wh=SIZE_WH)
        assert np.abs(shown(str(clip))[24, 8].astype(int) - SQUARE_BGR).max() < 10

    def test_a_file_that_is_named_like_a_word(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        make_clip(tmp_path / "clip.mp4", size_wh=SIZE_WH).rename("blur")
        assert np.abs(shown("./blur")[24, 8].astype(int) - SQUARE_BGR).max() < 10

    @pytest.mark.parametrize("spec", ["nowhere.jpg", "", "greenish", "blurred", "/", "."])
    def test_what_is_not_there_is_refused_with_what_may_be_given(self, spec: str) -> None:
        with pytest.raises(InputError, match="there is no background") as refused:
            open_background(spec)
        assert "blur:0.6" in str(refused.value.hint)

    @pytest.mark.parametrize("spec", ["blur:2", "blur:-0.1", "blur:much", "blur:", "blur:nan"])
    def test_a_blur_that_is_none_is_refused(self, spec: str) -> None:
        with pytest.raises(InputError, match="expected blur:0 to blur:1"):
            open_background(spec)

    def test_a_colour_that_is_none_is_refused(self) -> None:
        with pytest.raises(InputError, match="'#12' is no colour"):
            open_background("#12")

    @pytest.mark.parametrize("name", ["torn.jpg", "torn.png", "torn.mp4", "torn"])
    def test_a_broken_file_is_refused_by_its_name(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(b"\xff\xd8 or whatever")
        with pytest.raises(InputError, match=name):
            open_background(str(tmp_path / name))

    def test_a_playlist_of_somebody_else_is_not_followed(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "secret.mp4")
        trap = tmp_path / "sea.mp4"
        trap.write_text(f"ffconcat version 1.0\nfile {clip.name}\n")
        with pytest.raises(InputError):
            open_background(str(trap), untrusted=True)


class FakeBackground:
    """Its picture is its number; it can be halted in the middle of making one."""

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self.is_transparent = spec == "transparent"
        self.go_on = threading.Event()
        self.go_on.set()
        self.is_busy = threading.Event()
        self.is_closed = False

    def picture(self, matted: MattedFrame) -> Image:
        self.is_busy.set()
        assert self.go_on.wait(5)
        assert not self.is_closed
        return self.placeholder(matted.frame.size_wh)

    def placeholder(self, size_wh: tuple[int, int]) -> Image:
        return np.full((1, 1, 3), int(self.spec), np.uint8)

    def close(self) -> None:
        self.is_closed = True


class TestSwitch:
    opened: list[FakeBackground]

    @pytest.fixture(autouse=True)
    def fakes(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.opened = []

        def fake(spec: str, *, fit: Fit) -> FakeBackground:
            if spec.startswith("bad"):
                raise InputError(f"{spec} cannot be read")
            self.opened.append(FakeBackground(spec))
            return self.opened[-1]

        monkeypatch.setattr(backgrounds, "open_background", fake)
        yield
        assert all(each.is_closed for each in self.opened)

    def shown(self, switch: BackgroundSwitch) -> int:
        assert sum(not each.is_closed for each in self.opened) == 1
        number = int(switch.picture(frame())[0, 0, 0])
        assert switch.placeholder(SIZE_WH)[0, 0, 0] == number
        return number

    def test_it_goes_round_both_ways(self) -> None:
        with closing(BackgroundSwitch(["0", "1", "2"])) as switch:
            steps: list[Callable[[], None]] = [switch.next] * 4 + [switch.previous] * 3
            seen = [self.shown(switch)]
            for step in steps:
                step()
                seen.append(self.shown(switch))
        assert seen == [0, 1, 2, 0, 1, 0, 2, 1]

    def test_one_alone_stays(self) -> None:
        with closing(BackgroundSwitch(["7"])) as switch:
            switch.next()
            switch.previous()
            assert self.shown(switch) == 7
        assert len(self.opened) == 1

    def test_one_that_cannot_be_opened_is_left_out_with_a_warning(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with closing(BackgroundSwitch(["0", "bad", "2"])) as switch:
            switch.next()
            assert self.shown(switch) == 2
            switch.previous()
            assert self.shown(switch) == 0
        assert caplog.messages == ["the background stays as it is: bad cannot be read"] * 2

    def test_where_none_can_be_opened_the_old_one_stays(self) -> None:
        with closing(BackgroundSwitch(["0", "bad", "bad too"])) as switch:
            switch.next()
            assert self.shown(switch) == 0
            assert not switch.select("bad")
            assert self.shown(switch) == 0

    def test_any_background_may_be_selected_and_the_round_goes_on_from_there(self) -> None:
        with closing(BackgroundSwitch(["0", "1", "2"])) as switch:
            assert switch.select("9")
            assert self.shown(switch) == 9
            assert switch.select("1")
            switch.next()
            assert self.shown(switch) == 2

    def test_no_background_is_closed_while_it_is_at_work(self) -> None:
        with closing(BackgroundSwitch(["0", "1"])) as switch:
            first = self.opened[0]
            first.go_on.clear()
            painter = threading.Thread(target=switch.picture, args=[frame()])
            painter.start()
            assert first.is_busy.wait(5)
            changer = threading.Thread(target=switch.next)
            changer.start()
            while len(self.opened) < 2:  # the new one is opened meanwhile
                changer.join(0.001)
            assert not first.is_closed
            first.go_on.set()
            painter.join(5)
            changer.join(5)
            assert first.is_closed
            assert self.shown(switch) == 1

    def test_whether_people_are_cut_out_is_settled_at_the_start(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with closing(BackgroundSwitch(["0", "1"])) as switch:
            assert not switch.is_transparent
            assert not switch.select("transparent")
            assert self.shown(switch) == 0
        assert "the output was not opened for transparent" in caplog.text
        with closing(BackgroundSwitch(["transparent"])) as switch:
            assert switch.is_transparent
            assert not switch.select("1")
        for specs in (["transparent", "1"], ["1", "transparent"]):
            with pytest.raises(UsageError, match="not both"):
                BackgroundSwitch(specs)

    @pytest.mark.parametrize(("specs", "error"), [([], UsageError), (["bad", "1"], InputError)])
    def test_it_does_not_begin_without_its_first(
        self, specs: list[str], error: type[StreamError]
    ) -> None:
        with pytest.raises(error):
            BackgroundSwitch(specs)

    def test_after_the_end_nothing_is_opened_and_left(self) -> None:
        switch = BackgroundSwitch(["0", "1"])
        switch.close()
        switch.next()
        switch.close()
        assert [each.is_closed for each in self.opened] == [True, True]
