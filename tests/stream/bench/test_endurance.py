from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import pytest

from stream.bench.clip import ClipJob
from stream.bench.endurance import RepeatedSource, Watch
from stream.bench.machine import footprint
from stream.bench.peers import Contender
from stream.benchmark import run_clip
from stream.source import open_source
from tests.clips import make_clip
from tests.tiny_ir import write_tiny_ir

LONG, GROWTH_MB = 20_000, 4.0


def test_a_clip_goes_on_in_equal_steps_where_it_begins_again(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=4, start_s=2.0)
    with RepeatedSource(lambda: open_source(str(clip))) as source:
        assert source.info.path is None  # its sound ends with the first round
        assert source.info.frame_count is None
        pts = [frame.pts for frame, _ in zip(source, range(10), strict=False)]
    assert pts[0] == 0
    assert len({later - earlier for earlier, later in pairwise(pts)}) == 1


def test_a_clip_that_repeats_can_be_closed(tmp_path: Path) -> None:
    source = RepeatedSource(lambda: open_source(str(make_clip(tmp_path / "clip.mp4", frames=2))))
    frames = iter(source)
    next(frames)
    source.close()
    assert next(frames, None) is None


def test_the_process_is_looked_at_ten_times_after_the_first_frame() -> None:
    watch = Watch(frames=200)
    for delivered in range(1, 201):
        watch(delivered)
    assert [seen.frames for seen in watch.footprints] == [1, *range(20, 201, 20)]


def test_a_thread_and_a_file_more_are_seen(tmp_path: Path) -> None:
    before = footprint(0)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    with (tmp_path / "file").open("w"):
        during = footprint(1)
    done.set()
    thread.join()
    assert during.threads == before.threads + 1
    if before.open_files is not None and during.open_files is not None:
        assert during.open_files == before.open_files + 1
    assert before.memory_mb is None or before.memory_mb > 10


@pytest.mark.slow
def test_after_twenty_thousand_frames_nothing_has_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    job = ClipJob(
        contender=Contender(str(write_tiny_ir(tmp_path / "tiny.xml"))),
        clip=str(make_clip(tmp_path / "clip.mp4", frames=247)),
        background=str(make_clip(tmp_path / "room.mp4", frames=40)),
        output=str(tmp_path / "out.mp4"),
        size=64,
        threads=2,
        max_frames=LONG,
        seconds=600.0,
        repeats=True,
    )
    run = run_clip(job, on_first_frame=lambda: None)
    assert run.frames == LONG
    # The clip or the background may just begin again, which takes threads and a file for a moment.
    early, late = run.footprints[1:6], run.footprints[6:]
    assert max(seen.threads for seen in late) <= max(seen.threads for seen in early)
    assert max(seen.open_files or 0 for seen in late) <= max(seen.open_files or 0 for seen in early)
    full_mb = early[-1].memory_mb or 0  # of what the clock remembers, which is 10,000 frames
    assert max(seen.memory_mb or 0 for seen in late) < full_mb + GROWTH_MB
