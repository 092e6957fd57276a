from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.frame import CompositedFrame
from stream.sink import open_sink
from stream.source import SourceInfo
from tests.clips import make_clip, timestamps
from tests.outputs import composited, pictures, sound
from ui import compare_job
from ui.compare_job import Outcome, run_comparison
from ui.contestant import Contestant
from ui.progress import Progress
from ui.task import Task

Steps = Generator[Progress, None, Outcome | None]


def comparison(folder: Path, weights: Path, clip: Path, **options: object) -> Steps:
    (folder / "job").mkdir()
    settings = {"stop": threading.Event(), "max_frames": 1000} | options
    models = weights / "green.xml", weights / "blue.xml"
    return run_comparison(models, Task(clip, "#ffffff", size=64), folder / "job", **settings)


def finish(steps: Steps) -> Outcome | None:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", frames=30, audio_tracks=1, variable_rate=True)


def test_both_clips_have_every_frame_at_its_time_and_the_sound(
    tmp_path: Path, weights: Path, clip: Path
) -> None:
    outcome = finish(comparison(tmp_path, weights, clip))
    assert outcome is not None
    for made in outcome.clips:
        assert timestamps(made) == timestamps(clip)
        assert len(sound(made)) == 1
    assert timestamps(outcome.heat_clip) == timestamps(clip)
    assert sound(outcome.heat_clip) == []
    assert [path.name for path in outcome.clips] == ["clip-1-green.mp4", "clip-2-blue.mp4"]


def test_each_clip_is_made_by_its_own_model(tmp_path: Path, weights: Path, clip: Path) -> None:
    outcome = finish(comparison(tmp_path, weights, clip))
    assert outcome is not None
    means = [pictures(path)[0].to_ndarray(format="bgr24").mean() for path in outcome.clips]
    # The clip's blue exceeds its green, so the second matte lets less of the white through.
    assert means[1] < means[0] - 10


def test_every_frame_is_compared(tmp_path: Path, weights: Path, clip: Path) -> None:
    outcome = finish(comparison(tmp_path, weights, clip))
    assert outcome is not None
    assert [report.frames_out for report in outcome.reports] == [30, 30]
    assert outcome.mean_difference == pytest.approx((160 - 90) / 255, abs=0.08)


def test_the_models_take_turns_and_the_first_turn_alternates(
    tmp_path: Path, weights: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[tuple[Contestant, int]] = []
    take_turn = Contestant.turn

    def recorded(self: Contestant, count: int) -> Iterator[CompositedFrame]:
        turns.append((self, self.done))
        yield from take_turn(self, count)

    monkeypatch.setattr(Contestant, "turn", recorded)
    monkeypatch.setattr(compare_job, "TURN_FRAMES", 8)
    finish(comparison(tmp_path, weights, clip))
    a, b = turns[0][0], turns[1][0]
    assert [(who is b, at) for who, at in turns] == [
        *[(False, 0), (True, 0), (True, 8), (False, 8)],
        *[(False, 16), (True, 16), (True, 24), (False, 24)],
    ]
    assert a is not b


def test_the_clock_of_a_model_stands_still_while_the_other_works(
    tmp_path: Path, weights: Path, clip: Path
) -> None:
    started_s = time.perf_counter()
    outcome = finish(comparison(tmp_path, weights, clip))
    elapsed_s = time.perf_counter() - started_s
    assert outcome is not None
    assert 0 < sum(report.wall_s for report in outcome.reports) < elapsed_s


def test_the_moment_of_the_largest_difference_is_found(tmp_path: Path, weights: Path) -> None:
    info = SourceInfo("grey", (64, 48), Fraction(1, 1000), frame_rate=Fraction(10))
    with open_sink(str(tmp_path / "clip.mp4"), info) as sink:
        for index in range(9):
            colour = (200, 60, 60) if index == 5 else (90, 90, 90)
            image = np.full((48, 64, 3), colour, np.uint8)
            sink.write(composited(image, pts=100 * index, time_base=info.time_base))
    outcome = finish(comparison(tmp_path, weights, tmp_path / "clip.mp4"))
    assert outcome is not None
    assert outcome.worst_s == pytest.approx(0.5)


def test_a_clip_is_not_followed_beyond_the_limit(tmp_path: Path, weights: Path, clip: Path) -> None:
    outcome = finish(comparison(tmp_path, weights, clip, max_frames=26))
    assert outcome is not None
    assert len(pictures(outcome.clips[0])) == 26


def test_it_tells_how_far_it_is_and_shows_pictures(
    tmp_path: Path, weights: Path, clip: Path
) -> None:
    told = list(comparison(tmp_path, weights, clip))
    assert told[0].working is None
    working = [step for step in told if step.working is not None]
    assert working[0].total == 30
    shown = next(step.pictures[0] for step in working if step.pictures[0] is not None)
    assert (shown.shape, shown.dtype) == ((48, 64, 3), np.uint8)


def test_it_can_be_stopped_at_any_step(tmp_path: Path, weights: Path, clip: Path) -> None:
    steps = comparison(tmp_path, weights, clip)
    while next(steps).working is None:
        pass
    steps.close()  # the fixture for all tests sees that no thread is left
    stop = threading.Event()
    stop.set()
    (tmp_path / "job").rename(tmp_path / "first job")
    assert finish(comparison(tmp_path, weights, clip, stop=stop)) is None
