from __future__ import annotations

import threading
import time
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from stream.frame import Frame
from stream.source import SourceInfo
from tests.clips import make_clip
from ui.contestant import WARM_UP_FRAMES, Contestant, Meter, TurnSource, open_contestant
from ui.task import Task


class Source:
    """Three frames."""

    info = SourceInfo("three", (4, 4), Fraction(1, 25))

    def __init__(self) -> None:
        self.is_closed = False

    def __iter__(self):
        image = np.zeros((4, 4, 3), np.uint8)
        return iter([Frame(image, pts, self.info.time_base, captured_at=99.0) for pts in range(3)])

    def close(self) -> None:
        self.is_closed = True


def test_a_meter_counts_only_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 5.0
    monkeypatch.setattr(time, "perf_counter", lambda: now_s)
    meter = Meter()
    with meter.running():
        now_s = 7.0
        assert meter.now() == 2
    now_s = 100.0
    assert meter.now() == 2
    with meter.running():
        now_s = 101.0
    assert meter.now() == 3


def test_inferences_before_the_first_turn_do_not_count() -> None:
    meter = Meter()
    meter.infer(9.0)
    with meter.running():
        meter.infer(0.02)
    assert meter.clock.inference().count == 1
    assert meter.clock.inference().median_ms == pytest.approx(20)


def test_a_source_gives_as_many_frames_as_it_is_told_to() -> None:
    with TurnSource(Source(), now=lambda: 1.5) as source:
        frames = iter(source)
        source.allow(2)
        assert [(next(frames).pts, next(frames).captured_at)] == [(0, 1.5)]
        taken = threading.Thread(target=next, args=(frames,))
        taken.start()
        taken.join(0.05)
        assert taken.is_alive()  # it waits to be told
        source.allow(1)
        taken.join(10)
        assert not taken.is_alive()
        source.allow(1)
        assert next(frames, None) is None


def test_a_source_that_is_closed_waits_no_longer() -> None:
    inner = Source()
    source = TurnSource(inner, now=lambda: 0.0)
    taken = threading.Thread(target=list, args=(source,))
    taken.start()
    source.close()
    taken.join(10)
    assert not taken.is_alive()
    assert inner.is_closed


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", frames=9)


def work(contestant: Contestant, count: int) -> list[int]:
    return [frame.frame.pts for frame in contestant.turn(count)]


def test_turns_go_through_the_clip_and_its_end(tmp_path: Path, weights: Path, clip: Path) -> None:
    task = Task(clip, "blur", size=64)
    target = tmp_path / "out.mp4"
    with open_contestant(weights / "green.xml", task, target, stop=threading.Event()) as contestant:
        warmed = list(contestant.warm_up(np.zeros((48, 64, 3), np.uint8)))
        turns = [work(contestant, 4) for _ in range(4)]
        report = contestant.finish()
    assert len(warmed) == WARM_UP_FRAMES
    assert [len(turn) for turn in turns] == [4, 4, 1, 0]
    assert list(chain(*turns)) == sorted(chain(*turns))
    assert report.frames_in == report.frames_out == 9
    assert report.inference.count == report.stages["matting"].count == 9
    assert 0 < report.latency.median_ms < 1e3 * report.wall_s


def test_what_steadies_the_mattes_goes_on_over_the_turns(
    tmp_path: Path, weights: Path, clip: Path
) -> None:
    def mattes(turn: int) -> list[np.ndarray]:
        target = tmp_path / f"{turn}.mp4"
        task = Task(clip, "blur", size=64)
        stop = threading.Event()
        with open_contestant(weights / "green.xml", task, target, stop=stop) as contestant:
            return [f.matted.alpha for _ in range(9 // turn) for f in contestant.turn(turn)]

    for whole, parts in zip(mattes(9), mattes(3), strict=True):
        assert np.array_equal(whole, parts)
