from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.compositing import video_background
from stream.compositing.fit import Fit
from stream.compositing.video_background import MAX_STEP_S, VideoBackground
from stream.errors import InputError
from stream.frame import Frame, Image, MattedFrame
from tests.clips import cut_short, make_audio, make_clip, picture

SIZE_WH = (64, 48)
RATE = 10


def at(time_s: float, size_wh: tuple[int, int] = SIZE_WH) -> MattedFrame:
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    pts = round(time_s * 1000)
    return MattedFrame(Frame(image, pts, Fraction(1, 1000), captured_at=0.0), image[..., 0])


def number(shown: Image) -> int:
    """Which of the clip's pictures this is."""
    off = [np.abs(shown.astype(int) - picture(SIZE_WH, index)).mean() for index in range(12)]
    assert min(off) < 8
    return int(np.argmin(off))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twelve pictures in 1.2 seconds."""
    return make_clip(tmp_path / "sea.mp4", rate=RATE)


@pytest.fixture
def background(clip: Path) -> Iterator[VideoBackground]:
    with closing(VideoBackground(clip, Fit.COVER)) as opened:
        yield opened


def test_it_runs_at_its_own_rate_by_the_time_of_the_frames(background: VideoBackground) -> None:
    shown = [number(background.picture(at(index / 30))) for index in range(30)]
    assert shown == [index // 3 for index in range(30)]


def test_frames_may_be_fewer_than_its_own(background: VideoBackground) -> None:
    times_s = [0.0, 0.35, 0.81, 1.1]
    assert [number(background.picture(at(t))) for t in times_s] == [0, 3, 8, 11]


def test_it_begins_again_where_it_ends_without_a_gap(background: VideoBackground) -> None:
    shown = [number(background.picture(at(index / 10))) for index in range(40)]
    assert shown == [index % 12 for index in range(40)]


def test_times_that_are_rounded_to_milliseconds_skip_and_repeat_nothing(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "sea.mkv", rate=30)
    with closing(VideoBackground(clip, Fit.COVER)) as background:
        shown = [number(background.picture(at(index / 30))) for index in range(36)]
    assert shown == [index % 12 for index in range(36)]


def test_a_pause_of_many_rounds_ends_at_the_right_picture(background: VideoBackground) -> None:
    background.picture(at(0))
    assert number(background.picture(at(6.05))) == 0  # five rounds
    assert number(background.picture(at(6.35))) == 3


def test_a_variable_frame_rate_is_kept(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "sea.mp4", rate=RATE, variable_rate=True)
    with closing(VideoBackground(clip, Fit.COVER)) as background:
        shown = [number(background.picture(at(index / 100))) for index in range(110)]
    durations = [shown.count(index) for index in range(10)]
    assert len(set(durations)) > 3
    assert shown == sorted(shown)


def test_it_begins_with_its_first_picture_whatever_the_time_of_the_first_frame(
    background: VideoBackground,
) -> None:
    assert number(background.picture(at(1000.0))) == 0
    assert number(background.picture(at(1000.35))) == 3


def test_a_clip_that_starts_late_begins_at_once(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "sea.mkv", rate=RATE, start_s=7.0)
    with closing(VideoBackground(clip, Fit.COVER)) as background:
        assert number(background.picture(at(0.0))) == 0
        assert number(background.picture(at(0.45))) == 4


def test_a_jump_of_hours_does_not_decode_for_hours(
    background: VideoBackground, monkeypatch: pytest.MonkeyPatch
) -> None:
    background.picture(at(0))
    rounds = []
    monkeypatch.setattr(
        video_background, "open_video", counting(rounds, video_background.open_video)
    )
    background.picture(at(36_000.0))
    assert len(rounds) <= MAX_STEP_S / 1.2 + 1


def test_an_older_frame_gets_the_present_picture(background: VideoBackground) -> None:
    background.picture(at(0))
    background.picture(at(0.85))
    assert number(background.picture(at(0.25))) == 8
    assert number(background.picture(at(0.95))) == 9


def test_it_goes_on_when_the_frames_start_again(background: VideoBackground) -> None:
    for time_s in (100.0, 100.55, 0.0, 0.2):
        last = background.picture(at(time_s))
    assert number(last) == 7


def test_it_fits_frames_of_every_size(clip: Path) -> None:
    with closing(VideoBackground(clip, Fit.CONTAIN)) as background:
        for size_wh in [(32, 48), (64, 48), (17, 5)]:
            assert background.picture(at(0, size_wh)).shape == (size_wh[1], size_wh[0], 3)
        assert not background.picture(at(0, (64, 96)))[:10].any()
        assert background.placeholder((10, 20)).shape == (20, 10, 3)


def test_the_same_picture_is_fitted_once(background: VideoBackground) -> None:
    small = background.picture(at(0, (32, 24)))
    assert background.picture(at(0.05, (32, 24))) is small
    assert background.picture(at(0.15, (32, 24))) is not small


def test_a_single_picture_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip(tmp_path / "still.mp4", frames=1)
    with closing(VideoBackground(clip, Fit.COVER)) as background:
        monkeypatch.setattr(video_background, "open_video", None)  # not opened again
        assert [number(background.picture(at(t))) for t in (0, 1, 5)] == [0, 0, 0]


def test_memory_and_files_do_not_grow_with_the_rounds(background: VideoBackground) -> None:
    def run(first: int, last: int) -> None:
        for index in range(first, last):
            background.picture(at(index / 10))

    files = Path("/proc/self/fd")
    run(0, 30)
    gc.collect()
    opened = len(list(files.iterdir())) if files.is_dir() else 0
    tracemalloc.start()
    run(30, 50)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    run(50, 150)
    gc.collect()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    picture_bytes = SIZE_WH[0] * SIZE_WH[1] * 3
    assert after - before < 2 * picture_bytes
    assert peak - before < 12 * picture_bytes
    assert not files.is_dir() or len(list(files.iterdir())) == opened


def test_a_clip_that_is_cut_short_says_so_once_and_goes_round(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = cut_short(make_clip(tmp_path / "sea.mp4", size_wh=(320, 240), rate=RATE), share=0.8)
    with closing(VideoBackground(clip, Fit.COVER)) as background:
        shown = [background.picture(at(index / 10)).tobytes() for index in range(40)]
    assert 2 < len(set(shown)) < 12
    assert shown.count(shown[0]) > 2
    assert "cut short" in caplog.text
    assert len(caplog.messages) == len(set(caplog.messages))


def test_it_stands_still_when_its_file_is_gone(
    background: VideoBackground, clip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    background.picture(at(0))
    clip.unlink()
    shown = [number(background.picture(at(index / 10 + 0.05))) for index in range(40)]
    assert shown[12:] == [11] * 28
    assert len(caplog.messages) == 1
    assert "the background stands still" in caplog.text


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "sea.mp4"
    text.write_text("not a video")
    for path in (text, make_audio(tmp_path / "sound.m4a")):
        with pytest.raises(InputError, match=path.name):
            VideoBackground(path, Fit.COVER)


def counting(calls: list[object], function: object) -> object:
    def called(*arguments: object, **options: object) -> object:
        calls.append(arguments)
        return function(*arguments, **options)  # type: ignore[operator]

    return called
