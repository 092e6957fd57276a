import logging

import numpy as np
import pytest

from stream.live.hud import AMBER, Hud, HudStats, Notices, Panel, draw_panels


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def stats(**changes: object) -> HudStats:
    values = {
        "fps": 29.74,
        "stage_ms": {"capture": 2.13, "matting": 18.4},
        "dropped": 3,
        "model": "pruned",
        "device": "CPU",
        "size_wh": (640, 480),
    }
    return HudStats(**(values | changes))


def grey(value: int, size_wh: tuple[int, int] = (640, 480)) -> np.ndarray:
    return np.full((size_wh[1], size_wh[0], 3), value, np.uint8)


def test_the_display_tells_rate_drops_model_device_size_and_stages() -> None:
    assert stats().lines() == [
        "29.7 fps   3 dropped",
        "pruned on CPU   640 x 480",
        "capture 2.1   matting 18.4 ms",
    ]


def test_the_display_has_no_line_of_stages_before_there_are_any() -> None:
    assert len(stats(stage_ms={}).lines()) == 2


def test_drawing_leaves_the_picture_as_it_is() -> None:
    image = grey(200)
    image.flags.writeable = False
    drawn = draw_panels(image, [Panel(["text"], at=(0, 0))])
    assert (image == 200).all()
    assert (drawn != 200).any()


@pytest.mark.parametrize("brightness", [0, 128, 255])
def test_text_stands_out_from_any_picture(brightness: int) -> None:
    drawn = draw_panels(grey(brightness), [Panel(["29.7 fps"], at=(0, 0))])
    strip = drawn[:20, :40]
    assert strip.max() > 240  # white text
    assert np.median(strip) <= 64  # on a dark strip


@pytest.mark.parametrize(
    ("at", "corner"),
    [
        ((0, 0), np.s_[:4, :4]),
        ((1, 0), np.s_[:4, -4:]),
        ((0, 1), np.s_[-4:, :4]),
        ((1, 1), np.s_[-4:, -4:]),
        ((0.5, 0.5), np.s_[238:242, 318:322]),
    ],
)
def test_a_panel_lies_where_it_is_told(at: tuple[float, float], corner: object) -> None:
    drawn = draw_panels(grey(200), [Panel(["text"], at=at)])
    assert (drawn[corner] != 200).all()
    assert (drawn == 200).mean() > 0.9


def test_the_text_has_the_colour_of_its_panel() -> None:
    drawn = draw_panels(grey(0), [Panel(["PAUSED"], at=(0, 0), colour=AMBER)])
    assert drawn.reshape(-1, 3).max(axis=0).tolist() == pytest.approx(AMBER, rel=0.05)


def test_columns_start_at_the_same_place_in_every_row() -> None:
    drawn = draw_panels(grey(0), [Panel(["\tI", "wide cell\tI"], at=(0, 0))])
    rows = np.flatnonzero(drawn.any(axis=(1, 2)))
    middle = (rows[0] + rows[-1]) // 2
    (first,), (second,) = (
        np.flatnonzero(np.diff(part.any(axis=(0, 2)).astype(int)) == 1)[-1:]
        for part in (drawn[:middle], drawn[middle:])
    )
    assert first == second


@pytest.mark.parametrize(
    "size_wh", [(1, 1), (2, 300), (300, 2), (64, 48), (480, 854), (3840, 2160)]
)
def test_a_panel_never_breaks_a_picture_of_any_size(size_wh: tuple[int, int]) -> None:
    panels = [Panel(stats().lines(), at=(0, 0)), Panel(["key\thelp"] * 11, at=(0.5, 0.5))]
    assert draw_panels(grey(9, size_wh), panels).shape == (size_wh[1], size_wh[0], 3)


def test_a_panel_wider_than_the_picture_is_shrunk_until_its_end_can_be_read() -> None:
    drawn = draw_panels(grey(0, (200, 200)), [Panel(["a long message " * 3 + "|"], at=(0, 0))])
    columns = np.flatnonzero(drawn.any(axis=(0, 2)))
    assert columns[-1] < 199


def test_text_grows_with_the_picture() -> None:
    heights = [
        np.flatnonzero(
            draw_panels(grey(0, size), [Panel(["fps"], at=(0, 0))]).any(axis=(1, 2))
        ).size
        for size in ((1280, 720), (3840, 2160))
    ]
    assert heights[1] > 2 * heights[0]


def test_the_display_asks_for_numbers_four_times_a_second_at_most() -> None:
    clock, asked = Clock(), []
    hud = Hud(lambda: asked.append(clock.now_s) or stats(), now=clock)
    for _ in range(10):
        hud.stats()
        clock.now_s += 0.1
    assert len(asked) == 4


def test_a_notice_goes_away_after_a_while() -> None:
    clock = Clock()
    notices = Notices(now=clock)
    notices.say("saved screenshot.png")
    assert notices.lines() == ["saved screenshot.png"]
    clock.now_s += 10
    assert notices.lines() == []


def test_a_long_notice_is_broken_into_lines() -> None:
    notices = Notices(now=Clock())
    notices.say("the camera has gone away " * 5)
    assert len(notices.lines()) > 1
    assert all(len(line) <= 60 for line in notices.lines())


def test_warnings_of_the_program_become_notices() -> None:
    notices = Notices(now=Clock())
    logger = logging.Logger("stream.sources.camera")
    logger.addHandler(notices)
    logger.info("opened")
    assert notices.lines() == []
    logger.warning("%s is gone, reconnecting", "camera 0")
    assert notices.lines() == ["camera 0 is gone, reconnecting"]
